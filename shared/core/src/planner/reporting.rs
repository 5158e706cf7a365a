//! The report is completed: a reason for every location and node, also where nothing is done.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::assess::{Assessment, OverflowNode, Phase};
use crate::ids::LocationId;
use crate::ledger::LocationLoad;
use crate::plan::Plan;
use crate::report::{LocationReport, NodeReason, NodeReport, Purpose, ThresholdWord};

/// The load of principal and overflow locations.
pub(super) fn load(view: &Assessment<'_>) -> Vec<LocationLoad> {
    let principals: BTreeSet<LocationId> = view.pairs.iter().map(|pair| pair.principal).collect();
    view.locations
        .iter()
        .filter(|(id, location)| principals.contains(id) || !location.overflow.is_empty())
        .map(|(_, location)| LocationLoad {
            location: location.location.name.clone(),
            free: location.free,
            max: location.max,
        })
        .collect()
}

pub(super) fn finish(mut draft: Draft<'_>) -> Plan {
    super::demand::name_substitutes(&mut draft);
    super::readiness::report_holds(&mut draft);
    let view = draft.view;
    let mut locations = Vec::new();
    let mut seen = BTreeSet::new();
    for pair in &view.pairs {
        let Some(location) = view.locations.get(&pair.principal).filter(|_| seen.insert(pair.principal))
        else {
            continue;
        };
        let name = location.location.name.clone();
        let threshold = draft.threshold(&name);
        locations.push(LocationReport {
            purpose: Purpose::Principal { overflow: view.location_name(pair.overflow) },
            free: location.free,
            max: location.max,
            booting: location.booting,
            threshold,
            word: ThresholdWord::of(location.free, threshold),
            reasons: Vec::new(),
            name,
        });
    }
    locations.sort_by(|a, b| a.name.cmp(&b.name));
    for (id, location) in view.overflow_locations() {
        let name = location.location.name.clone();
        locations.push(LocationReport {
            purpose: Purpose::Overflow,
            free: location.free,
            max: location.max,
            booting: location.booting,
            threshold: draft.threshold(&name),
            word: ThresholdWord::Normal,
            reasons: draft.location_reasons.remove(&id).unwrap_or_default(),
            name,
        });
    }
    let nodes = view
        .nodes
        .iter()
        .map(|node| {
            let given = draft.node_reasons.remove(&node.instance.id).unwrap_or_default();
            node_report(&draft, node, given)
        })
        .collect();
    let ordered = |node: &OverflowNode<'_>| {
        let drain = draft.record(node).and_then(|record| record.drain.as_ref());
        drain.is_some_and(|drain| drain.stop_ordered_at.is_some() && !drain.calls_overridden)
    };
    let dropped = view.nodes.iter().filter(|node| ordered(node)).map(|node| node.dropping).sum();
    let mut plan = draft.plan;
    plan.report.dropped_by_us = dropped;
    plan.report.locations = locations;
    plan.report.nodes = nodes;
    plan.report.issues.clone_from(&view.issues);
    plan
}

fn node_report(draft: &Draft<'_>, node: &OverflowNode<'_>, mut reasons: Vec<NodeReason>) -> NodeReport {
    reasons.dedup();
    if let Phase::FailedStart { cause } = &node.phase
        && !reasons.iter().any(|reason| matches!(reason, NodeReason::FailedStart { .. }))
    {
        // Whatever becomes of it now, this is what an operator has to know first.
        reasons.insert(0, NodeReason::FailedStart { cause: cause.clone() });
    }
    if reasons.is_empty() {
        reasons.push(match &node.phase {
            // Why it would not be started is worth more than that nobody needs it.
            Phase::Stopped => draft.start_obstacle(node).unwrap_or(NodeReason::Stopped),
            Phase::Gone => NodeReason::Stopped,
            Phase::Booting { since } => {
                let age = draft.now.duration_since(*since);
                NodeReason::Booting { left: (draft.policy.boot_limit - age).max(jiff::SignedDuration::ZERO) }
            }
            Phase::Ready if node.hosts => NodeReason::Busy,
            Phase::Ready => NodeReason::Needed,
            Phase::Degraded => NodeReason::Unknown,
            Phase::FailedStart { cause } => NodeReason::FailedStart { cause: cause.clone() },
            Phase::Maintenance { ours: true } => NodeReason::WaitingForMaintenance,
            Phase::Maintenance { ours: false } => NodeReason::ForeignMaintenance,
            Phase::Stopping => NodeReason::Stopping,
        });
    }
    NodeReport {
        instance: node.instance.id.clone(),
        node: node.node.name.clone(),
        location: draft.view.location_name(node.node.location),
        phase: node.phase.kind(),
        since: node.started_at(),
        capacity: node.capacity,
        free: node.free,
        hosts: node.hosts,
        reasons,
    }
}
