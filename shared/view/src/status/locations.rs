//! The locations of a status: principal ones, overflow ones, and those with proxying nodes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use spillway_core::assess::{Assessment, BOOT_TAKES, Phase, in_maintenance};
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::observation::{Location, NodeRole, Platform};
use spillway_core::plan::Plan;
use spillway_core::policy::Policy;
use spillway_core::report::Purpose;

use super::count;
use super::{EdgeLocation, LocationRoom, OverflowLocation, PrincipalLocation, Status};

/// Principal and overflow locations, and the room that they have together.
pub(super) fn locations(status: &mut Status, view: &Assessment<'_>, plan: &Plan) {
    let mut by_location: BTreeMap<&LocationName, (u32, u32)> = BTreeMap::new();
    for (_, location) in view.overflow_locations() {
        let here = location.overflow.iter().filter_map(|index| view.nodes.get(*index));
        let ready = here.filter(|node| node.phase == Phase::Ready).count();
        by_location.insert(&location.location.name, (count(ready), count(location.overflow.len())));
    }
    let mut counted: BTreeMap<&LocationName, (HdCalls, HdCalls)> = BTreeMap::new();
    for location in &plan.report.locations {
        // A location can be both; its calls are there once.
        counted.insert(&location.name, (location.free, location.booting));
        match &location.purpose {
            Purpose::Principal { overflow } => status.principal.push(PrincipalLocation {
                name: location.name.clone(),
                free: location.free,
                max: location.max,
                threshold: location.threshold,
                word: location.word,
                overflow: overflow.clone(),
            }),
            Purpose::Overflow => {
                let (ready, nodes) = by_location.get(&location.name).copied().unwrap_or_default();
                status.overflow.push(OverflowLocation {
                    name: location.name.clone(),
                    free: location.free,
                    max: location.max,
                    booting: location.booting,
                    threshold: location.threshold,
                    ready,
                    nodes,
                    why: location.reasons.iter().map(ToString::to_string).collect(),
                });
            }
        }
    }
    let free: HdCalls = counted.values().map(|(free, _)| *free).sum();
    let booting: HdCalls = counted.values().map(|(_, booting)| *booting).sum();
    status.first.room_now = Some(free);
    status.first.room_in_5_minutes = Some(free.plus(booting));
    status.first.worst = worst(view, status.at);
}

/// The principal location whose callers have the least room; of two with the same room, the one with less on its way.
fn worst(view: &Assessment<'_>, at: Timestamp) -> Option<LocationRoom> {
    let mut seen = BTreeSet::new();
    // As in the report, a principal location counts with the first pair that it is in.
    let pairs = view.pairs.iter().filter(|pair| seen.insert(pair.principal));
    let rooms = pairs.filter_map(|pair| {
        let (own, overflow) = (view.locations.get(&pair.principal)?, view.locations.get(&pair.overflow)?);
        let booting = view.nodes_in(pair.overflow).filter_map(|node| match node.phase {
            Phase::Booting { since } => Some((BOOT_TAKES - at.duration_since(since)).as_secs().max(60)),
            _ => None,
        });
        let ready_in: Vec<i64> = booting.collect();
        // Nodes of a secondary overflow location are never started for it, but callers reach those that run (guide).
        let Location { name, overflow_location1, overflow_location2, .. } = own.location;
        let secondary = overflow_location2
            .filter(|id| Some(*id) != *overflow_location1)
            .and_then(|id| view.locations.get(&id))
            .map_or(HdCalls(0), |location| location.free);
        Some(LocationRoom {
            location: name.clone(),
            free: own.free,
            overflow: overflow.free.plus(secondary),
            booting: overflow.booting,
            nodes_booting: count(ready_in.len()),
            ready_in_s: ready_in.into_iter().min(),
        })
    });
    rooms.min_by(|a, b| (a.now(), a.booting, &a.location).cmp(&(b.now(), b.booting, &b.location)))
}

/// Proxying nodes by location.
pub(super) fn edge(policy: &Policy, platform: &Platform) -> Vec<EdgeLocation> {
    let mut by_location: BTreeMap<&LocationName, (u32, Vec<f64>, u32)> = BTreeMap::new();
    let names: BTreeMap<_, _> = platform.locations.iter().map(|each| (each.id, &each.name)).collect();
    for node in platform.nodes.iter().filter(|node| node.role == NodeRole::Proxying) {
        let Some(name) = names.get(&node.location) else { continue };
        let (nodes, loads, reporting) = by_location.entry(name).or_default();
        *nodes += 1;
        let Some(status) = node.status.as_ref().filter(|_| !in_maintenance(node)) else {
            continue;
        };
        let fresh =
            status.last_updated.is_some_and(|at| platform.server_time.duration_since(at) <= policy.staleness);
        if fresh {
            *reporting += 1;
            loads.extend(status.media_load);
        }
    }
    by_location
        .into_iter()
        .map(|(name, (nodes, loads, reporting))| EdgeLocation {
            name: name.clone(),
            nodes,
            reporting,
            load: (!loads.is_empty()).then(|| loads.iter().sum::<f64>() / loads.len() as f64),
            highest: loads.iter().copied().max_by(f64::total_cmp),
        })
        .collect()
}
