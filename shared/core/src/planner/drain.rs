//! Draining and stopping, over several cycles: maintenance mode on, wait until the node shows it, idle read
//! twice, stop, maintenance mode off. A node is only ever stopped from inside a drain.

use super::demand::need;
use super::draft::Draft;
use super::expected::{kept_for, need_of};
use super::hold::{Up, current, up_without_forecast};
use super::stuck::{give_up, stuck};
use super::{AFTER_FAILOVER, IDLE_GAP};
use crate::assess::{
    LocationView, OverflowNode, Phase, RETIRED_MARK, UPGRADE_LASTS, is_fresh, is_our_maintenance,
};
use crate::ids::{HdCalls, LocationId, LocationName};
use crate::ledger::{Actor, Drain, DrainKind, Hold, HoldScope};
use crate::plan::Action;
use crate::report::NodeReason;

/// A first idle reading is only the first of two for this long.
const IDLE_READING_LASTS: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Stops nodes at once where an operator's command says so, calls or not.
pub(super) fn stop_overridden(draft: &mut Draft<'_>) {
    let view = draft.view;
    let overrides = draft.overrides;
    if overrides.is_empty() {
        return;
    }
    let obstacle = stop_obstacle(draft);
    for node in view.nodes.iter().filter(|node| node.is_running()) {
        let id = &node.instance.id;
        let Some(by_hand) = overrides.iter().find(|each| each.instance == *id && each.calls) else {
            continue;
        };
        if let Some(reason) = &obstacle {
            draft.why(node, reason.clone());
            continue;
        }
        if node.node.maintenance_mode && !is_our_maintenance(node.node) {
            draft.why(node, NodeReason::ForeignMaintenance);
            continue;
        }
        // What an operator asked for a moment ago in this cycle is overtaken.
        draft.plan.actions.retain(|action| action.instance() != id);
        let now = draft.now;
        let record = draft.record_mut(id);
        let drain = record.drain.get_or_insert_with(|| operator_drain(&by_hand.by, &by_hand.reason, now));
        drain.kind = DrainKind::Operator;
        drain.by = by_hand.by.clone();
        drain.reason = by_hand.reason.clone();
        drain.stop_ordered_at = Some(now);
        drain.calls_overridden = true;
        let action = Action::Stop {
            node: draft.node_ref(node),
            cancel_if_busy: false,
            reason: by_hand.reason.clone(),
            overridden: Some(by_hand.clone()),
        };
        draft.plan.actions.push(action);
        draft.leaving.insert(id.clone());
        draft.why(node, NodeReason::Stopping);
    }
}

/// A drain that an operator asked for: it waits for the calls to end.
pub(super) fn operator_drain(by: &Actor, reason: &str, now: jiff::Timestamp) -> Drain {
    Drain::new(DrainKind::Operator, by.clone(), reason, now)
}

/// Moves the drains in progress one step.
pub(super) fn progress(draft: &mut Draft<'_>) {
    let view = draft.view;
    let replication = draft.policy.replication_of(view.platform.nodes.len());
    let obstacle = stop_obstacle(draft);
    for node in view.nodes.iter().filter(|node| node.is_running()) {
        let id = &node.instance.id;
        if draft.undrained.contains(id) || draft.leaving.contains(id) {
            continue;
        }
        let Some(drain) = draft.record(node).and_then(|record| record.drain.clone()) else { continue };
        if !is_retired(draft, node)
            && let Some((cause, stop_refused)) = stuck(draft, node, &drain, replication)
        {
            give_up(draft, node, cause, stop_refused);
            continue;
        }
        if let Some(reason) = &obstacle {
            draft.why(node, reason.clone());
            continue;
        }
        if !node.node.maintenance_mode {
            // Ordered and never seen: the change was lost on its way.
            begin_drain(draft, node, Drain { began_at: draft.now, idle_at: None, ..drain });
            continue;
        }
        if drain.maintenance_seen_at.is_none() {
            let read_at = draft.plan.observed_at;
            if let Some(drain) = &mut draft.record_mut(id).drain {
                drain.maintenance_seen_at = Some(read_at);
            }
        }
        let waited = draft.now.duration_since(drain.began_at) >= replication;
        let shown = node.never_reported() || shows_maintenance(draft, node);
        if !(waited && shown) {
            draft.why(node, NodeReason::WaitingForMaintenance);
        } else if !node.seems_idle {
            let reason = if node.hosts { NodeReason::WaitingForCalls } else { NodeReason::Unknown };
            draft.why(node, reason);
            if let Some(drain) = draft.record_mut(id).drain.as_mut().filter(|drain| drain.idle_at.is_some()) {
                drain.idle_at = None;
            }
        } else {
            stop_when_idle(draft, node, &drain);
        }
    }
}

