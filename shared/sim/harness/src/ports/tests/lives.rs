//! Lives in the history: cycles and the reconciler both see them, in any order, and each is told once, by whoever it was.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::policy::{Mode, Policy};

use crate::scenario::Stage;
use spillway_world::{CallSpec, Initiator, NodeSpec, WorldBuilder};

use super::start;

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn stage(bursting: bool) -> Stage {
    let world = WorldBuilder::new(start())
        .location("London")
        .location("AWS burst")
        .overflow("London", "AWS burst")
        .with(NodeSpec::always_on("London").hd_calls(17))
        .with(NodeSpec::overflow("AWS burst").count(2).public())
        .boots_in(mins(5))
        .min_lifetime(20)
        .bursting(bursting)
        .settings(|settings| settings.ec2.consistency = (SignedDuration::ZERO, SignedDuration::ZERO));
    let mut policy = Policy::with_defaults("manager");
    policy.mode = if bursting { Mode::Assist } else { Mode::Control };
    Stage::new(world.build().unwrap(), policy)
}

fn id(stage: &Stage, node: &str) -> InstanceId {
    stage.world().node(node).unwrap().instance.unwrap()
}

/// A minute passes: a cycle and a pass of the reconciler, in either order.
fn minute(stage: &mut Stage, cycle_first: bool) {
    stage.advance(mins(1));
    if cycle_first {
        stage.cycle();
        stage.reconcile(None).unwrap();
    } else {
        stage.reconcile(None).unwrap();
        stage.cycle();
    }
}

/// What the history says of starts, ends and addresses, in the order of time.
fn told(stage: &Stage) -> Vec<(EventKind, Actor)> {
    use EventKind::{Ready, Start, StartFailed, StartSeen, Stop, Stopped};
    let life = [Start, StartSeen, StartFailed, Ready, Stop, Stopped];
    stage
        .ledger()
        .events()
        .into_iter()
        .filter(|event| life.contains(&event.kind))
        .map(|event| (event.kind, event.by))
        .collect()
}

/// Nothing is stored twice: what two functions saw has the same id and the same instant.
fn is_told_once(stage: &Stage) {
    let mut seen: BTreeMap<String, Event> = BTreeMap::new();
    for event in stage.ledger().stored_events() {
        let before = seen.insert(event.id.clone(), event.clone());
        assert!(before.is_none(), "twice: {event:?} and {before:?}");
    }
}

#[test]
fn a_start_and_a_stop_of_ours_are_told_by_the_cycle_that_ordered_them() {
    for cycle_first in [true, false] {
        let mut stage = stage(false);
        let calls = stage.world().call_many("London", 14, CallSpec::HD);
        for _ in 0..10 {
            minute(&mut stage, cycle_first);
        }
        stage.world().hang_up_all(&calls);
        for _ in 0..40 {
            minute(&mut stage, cycle_first);
        }
        let kinds = [EventKind::Start, EventKind::Ready, EventKind::Stop, EventKind::Stopped];
        let expected = kinds.map(|kind| (kind, Actor::Spillway));
        let mut all = told(&stage);
        // The stop is seen with the instant that EC2 gives: it may be the one at which it was ordered.
        all.sort_by_key(|(kind, _)| expected.iter().position(|(each, _)| each == kind));
        assert_eq!(all, expected, "cycle first: {cycle_first}");
        is_told_once(&stage);
    }
}

#[test]
fn a_person_is_somebody_else_and_the_line_is_there_once() {
    for cycle_first in [true, false] {
        let mut stage = stage(false);
        stage.world().outside_starts("aws-burst-1");
        for _ in 0..3 {
            minute(&mut stage, cycle_first);
        }
        stage.world().outside_stops("aws-burst-1");
        for _ in 0..3 {
            minute(&mut stage, cycle_first);
        }
        let all = told(&stage);
        assert!(all.contains(&(EventKind::StartSeen, Actor::Unknown)), "{all:?}");
        assert!(all.contains(&(EventKind::Stopped, Actor::Unknown)), "{all:?}");
        is_told_once(&stage);
    }
}

