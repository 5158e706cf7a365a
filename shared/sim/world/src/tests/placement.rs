//! Placement by the vendor's rules.

use super::{mins, pair, start};
use crate::load_model::{CallKind, CallMedia};
use crate::{CallSpec, NodeSpec, RefusalCause, WorldBuilder};

fn in_conference(number: u64) -> CallSpec {
    CallSpec { conference: Some(number), ..CallSpec::HD }
}

#[test]
fn a_call_joins_the_node_that_hosts_its_conference_else_the_one_with_most_room() {
    let mut world = pair(2, 0).build().unwrap();
    let first = world.call("London", in_conference(1)).unwrap();
    let other = world.call("London", in_conference(2)).unwrap();
    let same = world.call("London", in_conference(1)).unwrap();
    assert_eq!(world.media_node_of(first).unwrap(), "london-1");
    assert_eq!(world.media_node_of(other).unwrap(), "london-2");
    assert_eq!(world.media_node_of(same).unwrap(), "london-1");
}

#[test]
fn a_higher_media_priority_weight_is_tried_first_even_with_less_room() {
    let mut world = WorldBuilder::new(start())
        .location("London")
        .with(NodeSpec::always_on("London").named("plain"))
        .with(NodeSpec::always_on("London").named("heavy").weight(10))
        .build()
        .unwrap();
    for _ in 0..17 {
        let call = world.call("London", CallSpec::HD).unwrap();
        assert_eq!(world.media_node_of(call).unwrap(), "heavy-1");
    }
    let call = world.call("London", CallSpec::HD).unwrap();
    assert_eq!(world.media_node_of(call).unwrap(), "plain-1");
}

#[test]
fn media_overflows_to_the_primary_then_the_secondary_location_and_signalling_stays() {
    let mut world = WorldBuilder::new(start())
        .location("London")
        .location("Paris")
        .location("Oslo")
        .overflow("London", "Paris")
        .secondary_overflow("London", "Oslo")
        .always_on("London", 1)
        .always_on("Paris", 1)
        .always_on("Oslo", 1)
        .build()
        .unwrap();
    let calls = world.call_many("London", 60, CallSpec::HD);
    assert_eq!(calls.len(), 51);
    let nodes: Vec<_> = calls.iter().map(|call| world.media_node_of(*call).unwrap()).collect();
    assert!(nodes[..17].iter().all(|node| node == "london-1"));
    assert!(nodes[17..34].iter().all(|node| node == "paris-1"));
    assert!(nodes[34..].iter().all(|node| node == "oslo-1"));
    assert_eq!(world.nodes[0].signalling, 51);
    assert_eq!(world.call("London", CallSpec::HD), Err(RefusalCause::Capacity));
}

#[test]
fn a_spread_conference_costs_a_backplane_on_each_node_and_gives_it_back() {
    let mut world = pair(2, 0).build().unwrap();
    // One conference of 20: 17 fill the first node, the rest go to the second one beside a backplane.
    let calls = world.call_many("London", 20, in_conference(1));
    assert_eq!(calls.len(), 20);
    assert_eq!((world.nodes[0].load.hd(), world.nodes[1].load.hd()), (17.0, 4.0));
    // The full node carries its backplane as well as it can once there is room.
    for call in &calls[17..] {
        world.hang_up(*call);
    }
    assert_eq!((world.nodes[0].load.hd(), world.nodes[1].load.hd()), (17.0, 0.0));
    let more = world.call_many("London", 1, CallSpec { conference: Some(2), ..CallSpec::HD });
    world.hang_up_all(&calls[..17]);
    world.hang_up_all(&more);
    assert!(world.nodes.iter().all(|node| node.load.0 == 0 && node.parts == 0));
}

#[test]
fn a_very_large_conference_is_refused_beside_idle_nodes() {
    let mut world = pair(6, 0).build().unwrap();
    let calls = world.call_many("London", 200, in_conference(1));
    // Three nodes of 17, the second and third with a backplane; the first was full when it was spread.
    assert_eq!(calls.len(), 17 + 16 + 16);
    assert_eq!(world.nodes.iter().filter(|node| node.parts == 0).count(), 3);
    assert!(world.call("London", CallSpec::HD).is_ok());
}

#[test]
fn calls_at_a_location_of_proxying_nodes_have_their_media_in_its_transcoding_location() {
    let mut world = WorldBuilder::new(start())
        .location("Edge")
        .location("Core")
        .location("Burst")
        .transcoding("Edge", "Core")
        .overflow("Edge", "Burst")
        .proxying("Edge", 1)
        .always_on("Core", 1)
        .with(NodeSpec::overflow("Burst").running(true))
        .build()
        .unwrap();
    let calls = world.call_many("Edge", 40, CallSpec::HD);
    assert_eq!(calls.len(), 34);
    assert_eq!(world.media_node_of(calls[0]).unwrap(), "core-1");
    assert_eq!(world.media_node_of(calls[17]).unwrap(), "burst-1");
    assert_eq!(world.nodes[0].signalling, 34);
    let address = world.nodes[0].address;
    assert_eq!(world.activity(address).unwrap().participants, 34);
}

#[test]
fn a_node_carries_the_guides_mix_of_calls_and_not_one_more() {
    for (kind, calls) in
        [(CallKind::Hd, 17), (CallKind::FullHd, 8), (CallKind::Sd, 39), (CallKind::Audio, 324)]
    {
        let mut world = pair(1, 0).build().unwrap();
        let spec = CallSpec { media: CallMedia { kind, ..CallMedia::HD }, ..CallSpec::HD };
        assert_eq!(world.call_many("London", 400, spec).len(), calls, "{kind:?}");
    }
}

#[test]
fn a_location_without_a_node_that_takes_calls_refuses() {
    let mut world = pair(1, 0).build().unwrap();
    world.person_sets_maintenance("london-1", true, "work");
    world.advance_by(mins(2));
    assert_eq!(world.call("London", CallSpec::HD), Err(RefusalCause::NoSignalling));
    assert_eq!(world.call("Nowhere", CallSpec::HD), Err(RefusalCause::NoSignalling));
}
