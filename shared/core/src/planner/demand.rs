//! The start rule (guide: *Configuring the bursting threshold*). An overflow location is needed when a principal
//! location has at most the threshold of HD calls free, or when it hosts calls itself; while it is needed and
//! what is free and on its way there is at most the threshold, nodes are started.

use std::collections::{BTreeMap, VecDeque};

use super::draft::Draft;
use crate::assess::{LocationView, OverflowNode, Phase};
use crate::ids::{HdCalls, InstanceId, LocationId, LocationName};
use crate::ledger::DrainKind;
use crate::plan::Action;
use crate::report::{CancelReason, LocationReason, ShortBecause};

/// Substitutes named beside the starts themselves.
const SPARE_SUBSTITUTES: usize = 20;

/// Why an overflow location is needed, with this much added to every threshold.
pub(super) fn need(
    draft: &Draft<'_>,
    id: LocationId,
    view: &LocationView<'_>,
    margin: HdCalls,
) -> Option<LocationReason> {
    let worst = draft
        .view
        .pairs_into(id)
        .filter_map(|pair| {
            let principal = draft.view.locations.get(&pair.principal)?;
            let name = &principal.location.name;
            let threshold = draft.threshold(name);
            (principal.free <= threshold.plus(margin)).then_some((principal.free, name, threshold))
        })
        .min();
    if let Some((free, name, threshold)) = worst {
        return Some(LocationReason::NeededBy { principal: name.clone(), free, threshold });
    }
    // The guide: nodes of a location that is only somebody's secondary overflow location are used if they run already,
    // and never a cause for a start, however full they are.
    let is_primary = draft.view.pairs_into(id).next().is_some();
    (view.hosts && is_primary).then_some(LocationReason::HostsCalls)
}

/// Why a location is needed and has too little room, and its threshold; `None`, with the reason said, where nothing has
/// to be started.
fn unmet_need(
    draft: &mut Draft<'_>,
    id: LocationId,
    location: &LocationView<'_>,
) -> Option<(LocationReason, HdCalls)> {
    let Some(why) = need(draft, id, location, HdCalls(0)) else {
        draft.why_location(id, LocationReason::NotNeeded);
        return None;
    };
    draft.why_location(id, why.clone());
    let threshold = draft.threshold(&location.location.name);
    if location.room() > threshold {
        let suffices = LocationReason::RoomSuffices { free: location.free, booting: location.booting };
        draft.why_location(id, suffices);
        return None;
    }
    Some((why, threshold))
}

pub(super) fn plan_demand(draft: &mut Draft<'_>) {
    let view = draft.view;
    for (id, location) in view.overflow_locations() {
        let Some((why, threshold)) = unmet_need(draft, id, location) else { continue };
        meet(draft, id, location, threshold, &why.to_string());
    }
}

fn meet(draft: &mut Draft<'_>, id: LocationId, location: &LocationView<'_>, threshold: HdCalls, why: &str) {
    let mut room = location.room();
    let wanted = threshold.plus(HdCalls(1));
    let mut undrained = undrain(draft, id, wanted, &CancelReason::Need, &mut room);
    let (mut nodes, mut added) = (0, HdCalls(0));
    let mut short = None;
    if room <= threshold {
        (nodes, added, short) = start_from(draft, id, threshold, &mut room, why);
    }
    if room <= threshold
        && matches!(short, Some(ShortBecause::NothingLeft | ShortBecause::MaxNodes))
        && let Some((fallback, view)) = fallback_of(draft, &location.location.name)
    {
        // What is up there already was started for us, or serves us as well.
        room = room.plus(view.room());
        let back = undrain(draft, fallback, wanted, &CancelReason::Need, &mut room);
        undrained = (undrained.0 + back.0, undrained.1.plus(back.1));
        let (more, calls, still) = start_from(draft, fallback, threshold, &mut room, why);
        nodes += more;
        added = added.plus(calls);
        short = still;
    }
    if nodes + undrained.0 > 0 {
        let reason =
            LocationReason::Starting { nodes, undrained: undrained.0, hd_calls: added.plus(undrained.1) };
        draft.why_location(id, reason);
    }
    if room <= threshold {
        let because = short.unwrap_or(ShortBecause::NothingLeft);
        draft.why_location(id, LocationReason::Short { hd_calls: wanted.minus(room), because });
    }
}

