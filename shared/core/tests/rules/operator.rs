//! What an operator's commands and overrides come to.

use spillway_core::ids::InstanceId;
use spillway_core::ledger::{
    Actor, DrainKind, EventKind, HoldAmount, HoldScope, NodeRecord, OperatorCommand, Request,
};
use spillway_core::observation::{InstanceState, Shard};
use spillway_core::plan::{Action, Override, Plan};
use spillway_core::safety::{Violation, check, check_overridden};
use spillway_core::{Given, plan_given};

use crate::common::{BURST, HQ, Scene, minutes, now, short, why};

fn anna() -> Actor {
    Actor::Person("anna".to_owned())
}

fn asks(id: &str, command: OperatorCommand) -> Request {
    Request { id: id.to_owned(), by: anna(), at: now(), reason: "noisy fan".to_owned(), command }
}

fn ready() -> Scene {
    Scene::new().always_on(HQ, 90).ready(BURST, 60, 0)
}

fn stopped() -> Scene {
    Scene::new().always_on(HQ, 90).stopped(1)
}

fn retired() -> Scene {
    let mut scene = stopped();
    let record = NodeRecord { retired: true, ..NodeRecord::default() };
    scene.ledger.nodes.insert(scene.last_id(), record);
    let node = scene.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = "Spillway: retired: noisy fan".to_owned();
    scene
}

fn with(mut scene: Scene, command: impl Fn(InstanceId) -> OperatorCommand) -> (Scene, Plan) {
    scene.ledger.requests = vec![asks("1", command(scene.last_id()))];
    let plan = scene.plan();
    (scene, plan)
}

#[test]
fn a_running_node_is_retired_by_a_drain_that_is_remembered_as_for_good() {
    let (scene, plan) = with(ready(), OperatorCommand::Retire);
    assert_eq!(short(&plan), ["drain i-00002"]);
    let record = &plan.records[&scene.last_id()];
    assert!(record.retired && record.drain.as_ref().is_some_and(|drain| drain.kind == DrainKind::Operator));
    assert_eq!(plan.done_requests, ["1"]);
}

#[test]
fn a_stopped_node_is_retired_at_once() {
    let (scene, plan) = with(stopped(), OperatorCommand::Retire);
    assert_eq!(short(&plan), ["retire i-00002"]);
    assert!(plan.records[&scene.last_id()].retired);
}

#[test]
fn a_retired_node_is_not_started_by_need_or_hold_and_its_maintenance_mode_stays() {
    let mut scene = retired().hold("h", HoldScope::All, HoldAmount::AllNodes, -1, 60);
    scene.platform.nodes[0].status.as_mut().unwrap().media_tokens_used = 1000;
    assert!(scene.actions().is_empty());
    assert!(why(&scene.plan(), &scene.last_id()).contains("retired"));
}

#[test]
fn a_retired_node_is_reinstated_in_maintenance_mode_by_name_and_takes_calls_when_released() {
    let (scene, plan) = with(retired(), OperatorCommand::Reinstate);
    assert_eq!(short(&plan), ["start i-00002"], "its maintenance mode is left on");
    assert!(matches!(&plan.actions[0], Action::Start(start) if start.by_name));
    assert!(plan.substitutes.is_empty(), "nothing else is started in its place");
    let run = plan.records[&scene.last_id()].run.clone().unwrap();
    assert_eq!((run.by, run.reason.as_str()), (anna(), "noisy fan"));

    let mut scene = ready();
    scene.last_record_mut().retired = true;
    let node = scene.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = "Spillway: retired: noisy fan".to_owned();
    assert!(scene.actions().is_empty(), "running and retired is left alone");
    let (scene, plan) = with(scene, OperatorCommand::Release);
    assert_eq!(short(&plan), ["cancel-drain i-00002"]);
    assert!(!plan.records[&scene.last_id()].retired);
}

#[test]
fn a_draining_node_whose_maintenance_mode_somebody_took_over_is_not_released_and_no_cycle_is_refused_for_it()
{
    let mut scene = ready().draining(DrainKind::Auto, 5);
    scene.last_node_mut().maintenance_mode_reason = "anna: disk".to_owned();
    let (scene, plan) = with(scene, OperatorCommand::Release);
    assert!(short(&plan).is_empty(), "{:?}", plan.actions);
    assert_eq!(plan.done_requests, ["1"]);
    assert!(plan.events.iter().any(|event| event.reason.contains("somebody else set")), "{:?}", plan.events);
    assert!(plan.records[&scene.last_id()].drain.is_none(), "the drain is theirs now");
}

