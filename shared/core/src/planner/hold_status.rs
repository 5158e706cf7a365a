//! What became of the nodes that are held, the holds in force together: the question of the last minutes before a known
//! spike. It is answered from what was read; what this plan starts is not on its way yet.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::draft::Draft;
use super::hold::is_reached;
use super::hold::{current, members};
use crate::assess::{BOOT_TAKES, OverflowNode, Phase};
use crate::ids::{HdCalls, InstanceId};
use crate::ledger::{Hold, HoldAmount};
use crate::report::{HoldStatus, READY_BEFORE_SPIKE};

/// The holds in force together; a node that two holds are about counts once.
pub(super) fn hold_status(draft: &Draft<'_>) -> HoldStatus {
    let mut seen: BTreeSet<&InstanceId> = BTreeSet::new();
    let mut held = HoldStatus::default();
    let mut holds: Vec<(&Hold, Vec<&OverflowNode<'_>>)> =
        current(draft.ledger, draft.now).into_iter().map(|hold| (hold, wanted(draft, hold))).collect();
    // The one that asks for most first: what it counts, the others share.
    holds.sort_by_key(|(_, wanted)| std::cmp::Reverse(wanted.len()));
    for (hold, wanted) in holds {
        let due = hold.spike_at.is_some_and(|spike| spike - READY_BEFORE_SPIKE <= draft.now);
        for node in wanted {
            if seen.insert(&node.instance.id) {
                held.asked += 1;
                *count(draft, node, due, &mut held) += 1;
            }
        }
    }
    held
}

/// Where a node counts.
fn count<'h>(draft: &Draft<'_>, node: &OverflowNode<'_>, due: bool, held: &'h mut HoldStatus) -> &'h mut u32 {
    match &node.phase {
        Phase::Ready if is_reached(draft, node) => &mut held.ready,
        // It is up, and the reconciler has not put its address right.
        Phase::Ready => &mut held.late,
        // It takes no calls until it is upgraded, which is more than a boot.
        Phase::Booting { .. } | Phase::Degraded if node.behind => &mut held.late,
        Phase::FailedStart { .. } | Phase::Degraded | Phase::Gone => &mut held.failed,
        // One that takes longer is late.
        Phase::Booting { since } if !due && draft.now.duration_since(*since) <= BOOT_TAKES => {
            &mut held.booting
        }
        _ if backs_off(node, draft.now) => &mut held.failed,
        Phase::Booting { .. } | Phase::Maintenance { .. } | Phase::Stopping | Phase::Stopped => {
            &mut held.late
        }
    }
}

fn backs_off(node: &OverflowNode<'_>, now: Timestamp) -> bool {
    node.record.is_some_and(|record| {
        record.failed_starts > 0 && record.back_off_until.is_some_and(|until| now < until)
    })
}

/// The nodes that meet a hold, or are nearest to it: ready ones first, then those on their way.
fn wanted<'v>(draft: &Draft<'v>, hold: &Hold) -> Vec<&'v OverflowNode<'v>> {
    let mut nodes = members(draft, hold);
    nodes.sort_by_key(|node| match node.phase {
        Phase::Ready if is_reached(draft, node) => 0,
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