/// Cancels drains until there is as much room as is wanted: the cheapest start there is.
pub(super) fn undrain(
    draft: &mut Draft<'_>,
    id: LocationId,
    wanted: HdCalls,
    because: &CancelReason,
    room: &mut HdCalls,
) -> (u32, HdCalls) {
    let mut done = (0, HdCalls(0));
    let view = draft.view;
    for node in view.nodes_in(id) {
        if *room >= wanted {
            break;
        }
        if is_auto_draining(draft, node) {
            draft.cancel_drain(node, because.clone());
            *room = room.plus(node.capacity);
            done = (done.0 + 1, done.1.plus(node.capacity));
        }
    }
    done
}

/// Whether a node is in a drain by the stop rule whose end brings capacity back. One whose start failed, or that an upgrade left
/// behind, takes no calls without its drain either: to be stopped and started anew is what mends it.
pub(super) fn is_auto_draining(draft: &Draft<'_>, node: &OverflowNode<'_>) -> bool {
    let record = draft.record(node);
    let failed = record.and_then(|record| record.run.as_ref()).is_some_and(|run| run.failed);
    node.is_running()
        && matches!(node.phase, Phase::Maintenance { ours: true })
        && record.and_then(|record| record.drain.as_ref()).is_some_and(|drain| drain.kind == DrainKind::Auto)
        && !failed
        && !node.behind
        && !draft.undrained.contains(&node.instance.id)
}

/// Nodes that may be started, by capacity and then by name.
pub(super) struct Pool<'v> {
    by_capacity: BTreeMap<HdCalls, VecDeque<&'v OverflowNode<'v>>>,
}

impl<'v> Pool<'v> {
    pub(super) fn of(draft: &mut Draft<'v>, nodes: impl Iterator<Item = &'v OverflowNode<'v>>) -> Self {
        let mut by_capacity: BTreeMap<HdCalls, VecDeque<&OverflowNode<'_>>> = BTreeMap::new();
        for node in nodes {
            if node.is_running() || draft.is_up(node) || node.phase == Phase::Stopping {
                continue;
            }
            match draft.start_obstacle(node) {
                None => by_capacity.entry(node.capacity).or_default().push_back(node),
                Some(reason) => draft.why(node, reason),
            }
        }
        Self { by_capacity }
    }

    /// The smallest that meets the need, else the largest; among equals the first by name.
    pub(super) fn take(&mut self, need: HdCalls) -> Option<&'v OverflowNode<'v>> {
        let key = self
            .by_capacity
            .range(need..)
            .next()
            .or_else(|| self.by_capacity.iter().next_back())
            .map(|(capacity, _)| *capacity)?;
        let queue = self.by_capacity.get_mut(&key)?;
        let node = queue.pop_front();
        if queue.is_empty() {
            self.by_capacity.remove(&key);
        }
        node
    }

    fn rest(self) -> impl Iterator<Item = &'v OverflowNode<'v>> {
        self.by_capacity.into_values().rev().flatten()
    }
}

fn start_from(
    draft: &mut Draft<'_>,
    id: LocationId,
    threshold: HdCalls,
    room: &mut HdCalls,
    why: &str,
) -> (u32, HdCalls, Option<ShortBecause>) {
    let (mut nodes, mut added) = (0, HdCalls(0));
    let view = draft.view;
    let mut pool = Pool::of(draft, view.nodes_in(id));
    while *room <= threshold {
        if draft.starts_left == 0 {
            return (nodes, added, Some(ShortBecause::StartsPerCycle));
        }
        if draft.slots_left(id) == 0 {
            return (nodes, added, Some(ShortBecause::MaxNodes));
        }
        let need = threshold.plus(HdCalls(1)).minus(*room);
        let Some(node) = pool.take(need) else { return (nodes, added, Some(ShortBecause::NothingLeft)) };
        draft.start(node, why.to_owned());
        nodes += 1;
        added = added.plus(node.capacity);
        *room = room.plus(node.capacity);
    }
    (nodes, added, None)
}

