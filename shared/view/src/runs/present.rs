//! What is known of the nodes now, beside the history: from the ledger, or from a status, which sees EC2 itself.

use std::collections::BTreeMap;

use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, Ledger, NodeRecord};

use super::NodeRun;
use crate::status::{NodeState, OverflowNode};

/// The nodes of which it is known whether they run.
#[derive(Debug, Clone, Default)]
pub struct Present(BTreeMap<InstanceId, Now>);

/// A node now.
#[derive(Debug, Clone)]
pub(super) enum Now {
    /// It runs: so it is known since when and why, as far as that is known.
    Runs(NodeRun),
    /// It is on its way down.
    Stopping(NodeRun),
    /// It does not run.
    Off,
}

impl Present {
    /// What a ledger remembers.
    pub fn of_ledger(ledger: &Ledger) -> Self {
        let now =
            |(instance, record): (&InstanceId, &NodeRecord)| (instance.clone(), remembered(instance, record));
        Self(ledger.nodes.iter().map(now).collect())
    }

    /// What a status shows.
    pub fn of_nodes(nodes: &[OverflowNode]) -> Self {
        Self(nodes.iter().filter_map(|node| Some((node.instance.clone(), shown(node)?))).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&InstanceId, &Now)> {
        self.0.iter()
    }
}

fn remembered(instance: &InstanceId, record: &NodeRecord) -> Now {
    let Some(life) = &record.run else { return Now::Off };
    let run = NodeRun {
        instance: instance.clone(),
        node: record.name.clone(),
        location: record.location.as_ref().map(|(_, name)| name.clone()),
        from: Some(life.started_at),
        ready: life.ready_at,
        drain: record.drain.as_ref().map(|drain| drain.began_at),
        until: None,
        failed: life.failed,
        by: life.by.clone(),
        reason: life.reason.clone(),
        ended: String::new(),
    };
    if record.drain.as_ref().is_some_and(|drain| drain.stop_ordered_at.is_some()) {
        Now::Stopping(run)
    } else {
        Now::Runs(run)
    }
}

/// `None` where a status does not say whether the node runs.
fn shown(node: &OverflowNode) -> Option<Now> {
    let draining = node.state == NodeState::Draining;
    let from = node.since.filter(|_| !draining);
    let run = NodeRun {
        instance: node.instance.clone(),
        node: Some(node.name.clone()),
        location: node.location.clone(),
        from,
        ready: from.filter(|_| node.state != NodeState::Booting),
        drain: node.since.filter(|_| draining),
        until: None,
        failed: node.state == NodeState::FailedStart,
        by: node.started_by.clone().unwrap_or(Actor::Unknown),
        reason: node.started_why.clone().unwrap_or_default(),
        ended: String::new(),
    };
    match node.state {
        NodeState::Degraded
        | NodeState::Booting
        | NodeState::Draining
        | NodeState::Maintenance
        | NodeState::Ready
        | NodeState::Running => Some(Now::Runs(run)),
        NodeState::Stopping => Some(Now::Stopping(run)),
        // Either can be said of a node that runs and of one that does not.
        NodeState::FailedStart | NodeState::Retired => node.started_by.is_some().then_some(Now::Runs(run)),
        NodeState::BackingOff | NodeState::Stopped | NodeState::Gone => Some(Now::Off),
    }
}
