//! What became of the nodes that are held: the question of the last minutes before a known spike.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::{Assessment, OverflowNode, Phase};
use spillway_core::ids::{HdCalls, InstanceId};
use spillway_core::ledger::{Hold, HoldAmount, Ledger};

use crate::make::{current, is_about};
use crate::status::Held;

/// The guide has a node ready about five minutes after its start; one that takes longer is late.
const BOOT: SignedDuration = SignedDuration::from_mins(5);

/// So long before its spike a window's nodes have to be ready, or they are late.
const BEFORE_SPIKE: SignedDuration = SignedDuration::from_mins(3);

/// The holds in force together; a node that two holds are about counts once.
pub(crate) fn held(view: &Assessment<'_>, ledger: Option<&Ledger>, now: Timestamp) -> Held {
    let mut seen: BTreeSet<&InstanceId> = BTreeSet::new();
    let mut held = Held::default();
    let mut holds = current(ledger, now);
    // The one that asks for most first: what it counts, the others share.
    holds.sort_by_key(|hold| std::cmp::Reverse(wanted(view, hold).len()));
    for hold in holds {
        let due = hold.spike_at.is_some_and(|spike| spike - BEFORE_SPIKE <= now);
        for node in wanted(view, hold) {
            if !seen.insert(&node.instance.id) {
                continue;
            }
            held.asked += 1;
            match &node.phase {
                Phase::Ready => held.ready += 1,
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

fn backs_off(node: &OverflowNode<'_>, now: Timestamp) -> bool {
    node.record.is_some_and(|record| {
        record.failed_starts > 0 && record.back_off_until.is_some_and(|until| now < until)
    })
}

/// The nodes that meet a hold, or are nearest to it: ready ones first, then those on their way.
fn wanted<'v>(view: &'v Assessment<'v>, hold: &Hold) -> Vec<&'v OverflowNode<'v>> {
    let mut nodes: Vec<&OverflowNode<'_>> = view
        .nodes
        .iter()
        .filter(|node| is_about(hold, &node.instance.id, Some(&view.location_name(node.node.location))))
        .collect();
    nodes.sort_by_key(|node| match node.phase {
        Phase::Ready => 0,
        Phase::Booting { .. } => 1,
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
