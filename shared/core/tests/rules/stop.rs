//! The stop rule and the drain: a node that hosts anything, or is not known to host nothing, is never stopped.

use jiff::SignedDuration;
use spillway_core::assess::MAINTENANCE_MARK;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::HdCalls;
use spillway_core::ledger::{Actor, Digest, DrainKind, OperatorCommand, Outcome, Request};
use spillway_core::observation::{InstanceState, Observation};
use spillway_core::policy::LifetimeFrom;

use crate::common::{BURST, HQ, Scene, minutes, now, short, why};

/// Idle for long, past its lifetime, not needed.
fn idle_node() -> Scene {
    Scene::new().always_on(HQ, 90).ready(BURST, 60, 0)
}

#[test]
fn an_idle_node_that_nobody_needs_is_drained_after_its_minimum_lifetime() {
    for (age, expected) in [(49, ""), (50, "drain i-00002"), (51, "drain i-00002")] {
        let actions = Scene::new().always_on(HQ, 90).ready(BURST, age, 0).actions();
        assert_eq!(actions.join(""), expected, "{age} minutes");
    }
}

#[test]
fn the_minimum_lifetime_counts_from_launch_or_from_ready_as_the_policy_says() {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 54, 0);
    assert_eq!(scene.actions(), ["drain i-00002"]);
    scene.policy.lifetime_from = LifetimeFrom::Ready;
    assert!(scene.actions().is_empty(), "ready five minutes after its launch: 49 minutes");
    scene.policy.min_lifetime = Some(minutes(49));
    assert_eq!(scene.actions(), ["drain i-00002"]);
}

type Spoil = fn(&mut Scene);

#[test]
fn who_is_not_drained_and_why() {
    let table: [(&str, Spoil); 10] = [
        ("hosts calls", |scene| {
            let node = scene.last_node_mut().address;
            let conference = "sales".to_owned();
            scene.platform.shards =
                Some(vec![spillway_core::observation::Shard { node: Some(node), conference }]);
        }),
        ("its load is not known", |scene| {
            scene.last_node_mut().status.as_mut().unwrap().media_tokens_used = 1;
        }),
        ("its load is not known", |scene| scene.platform.shards = None),
        ("its load is not known", |scene| {
            scene.last_node_mut().status.as_mut().unwrap().last_updated = Some(now() - minutes(4));
        }),
        ("idle, to be read again", |scene| scene.last_record_mut().idle_since = None),
        ("vetoed by a person", |scene| scene.last_record_mut().drain_vetoed = true),
        ("before the platform's upgrade is over", |scene| scene.platform.upgrading = true),
        ("before the platform's upgrade is over", |scene| {
            scene.platform.nodes[0].status.as_mut().unwrap().upgrading = true;
        }),
        ("failed over", |scene| {
            scene.ledger.cycle.digest = Some(digest("https://other", None));
        }),
        ("failed over", |scene| {
            scene.ledger.cycle.digest = Some(digest("https://mgr", Some(9)));
        }),
    ];
    for (says, spoil) in table {
        let mut scene = idle_node();
        assert_eq!(scene.actions(), ["drain i-00002"]);
        spoil(&mut scene);
        let plan = scene.plan();
        assert!(plan.is_no_op(), "{says}: {:?}", short(&plan));
        let said = why(&plan, &scene.last_id());
        assert!(said.contains(says), "wanted {says}, said {said}");
    }
}

fn digest(address: &str, changed: Option<i64>) -> Digest {
    Digest {
        outcome: Some(Outcome::NoOp),
        address: address.to_owned(),
        address_changed_at: changed.map(|ago| now() - minutes(ago)),
        ..Digest::new(now() - minutes(1))
    }
}

#[test]
fn after_ten_minutes_a_failover_is_over() {
    let mut scene = idle_node();
    scene.ledger.cycle.digest = Some(digest("https://mgr", Some(10)));
    assert_eq!(scene.actions(), ["drain i-00002"]);
}

#[test]
fn a_node_is_kept_while_the_start_rule_would_start_it_again() {
    // Threshold 5, margin 2: needed up to 7 free at the principal location.
    for (free, expected) in [(7, ""), (8, "drain i-00002")] {
        let actions = Scene::new().always_on(HQ, free).ready(BURST, 60, 0).actions();
        assert_eq!(actions.join(""), expected, "{free} free");
    }
}

