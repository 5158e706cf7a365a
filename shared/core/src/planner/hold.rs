//! Holds are demand floors: this much is up between two instants, whatever the load says. Each is met by itself,
//! so that overlapping holds do not add up and end one by one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::MODE_MEMORY;
use super::demand::{Pool, is_auto_draining};
use super::draft::{Draft, remember_start};
use crate::assess::{ORDER_GRACE, OverflowNode};
use crate::ids::{HdCalls, InstanceId, LocationName};
use crate::ledger::{Actor, Hold, HoldAmount, HoldScope, Ledger, NodeRecord};
use crate::observation::{Fleet, Instance, InstanceState};
use crate::plan::{Action, Plan, Start};
use crate::policy::Policy;
use crate::report::{CancelReason, HoldReport};

/// Nodes and HD calls that count for a hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Up {
    pub(super) nodes: u32,
    pub(super) hd_calls: HdCalls,
}

impl Up {
    fn add(&mut self, capacity: HdCalls) {
        self.nodes += 1;
        self.hd_calls = self.hd_calls.plus(capacity);
    }

    pub(super) fn without(self, capacity: HdCalls) -> Self {
        Self { nodes: self.nodes.saturating_sub(1), hd_calls: self.hd_calls.minus(capacity) }
    }

    /// What is missing, in the unit of the amount; 0: met.
    pub(super) fn missing(self, amount: HoldAmount, members: u32) -> u32 {
        match amount {
            HoldAmount::AllNodes => members.saturating_sub(self.nodes),
            HoldAmount::Nodes(nodes) => nodes.saturating_sub(self.nodes),
            HoldAmount::HdCalls(calls) => calls.minus(self.hd_calls).0,
        }
    }
}

/// Whether a hold covers a node.
pub(super) fn covers(hold: &Hold, instance: &InstanceId, location: &LocationName) -> bool {
    match &hold.scope {
        HoldScope::All => true,
        HoldScope::Location(name) => name == location,
        HoldScope::Node(id) => id == instance,
    }
}

/// The holds that count now, in the order of their ids.
pub(super) fn current(ledger: &Ledger, now: Timestamp) -> Vec<&Hold> {
    let mut holds: Vec<&Hold> = ledger.holds.iter().filter(|hold| hold.is_current(now)).collect();
    holds.sort_by(|a, b| a.id.cmp(&b.id));
    holds
}

fn members<'v>(draft: &Draft<'v>, hold: &Hold) -> Vec<&'v OverflowNode<'v>> {
    let view = draft.view;
    view.overflow_locations()
        .flat_map(|(id, location)| view.nodes_in(id).map(move |node| (&location.location.name, node)))
        .filter(|(location, node)| covers(hold, &node.instance.id, location))
        .map(|(_, node)| node)
        .collect()
}

/// What is up for a hold after this plan, and how many nodes could be.
pub(super) fn up_for(draft: &Draft<'_>, hold: &Hold) -> (Up, u32) {
    let members = members(draft, hold);
    let mut up = Up::default();
    for node in &members {
        if draft.is_up(node) {
            up.add(node.capacity);
        }
    }
    (up, u32::try_from(members.len()).unwrap_or(u32::MAX))
}

pub(super) fn plan_holds(draft: &mut Draft<'_>) {
    let ledger = draft.ledger;
    for hold in current(ledger, draft.now) {
        let members = members(draft, hold);
        let all = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let (mut up, _) = up_for(draft, hold);
        let before = up.nodes;
        for node in &members {
            if up.missing(hold.amount, all) == 0 {
                break;
            }
            if is_auto_draining(draft, node) {
                draft.cancel_drain(node, CancelReason::Hold(hold.id.clone()));
                up.add(node.capacity);
            }
        }
        if up.missing(hold.amount, all) > 0 {
            let mut pool = Pool::of(draft, members.iter().copied());
            while draft.starts_left > 0 {
                let missing = up.missing(hold.amount, all);
                if missing == 0 {
                    break;
                }
                let need = match hold.amount {
                    HoldAmount::HdCalls(_) => HdCalls(missing),
                    HoldAmount::AllNodes | HoldAmount::Nodes(_) => HdCalls(0),
                };
                let Some(node) = pool.take(need) else { break };
                if draft.slots_left(node.node.location) > 0 {
                    draft.start_for(node, hold);
                    up.add(node.capacity);
                }
            }
        }
        draft.plan.report.holds.push(HoldReport {
            id: hold.id.clone(),
            up: before,
            added: up.nodes - before,
            missing: up.missing(hold.amount, all),
            until: hold.until,
        });
    }
}

