//! `spillway release`: a hold, or the drain or retirement of a node, ends.

use clap::Args;
use serde_json::json;
use spillway_core::assess::is_our_maintenance;
use spillway_core::blocker::Blocker;
use spillway_core::ledger::{OperatorCommand, Request};
use spillway_core::report::actor;
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::ports::LedgerWrite;
use spillway_view::clean;

use super::describe::subject;
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Exit, Failure};
use crate::known::{FoundNode, KnownState};
use crate::output::{self, Output};
use crate::session::CliSession;

/// `spillway release`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// A hold's id, or a node whose drain or retirement is to end
    #[arg(value_name = "HOLD|NODE")]
    what: String,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn release(context: &Context, options: &Release, output: &Output) -> Ended {
    let session = CliSession::open(context, &options.acting).await?;
    let known = session.read().await?;
    let hold = known.ledger.holds.iter().find(|hold| hold.id.as_str() == options.what);
    let what = if let Some(hold) = hold {
        if !output.json {
            output::note(&format!(
                "hold {}: {} until {}, by {}: {}",
                hold.id,
                subject(session.policy(), &known, hold),
                output.minute(hold.until),
                actor(&hold.by),
                hold.reason
            ));
            let mut ledger = known.ledger.clone();
            ledger.holds.retain(|each| each.id != hold.id);
            for line in known.foresee(session.policy(), ledger, &[]).lines(&output.zone) {
                output::note(&line);
            }
        }
        confirm(
            &options.acting,
            &session.place,
            "Release this hold? Nodes that are not needed are then drained and stopped.",
        )?;
        session.clients.ledger.remove_hold(&hold.id).await?;
        session.asked(&format!("release hold {}", hold.id), None).await?;
        format!("hold {}", hold.id)
    } else {
        // Also during a pause: the node is given back to calls.
        if session.policy().dry_run {
            return Err(Blocker::DryRun.into());
        }
        let found = known.find(session.policy(), &options.what).map_err(|failure| {
            let ids: Vec<&str> = known.ledger.holds.iter().map(|hold| hold.id.as_str()).collect();
            let none = if ids.is_empty() { "there are none".to_owned() } else { ids.join(", ") };
            Failure::usage(format!("{} is neither a hold nor an overflow node", options.what))
                .remedy(format!("holds: {none}; {}", failure.remedy))
        })?;
        let name = found.node.name.clone();
        if let Some(said) = not_held(&known, &found) {
            if output.json {
                output::json(
                    &json!({"schema": 1, "platform": context.platform, "released": null, "cycle": null}),
                );
            }
            output::note(&said);
            return Ok(Exit::Done);
        }
        confirm(
            &options.acting,
            &session.place,
            &format!("End the drain or retirement of {name}, so that it takes calls again?"),
        )?;
        let id = &found.instance.id;
        // A stop or retirement that was requested of this node, and has not begun, is over.
        for request in ["stop", "retire"] {
            session.clients.ledger.remove_request(&format!("{request}-{id}")).await?;
        }
        session.put_request(format!("release-{id}"), OperatorCommand::Release(id.clone())).await?;
        session.asked("release", Some(&found)).await?;
        format!("node {name}")
    };
    let report = session.cycle(&mut LeaseMemory::default(), &[]).await;
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "released": what, "cycle": cycle_json(&report),
        }));
    } else {
        cycle_result::print(&report);
        output::text(&format!("released {}\n", clean(&what)));
    }
    Ok(match exit_of(&report) {
        // What was released stays released, whoever has the lease.
        Exit::Failed if lease_was_taken(&report) => Exit::Done,
        exit => exit,
    })
}

/// What is said of a node of which there is nothing to release; `None`: there is.
fn not_held(known: &KnownState, found: &FoundNode) -> Option<String> {
    let (id, name) = (&found.instance.id, &found.node.name);
    let record = known.ledger.nodes.get(id);
    let kept = record.is_some_and(|record| record.retired || record.drain.is_some());
    let asked = |request: &Request| matches!(&request.command, OperatorCommand::Stop(of) | OperatorCommand::Retire(of) if of == id);
    if kept || is_our_maintenance(&found.node) || known.ledger.requests.iter().any(asked) {
        return None;
    }
    let mut said = format!("{name} is neither draining nor retired: nothing was released");
    for hold in known.own_holds(id) {
        said.push_str("; to release its hold: spillway release ");
        said.push_str(hold.id.as_str());
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use spillway_core::ledger::{HoldAmount, HoldScope};

    use super::*;
    use crate::staged;

    #[test]
    fn a_node_that_is_neither_draining_nor_retired_is_said_to_be_so() {
        let mut harness = staged::harness(1);
        let mut known = staged::known(&harness);
        let found = known.find(harness.policy(), "up-1").unwrap();
        let said = not_held(&known, &found);
        assert_eq!(said.as_deref(), Some("up-1 is neither draining nor retired: nothing was released"));
        let scope = HoldScope::Node(found.instance.id.clone());
        known.ledger.holds.push(staged::hold(&harness, "node-i-1", scope, HoldAmount::AllNodes));
        let said = not_held(&known, &found).unwrap();
        assert!(said.ends_with("; to release its hold: spillway release node-i-1"), "{said}");
        // Idle, and past its minimum lifetime: a cycle drains it.
        let released = (0..10).any(|_| {
            harness.tick();
            let known = staged::known(&harness);
            let found = known.find(harness.policy(), "up-1").unwrap();
            not_held(&known, &found).is_none()
        });
        assert!(released, "its drain can be ended");
    }
}