#[test]
fn of_two_idle_nodes_one_is_kept_while_the_location_is_needed() {
    let scene = Scene::new().always_on(HQ, 6).ready(BURST, 60, 0).ready(BURST, 60, 0);
    assert_eq!(scene.actions(), ["drain i-00003"], "the last by name goes, 17 free remain");
    let both = Scene::new().always_on(HQ, 60).ready(BURST, 60, 0).ready(BURST, 60, 0);
    assert_eq!(both.actions(), ["drain i-00003", "drain i-00002"]);
}

#[test]
fn a_full_neighbour_keeps_the_idle_node() {
    let scene = Scene::new().always_on(HQ, 90).ready(BURST, 60, 12).ready(BURST, 60, 0);
    assert!(scene.actions().is_empty(), "without it the location would be at its threshold");
    let scene = Scene::new().always_on(HQ, 90).ready(BURST, 60, 9).ready(BURST, 60, 0);
    assert_eq!(scene.actions(), ["drain i-00003"], "8 free remain");
}

#[test]
fn only_a_few_drains_at_once() {
    let mut scene = Scene::new().always_on(HQ, 90);
    for _ in 0..6 {
        scene = scene.ready(BURST, 60, 0);
    }
    assert_eq!(scene.actions().len(), 3);
    scene.policy.drains_at_once = 5;
    assert_eq!(scene.actions().len(), 5);
    let scene = scene.draining(DrainKind::Auto, 0);
    assert_eq!(scene.actions().len(), 4, "one is in progress already");
}

#[test]
fn a_drain_takes_its_steps_in_order() {
    let scene = idle_node().draining(DrainKind::Auto, 0);
    assert!(scene.actions().is_empty());
    assert!(why(&scene.plan(), &scene.last_id()).contains("has not reached it yet"));

    let mut scene = idle_node().draining(DrainKind::Auto, 1);
    scene.last_node_mut().status.as_mut().unwrap().maintenance_mode = false;
    assert!(scene.actions().is_empty(), "a minute passed, but the node does not show it");

    let mut scene = idle_node().draining(DrainKind::Auto, 1);
    assert_eq!(scene.actions(), ["confirm-idle i-00002"]);

    let idle_at = |scene: &mut Scene, seconds: i64| {
        let at = now() - SignedDuration::from_secs(seconds);
        scene.last_record_mut().drain.as_mut().unwrap().idle_at = Some(at);
    };
    idle_at(&mut scene, 29);
    assert!(scene.actions().is_empty(), "29 s between the two readings");
    idle_at(&mut scene, 30);
    assert_eq!(scene.actions(), ["stop i-00002"]);
    idle_at(&mut scene, 400);
    let mut late = scene.clone();
    late.last_record_mut().drain.as_mut().unwrap().began_at = now() - minutes(10);
    assert_eq!(late.actions(), ["confirm-idle i-00002"], "a reading that old is the first of two again");
}

#[test]
fn above_sixty_nodes_a_drain_waits_longer_for_the_replication() {
    let mut scene = Scene::new();
    for _ in 0..60 {
        scene = scene.always_on(HQ, 90);
    }
    let one = scene.clone().ready(BURST, 60, 0).draining(DrainKind::Auto, 1);
    assert!(one.actions().is_empty(), "61 nodes: two minutes");
    let two = scene.ready(BURST, 60, 0).draining(DrainKind::Auto, 2);
    assert_eq!(two.actions(), ["confirm-idle i-00061"]);
}

#[test]
fn a_call_on_a_draining_node_cancels_an_automatic_drain_and_delays_an_operators() {
    for (kind, expected) in [(DrainKind::Auto, "cancel-drain i-00002"), (DrainKind::Operator, "")] {
        let scene = Scene::new().always_on(HQ, 90).ready(BURST, 60, 3).draining(kind, 5);
        assert_eq!(scene.actions().join(""), expected, "{kind:?}");
    }
}

#[test]
fn need_cancels_a_drain_before_anything_is_started() {
    let scene = Scene::new().always_on(HQ, 5).stopped(2).ready(BURST, 60, 0).draining(DrainKind::Auto, 5);
    assert_eq!(scene.actions(), ["cancel-drain i-00004"]);
}

