//! `spillway start`, `spillway hold` and `spillway release`. Starting is holding from now on: what is started without a
//! hold is stopped again as soon as nobody needs it, which is what the guide warns of (*Manually starting an overflow
//! node*). The cycle starts the nodes; nothing else does.

mod describe;
mod release;
mod wait;
mod what;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use spillway_core::policy::Mode;
use spillway_engine::cycle::LeaseMemory;
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Exit, Failure};
use crate::known::KnownState;
use crate::output::{self, Output};
use crate::session::CliSession;
use crate::when;
use describe::describe;
pub(crate) use release::{Release, release};
use what::{What, wanted};

/// How long a start holds its nodes where nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(1);

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
    /// From when: 08:50, 2026-03-02T08:50 (now unless said)
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn start(context: &Context, options: &Start, output: &Output) -> Ended {
    Box::pin(put(context, &options.what, None, &options.acting, options.wait, output)).await
}

pub(crate) async fn hold(context: &Context, options: &HoldOptions, output: &Output) -> Ended {
    Box::pin(put(context, &options.what, options.from.as_deref(), &options.acting, false, output)).await
}

async fn put(
    context: &Context,
    what: &What,
    from: Option<&str>,
    acting: &Acting,
    wait: bool,
    output: &Output,
) -> Ended {
    let session = CliSession::open(context, acting).await?;
    let known = session.read().await?;
    let from = from.map_or(Ok(known.now), |text| when::instant(text, &output.zone, known.now))?;
    let until = when::end(what.lasts.as_deref(), what.until.as_deref(), Some(USUAL), from, &output.zone)?;
    let now_too = from <= known.now;
    if now_too {
        session.may_act(&known)?;
    }
    let holds = wanted(&session, &known, what, from, until)?;
    warn_about_assist(&session, &known, from, until)?;
    if !output.json {
        describe(&session, &known, &holds, now_too, output);
    }
    confirm(acting, if now_too { "Store these holds and start the nodes?" } else { "Store these holds?" })?;
    for hold in &holds {
        let what = format!("hold {} until {until}", hold.id);
        let about = known.held_node(session.policy(), hold).map(|found| found.about());
        session.operator().put_hold(hold, &what, about.as_ref()).await?;
    }
    if !now_too {
        if output.json {
            output::json(&json!({"schema": 1, "platform": context.platform, "holds": holds}));
        } else {
            output::text("stored: the first cycle after that time starts what is missing\n");
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
        cycle_result::print(&report);
        match &holder {
            Some(holder) => output::text(&format!(
                "the hold is stored; {}; the next cycle starts its nodes\n",
                clean(holder)
            )),
            None => output::text(&format!("{}\n", clean(&report.summary()))),
        }
    }
    if wait {
        return wait::until_held(&session, &holds, &mut memory, output).await;
    }
    Ok(exit)
}

/// Pexip's own bursting stops a node that is idle after its minimum lifetime, whether it is held or not.
fn warn_about_assist(
    session: &CliSession<'_>,
    known: &KnownState,
    from: Timestamp,
    until: Timestamp,
) -> Result<(), Failure> {
    if session.policy().mode != Mode::Assist {
        return Ok(());
    }
    if from > known.now {
        return Err(Failure::refused("in assist mode a hold has to begin now")
            .remedy("for later, add a pre-warm window: spillway prewarm add"));
    }
    let lifetime = session.policy().min_lifetime_of(&known.platform.bursting);
    if until.duration_since(from) > lifetime {
        output::note(&format!(
            "in assist mode Pexip's own bursting stops a node that is idle {lifetime:#} after its start, whatever the hold says"
        ));
    }
    Ok(())
}
