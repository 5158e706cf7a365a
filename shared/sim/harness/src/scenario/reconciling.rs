//! The reconciler of a play: state changes reach it as the queue would deliver them, ten seconds' worth at a time, and a
//! sweep comes every five minutes. What has to come again comes again a minute later.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::outcome::ActionEnd;
use spillway_core::reconcile::{AddressAction, AddressResult, ReconcileReport};

use super::address_step::AddressStep;
use super::play::Play;
use super::words::ScriptError;
use spillway_world::later;

/// The queue's batch window.
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Time passes in steps of this.
const STEP: SignedDuration = SignedDuration::from_secs(5);
/// Time between two sweeps.
const SWEEP: SignedDuration = SignedDuration::from_mins(5);
/// After this a message that was not done is there again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

impl Play {
    pub(super) fn change_address(&mut self, step: &AddressStep, line: usize) -> Result<(), ScriptError> {
        let unknown = |message: String| ScriptError { line, message };
        let known = |play: &Self, name: &String| {
            let found = play.reconciling.elastic.get(name).cloned();
            found.ok_or_else(|| unknown(format!("there is no Elastic IP {name:?}: it is allocated first")))
        };
        let is_node = |play: &Self, node: &String| match play.harness.world().node(node) {
            Some(view) => Ok(view),
            None => Err(unknown(format!("there is no node {node:?}"))),
        };
        match step {
            AddressStep::Reconciler(on) => {
                self.reconciling.on = *on;
                self.reconciling.next_sweep = on.then(|| later(self.harness.now(), SWEEP));
            }
            AddressStep::Events(faults) => self.harness.world().set_event_faults(*faults),
            AddressStep::Allocate { name, tag } => {
                let tag = tag.clone().unwrap_or_else(|| self.harness.policy().tag_value.clone());
                let tags = BTreeMap::from([("pexip-cloud".to_owned(), tag)]);
                let allocation = self.harness.world().allocate_address(&tags);
                self.reconciling.elastic.insert(name.clone(), allocation);
            }
            AddressStep::Ask { node, name } => {
                is_node(self, node)?;
                let allocation = name.as_ref().map(|name| known(self, name)).transpose()?;
                let allocation = allocation.as_ref().map(AllocationId::as_str);
                self.harness.world().tag_allocation(node, allocation);
            }
            AddressStep::PersonTakes { name, node } => {
                is_node(self, node)?;
                let allocation = known(self, name)?;
                self.harness.world().person_associates(node, &allocation);
            }
            AddressStep::PersonFrees(name) => {
                let allocation = known(self, name)?;
                self.harness.world().disassociate_address(&allocation);
            }
            AddressStep::PersonSets { node, address } => {
                let view = is_node(self, node)?;
                // A person's change fails only where the Management Node does.
                let _ = self.harness.world().set_static_nat(view.id, *address);
            }
        }
        Ok(())
    }

    /// Lets time pass, with the reconciler's invocations in between.
    pub(super) fn pass_time(&mut self, until: Timestamp) {
        if !self.reconciling.on {
            self.harness.world().advance_to(until);
            // Nobody reads the queue.
            self.harness.world().take_state_changes();
            return;
        }
        // In steps: which events there will be is not known before time has passed.
        while self.harness.now() < until {
            let step = later(self.harness.now(), STEP).min(until);
            let at = self.next_invocation().map_or(step, |due| due.min(step));
            self.harness.world().advance_to(at);
            if self.next_invocation().is_some_and(|due| due <= at) {
                self.invoke(at);
            }
        }
    }

    fn next_invocation(&self) -> Option<Timestamp> {
        let batch = self.harness.world().next_state_change_at().map(|at| later(at, WINDOW));
        let again = self.reconciling.again.iter().map(|(at, _)| *at).min();
        let all = [batch, again, self.reconciling.next_sweep];
        all.into_iter().flatten().min().map(|at| at.max(self.harness.now()))
    }

