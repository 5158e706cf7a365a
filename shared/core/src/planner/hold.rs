//! Holds are demand floors: this much is up between two instants, whatever the load says. Each is met by itself,
//! so that overlapping holds do not add up and end one by one.

use jiff::Timestamp;

use super::demand::{Pool, is_auto_draining};
use super::draft::Draft;
use crate::assess::OverflowNode;
use crate::assess::wrong_address;
use crate::ids::HdCalls;
use crate::ledger::{Hold, HoldAmount, Ledger};
use crate::policy::Mode;
use crate::report::{CancelReason, HoldReason, HoldReport};

/// Nodes and HD calls that count for a hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Up {
    pub(super) nodes: u32,
    pub(super) hd_calls: HdCalls,
}

impl Up {
    pub(super) fn add(&mut self, capacity: HdCalls) {
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

/// The holds that count now, in the order of their ids.
pub(super) fn current(ledger: &Ledger, now: Timestamp) -> Vec<&Hold> {
    let mut holds: Vec<&Hold> = ledger.holds.iter().filter(|hold| hold.is_current(now)).collect();
    holds.sort_by(|a, b| a.id.cmp(&b.id));
    holds
}

pub(super) fn members<'v>(draft: &Draft<'v>, hold: &Hold) -> Vec<&'v OverflowNode<'v>> {
    let view = draft.view;
    view.overflow_locations()
        .flat_map(|(id, location)| view.nodes_in(id).map(move |node| (&location.location.name, node)))
        .filter(|(location, node)| hold.covers(&node.instance.id, Some(location)))
        .map(|(_, node)| node)
        .collect()
}

/// What is up for a hold after this plan, and how many nodes could be.
pub(super) fn up_for(draft: &Draft<'_>, hold: &Hold) -> (Up, u32) {
    count_up(draft, hold, |node| draft.is_up(node))
}

/// The same without the nodes that are up for what is expected alone: a forecast lets no node go that a hold would keep.
pub(super) fn up_without_forecast(draft: &Draft<'_>, hold: &Hold) -> (Up, u32) {
    count_up(draft, hold, |node| draft.is_up(node) && !draft.for_forecast.contains(&node.instance.id))
}

fn count_up(draft: &Draft<'_>, hold: &Hold, counts: impl Fn(&OverflowNode<'_>) -> bool) -> (Up, u32) {
    let members = members(draft, hold);
    let mut up = Up::default();
    for node in &members {
        if counts(node) {
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
        let obstacle = assist_obstacle(draft, hold);
        for node in members.iter().filter(|_| obstacle.is_none()) {
            if up.missing(hold.amount, all) == 0 {
                break;
            }
            if is_auto_draining(draft, node) {
                draft.cancel_drain(node, CancelReason::Hold(hold.id.clone()));
                up.add(node.capacity);
            }
        }
        if obstacle.is_none() && up.missing(hold.amount, all) > 0 {
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
        let mut report = report_of(hold, before, up, all);
        report.reasons.extend(obstacle);
        draft.plan.report.holds.push(report);
    }
}

/// Why a hold starts nothing now in `assist` mode, where Pexip's own bursting stops what is idle and past its minimum
/// lifetime (guide: *Manually starting an overflow node*): two controllers would take turns at the same node. So nodes
/// are started for it once, in time for the spike and no earlier than they survive until then; an operator's hold
/// without a spike has as long as a boot may take.
fn assist_obstacle(draft: &Draft<'_>, hold: &Hold) -> Option<HoldReason> {
    if draft.policy.mode != Mode::Assist {
        return None;
    }
    let lifetime = draft.view.platform.bursting.min_lifetime();
    let last = hold.spike_at.or_else(|| hold.from.checked_add(draft.policy.boot_limit).ok())?;
    if draft.now >= last {
        return Some(HoldReason::PexipDecides);
    }
    let from = hold.spike_at?.checked_sub(lifetime).ok()?;
    (draft.now < from).then_some(HoldReason::TooEarly { from })
}

/// The report of a hold, without its readiness, which the rest of the plan still changes.
pub(super) fn report_of(hold: &Hold, before: u32, up: Up, members: u32) -> HoldReport {
    let cut = hold.asked.map(|asked| HoldReason::CutByLicences { asked, held: hold.amount });
    HoldReport {
        id: hold.id.clone(),
        up: before,
        added: up.nodes.saturating_sub(before),
        missing: up.missing(hold.amount, members),
        until: hold.until,
        spike_at: hold.spike_at,
        readiness: None,
        reasons: cut.into_iter().collect(),
    }
}

/// Whether callers from outside reach a node that takes calls: its static NAT address is right.
pub(super) fn is_reached(draft: &Draft<'_>, node: &OverflowNode<'_>) -> bool {
    let location = draft.view.location_name(node.node.location);
    wrong_address(draft.policy, Some(&location), node.instance, node.node).is_none()
}