#[test]
fn need_does_not_cancel_an_operators_drain() {
    let scene = Scene::new().always_on(HQ, 5).stopped(1).ready(BURST, 60, 0).draining(DrainKind::Operator, 0);
    assert_eq!(scene.actions(), ["start i-00002"]);
}

#[test]
fn a_person_who_clears_our_maintenance_mode_has_vetoed_the_drain() {
    let mut scene = idle_node().draining(DrainKind::Auto, 5);
    scene.last_node_mut().maintenance_mode = false;
    let plan = scene.plan();
    assert!(plan.is_no_op());
    let record = &plan.records[&scene.last_id()];
    assert!(record.drain.is_none() && record.drain_vetoed);
    assert!(plan.events.iter().any(|event| event.reason.contains("cleared our maintenance mode")));
    scene.ledger.nodes = plan.records;
    scene.now += minutes(30);
    scene.platform.server_time = scene.now;
    assert!(scene.actions().is_empty(), "and stays vetoed in this run");
}

#[test]
fn maintenance_mode_set_by_a_person_is_left_alone() {
    let mut scene = idle_node();
    let node = scene.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = "fan broken, anna".to_owned();
    assert!(scene.actions().is_empty());
    let id = scene.last_id();
    scene.instance_mut(&id).state = InstanceState::Stopped;
    assert!(scene.actions().is_empty(), "nor is it cleared on a stopped node");
}

#[test]
fn our_maintenance_mode_is_cleared_where_nobody_remembers_it() {
    let mut scene = idle_node().draining(DrainKind::Auto, 5);
    scene.ledger.nodes.clear();
    assert_eq!(scene.actions(), ["cancel-drain i-00002"], "running: the drain is not known");
    let id = scene.last_id();
    scene.instance_mut(&id).state = InstanceState::Stopped;
    assert_eq!(scene.actions(), ["clear-maintenance i-00002"], "stopped");
    scene.last_record_mut().retired = true;
    assert!(scene.actions().is_empty(), "an operator retired it");
}

#[test]
fn when_the_drained_instance_has_stopped_its_life_is_closed_and_maintenance_mode_cleared() {
    let mut scene = idle_node().draining(DrainKind::Auto, 5);
    let id = scene.last_id();
    scene.last_record_mut().drain.as_mut().unwrap().stop_ordered_at = Some(now() - minutes(1));
    scene.instance_mut(&id).state = InstanceState::Stopping;
    assert!(scene.actions().is_empty());
    scene.instance_mut(&id).state = InstanceState::Stopped;
    let plan = scene.plan();
    assert_eq!(short(&plan), ["clear-maintenance i-00002"]);
    let record = &plan.records[&id];
    assert!(record.run.is_none() && record.drain.is_none());
}

#[test]
fn an_order_that_was_lost_is_given_again() {
    let mut scene = idle_node().draining(DrainKind::Auto, 5);
    let node = scene.last_node_mut();
    node.maintenance_mode = false;
    node.status.as_mut().unwrap().maintenance_mode = false;
    scene.last_record_mut().drain.as_mut().unwrap().maintenance_seen_at = None;
    let plan = scene.plan();
    assert_eq!(short(&plan), ["drain i-00002"]);
    let began = plan.records[&scene.last_id()].drain.as_ref().unwrap().began_at;
    assert_eq!(began, now(), "and the time it needs to reach the node counts anew");
}

#[test]
fn a_node_that_never_reported_is_stopped_after_its_lifetime_too() {
    let mut scene = Scene::new().always_on(HQ, 90).booting(BURST, 60);
    let record = scene.last_record_mut();
    record.run.as_mut().unwrap().failed = true;
    record.idle_since = Some(now() - minutes(5));
    assert_eq!(scene.actions(), ["drain i-00002"], "nothing can run on it, and it costs money");
}

#[test]
fn a_node_that_was_ready_and_fell_silent_is_never_stopped() {
    let mut scene = idle_node();
    scene.last_node_mut().status.as_mut().unwrap().last_updated = Some(now() - minutes(30));
    assert!(scene.actions().is_empty());
    let scene = scene.draining(DrainKind::Auto, 5);
    assert!(scene.actions().is_empty(), "in a drain neither");
}