#[test]
fn pexips_starts_and_stops_are_pexips_whoever_saw_them_first() {
    for cycle_first in [true, false] {
        let mut stage = stage(true);
        let calls = stage.world().call_many("London", 14, CallSpec::HD);
        for _ in 0..10 {
            minute(&mut stage, cycle_first);
        }
        stage.world().hang_up_all(&calls);
        for _ in 0..60 {
            minute(&mut stage, cycle_first);
        }
        let all = told(&stage);
        for kind in [EventKind::StartSeen, EventKind::Stopped] {
            let by: Vec<&Actor> = all.iter().filter(|(each, _)| *each == kind).map(|(_, by)| by).collect();
            assert_eq!(by, [&Actor::Pexip], "{kind:?}, cycle first: {cycle_first}");
        }
        let events = stage.ledger().events();
        let seen = events.iter().find(|event| event.kind == EventKind::StartSeen).unwrap();
        assert!(seen.reason.contains("the Management Node's history: start, starting"), "{}", seen.reason);
        is_told_once(&stage);
    }
}

#[test]
fn a_terminated_instance_has_its_life_closed_and_its_record_goes() {
    for listed in [true, false] {
        let mut stage = stage(false);
        stage.world().outside_starts("aws-burst-1");
        for _ in 0..20 {
            minute(&mut stage, true);
        }
        let instance = id(&stage, "aws-burst-1");
        stage.world().outside_terminates("aws-burst-1");
        if !listed {
            // Nobody saw it terminated, and EC2 does not list it any more.
            stage.world().unlist_for("aws-burst-1", SignedDuration::from_hours(48));
        }
        stage.advance(mins(1));
        for _ in 0..3 {
            stage.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
            minute(&mut stage, false);
        }
        let ends = told(&stage).into_iter().filter(|(kind, _)| *kind == EventKind::Stopped).count();
        assert_eq!(ends, 1, "listed: {listed}");
        let record = &stage.ledger().nat_records()[&instance];
        assert!(record.gone && !record.is_open(), "{record:?}");
    }
}

#[test]
fn an_instance_that_is_not_listed_for_a_moment_is_not_dead() {
    let mut stage = stage(false);
    let instance = id(&stage, "aws-burst-1");
    stage.world().start_instances(std::slice::from_ref(&instance), Initiator::Outside);
    for _ in 0..3 {
        minute(&mut stage, false);
    }
    stage.world().unlist_for("aws-burst-1", mins(2));
    for _ in 0..5 {
        minute(&mut stage, false);
    }
    assert!(stage.ledger().nat_records()[&instance].is_open());
    assert!(told(&stage).iter().all(|(kind, _)| *kind != EventKind::Stopped));
}

#[test]
fn a_new_ledger_does_not_tell_of_what_stopped_yesterday() {
    let stage = stage(false);
    stage.reconcile(None).unwrap();
    assert!(stage.ledger().events().is_empty() && stage.ledger().nat_records().is_empty());
    // One that lived and died between two sweeps, unseen, is told of by its event.
    stage.world().outside_starts("aws-burst-1");
    stage.advance(mins(1));
    stage.world().outside_stops("aws-burst-1");
    stage.advance(mins(2));
    let instance = id(&stage, "aws-burst-1");
    for _ in 0..2 {
        stage.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    }
    assert_eq!(told(&stage), [(EventKind::Stopped, Actor::Unknown)]);
}

#[test]
fn an_end_that_a_cycle_told_of_is_not_told_again_when_the_instance_is_terminated_or_loses_its_tag() {
    for terminated in [true, false] {
        let mut stage = stage(false);
        stage.world().outside_starts("aws-burst-1");
        minute(&mut stage, true);
        stage.world().outside_stops("aws-burst-1");
        stage.advance(mins(2));
        // The reconciler did not see the stop.
        stage.cycle();
        if terminated {
            stage.world().outside_terminates("aws-burst-1");
        } else {
            stage.world().set_tag("aws-burst-1", "pexip-cloud", None);
        }
        for _ in 0..20 {
            minute(&mut stage, true);
        }
        is_told_once(&stage);
        let record = &stage.ledger().nat_records()[&id(&stage, "aws-burst-1")];
        assert!(!record.is_open(), "terminated: {terminated}");
    }
}
