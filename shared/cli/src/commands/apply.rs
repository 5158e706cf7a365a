//! `spillway apply`: one cycle now, the functions' own, by an owner of its own. Whoever has the lease goes first.

use serde_json::json;
use spillway_core::cycle::LeaseMemory;
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::safety::check;
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::desk::{Desk, cycle_json, exit_of, lines};
use crate::exit::Ended;
use crate::output::{self, Output};

pub(crate) async fn run(context: &Context, acting: &Acting, output: &Output) -> Ended {
    let desk = Desk::open(context, acting).await?;
    let planned = preview(&desk, output).await?;
    if planned > 0 {
        confirm(acting, "Carry this out?")?;
    }
    let report = desk.cycle(&mut LeaseMemory::default(), &[]).await;
    show(&desk, &report, output).await
}

/// What would be done; gives how many actions that is. The cycle reads the world again before it acts.
async fn preview(desk: &Desk<'_>, output: &Output) -> Result<usize, crate::exit::Failure> {
    let (observation, ledger) = spillway_core::cycle::read_world(desk.ports()).await;
    let now = desk.now();
    let plan = spillway_core::plan(desk.policy(), &observation, &ledger, now);
    if !output.json {
        for violation in check(desk.policy(), &observation, &ledger, &plan, now).err().unwrap_or_default() {
            output::note(&format!("the safety check refuses: {violation}"));
        }
        for action in &plan.actions {
            output::note(&format!("would {} {}", action.word(), action.instance()));
        }
    }
    Ok(plan.actions.len())
}

/// Shows what a cycle did, and gives the exit code for it.
pub(crate) async fn show(desk: &Desk<'_>, report: &CycleReport, output: &Output) -> Ended {
    let won = if report.outcome == Outcome::Stale { Some(desk.winner().await) } else { None };
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": desk.context.platform, "cycle": cycle_json(report), "won": won,
        }));
    } else {
        for line in lines(report) {
            output::text(&format!("{}\n", clean(&line)));
        }
        output::text(&format!("{}: {}\n", report.outcome, clean(&report.summary())));
        if let Some(won) = won {
            output::note(&format!("{won}; run it again in a minute"));
        }
        for fault in &report.faults {
            output::note(&format!("beside it: {fault}"));
        }
    }
    Ok(exit_of(report))
}
