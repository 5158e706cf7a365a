//! The locations of a status: principal ones, overflow ones, and those with proxying nodes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::{Assessment, Phase, in_maintenance};
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::observation::{NodeRole, Platform};
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
    status.first.worst = worst(status, view);
}

/// The guide: *it takes approximately 5 minutes for an overflow node to be ready*.
const BOOT_TAKES: SignedDuration = SignedDuration::from_mins(5);

/// The principal location whose callers have the least room; of two with the same room, the one with less on its way.
fn worst(status: &Status, view: &Assessment<'_>) -> Option<LocationRoom> {
    let rooms = status.principal.iter().map(|principal| {
        let overflow = status.overflow.iter().find(|location| location.name == principal.overflow);
        let boots = view.nodes.iter().filter_map(|node| match node.phase {
            Phase::Booting { since } if view.location_name(node.node.location) == principal.overflow => {
                Some(since)
            }
            _ => None,
        });
        let began: Vec<Timestamp> = boots.collect();
        let left = |since: &Timestamp| (BOOT_TAKES - status.at.duration_since(*since)).as_secs().max(60);
        // Nodes of a secondary overflow location are never started for it, but callers reach those that run (guide).
        let own = view.locations.values().find(|each| each.location.name == principal.name);
        let secondary = own
            .and_then(|own| own.location.overflow_location2)
            .filter(|id| own.is_some_and(|own| own.location.overflow_location1 != Some(*id)))
            .and_then(|id| view.locations.get(&id))
            .map_or(HdCalls(0), |location| location.free);
        let primary = overflow.map_or(HdCalls(0), |location| location.free);
        LocationRoom {
            location: principal.name.clone(),
            free: principal.free,
            overflow: primary.plus(secondary),
            booting: overflow.map_or(HdCalls(0), |location| location.booting),
            nodes_booting: count(began.len()),
            ready_in_s: began.iter().map(left).min(),
        }
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
