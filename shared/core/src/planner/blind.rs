//! Holds without the Management Node: nodes are up at nine whether it answers or not.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::MODE_MEMORY;
use super::draft::remember_start;
use super::hold::{Up, current, report_of};
use crate::assess::several_vpcs;
use crate::assess::{Issue, ORDER_GRACE};
use crate::ids::{HdCalls, LocationName};
use crate::ledger::{Actor, HoldScope, Ledger, NodeRecord};
use crate::observation::{Fleet, Instance, InstanceState};
use crate::plan::{Action, Plan, Start};
use crate::policy::Policy;

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
    if let Some(vpcs) = several_vpcs(policy, &fleet.instances) {
        plan.report.issues.push(Issue::SeveralVpcs { vpcs });
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
                hold.covers(&instance.id, Some(location)).then_some((instance, record, location))
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
                forecast: false,
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
        plan.report.holds.push(report_of(hold, before, up, all));
    }
    plan
}

fn capacity_of(policy: &Policy, instance: &Instance, record: &NodeRecord) -> HdCalls {
    record.capacity.unwrap_or_else(|| policy.hd_calls_of(&instance.instance_type))
}

fn is_up_blind(instance: &Instance, record: &NodeRecord, now: Timestamp) -> bool {
    let ordered = record.run.as_ref().is_some_and(|run| {
        run.ready_at.is_none()
            && run.launched_at.is_none()
            && now.duration_since(run.started_at) < ORDER_GRACE
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