fn fallback_of<'v>(draft: &Draft<'v>, location: &LocationName) -> Option<(LocationId, &'v LocationView<'v>)> {
    let name = draft.policy.fallback.get(location)?;
    let view = draft.view;
    view.locations.iter().find(|(_, view)| view.location.name == *name).map(|(id, view)| (*id, view))
}

/// Names what is started instead when EC2 refuses: another instance type of the location first, since a refusal
/// for lack of capacity holds for the whole type and zone; then the same type; then the fallback location.
pub(super) fn name_substitutes(draft: &mut Draft<'_>) {
    let view = draft.view;
    let mut starts: BTreeMap<LocationName, (u32, InstanceId)> = BTreeMap::new();
    for action in &draft.plan.actions {
        if let Action::Start(start) = action
            && !start.by_name
        {
            let entry = starts.entry(start.location.clone()).or_insert((0, start.instance.clone()));
            entry.0 += 1;
        }
    }
    if starts.is_empty() {
        return;
    }
    for (id, location) in view.overflow_locations() {
        let here = &location.location.name;
        let Some((nodes, first)) = starts.get(here) else { continue };
        let kind = view
            .nodes_in(id)
            .find(|node| node.instance.id == *first)
            .map(|node| &node.instance.instance_type);
        let most = SPARE_SUBSTITUTES + 2 * *nodes as usize;
        let pool = Pool::of(draft, view.nodes_in(id));
        let (same, other): (Vec<_>, Vec<_>) = pool
            .rest()
            .filter(|node| clean(node))
            .partition(|node| Some(&node.instance.instance_type) == kind);
        let mut nodes: Vec<&OverflowNode<'_>> =
            other.into_iter().take(most).chain(same.into_iter().take(most)).collect();
        if let Some((fallback, _)) = fallback_of(draft, here) {
            let pool = Pool::of(draft, view.nodes_in(fallback));
            nodes.extend(pool.rest().filter(|node| clean(node)).take(most));
        }
        let reason = "in place of a refused start".to_owned();
        let substitutes = nodes.into_iter().map(|node| draft.start_of(node, reason.clone())).collect();
        draft.plan.substitutes.insert(here.clone(), substitutes);
    }
}

/// A substitute must not need its maintenance mode cleared first: apply makes no choices.
fn clean(node: &OverflowNode<'_>) -> bool {
    !node.node.maintenance_mode
}

/// Without the ledger: one start per needed location, by name, and none if an instance there was launched within
/// the boot limit, since nobody remembers what was ordered.
pub(super) fn plan_one_each(draft: &mut Draft<'_>) {
    let view = draft.view;
    for (id, location) in view.overflow_locations() {
        let Some((why, threshold)) = unmet_need(draft, id, location) else { continue };
        let short = LocationReason::Short {
            hd_calls: threshold.plus(HdCalls(1)).minus(location.room()),
            because: ShortBecause::LedgerDown,
        };
        draft.why_location(id, short);
        let launched_lately = view.nodes_in(id).any(|node| {
            node.instance
                .launched_at
                .is_some_and(|at| draft.now.duration_since(at) <= draft.policy.boot_limit)
        });
        if launched_lately || draft.slots_left(id) == 0 || draft.starts_left == 0 {
            continue;
        }
        let first = view.nodes_in(id).find(|node| draft.start_obstacle(node).is_none() && clean(node));
        if let Some(node) = first {
            draft.start(node, format!("{why}; the ledger is down"));
        }
    }
}
