//! Whole days: conservation, determinism, limits, speed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use spillway_core::observation::NodeRole;

use crate::load_model::LoadModel;
use crate::weekday::Weekday;
use crate::{Sizing, World, WorldBuilder};

fn weekday(peak: u32, seed: u64) -> (Timestamp, Arc<crate::callers::Callers>) {
    let day = Weekday::with_peak("2026-05-04".parse().unwrap(), peak);
    (day.start(), Arc::new(day.callers(&LoadModel::default(), seed)))
}

fn check(world: &World) {
    let stats = world.stats();
    assert_eq!(
        stats.offered,
        stats.completed + stats.refused + stats.dropped.total() + world.in_progress() + world.redialling()
    );
    for (ix, node) in world.nodes.iter().enumerate() {
        assert!(node.load <= node.capacity.load(), "{} over capacity", node.name);
        let legs: u32 = world.calls.values().filter(|c| c.seat.media == ix).map(|c| u32::from(c.legs)).sum();
        assert_eq!(node.media_legs, legs);
        let load: crate::Load =
            world.calls.values().filter(|c| c.seat.media == ix).map(|c| c.seat.load).sum();
        let backplanes: crate::Load =
            world.conferences.values().filter_map(|c| c.parts.get(&ix)).map(|part| part.backplane).sum();
        assert_eq!(node.load, load + backplanes, "{}", node.name);
        assert!(node.role == NodeRole::Transcoding || node.media_legs == 0);
    }
    for conference in world.conferences.values() {
        let mut by_location = std::collections::BTreeMap::<usize, usize>::new();
        for ix in conference.parts.keys() {
            *by_location.entry(world.nodes[*ix].location).or_default() += 1;
        }
        assert!(by_location.values().all(|nodes| *nodes <= 3));
    }
}

#[test]
fn the_built_in_controller_bursts_and_recovers_over_a_weekday() {
    let (start, callers) = weekday(270, 1);
    let mut world = WorldBuilder::sized_for(start, callers, Sizing::default())
        .bursting(true)
        .threshold(12)
        .build()
        .unwrap();
    for hour in 1..=24 {
        world.advance_to(start + SignedDuration::from_hours(hour));
        check(&world);
    }
    let stats = world.stats();
    assert_eq!(stats.dropped.total(), 0);
    assert!(stats.starts_total() > 5);
    assert_eq!(world.in_progress(), 0);
    assert!(world.node_hours().overflow > 1.0);
    assert_eq!(world.samples().len(), 24 * 60 + 1);
}

#[test]
fn everything_running_refuses_nearly_nobody() {
    let (start, callers) = weekday(270, 1);
    let mut world =
        WorldBuilder::sized_for(start, callers, Sizing::default()).everything_running().build().unwrap();
    world.advance_to(start + SignedDuration::from_hours(24));
    check(&world);
    assert!(world.stats().refused * 50 <= world.stats().offered);
}

#[test]
fn a_large_day_is_simulated_whole() {
    let (start, callers) = weekday(1_200, 1);
    let mut world = WorldBuilder::sized_for(start, callers, Sizing::default())
        .bursting(true)
        .threshold(100)
        .build()
        .unwrap();
    world.advance_to(start + SignedDuration::from_hours(24));
    let nodes = world.nodes().len();
    let most = world.samples().iter().map(|s| s.callers).max().unwrap();
    check(&world);
    assert!(nodes > 80 && most > 1_000, "{nodes} nodes, {most} callers at once");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_same_seed_gives_the_same_run_however_time_is_cut(
        seed in 0_u64..1_000,
        peak in 20_u32..80,
        cuts in proptest::collection::vec(1_i64..24 * 3600, 0..20),
    ) {
        let (start, callers) = weekday(peak, seed);
        let build = || WorldBuilder::sized_for(start, Arc::clone(&callers), Sizing::default())
            .seed(seed).bursting(true).build().unwrap();
        let (mut whole, mut cut) = (build(), build());
        whole.advance_to(start + SignedDuration::from_hours(24));
        let mut cuts = cuts;
        cuts.sort_unstable();
        for seconds in cuts {
            cut.advance_to(start + SignedDuration::from_secs(seconds));
            check(&cut);
        }
        cut.advance_to(start + SignedDuration::from_hours(24));
        prop_assert_eq!(whole.stats(), cut.stats());
        prop_assert_eq!(whole.samples(), cut.samples());
        prop_assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
    }
}