fn stop_when_idle(draft: &mut Draft<'_>, node: &OverflowNode<'_>, drain: &Drain) {
    let cancel_if_busy = drain.kind == DrainKind::Auto;
    let now = draft.now;
    // A reading from before the maintenance mode says nothing about what came in until then.
    let first = drain
        .idle_at
        .filter(|at| *at > drain.began_at)
        .map(|at| now.duration_since(at))
        .filter(|age| *age <= IDLE_READING_LASTS);
    let by_hand = draft.override_of(&node.instance.id).filter(|each| each.lifetime);
    let left = draft.lifetime_left(node);
    // Only what is really in the way is set aside, and shown.
    let overridden = by_hand.filter(|_| left != Ok(None)).cloned();
    match (first, left) {
        (_, Err(())) if overridden.is_none() => draft.why(node, NodeReason::Unknown),
        (_, Ok(Some(left))) if overridden.is_none() => draft.why(node, NodeReason::Young { left }),
        (None, _) => {
            let action = Action::ConfirmIdle { node: draft.node_ref(node), cancel_if_busy };
            draft.plan.actions.push(action);
            draft.why(node, NodeReason::IdleOnce);
        }
        (Some(age), _) if age < IDLE_GAP => draft.why(node, NodeReason::IdleOnce),
        _ => {
            let reason = drain.reason.clone();
            let action = Action::Stop { node: draft.node_ref(node), cancel_if_busy, reason, overridden };
            draft.plan.actions.push(action);
            draft.leaving.insert(node.instance.id.clone());
            draft.why(node, NodeReason::Stopping);
            if let Some(drain) = &mut draft.record_mut(&node.instance.id).drain {
                drain.stop_ordered_at = Some(now);
            }
        }
    }
}

/// The *status* shows maintenance, and is fresh: what the node does, not what was asked of it.
fn shows_maintenance(draft: &Draft<'_>, node: &OverflowNode<'_>) -> bool {
    node.node
        .status
        .as_ref()
        .is_some_and(|status| status.maintenance_mode && is_fresh(draft.policy, draft.view.platform, status))
}

/// Why nothing may be stopped or begin to drain at all.
pub(super) fn stop_obstacle(draft: &Draft<'_>) -> Option<NodeReason> {
    if draft.view.upgrading {
        return Some(NodeReason::Upgrade);
    }
    let digest = draft.ledger.cycle.digest.as_ref()?;
    let elsewhere = !digest.address.is_empty() && digest.address != draft.view.platform.address;
    let lately = digest.address_changed_at.is_some_and(|at| draft.now.duration_since(at) < AFTER_FAILOVER);
    (elsewhere || lately).then_some(NodeReason::Failover)
}

/// Begins drains where the stop rule allows.
pub(super) fn begin(draft: &mut Draft<'_>) {
    let view = draft.view;
    let obstacle = stop_obstacle(draft);
    let in_progress = view
        .nodes
        .iter()
        .filter(|node| {
            let id = &node.instance.id;
            let drain = draft.record(node).and_then(|record| record.drain.as_ref());
            let auto = drain.is_some_and(|drain| drain.kind == DrainKind::Auto);
            // A drain that is cancelled for what is expected keeps its place: no other begins because of it.
            let undrained = draft.undrained.contains(id);
            let by_forecast = undrained && draft.for_forecast.contains(id);
            node.is_running() && ((auto && !undrained) || by_forecast)
        })
        .count();
    let mut slots = (draft.policy.drains_at_once as usize).saturating_sub(in_progress);
    let ledger = draft.ledger;
    let mut holds: Vec<(&Hold, Up, u32)> = current(ledger, draft.now)
        .into_iter()
        .map(|hold| {
            let (up, all) = up_without_forecast(draft, hold);
            (hold, up, all)
        })
        .collect();

    for (id, location) in view.overflow_locations() {
        let name = &location.location.name;
        let margin = draft.policy.stop_margin;
        let threshold = draft.threshold(name).plus(margin);
        let needed = need(draft, id, location, margin).is_some();
        let growing = view.nodes_in(id).any(|node| {
            let id = &node.instance.id;
            let grows = draft.started.contains(id) || draft.undrained.contains(id);
            grows && !draft.for_forecast.contains(id)
        });
        let forecast = need_of(draft, id);
        let mut capacity = location.max.plus(location.booting);
        let mut room = location.room();
        let leaning = leaning_on(draft, name, margin);
        // The last by name first: the first by name is what is started again.
        for index in location.overflow.iter().rev() {
            let Some(node) = view.nodes.get(*index) else { continue };
            if !may_drain(draft, node) {
                continue;
            }
            let ready = node.phase == Phase::Ready;
            let reason = if let Some(reason) = &obstacle {
                Some(reason.clone())
            } else if let Some(reason) = still_young_or_busy(draft, node) {
                Some(reason)
            } else if let Some((hold, ..)) = holds.iter().find(|(hold, up, all)| {
                // One that takes no calls is nothing that a hold counts; it is kept where it is the one that is wanted.
                let left = if ready { up.without(node.capacity) } else { *up };
                hold.covers(&node.instance.id, Some(name))
                    && (ready || matches!(hold.scope, HoldScope::Node(_)))
                    && left.missing(hold.amount, *all) > 0
            }) {
                Some(NodeReason::Held { hold: hold.id.clone() })
            } else if ready
                && (growing
                    || (needed && room.minus(node.free) <= threshold)
                    || leaning.iter().any(|(own, least)| own.plus(room.minus(node.free)) <= *least))
            {
                Some(NodeReason::Needed)
            } else if slots == 0 {
                Some(NodeReason::DrainsAtOnce)
            } else {
                None
            };
            if let Some(reason) = reason {
                draft.why(node, reason);
                continue;
            }
            slots -= 1;
            room = room.minus(node.free);
            for (hold, up, _) in holds.iter_mut().filter(|_| ready) {
                if hold.covers(&node.instance.id, Some(name)) {
                    *up = up.without(node.capacity);
                }
            }
            // The vendor's rule lets it go, and its place is taken: kept nodes never make room for the drain of another.
            let (phase, calls) = (&node.phase, node.capacity);
            if let Some(expected) = kept_for(draft, id, forecast.as_ref(), phase, calls, &mut capacity) {
                draft.why(node, NodeReason::Expected { expected });
                continue;
            }
            begin_drain(draft, node, auto_drain(draft, id));
        }
    }
}