/// Meets holds without the Management Node, from what the ledger last knew: only where bursting was seen off
/// within the last day, and only nodes whose location is known and that nobody keeps in maintenance mode.
pub(super) fn plan_blind_holds(
    policy: &Policy,
    fleet: &Fleet,
    ledger: &Ledger,
    now: Timestamp,
    mut plan: Plan,
) -> Plan {
    let seen = ledger.cycle.digest.as_ref().and_then(|digest| digest.bursting_enabled);
    if !seen.is_some_and(|(enabled, at)| !enabled && now.duration_since(at) <= MODE_MEMORY) {
        return plan;
    }
    let mut starts_left = policy.starts_per_cycle;
    for hold in current(ledger, now) {
        let mut members: Vec<(&Instance, &NodeRecord, &LocationName)> = fleet
            .instances
            .iter()
            .filter_map(|instance| {
                let record = ledger.nodes.get(&instance.id)?;
                let (_, location) = record.location.as_ref()?;
                covers(hold, &instance.id, location).then_some((instance, record, location))
            })
            .collect();
        members.sort_by_key(|(instance, record, _)| (record.name.clone(), instance.id.clone()));
        let all = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let mut up = Up::default();
        let mut running: BTreeMap<&LocationName, u32> = BTreeMap::new();
        for (instance, record, location) in &members {
            let planned = plan.records.get(&instance.id).unwrap_or(record);
            if is_up_blind(instance, planned, now) {
                up.add(capacity_of(policy, instance, record));
                *running.entry(location).or_default() += 1;
            }
        }
        let before = up.nodes;
        for (instance, record, location) in &members {
            if up.missing(hold.amount, all) == 0 || starts_left == 0 {
                break;
            }
            let most = policy.max_nodes.get(*location).copied().unwrap_or(u32::MAX);
            let slots = running.entry(location).or_default();
            if *slots >= most
                || !may_start_blind(instance, plan.records.get(&instance.id).unwrap_or(record), now)
            {
                continue;
            }
            *slots += 1;
            starts_left -= 1;
            let reason = format!("hold {}: {}; the Management Node cannot be read", hold.id, hold.reason);
            plan.actions.push(Action::Start(Start {
                instance: instance.id.clone(),
                node: record.name.clone(),
                location: (*location).clone(),
                reason: reason.clone(),
                by_name: matches!(hold.scope, HoldScope::Node(_)),
                hold: Some(hold.id.clone()),
            }));
            let mut record = (*record).clone();
            remember_start(&mut record, Actor::Spillway, reason, now);
            plan.records.insert(instance.id.clone(), record);
            up.add(capacity_of(
                policy,
                instance,
                ledger.nodes.get(&instance.id).unwrap_or(&NodeRecord::default()),
            ));
        }
        plan.report.holds.push(HoldReport {
            id: hold.id.clone(),
            up: before,
            added: up.nodes - before,
            missing: up.missing(hold.amount, all),
            until: hold.until,
        });
    }
    plan
}

fn capacity_of(policy: &Policy, instance: &Instance, record: &NodeRecord) -> HdCalls {
    record.capacity.unwrap_or_else(|| policy.hd_calls_of(&instance.instance_type))
}

fn is_up_blind(instance: &Instance, record: &NodeRecord, now: Timestamp) -> bool {
    let ordered = record.life.as_ref().is_some_and(|life| {
        life.ready_at.is_none()
            && life.launched_at.is_none()
            && now.duration_since(life.started_at) < ORDER_GRACE
    });
    matches!(instance.state, InstanceState::Pending | InstanceState::Running) && record.drain.is_none()
        || (instance.state == InstanceState::Stopped && ordered)
}

fn may_start_blind(instance: &Instance, record: &NodeRecord, now: Timestamp) -> bool {
    // A drain that is not over may have left our maintenance mode on: the node would come up refusing calls.
    instance.state == InstanceState::Stopped
        && record.drain.is_none()
        && !record.foreign_maintenance
        && !record.retired
        && record.back_off_until.is_none_or(|until| now >= until)
        && !is_up_blind(instance, record, now)
}