#[test]
fn a_stopped_node_that_is_released_is_an_overflow_node_again() {
    let (scene, plan) = with(retired(), OperatorCommand::Release);
    assert_eq!(short(&plan), ["clear-maintenance i-00002"]);
    assert!(!plan.records[&scene.last_id()].retired);
    // One that lost its tag is not seen any more; that it was retired is forgotten.
    let mut scene = retired();
    let id = scene.last_id();
    scene.fleet.instances.clear();
    scene.ledger.requests = vec![asks("1", OperatorCommand::Release(id.clone()))];
    let plan = scene.plan();
    assert!(plan.is_no_op() && !plan.records[&id].retired);
}

#[test]
fn a_wish_that_cannot_be_met_is_dismissed_with_the_reason() {
    let mut foreign = ready();
    let node = foreign.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = "disk swap".to_owned();
    for command in [OperatorCommand::Stop, OperatorCommand::Retire] {
        let (_, plan) = with(foreign.clone(), command);
        assert!(plan.is_no_op());
        assert_eq!(plan.done_requests, ["1"]);
        let event = plan.events.iter().find(|event| event.kind == EventKind::RequestDone).unwrap();
        assert!(event.reason.contains("somebody else"), "{event:?}");
        assert_eq!(event.by, anna());
    }
    let (_, plan) = with(ready(), |_| OperatorCommand::Stop("i-unknown".into()));
    assert!(plan.events.iter().any(|event| event.reason.contains("not an overflow node")));
}

#[test]
fn a_wish_to_stop_waits_for_the_end_of_an_upgrade_and_does_not_block_the_cycle() {
    for command in [OperatorCommand::Stop, OperatorCommand::Retire] {
        let mut scene = ready();
        scene.platform.upgrading = true;
        let (scene, plan) = with(scene, command);
        assert!(plan.is_no_op() && plan.done_requests.is_empty());
        assert!(why(&plan, &scene.last_id()).contains("upgrade"));
    }
}

#[test]
fn of_two_commands_about_one_node_the_later_one_is_met_and_the_other_dismissed() {
    let young = || Scene::new().always_on(HQ, 90).ready(BURST, 20, 0);
    let id = young().last_id();
    let (stop, release) = (OperatorCommand::Stop(id.clone()), OperatorCommand::Release(id.clone()));
    for (first, second, wanted) in [
        (stop.clone(), release.clone(), Vec::new()),
        (release.clone(), stop.clone(), vec!["drain i-00002"]),
        (stop, OperatorCommand::Retire(id), vec!["drain i-00002"]),
    ] {
        // Whichever of them is read first: the ids of commands are their own.
        for (one, other) in [("a", "b"), ("b", "a")] {
            let mut scene = young();
            let earlier = Request { at: now() - minutes(1), ..asks(one, first.clone()) };
            scene.ledger.requests = vec![earlier, asks(other, second.clone())];
            scene.ledger.requests.sort_by(|a, b| a.id.cmp(&b.id));
            let mut plan = scene.plan();
            assert_eq!(short(&plan), wanted);
            plan.done_requests.sort();
            assert_eq!(plan.done_requests, ["a", "b"]);
            let dismissed = plan.events.iter().filter(|event| event.kind == EventKind::RequestDone).count();
            assert_eq!(dismissed, 1, "{:?}", plan.events);
        }
    }
}

fn now_override(id: InstanceId, calls: bool, lifetime: bool) -> Override {
    Override { instance: id, calls, lifetime, by: anna(), reason: "fire drill".to_owned() }
}

fn plan_with(scene: &Scene, overrides: &[Override]) -> Plan {
    let given = Given { overrides, ..Given::default() };
    plan_given(&scene.policy, &scene.observation(), &Ok(scene.ledger.clone()), scene.now, given)
}

fn busy_and_young() -> Scene {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 5, 3);
    let node = scene.last_node_mut().address;
    scene.platform.shards = Some(vec![Shard { node: Some(node), conference: "sales".to_owned() }]);
    scene
}

