//! `spillway pause` and `spillway resume`. Every function obeys a pause: nothing is started, drained or stopped until it
//! ends or is resumed. It has an end and a reason, so that nobody has to ask later why calls were refused.

use clap::Args;
use serde_json::json;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{DrainKind, Ledger, NodeRecord, OperatorCommand};
use spillway_core::report::actor;
use spillway_engine::ports::LedgerRead;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::session::CliSession;
use crate::when;

/// `spillway pause`.
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// For how long: 2h, 90m
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until", required_unless_present = "until")]
    lasts: Option<String>,
    /// Until when: 17:30, 2026-03-02T08:50
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

/// A reason is part of the request: whoever finds Spillway paused must know why.
fn required_reason(acting: &Acting) -> Result<(), Failure> {
    match acting.reason.as_deref().map(str::trim) {
        None | Some("") => Err(Failure::usage("a reason is missing").remedy("add --reason \"…\"")),
        Some(_) => Ok(()),
    }
}

pub(crate) async fn pause(context: &Context, options: &Pause, output: &Output) -> Ended {
    required_reason(&options.acting)?;
    let session = CliSession::open(context, &options.acting).await?;
    let now = session.now();
    let until = when::end(options.lasts.as_deref(), options.until.as_deref(), None, now, &output.zone)?;
    let shown = output.minute(until);
    if !output.json {
        output::note(&format!(
            "nothing will be started, drained or stopped until {shown}; calls that need more nodes are refused"
        ));
        for line in drains_in_progress(&session.clients.ledger.read_ledger(now).await?) {
            output::note(&line);
        }
    }
    confirm(&options.acting, &session.place, &format!("Pause platform {} until {shown}?", context.platform))?;
    session.put_request(format!("{now}-pause"), OperatorCommand::Pause { until }).await?;
    session.asked(&format!("pause until {until}"), None).await?;
    if output.json {
        output::json(
            &json!({"schema": 1, "platform": context.platform, "paused_until": until, "by": session.by}),
        );
    } else {
        output::text(&format!("paused until {shown}\n"));
    }
    Ok(Exit::Done)
}

/// What becomes of the drains in progress, whose nodes are in maintenance mode and take no calls.
fn drains_in_progress(ledger: &Ledger) -> Vec<String> {
    let names = |kind: DrainKind| {
        let drains = ledger.nodes.iter().filter(|(_, record)| {
            record.drain.as_ref().is_some_and(|drain| drain.kind == kind && drain.stop_ordered_at.is_none())
        });
        let name = |(id, record): (&InstanceId, &NodeRecord)| {
            record.name.as_ref().map_or_else(|| id.to_string(), ToString::to_string)
        };
        drains.map(name).collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    let automatic = names(DrainKind::Auto);
    if !automatic.is_empty() {
        lines.push(format!("{automatic}: the next cycle ends the drain, and the node takes calls again"));
    }
    let operators = names(DrainKind::Operator);
    if !operators.is_empty() {
        lines.push(format!(
            "{operators}: stays in maintenance mode, since an operator asked for the drain; spillway release NODE ends it, also during the pause"
        ));
    }
    lines
}

pub(crate) async fn resume(context: &Context, acting: &Acting, output: &Output) -> Ended {
    let session = CliSession::open(context, acting).await?;
    let now = session.now();
    let ledger = session.clients.ledger.read_ledger(now).await?;
    let Some(pause) = ledger.pause(now) else {
        if output.json {
            output::json(&json!({"schema": 1, "platform": context.platform, "was_paused": false}));
        } else {
            output::text("the platform is not paused\n");
        }
        return Ok(Exit::Done);
    };
    if !output.json {
        let until = output.minute(pause.until);
        output::note(&format!("paused until {until} by {}: {}", actor(pause.by), pause.reason));
    }
    confirm(acting, &session.place, "End this pause?")?;
    session.operator().end_pauses(&ledger).await?;
    // Somebody may have paused again meanwhile: that pause was not asked about, and stays.
    let now = session.now();
    let after = session.clients.ledger.read_ledger(now).await?;
    if let Some(pause) = after.pause(now) {
        let (until, by) = (output.minute(pause.until), actor(pause.by));
        return Err(Failure::failed(format!(
            "the pause that was shown is over, but another pause by {by} is in force until {until}: {}",
            pause.reason
        ))
        .remedy("ask them, or run spillway resume again"));
    }
    if output.json {
        output::json(&json!({"schema": 1, "platform": context.platform, "was_paused": true}));
    } else {
        output::text("resumed\n");
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_says_what_becomes_of_each_drain() {
        let mut ledger = Ledger::default();
        for (name, kind) in [("burst-1", "auto"), ("burst-2", "operator")] {
            let drain =
                json!({"kind": kind, "began_at": "2026-03-02T09:00:00Z", "by": "spillway", "reason": "idle"});
            let record = json!({"name": name, "drain": drain});
            ledger.nodes.insert(InstanceId::new(name), serde_json::from_value(record).unwrap());
        }
        let lines = drains_in_progress(&ledger);
        assert!(lines[0].starts_with("burst-1: the next cycle ends the drain"), "{lines:?}");
        assert!(lines[1].starts_with("burst-2: stays in maintenance mode"), "{lines:?}");
        assert!(drains_in_progress(&Ledger::default()).is_empty());
    }
}
