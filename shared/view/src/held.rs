//! What became of the nodes that are held: the question of the last minutes before a known spike.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::{Assessment, OverflowNode, Phase, runs_another_version};
use spillway_core::ids::{HdCalls, InstanceId};
use spillway_core::ledger::{Hold, HoldAmount, Ledger};
use spillway_core::policy::Policy;
use spillway_core::reconcile::wrong_address;
use spillway_core::report::READY_BEFORE_SPIKE;

use crate::make::{current, is_about};
use crate::status::Held;

/// The guide has a node ready about five minutes after its start; one that takes longer is late.
const BOOT: SignedDuration = SignedDuration::from_mins(5);

/// The holds in force together; a node that two holds are about counts once.
pub(crate) fn held(policy: &Policy, view: &Assessment<'_>, ledger: Option<&Ledger>, now: Timestamp) -> Held {
    let mut seen: BTreeSet<&InstanceId> = BTreeSet::new();
    let mut held = Held::default();
    let mut holds = current(ledger, now);
    // The one that asks for most first: what it counts, the others share.
    holds.sort_by_key(|hold| std::cmp::Reverse(wanted(policy, view, hold).len()));
    for hold in holds {
        let due = hold.spike_at.is_some_and(|spike| spike - READY_BEFORE_SPIKE <= now);
        for node in wanted(policy, view, hold) {
            if !seen.insert(&node.instance.id) {
                continue;
            }
            held.asked += 1;
            match &node.phase {
                Phase::Ready if is_reached(policy, view, node) => held.ready += 1,
                // It is up, and the reconciler has not put its address right.
                Phase::Ready => held.late += 1,
                // It takes no calls until it is upgraded, which is more than a boot.
                Phase::Booting { .. } | Phase::Degraded if runs_another_version(view.platform, node) => {
                    held.late += 1;
                }
                Phase::FailedStart { .. } | Phase::Degraded | Phase::Gone => held.failed += 1,
                Phase::Booting { since } if !due && now.duration_since(*since) <= BOOT => held.booting += 1,
                _ if backs_off(node, now) => held.failed += 1,
                Phase::Booting { .. } | Phase::Maintenance { .. } | Phase::Stopping | Phase::Stopped => {
                    held.late += 1;
                }
            }
        }
    }
    held
}

/// Whether callers from outside reach a node that takes calls.
fn is_reached(policy: &Policy, view: &Assessment<'_>, node: &OverflowNode<'_>) -> bool {
    let location = view.location_name(node.node.location);
    wrong_address(policy, Some(&location), node.instance, node.node).is_none()
}

fn backs_off(node: &OverflowNode<'_>, now: Timestamp) -> bool {
    node.record.is_some_and(|record| {
        record.failed_starts > 0 && record.back_off_until.is_some_and(|until| now < until)
    })
}

/// The nodes that meet a hold, or are nearest to it: ready ones first, then those on their way.
fn wanted<'v>(policy: &Policy, view: &'v Assessment<'v>, hold: &Hold) -> Vec<&'v OverflowNode<'v>> {
    let mut nodes: Vec<&OverflowNode<'_>> = view
        .nodes
        .iter()
        .filter(|node| is_about(hold, &node.instance.id, Some(&view.location_name(node.node.location))))
        .collect();
    nodes.sort_by_key(|node| match node.phase {
        Phase::Ready if is_reached(policy, view, node) => 0,
        Phase::Ready | Phase::Booting { .. } => 1,
        Phase::FailedStart { .. } | Phase::Degraded => 2,
        _ => 3,
    });
    match hold.amount {
        HoldAmount::AllNodes => {}
        HoldAmount::Nodes(most) => nodes.truncate(most as usize),
        HoldAmount::HdCalls(wanted) => {
            let mut sum = HdCalls(0);
            let enough = nodes.iter().take_while(|node| {
                let more = sum < wanted;
                sum = sum.plus(node.capacity);
                more
            });
            let enough = enough.count();
            nodes.truncate(enough);
        }
    }
    nodes
}
