//! The scenarios see the world through the in-process port; the functions see it through HTTP. If the two differed,
//! every scenario would prove something about another program.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::HdCalls;
use spillway_core::observation::Platform;
use spillway_core::observation::PlatformScope;
use spillway_core::policy::Policy;
use spillway_engine::ports::ManagementRead;
use spillway_harness::Harness;
use spillway_harness::ports::SimManagement;
use spillway_world::load_model::LoadModel;
use spillway_world::weekday::Weekday;
use spillway_world::{Sizing, WorldBuilder};

use crate::{serve, whole_second};

/// A platform without what cannot be the same: the address it was read from, fractions of seconds, the order of rows.
fn comparable(mut platform: Platform) -> Platform {
    platform.address = String::new();
    platform.server_time = whole_second(platform.server_time);
    for status in platform.nodes.iter_mut().filter_map(|node| node.status.as_mut()) {
        status.last_updated = status.last_updated.map(whole_second);
    }
    platform.locations.sort_by_key(|location| location.id);
    platform.nodes.sort_by_key(|node| node.id);
    if let Some(shards) = &mut platform.shards {
        shards.sort_by(|a, b| (a.node, &a.conference).cmp(&(b.node, &b.conference)));
    }
    platform
}

#[tokio::test]
async fn the_view_over_http_and_the_view_in_process_are_the_same_all_morning() {
    let day = Weekday::with_peak("2026-05-04".parse().expect("a date"), 150);
    let start: Timestamp = day.start();
    let callers = Arc::new(day.callers(&LoadModel::default(), 5));
    let world = WorldBuilder::sized_for(start, callers, Sizing::default()).seed(5).build().expect("a world");
    let policy = Policy {
        threshold: Some(HdCalls(12)),
        min_lifetime: Some(SignedDuration::from_mins(15)),
        ..Policy::with_defaults("manager")
    };
    let mut harness = Harness::new(world, policy);
    harness.world().advance_to(start + SignedDuration::from_hours(7));
    let (server, http) = serve(harness.shared_world()).await;
    let in_process = SimManagement::new(Arc::clone(harness.shared_world()));

    let (mut compared, mut busy, mut most_shards) = (0, 0, 0);
    for minute in 0..330 {
        harness.tick();
        if minute % 10 != 0 {
            continue;
        }
        // Between two whole seconds, as it is in life.
        harness.advance(SignedDuration::from_millis(1_370));
        let scope = PlatformScope { shards: minute % 20 == 0 };
        let ours = comparable(in_process.read_platform(scope).await.expect("a platform"));
        let theirs = comparable(http.read_platform(scope).await.expect("a platform"));
        for (ours, theirs) in ours.nodes.iter().zip(&theirs.nodes) {
            assert_eq!(ours, theirs, "minute {minute}");
        }
        most_shards = most_shards.max(ours.shards.as_ref().map_or(0, Vec::len));
        assert_eq!(ours, theirs, "minute {minute}");
        compared += 1;
        // The first overflow nodes by name are the ones that are up.
        for node in ours.nodes.iter().filter(|node| !node.distributed_database).take(5) {
            let ours = in_process.read_activity(node.address).await.expect("activity");
            let theirs = http.read_activity(node.address).await.expect("activity");
            let what = format!("minute {minute}, {}", node.name);
            assert_eq!((ours.shards, ours.participants), (theirs.shards, theirs.participants), "{what}");
            assert_eq!(ours.is_idle(), theirs.is_idle(), "{what}");
            busy += u32::from(!ours.is_idle());
        }
    }
    let (starts, stops) = harness.starts_and_stops();
    assert!(
        compared >= 30 && busy > 5 && most_shards > 20,
        "{compared} views, {busy} busy, {most_shards} shards"
    );
    assert!(starts > 2 && stops > 0, "a busy morning: {starts} starts, {stops} stops");
    assert!(server.log.requests().iter().all(|request| request.status == 200));
    server.stop().await;
}
