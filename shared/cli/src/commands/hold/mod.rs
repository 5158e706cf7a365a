//! `spillway start`, `spillway hold` and `spillway release`. Starting is holding from now on: what is started without a
//! hold is stopped again as soon as nobody needs it, which is what the guide warns of (*Manually starting an overflow
//! node*). The cycle starts the nodes; nothing else does.

mod cost;
mod describe;
mod release;
mod times;
mod wait;
mod what;

use clap::Args;
use serde_json::json;
use spillway_core::ledger::Hold;
use spillway_core::policy::Mode;
use spillway_engine::cycle::LeaseMemory;
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::clock;
use crate::context::Context;
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Exit, Failure};
use crate::known::KnownState;
use crate::output::{self, Output};
use crate::session::CliSession;
pub(crate) use release::{Release, release};
use times::{Begins, Times};
use what::{What, wanted};

/// `spillway start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    what: What,
    /// Wait until they are ready
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    acting: Acting,
}

/// `spillway hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldOptions {
    #[command(flatten)]
    what: What,
    /// Start nodes from then on; they are ready about 5 minutes later: 08:50, 2026-03-02T08:50 (now unless said)
    #[arg(long, value_name = "WHEN", conflicts_with = "ready_by")]
    from: Option<String>,
    /// Start nodes early enough to be ready by then; --for counts from then
    #[arg(long, value_name = "WHEN")]
    ready_by: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn start(context: &Context, options: &Start, output: &Output) -> Ended {
    Box::pin(put(context, &options.what, Begins::Now, &options.acting, options.wait, output)).await
}

pub(crate) async fn hold(context: &Context, options: &HoldOptions, output: &Output) -> Ended {
    let begins = match (&options.ready_by, &options.from) {
        (Some(by), _) => Begins::ReadyBy(by),
        (None, Some(from)) => Begins::From(from),
        (None, None) => Begins::Now,
    };
    Box::pin(put(context, &options.what, begins, &options.acting, false, output)).await
}

async fn put(
    context: &Context,
    what: &What,
    begins: Begins<'_>,
    acting: &Acting,
    wait: bool,
    output: &Output,
) -> Ended {
    let session = CliSession::open(context, acting).await?;
    let known = session.read().await?;
    let (lasts, until) = (what.lasts.as_deref(), what.until.as_deref());
    let times = Times::read(begins, lasts, until, session.policy(), &output.zone, known.now)?;
    if times.is_now() {
        session.may_act(&known)?;
    }
    let holds = wanted(&session, &known, what, &times)?;
    warn_about_assist(&session, &known, &times)?;
    let ahead = known.now.duration_since(known.platform.server_time);
    if clock::is_wrong(&ahead) {
        let wrong = clock::said(ahead, "the Management Node's");
        output::note(&format!(
            "{wrong}, and agrees with AWS's as far as that is known: set NTP on the Management Node"
        ));
    }
    if !output.json {
        for line in describe::lines(session.policy(), &known, &holds, &times, output) {
            output::note(&line);
        }
    }
    let question =
        if times.is_now() { "Store these holds and start the nodes?" } else { "Store these holds?" };
    confirm(acting, &session.place, question)?;
    for hold in &holds {
        let what = format!("hold {} until {}", hold.id, hold.until);
        let about = known.held_node(session.policy(), hold).map(|found| found.about());
        session.operator().put_hold(hold, &what, about.as_ref()).await?;
    }
    if !times.is_now() {
        if output.json {
            output::json(&json!({"schema": 1, "platform": context.platform, "holds": holds}));
        } else {
            stored(&holds);
            let (from, ready) = (output.minute(times.from), output.minute(times.ready_about()));
            output::text(&format!(
                "the first cycle after {from} starts what is missing; ready about {ready}\n"
            ));
        }
        return Ok(Exit::Done);
    }
    let mut memory = LeaseMemory::default();
    let report = session.cycle(&mut memory, &[]).await;
    let holder = if lease_was_taken(&report) { Some(session.lease_owner().await) } else { None };
    // Whoever has the lease, or the next cycle, meets a hold that is stored.
    let exit = if holder.is_some() { Exit::Done } else { exit_of(&report) };
    if output.json && !wait {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "holds": holds, "cycle": cycle_json(&report), "lease_holder": holder,
        }));
    } else if !output.json {
        stored(&holds);
        cycle_result::print(&report);
        match &holder {
            Some(holder) => output::text(&format!("{}; the next cycle starts its nodes\n", clean(holder))),
            None => output::text(&format!("{}\n", clean(&report.summary()))),
        }
    }
    if wait {
        return wait::until_held(&session, &holds, &mut memory, output).await;
    }
    Ok(exit)
}

/// Names what was stored, and how it ends before its time.
fn stored(holds: &[Hold]) {
    for Hold { id, .. } in holds {
        let line = format!("stored hold {id}; to end it early: spillway release {id}");
        output::text(&format!("{}\n", clean(&line)));
    }
}

/// Pexip's own bursting stops a node that is idle after its minimum lifetime, whether it is held or not.
fn warn_about_assist(session: &CliSession<'_>, known: &KnownState, times: &Times) -> Result<(), Failure> {
    if session.policy().mode != Mode::Assist {
        return Ok(());
    }
    if !times.is_now() {
        return Err(Failure::refused("in assist mode a hold has to begin now")
            .remedy("for later, add a pre-warm window: spillway prewarm add"));
    }
    let lifetime = session.policy().min_lifetime_of(&known.platform.bursting);
    if times.length() > lifetime {
        output::note(&format!(
            "in assist mode Pexip's own bursting stops a node that is idle {lifetime:#} after its start, whatever the hold says"
        ));
    }
    Ok(())
}