#[test]
fn an_outage_of_the_management_node_stops_nothing() {
    let scene = idle_node().draining(DrainKind::Auto, 5);
    let fault = Fault::new(System::ManagementNode, FaultKind::Unreachable, "no route");
    let observation = Observation { platform: Err(fault), ..scene.observation() };
    assert!(scene.plan_with(&observation).is_no_op());
}

#[test]
fn an_operators_wishes_become_a_drain_or_end_it() {
    let request = |id: &str, command| Request {
        id: id.to_owned(),
        by: Actor::Person("anna".to_owned()),
        at: now(),
        reason: "noisy fan".to_owned(),
        command,
    };
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 10, 3);
    scene.ledger.requests = vec![request("1", OperatorCommand::Stop(scene.last_id()))];
    let plan = scene.plan();
    assert_eq!(short(&plan), ["drain i-00002"], "calls may run: it waits for them");
    assert_eq!(plan.done_requests, ["1"]);

    let mut scene = idle_node().draining(DrainKind::Operator, 5);
    scene.ledger.requests = vec![request("2", OperatorCommand::Release(scene.last_id()))];
    let plan = scene.plan();
    assert_eq!(short(&plan)[0], "cancel-drain i-00002");
    assert_eq!(plan.done_requests, ["2"]);
}

#[test]
fn an_operators_drain_stops_not_before_the_minimum_lifetime() {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 20, 0).draining(DrainKind::Operator, 5);
    scene.last_record_mut().drain.as_mut().unwrap().idle_at = Some(now() - minutes(1));
    let plan = scene.plan();
    assert!(plan.is_no_op());
    assert!(why(&plan, &scene.last_id()).contains("left of the minimum lifetime"));
}

#[test]
fn the_mode_mismatch_cancels_running_drains() {
    let mut scene = idle_node().draining(DrainKind::Auto, 5);
    scene.platform.bursting.enabled = true;
    assert_eq!(scene.actions(), ["cancel-drain i-00002"]);
}

#[test]
fn an_instance_found_running_is_remembered_and_treated_like_any_other() {
    let mut scene = idle_node();
    scene.ledger.nodes.clear();
    let plan = scene.plan();
    assert!(plan.is_no_op(), "read idle once");
    let run = plan.records[&scene.last_id()].run.clone().unwrap();
    assert_eq!((run.by, run.ready_at), (Actor::Unknown, Some(now())));
    scene.ledger.nodes = plan.records;
    scene.now += minutes(1);
    assert_eq!(
        scene.actions(),
        ["drain i-00002"],
        "past its lifetime, like one that Pexip's controller finds"
    );
}

#[test]
fn the_reason_of_our_maintenance_mode_begins_with_our_mark() {
    assert!("Spillway: draining: x".starts_with(MAINTENANCE_MARK));
    let mut scene = idle_node();
    scene.policy.stop_margin = HdCalls(0);
    assert_eq!(scene.actions(), ["drain i-00002"]);
}

#[test]
fn a_conference_on_a_node_that_we_are_stopping_is_told() {
    let mut scene = idle_node().draining(DrainKind::Auto, 5);
    let (id, node) = (scene.last_id(), scene.last_node_mut().address);
    let shard = spillway_core::observation::Shard { node: Some(node), conference: "sales".to_owned() };
    scene.platform.shards = Some(vec![shard]);
    assert_eq!(scene.plan().report.dropped_by_us, 0, "it runs: its drain is cancelled");
    scene.instance_mut(&id).state = InstanceState::Stopping;
    assert_eq!(scene.plan().report.dropped_by_us, 0, "somebody else stops it");
    scene.last_record_mut().drain.as_mut().unwrap().stop_ordered_at = Some(now());
    assert_eq!(scene.plan().report.dropped_by_us, 1);
}

#[test]
fn a_shard_that_cannot_be_placed_may_be_on_any_node() {
    let mut scene = idle_node();
    assert_eq!(scene.actions(), ["drain i-00002"]);
    let shard = spillway_core::observation::Shard { node: None, conference: "sales".to_owned() };
    scene.platform.shards.get_or_insert_default().push(shard);
    assert!(scene.actions().is_empty());
}
