//! The overflow nodes of a status: as the rules see them, or, without the Management Node, as EC2 shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::assess::{self, Assessment, Phase};
use spillway_core::ids::{HdCalls, InstanceId, LocationName, NodeName};
use spillway_core::ledger::{Hold, Ledger, NodeRecord};
use spillway_core::observation::{Fleet, Instance, InstanceState, Platform};
use spillway_core::plan::Plan;
use spillway_core::policy::Policy;
use spillway_core::report::{NodeReason, NodeReport};

use super::count;
use super::{NodeState, OverflowNode};

/// The nodes that the Management Node and EC2 have.
pub(super) fn nodes(
    view: &Assessment<'_>,
    plan: &Plan,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Vec<OverflowNode> {
    let said: BTreeMap<&InstanceId, &NodeReport> =
        plan.report.nodes.iter().map(|report| (&report.instance, report)).collect();
    let conferences = conferences(view.platform);
    let holds = current(ledger, now);
    let line = |node: &assess::OverflowNode<'_>| {
        let id = &node.instance.id;
        let location = view.location_name(node.node.location);
        let on_it = conferences.get(&node.node.address);
        let report = said.get(id);
        let life = node.record.and_then(|record| record.run.as_ref()).filter(|_| node.is_running());
        OverflowNode {
            state: state(node, report.copied()),
            since: since(node),
            max: node.capacity,
            free: node.free,
            started_by: life.map(|life| life.by.clone()),
            started_why: life.map(|life| life.reason.clone()),
            held_until: held_until(&holds, id, Some(&location)).filter(|_| node.is_running()),
            conferences: on_it
                .map(|all| all.iter().take(OverflowNode::NAMED).map(|&name| name.to_owned()).collect())
                .unwrap_or_default(),
            hosting: count(on_it.map_or(0, BTreeSet::len)),
            why: report
                .map(|report| report.reasons.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            instance: id.clone(),
            name: node.node.name.clone(),
            location: Some(location),
            instance_type: node.instance.instance_type.clone(),
        }
    };
    view.nodes.iter().map(line).collect()
}

fn conferences(platform: &Platform) -> BTreeMap<Ipv4Addr, BTreeSet<&str>> {
    let mut by_node: BTreeMap<Ipv4Addr, BTreeSet<&str>> = BTreeMap::new();
    for shard in platform.shards.iter().flatten() {
        let Some(node) = shard.node else { continue };
        by_node.entry(node).or_default().insert(&shard.conference);
    }
    by_node
}

fn state(node: &assess::OverflowNode<'_>, report: Option<&NodeReport>) -> NodeState {
    let retired = node.record.is_some_and(|record| record.retired);
    let backs_off = report.is_some_and(|report| {
        report.reasons.iter().any(|reason| matches!(reason, NodeReason::BackingOff { .. }))
    });
    match &node.phase {
        _ if retired => NodeState::Retired,
        Phase::FailedStart { .. } => NodeState::FailedStart,
        Phase::Degraded => NodeState::Degraded,
        Phase::Booting { .. } => NodeState::Booting,
        Phase::Maintenance { ours: true } => NodeState::Draining,
        Phase::Maintenance { ours: false } => NodeState::Maintenance,
        Phase::Ready => NodeState::Ready,
        Phase::Stopping => NodeState::Stopping,
        Phase::Stopped if backs_off => NodeState::BackingOff,
        Phase::Stopped => NodeState::Stopped,
        Phase::Gone => NodeState::Gone,
    }
}

fn since(node: &assess::OverflowNode<'_>) -> Option<Timestamp> {
    let drain = node.record.and_then(|record| record.drain.as_ref()).filter(|_| node.is_running());
    match (&node.phase, drain) {
        (Phase::Maintenance { ours: true }, Some(drain)) => Some(drain.began_at),
        (Phase::Stopped | Phase::Gone, _) => None,
        _ => node.started_at(),
    }
}

/// Holds in force.
fn current(ledger: Option<&Ledger>, now: Timestamp) -> Vec<&Hold> {
    ledger.into_iter().flat_map(|ledger| &ledger.holds).filter(|hold| hold.is_current(now)).collect()
}

fn held_until(holds: &[&Hold], instance: &InstanceId, location: Option<&LocationName>) -> Option<Timestamp> {
    holds.iter().filter(|hold| hold.covers(instance, location)).map(|hold| hold.until).max()
}

/// Without the Management Node: what EC2 shows, with the names that the ledger remembers.
pub(super) fn blind_nodes(
    policy: &Policy,
    fleet: &Fleet,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Vec<OverflowNode> {
    let holds = current(ledger, now);
    let line = |instance: &Instance| {
        let record = ledger.and_then(|ledger| ledger.nodes.get(&instance.id));
        let location = record.and_then(|record| record.location.as_ref()).map(|(_, name)| name.clone());
        let up = matches!(instance.state, InstanceState::Pending | InstanceState::Running);
        let life = record.and_then(|record| record.run.as_ref()).filter(|_| up);
        OverflowNode {
            name: blind_name(instance, record),
            instance_type: instance.instance_type.clone(),
            state: blind_state(instance.state),
            since: instance.launched_at.filter(|_| up),
            max: record
                .and_then(|record| record.capacity)
                .unwrap_or_else(|| policy.hd_calls_of(&instance.instance_type)),
            free: HdCalls(0),
            started_by: life.map(|life| life.by.clone()),
            started_why: life.map(|life| life.reason.clone()),
            held_until: held_until(&holds, &instance.id, location.as_ref()).filter(|_| up),
            conferences: Vec::new(),
            hosting: 0,
            why: Vec::new(),
            instance: instance.id.clone(),
            location,
        }
    };
    fleet.instances.iter().map(line).collect()
}

fn blind_name(instance: &Instance, record: Option<&NodeRecord>) -> NodeName {
    record.and_then(|record| record.name.clone()).unwrap_or_else(|| NodeName::new(&instance.name))
}

fn blind_state(state: InstanceState) -> NodeState {
    match state {
        InstanceState::Pending => NodeState::Booting,
        InstanceState::Running | InstanceState::Unknown => NodeState::Running,
        InstanceState::Stopping => NodeState::Stopping,
        InstanceState::Stopped => NodeState::Stopped,
        InstanceState::ShuttingDown | InstanceState::Terminated => NodeState::Gone,
    }
}
