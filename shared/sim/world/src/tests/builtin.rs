//! Pexip's own bursting.

use spillway_core::fault::RefusalKind;

use super::{instance_of, mins, pair, secs, start};
use crate::{CallSpec, Initiator, NodeSpec, ServiceView, World, WorldBuilder};

fn up(world: &World) -> Vec<String> {
    world
        .nodes()
        .into_iter()
        .filter(|node| node.is_overflow && node.service != ServiceView::Stopped)
        .map(|node| node.name.to_string())
        .collect()
}

#[test]
fn a_node_starts_at_the_threshold_and_not_above_it() {
    for (calls, expected) in [(11, 0), (12, 1), (13, 1), (17, 1)] {
        let mut world = pair(1, 3).bursting(true).build().unwrap();
        world.call_many("London", calls, CallSpec::HD);
        world.advance_by(mins(3));
        assert_eq!(up(&world).len(), expected, "{calls} calls");
    }
}

#[test]
fn the_chain_goes_on_inside_the_overflow_location_one_node_at_a_time_by_name() {
    let mut world = pair(1, 3).bursting(true).build().unwrap();
    world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(6));
    assert_eq!(up(&world), ["aws-burst-1"]);
    world.call_many("London", 11, CallSpec::HD);
    world.advance_by(mins(6));
    assert_eq!(up(&world), ["aws-burst-1"]);
    world.call_many("London", 1, CallSpec::HD);
    world.advance_by(mins(6));
    assert_eq!(up(&world), ["aws-burst-1", "aws-burst-2"]);
}

#[test]
fn an_idle_node_past_its_minimum_lifetime_is_stopped_whoever_started_it() {
    let mut world = pair(1, 1).bursting(true).min_lifetime(50).build().unwrap();
    let id = instance_of(&world, "aws-burst-1");
    world.start_instances(&[id], Initiator::Spillway);
    world.advance_by(mins(49));
    assert_eq!(up(&world).len(), 1);
    world.advance_by(mins(2));
    assert_eq!(up(&world).len(), 0);
    assert_eq!(world.stats().stops.get(&Initiator::Pexip), Some(&1));
}

#[test]
fn a_node_with_a_call_is_never_stopped_nor_while_the_location_is_at_the_threshold() {
    let mut world = pair(1, 2).bursting(true).build().unwrap();
    let full = world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(6));
    let call = world.call("London", CallSpec::HD).unwrap();
    world.advance_by(mins(90));
    assert_eq!(world.media_node_of(call).unwrap(), "aws-burst-1");
    world.hang_up(call);
    world.advance_by(mins(10));
    assert_eq!(up(&world), ["aws-burst-1"]);
    world.hang_up_all(&full);
    world.advance_by(secs(16));
    assert!(up(&world).is_empty());
    assert_eq!(world.stats().dropped.total(), 0);
}

#[test]
fn with_bursting_off_nothing_happens() {
    let mut world = pair(1, 2).build().unwrap();
    world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(30));
    assert!(up(&world).is_empty());
    world.set_bursting(true);
    world.advance_by(secs(16));
    assert_eq!(up(&world).len(), 1);
}

#[test]
fn a_secondary_overflow_location_causes_no_start_and_is_used_when_it_runs() {
    let mut world = WorldBuilder::new(start())
        .location("London")
        .location("AWS burst")
        .secondary_overflow("London", "AWS burst")
        .always_on("London", 1)
        .overflow_nodes("AWS burst", 1)
        .bursting(true)
        .boots_in(mins(5))
        .build()
        .unwrap();
    world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(20));
    assert!(up(&world).is_empty());
    world.outside_starts("aws-burst-1");
    world.advance_by(mins(6));
    let call = world.call("London", CallSpec::HD).unwrap();
    assert_eq!(world.media_node_of(call).unwrap(), "aws-burst-1");
}

#[test]
fn a_node_in_maintenance_or_refused_by_ec2_is_passed_over() {
    let mut world = pair(1, 3).bursting(true).build().unwrap();
    world.person_sets_maintenance("aws-burst-1", true, "broken");
    let id = instance_of(&world, "aws-burst-2");
    world.refuse_starts(&id, 9, RefusalKind::InstanceCapacity);
    world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(1));
    assert_eq!(up(&world), ["aws-burst-3"]);
    assert_eq!(world.stats().ec2_refusals, 1);
}

#[test]
fn it_acts_only_while_it_reaches_ec2() {
    let mut world = pair(1, 1).bursting(true).build().unwrap();
    world.set_ec2_reachable_for_pexip(false);
    world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(10));
    assert!(up(&world).is_empty());
}

#[test]
fn a_location_of_proxying_nodes_is_watched_through_its_transcoding_location() {
    let mut world = WorldBuilder::new(start())
        .location("Edge")
        .location("Core")
        .location("AWS burst")
        .transcoding("Edge", "Core")
        .overflow("Edge", "AWS burst")
        .proxying("Edge", 1)
        .always_on("Core", 1)
        .with(NodeSpec::overflow("AWS burst").count(2))
        .bursting(true)
        .boots_in(mins(5))
        .build()
        .unwrap();
    world.call_many("Edge", 13, CallSpec::HD);
    world.advance_by(mins(1));
    assert_eq!(up(&world), ["aws-burst-1"]);
}
