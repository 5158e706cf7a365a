//! `spillway apply`: one cycle now, the functions' own, by an owner of its own. Whoever has the lease goes first.

use serde_json::json;
use spillway_core::outcome::CycleReport;
use spillway_engine::cycle::{LeaseMemory, read_world};
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Failure};
use crate::foreseen::Foreseen;
use crate::output::{self, Output};
use crate::session::CliSession;

pub(crate) async fn run(context: &Context, acting: &Acting, output: &Output) -> Ended {
    let session = CliSession::open(context, acting).await?;
    let planned = preview(&session, output).await?;
    if planned > 0 {
        confirm(acting, &session.place, "Carry this out now?")?;
    }
    let report = session.cycle(&mut LeaseMemory::default(), &[]).await;
    show(&session, &report, output).await
}

/// What would be done; gives how many actions that is. The cycle reads the world again before it acts.
async fn preview(session: &CliSession<'_>, output: &Output) -> Result<usize, Failure> {
    let (observation, ledger) = read_world(session.ports()).await;
    let foreseen = Foreseen::of(session.policy(), &observation, &ledger, &[]);
    if !output.json {
        for line in foreseen.lines(&output.zone) {
            output::note(&line);
        }
    }
    Ok(foreseen.plan.actions.len())
}

/// Shows what a cycle did, and gives the exit code for it.
async fn show(session: &CliSession<'_>, report: &CycleReport, output: &Output) -> Ended {
    let holder = if lease_was_taken(report) { Some(session.lease_owner().await) } else { None };
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": session.context.platform, "cycle": cycle_json(report), "lease_holder": holder,
        }));
    } else {
        cycle_result::print(report);
        output::text(&format!("{}: {}\n", report.outcome, clean(&report.summary())));
        if let Some(holder) = holder {
            output::note(&format!("{holder}; run the command again in a minute"));
        }
        for fault in &report.faults {
            output::note(&format!("also failed: {fault}"));
        }
    }
    Ok(exit_of(report))
}
