//! What was seen is remembered: runs that began and ended, nodes that became ready or failed, capacity, place.
//! Nothing here depends on what the plan will do, and a record that says nothing new is not written.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use crate::assess::{CLOCK_ALLOWANCE, ORDER_GRACE, OverflowNode, Phase, is_our_maintenance};
use crate::ledger::{Actor, CurrentRun, EventKind, NodeRecord};
use crate::observation::InstanceState;

/// How long a person's veto keeps a node from being drained: the day that it was given for. A node that is forgotten must
/// not run until somebody reads a bill.
const VETO_LASTS: SignedDuration = SignedDuration::from_hours(12);

pub(super) fn remember(draft: &mut Draft<'_>, count_failures: bool) {
    let view = draft.view;
    for node in &view.nodes {
        if says_nothing_new(draft, node) {
            continue;
        }
        let before = node.record.cloned().unwrap_or_default();
        remember_place(draft, node);
        match node.instance.state {
            InstanceState::Pending | InstanceState::Running => remember_running(draft, node, count_failures),
            InstanceState::Stopped => remember_stopped(draft, node, count_failures),
            _ => {}
        }
        if draft.plan.records.get(&node.instance.id) == Some(&before) {
            draft.plan.records.remove(&node.instance.id);
        }
    }
}

/// Most nodes are where they were a minute ago. Asked first, so that a platform of thousands of nodes copies only what
/// changes.
fn says_nothing_new(draft: &Draft<'_>, node: &OverflowNode<'_>) -> bool {
    let Some(record) = node.record else { return false };
    let reported = node.node.status.as_ref().map(|status| status.max_hd_calls).filter(|calls| calls.0 > 0);
    let same_place = record.name.as_ref() == Some(&node.node.name)
        && record.location.as_ref().is_some_and(|(id, name)| {
            *id == node.node.location
                && draft.view.locations.get(id).is_some_and(|view| view.location.name == *name)
        })
        && record.foreign_maintenance == (node.node.maintenance_mode && !is_our_maintenance(node.node))
        && (reported.is_none() || record.capacity == reported);
    let same_life = match node.instance.state {
        InstanceState::Stopped => record.run.is_none() && !record.has_run_state(),
        InstanceState::Pending | InstanceState::Running => {
            let known = record.run.as_ref().is_some_and(|run| {
                run.launched_at.is_some()
                    && run.launched_at == node.instance.launched_at
                    && (run.ready_at.is_some() || node.phase != Phase::Ready)
                    && (run.failed || !matches!(node.phase, Phase::FailedStart { .. }))
            });
            known
                && record.idle_since.is_some() == counts_as_idle(node)
                && record.no_calls_since.is_some() == node.runs_without_calls()
                && record.clearing_since.is_some() == node.is_clearing()
                && !record.drain_vetoed
        }
        _ => true,
    };
    same_place && same_life
}

/// Whether a node counts as idle: ready, or known to take no calls, and nothing on it.
fn counts_as_idle(node: &OverflowNode<'_>) -> bool {
    node.seems_idle && (node.phase == Phase::Ready || node.is_known_useless())
}

fn remember_place(draft: &mut Draft<'_>, node: &OverflowNode<'_>) {
    let place = (node.node.location, draft.view.location_name(node.node.location));
    let reported = node.node.status.as_ref().map(|status| status.max_hd_calls).filter(|calls| calls.0 > 0);
    let foreign = node.node.maintenance_mode && !is_our_maintenance(node.node);
    let record = draft.record_mut(&node.instance.id);
    record.name = Some(node.node.name.clone());
    record.location = Some(place);
    record.foreign_maintenance = foreign;
    if reported.is_some() {
        record.capacity = reported;
    }
}

fn remember_running(draft: &mut Draft<'_>, node: &OverflowNode<'_>, count_failures: bool) {
    let now = draft.now;
    let launched = node.instance.launched_at;
    let record = draft.record_mut(&node.instance.id);
    let ours = record.run.as_ref().is_some_and(|run| match (run.launched_at, launched) {
        (Some(known), Some(launched)) => known == launched,
        (None, Some(launched)) => launched + CLOCK_ALLOWANCE > run.started_at,
        (_, None) => true,
    });
    if ours {
        if let Some(run) = &mut record.run {
            run.launched_at = run.launched_at.or(launched);
        }
    } else {
        record.run = Some(CurrentRun {
            started_at: launched.unwrap_or(now),
            by: Actor::Unknown,
            reason: "found running".to_owned(),
            launched_at: launched,
            ready_at: None,
            failed: false,
            forecast: false,
        });
        record.forget_run_state();
        draft.saw(
            node,
            launched.unwrap_or(now),
            EventKind::StartSeen,
            Actor::Unknown,
            "found running, not started by Spillway".to_owned(),
        );
    }
    match &node.phase {
        Phase::Ready => remember_ready(draft, node),
        Phase::FailedStart { cause } if count_failures => remember_failure(draft, node, cause.clone()),
        _ => {}
    }
    let record = draft.record_mut(&node.instance.id);
    if counts_as_idle(node) {
        record.idle_since.get_or_insert(now);
    } else {
        record.idle_since = None;
    }
    remember_since_when(record, node, now, count_failures);
}

