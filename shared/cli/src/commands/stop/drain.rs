//! A drain that an operator asks for. The request is stored first: whoever has the lease takes it up, and it goes on when
//! this command ends.

use serde_json::json;
use spillway_core::ids::InstanceId;
use spillway_core::observation::InstanceState;
use spillway_core::outcome::CycleReport;
use spillway_engine::cycle::LeaseMemory;
use spillway_view::clean;

use super::nodes::{names, reasons, waiting};
use super::plan::{Asked, Holds};
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Exit, Failure};
use crate::known::FoundNode;
use crate::output::{self, Output};
use crate::progress::{self, Progress};
use crate::session::CliSession;

/// What is to be drained.
pub(super) struct Drain<'a> {
    pub(super) session: &'a CliSession<'a>,
    pub(super) asked: &'a Asked<'a>,
    pub(super) holds: &'a Holds,
    /// Wait until they are stopped.
    pub(super) wait: bool,
}

impl Drain<'_> {
    pub(super) async fn run(&self, output: &Output) -> Ended {
        for found in self.asked.nodes {
            self.session.operator().ask_stop(&found.about()).await?;
        }
        let mut memory = LeaseMemory::default();
        let report = self.session.cycle(&mut memory, &self.asked.overrides()).await;
        if self.wait { self.until_stopped(memory, output).await } else { self.tell(&report, output).await }
    }

    /// What the first cycle made of the request.
    async fn tell(&self, report: &CycleReport, output: &Output) -> Ended {
        let holder = if lease_was_taken(report) { Some(self.session.lease_owner().await) } else { None };
        let nodes = self.asked.nodes;
        // Of a cycle that another one was faster than nothing is known.
        let waiting = if holder.is_some() { Vec::new() } else { waiting(&report.plan, nodes) };
        let is_waiting = |found: &FoundNode| waiting.iter().any(|each| each.node == found.node.name);
        let draining: Vec<FoundNode> = nodes.iter().filter(|found| !is_waiting(found)).cloned().collect();
        if output.json {
            output::json(&self.holds.beside(json!({
                "schema": 1, "platform": self.session.context.platform, "draining": names(&draining),
                "waiting": waiting, "cycle": cycle_json(report), "lease_holder": holder,
            })));
        } else {
            cycle_result::print(report);
            if let Some(holder) = &holder {
                let holder = clean(holder);
                output::text(&format!("the drain is requested; {holder}; the next cycle begins it\n"));
            } else {
                let about = |id: &InstanceId| draining.iter().any(|found| found.instance.id == *id);
                for line in reasons(&report.plan, about) {
                    output::text(&format!("{}\n", clean(&line)));
                }
                if !report.violations.is_empty() {
                    output::text(&format!("{}\n", clean(&report.summary())));
                }
                for each in &waiting {
                    output::text(&format!("{}\n", clean(&each.to_string())));
                }
            }
        }
        // What was asked is stored: whoever has the lease takes it up.
        Ok(if holder.is_some() { Exit::Done } else { exit_of(report) })
    }

    /// Cycle after cycle, until each is stopped.
    async fn until_stopped(&self, mut memory: LeaseMemory, output: &Output) -> Ended {
        let overrides = self.asked.overrides();
        let mut progress = Progress::new(output);
        let stays =
            format!("the drain goes on; to end it: spillway release {}", names(self.asked.nodes).join(" "));
        loop {
            let left = self.running().await.inspect_err(|_| progress.end())?;
            if left.is_empty() {
                progress.end();
                if output.json {
                    output::json(&self.holds.beside(json!({
                        "schema": 1, "platform": self.session.context.platform, "stopped": names(self.asked.nodes),
                    })));
                } else {
                    output::text(&format!("stopped {}\n", clean(&names(self.asked.nodes).join(", "))));
                }
                return Ok(Exit::Done);
            }
            let report = self.session.cycle(&mut memory, &overrides).await;
            let waits = reasons(&report.plan, |id| left.contains(id));
            if !waits.is_empty() {
                progress.waits(&waits.join(", "));
            } else if report.suspension().is_some() {
                progress.waits(&report.summary());
            }
            progress::pause(&stays).await.inspect_err(|_| progress.end())?;
        }
    }

    /// The nodes that are not stopped yet.
    async fn running(&self) -> Result<Vec<InstanceId>, Failure> {
        let known = self.session.read().await?;
        let mut left = Vec::new();
        for found in self.asked.nodes {
            let now = known.find(self.session.policy(), found.instance.id.as_str())?;
            let record = known.ledger.nodes.get(&found.instance.id);
            if record.is_some_and(|record| record.drain_vetoed && record.drain.is_none()) {
                return Err(Failure::refused(format!(
                    "somebody cleared the maintenance mode of {}, which ended its drain",
                    now.node.name
                ))
                .remedy("ask who it was; to drain the node all the same, run the same command again"));
            }
            if now.instance.state != InstanceState::Stopped {
                left.push(found.instance.id.clone());
            }
        }
        Ok(left)
    }
}
