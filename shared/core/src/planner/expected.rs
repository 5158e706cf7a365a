//! Starting for what is expected. The vendor's rule has had its say: this only adds starts and cancelled drains, and only
//! keeps nodes that it would drain.
//!
//! Free room of one principal location is of no use to another, so the need of an overflow location is the sum of what each
//! of its principal locations lacks.

use std::collections::BTreeSet;

use super::demand::{Pool, undrain};
use super::draft::Draft;
use crate::assess::{LocationView, Phase};
use crate::ids::{HdCalls, LocationId};
use crate::report::{CancelReason, LocationReason};

/// What an overflow location needs of its own for what is expected.
pub(super) struct Need {
    /// Capacity to have or to order.
    pub(super) start: HdCalls,
    /// Capacity not to give up.
    pub(super) stop: HdCalls,
    why_start: String,
    /// Why a node is kept.
    pub(super) why_keep: String,
    /// Capacity of the principal location that the words are about.
    principal: HdCalls,
}

/// `None` where nothing is expected of any of its principal locations.
pub(super) fn need_of(draft: &Draft<'_>, id: LocationId) -> Option<Need> {
    let principals: BTreeSet<LocationId> = draft.view.pairs_into(id).map(|pair| pair.principal).collect();
    let mut sum = (HdCalls(0), HdCalls(0));
    let mut worst: Option<(HdCalls, HdCalls, &LocationView<'_>)> = None;
    for principal in principals.iter().filter_map(|principal| draft.view.locations.get(principal)) {
        let Some(forecast) = draft.forecasts.get(&principal.location.name) else { continue };
        let start = whole(forecast.start).minus(principal.max);
        let stop = whole(forecast.stop).max(whole(forecast.start)).minus(principal.max);
        sum = (sum.0.plus(start), sum.1.plus(stop));
        if worst.is_none_or(|(before, until, _)| (start, stop) > (before, until)) {
            worst = Some((start, stop, principal));
        }
    }
    let (.., principal) = worst?;
    let forecast = draft.forecasts.get(&principal.location.name)?;
    Some(Need {
        start: sum.0,
        stop: sum.1,
        why_start: forecast.why_start(),
        why_keep: forecast.why_keep(),
        principal: principal.max,
    })
}

/// HD calls from a forecast; what is no number or negative is nothing.
fn whole(calls: f64) -> HdCalls {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the range")]
    let whole = |calls: f64| calls.ceil().clamp(0.0, MOST) as u32;
    HdCalls(if calls.is_finite() { whole(calls) } else { 0 })
}

/// More than any platform carries.
const MOST: f64 = 1_000_000.0;

pub(super) fn plan_expected(draft: &mut Draft<'_>) {
    let view = draft.view;
    for (id, location) in view.overflow_locations() {
        let Some(need) = need_of(draft, id) else { continue };
        let mut up = capacity_of(draft, id, location);
        let before = up;
        let (undrained, _) = undrain(draft, id, need.start, &CancelReason::Expected, &mut up);
        let nodes = start(draft, id, &need, &mut up);
        if undrained + nodes > 0 {
            let up = need.principal.plus(before);
            let expected = need.why_start.clone();
            draft.why_location(id, LocationReason::Expected { expected, up, nodes, undrained });
        }
    }
}

/// What is up or on its way, with what this plan adds.
fn capacity_of(draft: &Draft<'_>, id: LocationId, location: &LocationView<'_>) -> HdCalls {
    let added = draft.view.nodes_in(id).filter(|node| {
        let id = &node.instance.id;
        draft.started.contains(id) || draft.undrained.contains(id)
    });
    let now = location.max.plus(location.booting);
    added.map(|node| node.capacity).fold(now, HdCalls::plus)
}

fn start(draft: &mut Draft<'_>, id: LocationId, need: &Need, up: &mut HdCalls) -> u32 {
    if *up >= need.start {
        return 0;
    }
    let view = draft.view;
    let extra = view.nodes_in(id).filter(|node| {
        let run = draft.record(node).and_then(|record| record.run.as_ref());
        // EC2 may not show yet what was ordered a moment ago.
        (node.is_running() || draft.is_up(node)) && run.is_some_and(|run| run.forecast)
    });
    let extra = u32::try_from(extra.count()).unwrap_or(u32::MAX);
    let most = draft.policy.forecast.max_extra_nodes.unwrap_or(u32::MAX);
    let mut left = most.saturating_sub(extra);
    let mut pool = Pool::of(draft, view.nodes_in(id));
    let mut nodes = 0;
    while *up < need.start && left > 0 && draft.starts_left > 0 && draft.slots_left(id) > 0 {
        let Some(node) = pool.take(need.start.minus(*up)) else { break };
        draft.start_expected(node, need.why_start.clone());
        *up = up.plus(node.capacity);
        (nodes, left) = (nodes + 1, left - 1);
    }
    nodes
}

/// Why a ready node that the vendor's rule would drain is kept; `None`: it may go. `capacity` is what the location has without
/// what was given up already; it is lowered where the node may go.
pub(super) fn kept_for(
    draft: &Draft<'_>,
    id: LocationId,
    need: Option<&Need>,
    phase: &Phase,
    node: HdCalls,
    capacity: &mut HdCalls,
) -> Option<String> {
    let need = need?;
    if *phase != Phase::Ready {
        return None;
    }
    let grows = draft.view.nodes_in(id).any(|node| draft.for_forecast.contains(&node.instance.id));
    if grows || capacity.minus(node) < need.stop {
        return Some(need.why_keep.clone());
    }
    *capacity = capacity.minus(node);
    None
}