/// Since when the node is in a state that must not last, and whether a veto has lasted long enough.
fn remember_since_when(record: &mut NodeRecord, node: &OverflowNode<'_>, now: Timestamp, count: bool) {
    let since = |so: bool, before: Option<Timestamp>| so.then(|| before.unwrap_or(now));
    // While most nodes are silent it is the Management Node that is not heard.
    if count || !node.runs_without_calls() {
        record.no_calls_since = since(node.runs_without_calls(), record.no_calls_since);
    }
    record.clearing_since = since(node.is_clearing(), record.clearing_since);
    record.vetoed_at = since(record.drain_vetoed, record.vetoed_at);
    if record.vetoed_at.is_some_and(|at| now.duration_since(at) >= VETO_LASTS) {
        record.drain_vetoed = false;
        record.vetoed_at = None;
    }
}

fn remember_ready(draft: &mut Draft<'_>, node: &OverflowNode<'_>) {
    let now = draft.now;
    let record = draft.record_mut(&node.instance.id);
    let Some(run) = &mut record.run else { return };
    if run.ready_at.is_some() {
        return;
    }
    run.ready_at = Some(now);
    run.failed = false;
    let took = now.duration_since(run.launched_at.unwrap_or(run.started_at));
    record.failed_starts = 0;
    record.back_off_until = None;
    let took = SignedDuration::from_secs(took.as_secs());
    draft.saw(node, now, EventKind::Ready, Actor::Spillway, format!("ready {took:#} after its launch"));
}

fn remember_failure(draft: &mut Draft<'_>, node: &OverflowNode<'_>, cause: String) {
    let now = draft.now;
    let back_off = draft.policy.back_off;
    let record = draft.record_mut(&node.instance.id);
    if record.run.as_ref().is_none_or(|run| run.failed) {
        return;
    }
    if let Some(run) = &mut record.run {
        run.failed = true;
    }
    record.failed_starts = record.failed_starts.saturating_add(1);
    record.back_off_until = Some(now + back_off.after(record.failed_starts));
    // A boot limit is passed at one instant, whenever it is noticed; so is a stop, where EC2 tells when.
    let limit = node.instance.launched_at.map(|at| at.saturating_add(draft.policy.boot_limit).unwrap_or(now));
    let at = match node.instance.state {
        InstanceState::Stopped => node.instance.stopped_at(),
        _ => limit,
    };
    draft.saw(node, at.unwrap_or(now), EventKind::StartFailed, Actor::Spillway, cause);
}

fn remember_stopped(draft: &mut Draft<'_>, node: &OverflowNode<'_>, count_failures: bool) {
    let id = &node.instance.id;
    match &node.phase {
        Phase::Booting { .. } => return,
        Phase::FailedStart { cause } => {
            if count_failures {
                remember_failure(draft, node, cause.clone());
            }
        }
        _ => {
            let Some(run) = draft.record(node).and_then(|record| record.run.clone()) else {
                forget_drain(draft, node);
                return;
            };
            let drained = draft
                .record(node)
                .and_then(|record| record.drain.as_ref())
                .filter(|drain| drain.stop_ordered_at.is_some())
                .map(|drain| (drain.by.clone(), drain.reason.clone()));
            if run.launched_at.is_none() && run.ready_at.is_none() && drained.is_none() {
                let why = "EC2 never showed the ordered start".to_owned();
                // Expected since then.
                let at = run.started_at.saturating_add(ORDER_GRACE).unwrap_or(run.started_at);
                draft.saw(node, at, EventKind::StartFailed, Actor::Spillway, why);
            } else {
                let (by, reason) = drained.unwrap_or((
                    Actor::Unknown,
                    format!("stopped by somebody else: {}", node.instance.state_reason),
                ));
                let at = node.instance.stopped_at().unwrap_or(draft.now);
                draft.saw(node, at, EventKind::Stopped, by, reason);
            }
        }
    }
    draft.record_mut(id).run = None;
    forget_drain(draft, node);
}

fn forget_drain(draft: &mut Draft<'_>, node: &OverflowNode<'_>) {
    draft.record_mut(&node.instance.id).forget_run_state();
}
