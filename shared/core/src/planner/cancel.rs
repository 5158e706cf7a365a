//! Drains that end before their stop: it is not for Spillway, or not now, to stop the node; or a call, a person or a lost memory is in
//! the way.

use super::draft::Draft;
use super::drain::is_retired;
use crate::assess::is_our_maintenance;
use crate::ledger::{Actor, Drain, DrainKind, EventKind};
use crate::report::{CancelReason, NodeReason};

/// Cancels every drain: it is not for Spillway, or not now, to stop anything.
pub(super) fn cancel_all(draft: &mut Draft<'_>, because: &CancelReason) {
    cancel_where(draft, because, |_| true);
}

/// During a pause nobody ends a drain: the node would stand in maintenance mode with free seats while calls are refused. So
/// automatic drains are ended; an operator's stays, since its operator can end it.
pub(super) fn end_automatic(draft: &mut Draft<'_>) {
    let operators = |drain: Option<&Drain>| drain.is_some_and(|drain| drain.kind == DrainKind::Operator);
    cancel_where(draft, &CancelReason::Paused, |drain| !operators(drain));
}

/// Our maintenance mode ends on running nodes of whose drain, where it is known, this is so. That of a retired node stays.
fn cancel_where(draft: &mut Draft<'_>, because: &CancelReason, ends: impl Fn(Option<&Drain>) -> bool) {
    let view = draft.view;
    for node in &view.nodes {
        let ours = is_our_maintenance(node.node) && !draft.undrained.contains(&node.instance.id);
        let drain = draft.record(node).and_then(|record| record.drain.as_ref());
        if node.is_running() && ours && ends(drain) && !is_retired(draft, node) {
            draft.cancel_drain(node, because.clone());
        }
    }
}

/// Cancels drains that a call, a person or a lost memory is in the way of.
pub(super) fn cancel_for_calls(draft: &mut Draft<'_>) {
    let view = draft.view;
    for node in view.nodes.iter().filter(|node| node.is_running()) {
        let id = &node.instance.id;
        if draft.undrained.contains(id) || draft.leaving.contains(id) || is_retired(draft, node) {
            continue;
        }
        let Some(drain) = draft.record(node).and_then(|record| record.drain.clone()) else {
            if is_our_maintenance(node.node) {
                draft.cancel_drain(node, CancelReason::Orphan);
            }
            continue;
        };
        let taken_over = node.node.maintenance_mode && !is_our_maintenance(node.node);
        // The reading may be older than the mark, which another cycle set: it is no sign of a person then.
        let seen_before = drain.maintenance_seen_at.is_some_and(|at| at < draft.plan.observed_at);
        let cleared = !node.node.maintenance_mode && seen_before;
        if taken_over || cleared {
            let now = draft.now;
            let record = draft.record_mut(id);
            record.drain = None;
            record.drain_vetoed = true;
            record.vetoed_at = Some(now);
            draft.undrained.insert(id.clone());
            draft.why(node, NodeReason::Vetoed);
            let reason = if cleared {
                "a person cleared our maintenance mode"
            } else {
                "a person gave the maintenance mode a reason of their own"
            };
            draft.saw(node, draft.now, EventKind::DrainVetoed, Actor::Unknown, reason.to_owned());
        } else if node.hosts && drain.kind == DrainKind::Auto {
            draft.cancel_drain(node, CancelReason::Call);
        }
    }
}