#[test]
fn an_override_stops_a_busy_node_at_once_and_only_where_it_was_granted() {
    let scene = busy_and_young();
    let given = [now_override(scene.last_id(), true, true)];
    let plan = plan_with(&scene, &given);
    assert_eq!(short(&plan), ["stop i-00002"]);
    let (observation, ledger) = (scene.observation(), Ok(scene.ledger.clone()));
    let checked = |granted: &[Override]| {
        check_overridden(&scene.policy, &observation, &ledger, &plan, scene.now, granted)
    };
    assert_eq!(checked(&given), Ok(()));
    let refused = Err(vec![Violation::NotGranted { instance: scene.last_id() }]);
    assert_eq!(
        check(&scene.policy, &observation, &ledger, &plan, scene.now),
        refused,
        "a function refuses it"
    );
    let other = [Override { reason: "something else".to_owned(), ..given[0].clone() }];
    assert_eq!(checked(&other), refused);
    assert!(plan.records[&scene.last_id()].drain.as_ref().is_some_and(|drain| drain.calls_overridden));
}

#[test]
fn calls_dropped_by_an_override_are_not_counted_as_a_fault() {
    let mut scene = busy_and_young();
    let id = scene.last_id();
    scene.ledger.nodes = plan_with(&scene, &[now_override(id.clone(), true, true)]).records;
    scene.instance_mut(&id).state = InstanceState::Stopping;
    assert_eq!(scene.plan().report.dropped_by_us, 0);
}

#[test]
fn an_override_of_calls_is_no_override_of_an_upgrade_an_outage_or_foreign_maintenance() {
    let mut upgrading = busy_and_young();
    upgrading.platform.upgrading = true;
    let mut outage = busy_and_young();
    outage.platform.nodes[0].status.as_mut().unwrap().last_updated = None;
    let mut foreign = busy_and_young();
    foreign.last_node_mut().maintenance_mode = true;
    foreign.last_node_mut().maintenance_mode_reason = "disk swap".to_owned();
    for scene in [upgrading, outage, foreign] {
        let plan = plan_with(&scene, &[now_override(scene.last_id(), true, true)]);
        assert!(plan.is_no_op(), "{:?}", short(&plan));
    }
}

#[test]
fn an_override_of_the_lifetime_alone_still_waits_for_the_drain() {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 20, 0);
    let given = [now_override(scene.last_id(), false, true)];
    assert!(plan_with(&scene, &given).is_no_op(), "it begins no drain by itself");
    scene = scene.draining(DrainKind::Operator, 5);
    scene.last_record_mut().drain.as_mut().unwrap().idle_at = Some(now() - minutes(1));
    let plan = plan_with(&scene, &given);
    assert_eq!(short(&plan), ["stop i-00002"]);
    let ledger = Ok(scene.ledger.clone());
    assert_eq!(
        check_overridden(&scene.policy, &scene.observation(), &ledger, &plan, scene.now, &given),
        Ok(())
    );
    // Past the lifetime nothing is set aside, and nothing is said to be.
    let mut old = Scene::new().always_on(HQ, 90).ready(BURST, 60, 0).draining(DrainKind::Operator, 5);
    old.last_record_mut().drain.as_mut().unwrap().idle_at = Some(now() - minutes(1));
    let plan = plan_with(&old, &[now_override(old.last_id(), false, true)]);
    assert!(matches!(&plan.actions[0], Action::Stop { overridden: None, .. }));
}

#[test]
fn a_hold_of_one_node_starts_that_node_and_keeps_it() {
    let scene = Scene::new().always_on(HQ, 90).stopped(3);
    let second = scene.fleet.instances[1].id.clone();
    let scene = scene.hold("h", HoldScope::Node(second.clone()), HoldAmount::AllNodes, -1, 60);
    let plan = scene.plan();
    assert_eq!(short(&plan), [format!("start {second}")]);
    assert!(matches!(&plan.actions[0], Action::Start(start) if start.by_name));
    let held = ready();
    let id = held.last_id();
    let held = held.hold("h", HoldScope::Node(id.clone()), HoldAmount::AllNodes, -60, 60);
    assert!(why(&held.plan(), &id).contains("held by h"));
    let other = ready().hold("h", HoldScope::Node("i-other".into()), HoldAmount::AllNodes, -60, 60);
    assert!(!why(&other.plan(), &other.last_id()).contains("held"));
}
