//! Waiting until what is held is ready.

use std::time::Duration;

use serde_json::json;
use spillway_core::cycle::LeaseMemory;
use spillway_core::ids::HoldId;
use spillway_core::ledger::Hold;
use spillway_core::outcome::CycleReport;
use spillway_core::ports::Clock;

use crate::cycle_result::cycle_json;
use crate::exit::{Ended, Exit};
use crate::output::{self, Output};
use crate::progress::{self, Progress};
use crate::session::CliSession;

/// Waits until everything that these holds ask for is ready. Each look is a cycle: it meets the holds by itself where no
/// function does.
pub(super) async fn until_held(
    session: &CliSession<'_>,
    holds: &[Hold],
    memory: &mut LeaseMemory,
    output: &Output,
) -> Ended {
    let ids: Vec<&HoldId> = holds.iter().map(|hold| &hold.id).collect();
    let mut progress = Progress::new(output);
    let limit = Duration::try_from(session.policy().boot_limit).unwrap_or_default() + Duration::from_mins(2);
    let until = session.context.connector.clock().monotonic() + limit;
    let stays = "the hold stays; the nodes go on starting: spillway status shows them";
    loop {
        let report = session.cycle(memory, &[]).await;
        let state = Held::of(&report, &ids);
        if let Some(Held { ready, missing, booting, failed }) = &state {
            progress.waits(&format!(
                "{ready} ready, {booting} booting, {failed} failed, {missing} missing of what is held"
            ));
            let late = session.context.connector.clock().monotonic() >= until;
            if (*booting == 0 && *missing == 0) || late {
                progress.end();
                let exit = match (*failed + *missing + *booting, *ready) {
                    (0, _) => Exit::Done,
                    (_, 0) => Exit::Failed,
                    _ => Exit::Partly,
                };
                if output.json {
                    output::json(&json!({
                        "schema": 1, "platform": session.context.platform, "ready": ready, "missing": missing,
                        "booting": booting, "failed": failed, "cycle": cycle_json(&report),
                    }));
                } else {
                    output::text(&format!("{ready} ready, {} not\n", failed + missing + booting));
                }
                return Ok(exit);
            }
        }
        progress::pause(stays).await?;
    }
}

/// How far what is held has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    ready: usize,
    missing: usize,
    booting: usize,
    failed: usize,
}

impl Held {
    /// `None` for a cycle that says nothing: stale, or an outage.
    fn of(report: &CycleReport, ids: &[&HoldId]) -> Option<Self> {
        let plan = &report.plan.report;
        let holds: Vec<_> = plan.holds.iter().filter(|hold| ids.contains(&&hold.id)).collect();
        if holds.len() < ids.len() {
            return None;
        }
        let in_phase = |word: &str| {
            let covered = |node: &&spillway_core::report::NodeReport| {
                ids.iter().any(|id| id.as_str() == format!("node-{}", node.instance))
                    || ids.iter().any(|id| !id.as_str().starts_with("node-"))
            };
            plan.nodes.iter().filter(covered).filter(|node| node.phase == word).count()
        };
        let missing = holds.iter().map(|hold| hold.missing as usize).sum();
        // A node started in this very cycle is still stopped in what was read.
        let started: usize = holds.iter().map(|hold| hold.added as usize).sum();
        Some(Self {
            ready: in_phase("ready"),
            missing,
            booting: in_phase("booting") + started,
            failed: in_phase("failed start"),
        })
    }
}
