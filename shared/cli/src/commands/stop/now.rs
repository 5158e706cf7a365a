//! A stop at once: the calls on the nodes are dropped, under the operator's name.

use serde_json::json;
use spillway_core::outcome::{ActionEnd, CycleReport};
use spillway_core::plan::Action;
use spillway_engine::cycle::LeaseMemory;
use spillway_view::clean;

use super::nodes::reasons;
use super::plan::{Asked, Holds};
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Exit};
use crate::known::FoundNode;
use crate::output::{self, Output};
use crate::session::CliSession;

/// Tries of a stop at once when another cycle is faster: its lease lasts for seconds.
const TRIES: u32 = 5;

pub(super) async fn stop(
    session: &CliSession<'_>,
    asked: &Asked<'_>,
    holds: &Holds,
    output: &Output,
) -> Ended {
    let (nodes, overrides) = (asked.nodes, asked.overrides());
    for found in nodes {
        session.asked("stop now, whatever runs on it", Some(found)).await?;
    }
    let mut memory = LeaseMemory::default();
    let mut report = session.cycle(&mut memory, &overrides).await;
    for _ in 1..TRIES {
        if !lease_was_taken(&report) {
            break;
        }
        if !output.json {
            output::note(&format!("{}; trying again", session.lease_owner().await));
        }
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        report = session.cycle(&mut memory, &overrides).await;
    }
    let stopped = stopped_by(&report, nodes);
    if output.json {
        output::json(&holds.beside(json!({
            "schema": 1, "platform": session.context.platform, "stopped": stopped, "cycle": cycle_json(&report),
        })));
    } else {
        cycle_result::print(&report);
        if stopped.len() < nodes.len() {
            output::text(&format!("{}\n", clean(&report.summary())));
            for line in reasons(&report.plan, |id| nodes.iter().any(|found| found.instance.id == *id)) {
                output::note(&line);
            }
        }
    }
    Ok(match (stopped.len(), exit_of(&report)) {
        (done, _) if done == nodes.len() => Exit::Done,
        (0, Exit::Done) => Exit::Refused,
        (0, exit) => exit,
        _ => Exit::Partly,
    })
}

/// The nodes whose stop EC2 accepted.
fn stopped_by(report: &CycleReport, nodes: &[FoundNode]) -> Vec<String> {
    let accepted = |found: &&FoundNode| {
        report.results.iter().any(|result| {
            matches!(&result.action, Action::Stop { node, .. } if node.instance == found.instance.id)
                && result.end == ActionEnd::Done
        })
    };
    nodes.iter().filter(accepted).map(|found| found.node.name.to_string()).collect()
}
