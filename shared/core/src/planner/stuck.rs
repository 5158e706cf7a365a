//! Drains that cannot be ended. The node takes calls again, its slot is free, and it is tried again later: a node that
//! cannot be stopped costs money, and one that stays in maintenance mode costs calls as well.

use jiff::SignedDuration;

use super::draft::Draft;
use crate::assess::OverflowNode;
use crate::ledger::{Drain, DrainKind, GivenUpDrain};
use crate::report::CancelReason;

/// How long an automatic drain may take once the maintenance mode has reached the node. It begins on an idle node and
/// needs two readings half a minute apart.
const DRAIN_LASTS: SignedDuration = SignedDuration::from_mins(30);

/// How long a node is left alone after its drain was given up; where EC2 refused the stop, once more for each time, since a
/// protection is there to stay.
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(1);

/// And at the longest.
const LEFT_ALONE_AT_MOST: SignedDuration = SignedDuration::from_hours(24);

/// What is in the way of a drain that makes no progress, and whether EC2 refuses its stop. An operator's drain may wait for
/// calls as long as they last.
pub(super) fn stuck(
    draft: &Draft<'_>,
    node: &OverflowNode<'_>,
    drain: &Drain,
    replication: SignedDuration,
) -> Option<(String, bool)> {
    if drain.is_stop_refused() {
        return Some((drain.refusal.clone().unwrap_or_else(|| "no reason given".to_owned()), true));
    }
    let lasted = draft.now.duration_since(drain.first_ordered());
    if drain.kind != DrainKind::Auto || lasted < DRAIN_LASTS + replication {
        return None;
    }
    let cause = if draft.view.upgrading {
        "an upgrade is in progress"
    } else if !node.node.maintenance_mode {
        "the Management Node does not keep its maintenance mode"
    } else if !node.fresh && !node.never_reported() {
        "the node does not report"
    } else if node.seems_idle {
        "the node does not show its maintenance mode, or cannot be asked whether it is idle"
    } else {
        "it is not known whether calls run on it"
    };
    Some((format!("after {DRAIN_LASTS:#}: {cause}"), false))
}

/// Maintenance mode off, and left alone for a while.
pub(super) fn give_up(draft: &mut Draft<'_>, node: &OverflowNode<'_>, cause: String, stop_refused: bool) {
    let now = draft.now;
    draft.cancel_drain(node, CancelReason::GivenUp(cause.clone()));
    let record = draft.record_mut(&node.instance.id);
    let times = record.given_up.as_ref().map_or(0, |before| before.times).saturating_add(1);
    let hours = if stop_refused { i32::try_from(times).unwrap_or(i32::MAX) } else { 1 };
    let left_alone = LEFT_ALONE.saturating_mul(hours).min(LEFT_ALONE_AT_MOST);
    let until = now + left_alone;
    record.given_up = Some(GivenUpDrain { at: now, times, until, cause, stop_refused });
}