    fn invoke(&mut self, at: Timestamp) {
        let changes = self.harness.world().take_state_changes();
        let mut asked: BTreeSet<InstanceId> = changes.into_iter().map(|change| change.instance).collect();
        let due = self.reconciling.again.extract_if(.., |(due, _)| *due <= at);
        asked.extend(due.map(|(_, instance)| instance));
        if !asked.is_empty() {
            let asked: Vec<InstanceId> = asked.into_iter().collect();
            if let Some(report) = self.harness.reconcile(Some(&asked)) {
                self.reconciling.again.extend(report.again.iter().map(|id| (later(at, AGAIN), id.clone())));
                self.keep_reconciled(&report);
            }
        }
        if self.reconciling.next_sweep.is_some_and(|due| due <= at) {
            self.reconciling.next_sweep = Some(later(at, SWEEP));
            if let Some(report) = self.harness.reconcile(None) {
                self.keep_reconciled(&report);
            }
        }
    }

    /// Writes a pass down, as far as it is new.
    fn keep_reconciled(&mut self, report: &ReconcileReport) {
        let mut news = Vec::new();
        for node in &report.plan.nodes {
            let name = node.node.as_ref().map_or(node.instance.as_str(), |name| name.as_str());
            for reason in &node.reasons {
                let text = format!("{name}: {reason}");
                if reason.is_issue() && self.reconciling.told.insert(text.clone()) {
                    news.push(text.clone());
                }
                self.said.push(text);
            }
        }
        news.extend(report.results.iter().map(result_line));
        let bad = !report.outcome.is_good();
        if bad && self.reconciling.outcome != Some(report.outcome) {
            news.push(format!("{}: {}", report.outcome, report.summary()));
        }
        self.reconciling.outcome = Some(report.outcome);
        self.said.extend(news.iter().cloned());
        for line in news {
            self.note(&format!("reconciler: {line}"));
        }
    }

    /// Running overflow nodes that callers from the internet cannot reach, while there is a reconciler.
    pub(super) fn wrong_addresses(&self) -> Vec<String> {
        if !self.reconciling.on {
            return Vec::new();
        }
        let nodes = self.harness.world().nodes();
        nodes
            .iter()
            .filter(|node| node.is_overflow && node.stored_is_wrong())
            .filter(|node| !self.harness.policy().nat.private_only.contains(&node.location))
            .map(|node| format!("{} has the static NAT address of somebody else", node.name))
            .collect()
    }

    /// The address behind a name of the script.
    pub(super) fn elastic_address(&self, name: &str) -> Option<std::net::Ipv4Addr> {
        let allocation = self.reconciling.elastic.get(name)?;
        let found = self.harness.world().describe_addresses(std::slice::from_ref(allocation));
        found.first().map(|elastic| elastic.address)
    }
}

fn result_line(result: &AddressResult) -> String {
    let node = &result.action.node().name;
    let what = match &result.action {
        AddressAction::SetStaticNat { from: Some(from), to, .. } => {
            format!("{node}: {from} is replaced by {to}")
        }
        AddressAction::SetStaticNat { from: None, to, .. } => format!("{node}: {to} is set"),
        AddressAction::ClearStaticNat { from, .. } => format!("{node}: {from} is cleared"),
        AddressAction::AssociateAddress { allocation, to, .. } => {
            format!("{node}: takes its Elastic IP {to} ({allocation})")
        }
    };
    match (&result.end, result.instead) {
        (ActionEnd::Done, _) => format!("{what} -> done"),
        (ActionEnd::Refused(refusal), Some(address)) => {
            format!("{what} -> refused: {}, {address} is set instead", refusal.code)
        }
        (ActionEnd::Refused(refusal), None) => format!("{what} -> refused: {}", refusal.code),
        (ActionEnd::Failed(fault), _) => format!("{what} -> failed: {fault}"),
        (ActionEnd::Busy { .. } | ActionEnd::OutOfTime, _) => format!("{what} -> no time was left"),
    }
}
