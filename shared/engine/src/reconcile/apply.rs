//! What a pass does, and what it leaves in the ledger.

use super::{Reconcile, ReconcileSystems};
use crate::ports::{AddressWrite, Clock, ManagementWrite, NatLedger};
use jiff::Timestamp;
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::outcome::ActionEnd;
use spillway_core::reconcile::AddressAction;
use spillway_core::reconcile::NatWrite;
use spillway_core::reconcile::{AddressResult, ReconcileReport};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

impl<S: ReconcileSystems> Reconcile<'_, S> {
    /// Carries out what of the plan was not carried out yet, and nothing in a dry run. An action that fails never blocks another one; where the Management Node itself does not
    /// answer, the others are not tried in vain.
    pub(super) async fn apply(&self, report: &mut ReconcileReport) {
        if self.policy.dry_run {
            return;
        }
        let mut broken: Option<Fault> = None;
        let begun = |action: &AddressAction| report.results.iter().any(|done| done.action == *action);
        let actions: Vec<AddressAction> =
            report.plan.actions.iter().filter(|action| !begun(action)).cloned().collect();
        for action in actions {
            let result = match &broken {
                Some(fault) => AddressResult { action, end: ActionEnd::Failed(fault.clone()), instead: None },
                None if self.out_of_time() => {
                    AddressResult { action, end: ActionEnd::OutOfTime, instead: None }
                }
                None => self.act(action).await,
            };
            if let ActionEnd::Failed(fault) = &result.end
                && is_everybodys(fault.kind)
            {
                broken = Some(fault.clone());
            }
            if result.end != ActionEnd::Done {
                report.again.insert(result.action.node().instance.clone());
            }
            report.results.push(result);
        }
    }

    async fn act(&self, action: AddressAction) -> AddressResult {
        let (node, to) = match &action {
            AddressAction::SetStaticNat { node, to, .. } => (node.id, Some(*to)),
            AddressAction::ClearStaticNat { node, .. } => (node.id, None),
            AddressAction::AssociateAddress { node, region, allocation, at, from, to, instead } => {
                let fleet = &self.ports.fleet;
                let associated =
                    fleet.associate_address(region, &node.instance, at.as_ref(), allocation).await;
                if let Err(refusal) = associated {
                    let mut set = None;
                    if let Some(address) = instead
                        && self.ports.management.set_static_nat(node.id, Some(*address)).await.is_ok()
                    {
                        set = Some(*address);
                    }
                    return AddressResult { action, end: ActionEnd::Refused(refusal), instead: set };
                }
                if *from == Some(*to) {
                    return AddressResult { action, end: ActionEnd::Done, instead: None };
                }
                (node.id, Some(*to))
            }
        };
        let end = match self.ports.management.set_static_nat(node, to).await {
            Ok(()) => ActionEnd::Done,
            Err(fault) => ActionEnd::Failed(fault),
        };
        AddressResult { action, end, instead: None }
    }

    pub(super) async fn record(&self, report: &mut ReconcileReport) {
        let now = self.ports.clock.now();
        let mut writes: BTreeMap<&InstanceId, NatWrite> = BTreeMap::new();
        for (id, planned) in &report.plan.records {
            let result = report.results.iter().find(|result| result.action.node().instance == *id);
            let done = result.filter(|result| result.end == ActionEnd::Done || result.instead.is_some());
            let Some(result) = done else {
                if planned.is_new {
                    let (instance, record) = (id.clone(), planned.record.clone());
                    writes.insert(id, NatWrite { instance, record, event: None });
                }
                continue;
            };
            let mut record = planned.record.clone();
            if let AddressAction::ClearStaticNat { .. } = result.action {
                (record.wanted, record.set_at) = (None, None);
            } else {
                record.set_at = Some(now);
            }
            let event = Some(told(report, result, now));
            writes.insert(id, NatWrite { instance: id.clone(), record, event });
        }
        if writes.is_empty() && report.plan.events.is_empty() {
            return;
        }
        let writes: Vec<NatWrite> = writes.into_values().collect();
        if let Err(fault) = self.ports.ledger.write_nat(&writes, &report.plan.events).await {
            report.faults.push(fault);
        }
    }
}

/// The line of history of an address that was changed.
fn told(report: &ReconcileReport, result: &AddressResult, now: Timestamp) -> Event {
    let or_none =
        |address: Option<Ipv4Addr>| address.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let node = result.action.node();
    let (from, to) = match &result.action {
        AddressAction::SetStaticNat { from, to, .. } => (*from, Some(*to)),
        AddressAction::ClearStaticNat { from, .. } => (Some(*from), None),
        AddressAction::AssociateAddress { from, to, .. } => (*from, result.instead.or(Some(*to))),
    };
    let entry = report.plan.nodes.iter().find(|entry| entry.instance == node.instance);
    let why: Vec<String> =
        entry.into_iter().flat_map(|entry| &entry.reasons).map(ToString::to_string).collect();
    Event {
        id: format!("{}-{}-{}", report.plan.observed_at, node.instance, result.action.word()),
        at: now,
        kind: EventKind::AddressChanged,
        instance: Some(node.instance.clone()),
        node: Some(node.name.clone()),
        location: Some(node.location.clone()),
        by: Actor::Spillway,
        reason: format!("{} -> {}: {}", or_none(from), or_none(to), why.join("; ")),
    }
}

/// Whether the next request would fail the same way.
fn is_everybodys(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Unreachable | FaultKind::Certificate | FaultKind::Unauthorized | FaultKind::Throttled
    )
}