/// The locations that are needed, with the margin, and for which nodes are started here when they have nothing left: the room of each
/// and what it has to exceed.
fn leaning_on(draft: &Draft<'_>, fallback: &LocationName, margin: HdCalls) -> Vec<(HdCalls, HdCalls)> {
    let leans = |location: &LocationView<'_>| {
        draft.policy.fallback.get(&location.location.name).is_some_and(|name| name == fallback)
    };
    let locations = draft.view.overflow_locations().filter(|(_, location)| leans(location));
    locations
        .filter(|(id, location)| need(draft, *id, location, margin).is_some())
        .map(|(_, location)| (location.room(), draft.threshold(&location.location.name).plus(margin)))
        .collect()
}

fn auto_drain(draft: &Draft<'_>, id: LocationId) -> Drain {
    let reason = format!("idle, and {} does not need it", draft.view.location_name(id));
    Drain::new(DrainKind::Auto, Actor::Spillway, reason, draft.now)
}

pub(super) fn begin_drain(draft: &mut Draft<'_>, node: &OverflowNode<'_>, drain: Drain) {
    let reason = drain.reason.clone();
    let action = Action::BeginDrain { node: draft.node_ref(node), kind: drain.kind, reason };
    draft.plan.actions.push(action);
    draft.why(node, NodeReason::Draining);
    draft.leaving.insert(node.instance.id.clone());
    draft.record_mut(&node.instance.id).drain = Some(drain);
}

/// Whether the stop rule looks at a node at all.
fn may_drain(draft: &Draft<'_>, node: &OverflowNode<'_>) -> bool {
    let id = &node.instance.id;
    let record = draft.record(node);
    let draining = record.is_some_and(|record| record.drain.is_some());
    (node.phase == Phase::Ready || node.is_known_useless())
        && !draining
        && !draft.undrained.contains(id)
        && !draft.leaving.contains(id)
        && !draft.started.contains(id)
}

fn still_young_or_busy(draft: &Draft<'_>, node: &OverflowNode<'_>) -> Option<NodeReason> {
    let record = draft.record(node);
    if node.hosts {
        return Some(NodeReason::Busy);
    }
    if !node.seems_idle {
        return Some(NodeReason::Unknown);
    }
    if record.is_some_and(|record| record.drain_vetoed) {
        return Some(NodeReason::Vetoed);
    }
    if let Some(given_up) = record.and_then(|record| record.given_up.as_ref())
        && draft.now < given_up.until
    {
        return Some(NodeReason::DrainGivenUp { until: given_up.until, cause: given_up.cause.clone() });
    }
    if node.behind && node.without_calls(draft.now) < UPGRADE_LASTS {
        return Some(NodeReason::VersionBehind);
    }
    match draft.lifetime_left(node) {
        Err(()) => return Some(NodeReason::Unknown),
        Ok(Some(left)) => return Some(NodeReason::Young { left }),
        Ok(None) => {}
    }
    let idle = record.and_then(|record| record.idle_since).map(|at| draft.now.duration_since(at));
    idle.is_none_or(|idle| idle < IDLE_GAP).then_some(NodeReason::JustIdle)
}

pub(super) fn is_retired(draft: &Draft<'_>, node: &OverflowNode<'_>) -> bool {
    draft.record(node).is_some_and(|record| record.retired)
        || node.node.maintenance_mode_reason.starts_with(RETIRED_MARK)
}

/// Maintenance mode with our reason on a stopped node is cleared even when nobody remembers why it is there:
/// with it, the next start would bring up a node that refuses calls.
pub(super) fn clear_leftovers(draft: &mut Draft<'_>) {
    let view = draft.view;
    for node in &view.nodes {
        let stopped = matches!(node.phase, Phase::Stopped);
        if stopped
            && is_our_maintenance(node.node)
            && !is_retired(draft, node)
            && !draft.started.contains(&node.instance.id)
        {
            let action = Action::ClearMaintenance { node: draft.node_ref(node) };
            draft.plan.actions.push(action);
            draft.why(node, NodeReason::ClearingMaintenance);
        }
    }
}
