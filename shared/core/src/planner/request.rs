//! Operators' commands become drains, starts and ends of both. A command is met by whoever has the lease, once; one that has
//! to wait (an upgrade, a failover) stays until it can be met, and one that cannot be met is dismissed with the reason.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::drain::{begin_drain, is_retired, operator_drain, stop_obstacle};
use crate::assess::{OverflowNode, Phase, is_our_maintenance};
use crate::ids::InstanceId;
use crate::ledger::{Event, EventKind, OperatorCommand, Request};
use crate::plan::Action;
use crate::policy::Mode;
use crate::report::{CancelReason, NodeReason, actor};

/// What became of a command.
enum Met {
    /// It is met, or there was nothing to do.
    Done,
    /// It cannot be met, for this reason.
    Dismissed(&'static str),
    /// It stays.
    Waits,
}

pub(super) fn take_requests(draft: &mut Draft<'_>) {
    // Where Pexip's own bursting decides, nodes are only given back; what else was asked before waits.
    let given_back = |command: &OperatorCommand| {
        matches!(command, OperatorCommand::Release(_) | OperatorCommand::Pause { .. })
    };
    let assist = draft.policy.mode == Mode::Assist;
    take(draft, |command| !assist || given_back(command));
}

/// What is taken during a pause: a node is given back to calls. Every other command waits.
pub(super) fn take_releases(draft: &mut Draft<'_>) {
    take(draft, |command| matches!(command, OperatorCommand::Release(_)));
}

fn take(draft: &mut Draft<'_>, is_taken: impl Fn(&OperatorCommand) -> bool) {
    let ledger = draft.ledger;
    if ledger.requests.is_empty() {
        return;
    }
    let view = draft.view;
    let by_instance: BTreeMap<&InstanceId, &OverflowNode<'_>> =
        view.nodes.iter().map(|node| (&node.instance.id, node)).collect();
    let newest = newest(&ledger.requests);
    for request in &ledger.requests {
        if let Some(id) = request.command.instance()
            && newest.get(id).is_some_and(|latest| latest.id != request.id)
        {
            dismiss(draft, request, "a later command about the same node took its place");
            draft.plan.done_requests.push(request.id.clone());
            continue;
        }
        if !is_taken(&request.command) {
            continue;
        }
        let found = |id: &InstanceId| by_instance.get(id).copied();
        let met = match &request.command {
            OperatorCommand::Stop(id) => stop(draft, request, found(id), false),
            OperatorCommand::Retire(id) => retire(draft, request, found(id)),
            OperatorCommand::Reinstate(id) => reinstate(draft, request, found(id)),
            OperatorCommand::Release(id) => release(draft, request, id, found(id)),
            // In a pause this one is not looked at: each of them is over, or another took its place and that one is over.
            // They go together, so that none comes back when the one that replaced it is gone.
            OperatorCommand::Pause { .. } => Met::Done,
        };
        match met {
            Met::Waits => continue,
            Met::Done => {}
            Met::Dismissed(why) => dismiss(draft, request, why),
        }
        draft.plan.done_requests.push(request.id.clone());
    }
}

/// The latest command about each node. Two that wait together, such as a stop and its release, must not both be met: the safety
/// check would refuse every plan that tries.
fn newest(requests: &[Request]) -> BTreeMap<&InstanceId, &Request> {
    let mut newest: BTreeMap<&InstanceId, &Request> = BTreeMap::new();
    for request in requests {
        let Some(id) = request.command.instance() else { continue };
        let latest = newest.entry(id).or_insert(request);
        if (latest.at, &latest.id) < (request.at, &request.id) {
            *latest = request;
        }
    }
    newest
}

fn dismiss(draft: &mut Draft<'_>, request: &Request, why: &str) {
    let instance = request.command.instance().cloned();
    draft.plan.events.push(Event {
        id: format!("request-{}-dismissed", request.id),
        at: draft.now,
        kind: EventKind::RequestDone,
        instance,
        node: None,
        location: None,
        by: request.by.clone(),
        reason: format!("dismissed: {why}"),
    });
}

const NOT_AN_OVERFLOW_NODE: &str = "it is not an overflow node of this platform";
const FOREIGN: &str = "it is in maintenance mode that somebody else set";

fn stop(draft: &mut Draft<'_>, request: &Request, node: Option<&OverflowNode<'_>>, for_good: bool) -> Met {
    let Some(node) = node else { return Met::Dismissed(NOT_AN_OVERFLOW_NODE) };
    if !node.is_running() {
        return Met::Done;
    }
    if node.node.maintenance_mode && !is_our_maintenance(node.node) {
        return Met::Dismissed(FOREIGN);
    }
    // The safety check refuses a whole plan for a drain at a bad moment: such a command waits.
    if let Some(reason) = stop_obstacle(draft) {
        draft.why(node, reason);
        return Met::Waits;
    }
    let id = &node.instance.id;
    if for_good {
        draft.record_mut(id).retired = true;
    }
    let reason = format!("{}, asked by {}", request.reason, actor(&request.by));
    let drain = operator_drain(&request.by, &reason, draft.now);
    begin_drain(draft, node, drain);
    Met::Done
}

fn retire(draft: &mut Draft<'_>, request: &Request, node: Option<&OverflowNode<'_>>) -> Met {
    let Some(found) = node else { return Met::Dismissed(NOT_AN_OVERFLOW_NODE) };
    if found.node.maintenance_mode && !is_our_maintenance(found.node) {
        return Met::Dismissed(FOREIGN);
    }
    match found.phase {
        // It is on its way down; when it is there, it is retired.
        Phase::Stopping | Phase::Gone => return Met::Waits,
        // A start was ordered that EC2 does not show yet: what it becomes is seen in the next cycle.
        Phase::Booting { .. } if !found.is_running() => return Met::Waits,
        _ => {}
    }
    if found.is_running() {
        return stop(draft, request, node, true);
    }
    draft.record_mut(&found.instance.id).retired = true;
    let reason = format!("{}, asked by {}", request.reason, actor(&request.by));
    draft.plan.actions.push(Action::Retire { node: draft.node_ref(found), reason });
    draft.why(found, NodeReason::Retired);
    Met::Done
}

fn reinstate(draft: &mut Draft<'_>, request: &Request, node: Option<&OverflowNode<'_>>) -> Met {
    let Some(node) = node else { return Met::Dismissed(NOT_AN_OVERFLOW_NODE) };
    match node.phase {
        Phase::Stopping => return Met::Waits,
        // What it failed at is remembered; an operator may try again.
        Phase::Stopped | Phase::FailedStart { .. } if !node.is_running() => {}
        _ => return Met::Done,
    }
    if draft.started.contains(&node.instance.id) {
        return Met::Done;
    }
    if draft.starts_left == 0 || draft.slots_left(node.node.location) == 0 {
        return Met::Dismissed("max_nodes or starts_per_cycle of the policy leaves no room for it");
    }
    draft.start_retired(node, &request.by, &request.reason);
    Met::Done
}

fn release(
    draft: &mut Draft<'_>,
    request: &Request,
    id: &InstanceId,
    node: Option<&OverflowNode<'_>>,
) -> Met {
    let Some(node) = node else {
        // An instance that lost its tag is no overflow node any more; that it was retired is forgotten.
        if draft.ledger.nodes.get(id).is_some_and(|record| record.retired) {
            draft.record_mut(id).retired = false;
        }
        return Met::Done;
    };
    let retired = is_retired(draft, node);
    let draining = draft.record(node).is_some_and(|record| record.drain.is_some());
    // The safety check refuses a whole plan that clears it, in every cycle until the command is gone.
    if draining && node.node.maintenance_mode && !is_our_maintenance(node.node) {
        return Met::Dismissed(FOREIGN);
    }
    if retired {
        draft.record_mut(id).retired = false;
    }
    if node.is_running() && (draining || (retired && is_our_maintenance(node.node))) {
        draft.cancel_drain(node, CancelReason::Released(actor(&request.by).to_owned()));
    } else if retired && node.phase == Phase::Stopped && is_our_maintenance(node.node) {
        let action = Action::ClearMaintenance { node: draft.node_ref(node) };
        draft.plan.actions.push(action);
        draft.why(node, NodeReason::ClearingMaintenance);
    }
    Met::Done
}
