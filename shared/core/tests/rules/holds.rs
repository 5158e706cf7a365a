//! Holds are demand floors.

use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::HdCalls;
use spillway_core::ledger::Outcome;
use spillway_core::ledger::{Digest, DrainKind, HoldAmount, HoldScope, NodeRecord};
use spillway_core::observation::Observation;

use crate::common::{BURST, HQ, OTHER, Scene, minutes, now, short, starts, why};

fn burst() -> HoldScope {
    HoldScope::Location("AWS burst".into())
}

#[test]
fn a_hold_starts_what_it_asks_for_and_never_more() {
    for (amount, up, expected) in [
        (HoldAmount::AllNodes, 0, 6),
        (HoldAmount::AllNodes, 2, 6),
        (HoldAmount::Nodes(3), 0, 3),
        (HoldAmount::Nodes(3), 2, 1),
        (HoldAmount::Nodes(2), 2, 0),
        (HoldAmount::Nodes(99), 0, 6),
        (HoldAmount::HdCalls(HdCalls(18)), 0, 2),
        (HoldAmount::HdCalls(HdCalls(34)), 2, 0),
        (HoldAmount::HdCalls(HdCalls(35)), 2, 1),
    ] {
        let mut scene = Scene::new().always_on(HQ, 90).stopped(6);
        for _ in 0..up {
            scene = scene.ready(BURST, 10, 0);
        }
        let plan = scene.hold("h", burst(), amount, -1, 60).plan();
        assert_eq!(starts(&plan), expected, "{amount:?} with {up} up");
    }
}

#[test]
fn a_hold_counts_from_its_beginning_to_its_end() {
    for (from, until, expected) in [(1, 60, 0), (0, 60, 1), (-60, 1, 1), (-60, 0, 0)] {
        let scene =
            Scene::new().always_on(HQ, 90).stopped(3).hold("h", burst(), HoldAmount::Nodes(1), from, until);
        assert_eq!(starts(&scene.plan()), expected, "{from} to {until}");
    }
}

#[test]
fn overlapping_holds_do_not_add_up_and_end_one_by_one() {
    let held = |from: i64| {
        Scene::new()
            .always_on(HQ, 90)
            .ready(BURST, 60, 0)
            .ready(BURST, 60, 0)
            .ready(BURST, 60, 0)
            .hold("a", burst(), HoldAmount::Nodes(3), -60, from)
            .hold("b", burst(), HoldAmount::Nodes(2), -60, 30)
    };
    let both = held(10).plan();
    assert!(both.is_no_op(), "three are held");
    assert!(why(&both, &held(10).last_id()).contains("held by a"));
    assert_eq!(held(0).actions(), ["drain i-00004"], "one is let go, two are held by b");
    let first = held(0).fleet.instances[0].id.clone();
    assert!(why(&held(0).plan(), &first).contains("held by b"));
}

#[test]
fn a_hold_for_all_locations_counts_what_is_up_anywhere() {
    let scene = Scene::new().with_location(OTHER, "Zone b", None).always_on(HQ, 90);
    let scene = scene.ready(OTHER, 10, 0).stopped(3).hold("h", HoldScope::All, HoldAmount::Nodes(2), -1, 9);
    assert_eq!(starts(&scene.plan()), 1);
}

#[test]
fn a_hold_cancels_a_drain_before_it_starts_a_node() {
    let scene = Scene::new().always_on(HQ, 90).stopped(1).ready(BURST, 60, 0).draining(DrainKind::Auto, 5);
    let scene = scene.hold("h", burst(), HoldAmount::Nodes(1), -1, 9);
    assert_eq!(scene.actions(), ["cancel-drain i-00003"]);
}

#[test]
fn holds_are_met_blindly_while_the_management_node_is_away() {
    let mut scene = Scene::new().always_on(HQ, 90).stopped(4).hold("h", burst(), HoldAmount::Nodes(2), -1, 9);
    for (index, instance) in scene.fleet.instances.iter().enumerate() {
        let record = NodeRecord {
            location: Some((BURST, "AWS burst".into())),
            foreign_maintenance: index == 0,
            ..NodeRecord::default()
        };
        scene.ledger.nodes.insert(instance.id.clone(), record);
    }
    let digest = |enabled, hours: i64| Digest {
        outcome: Some(Outcome::NoOp),
        bursting_enabled: Some((enabled, now() - minutes(60 * hours))),
        ..Digest::new(now())
    };
    let fault = Fault::new(System::ManagementNode, FaultKind::Timeout, "no answer");
    let blind = |scene: &Scene| {
        let observation = Observation { platform: Err(fault.clone()), ..scene.observation() };
        short(&scene.plan_with(&observation))
    };
    assert!(blind(&scene).is_empty(), "the mode was never seen");
    scene.ledger.cycle.digest = Some(digest(true, 1));
    assert!(blind(&scene).is_empty(), "bursting was on");
    scene.ledger.cycle.digest = Some(digest(false, 25));
    assert!(blind(&scene).is_empty(), "too long ago");
    scene.ledger.cycle.digest = Some(digest(false, 24));
    assert_eq!(blind(&scene), ["start i-00003", "start i-00004"], "not the one in foreign maintenance");
}

#[test]
fn a_hold_reports_what_is_missing() {
    let scene =
        Scene::new().always_on(HQ, 90).stopped(2).hold("h", burst(), HoldAmount::HdCalls(HdCalls(50)), -1, 9);
    let report = &scene.plan().report.holds[0];
    assert_eq!((report.up, report.added, report.missing), (0, 2, 16));
}
