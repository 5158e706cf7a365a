//! Lives in the history: cycles and the reconciler both see them, in any order, and each is told once, by whoever it was.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::policy::{Mode, Policy};

use spillway_harness::Harness;
use spillway_world::{CallSpec, Initiator, NodeSpec, fixtures};

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn harness(bursting: bool) -> Harness {
    let world = fixtures::london()
        .with(NodeSpec::always_on("London").hd_calls(17))
        .with(NodeSpec::overflow("AWS burst").count(2).public())
        .boots_in(mins(5))
        .min_lifetime(20)
        .bursting(bursting)
        .ec2_shows_at_once();
    let mut policy = Policy::with_defaults("manager");
    policy.mode = if bursting { Mode::Assist } else { Mode::Control };
    Harness::new(world.build().unwrap(), policy)
}

fn id(harness: &Harness, node: &str) -> InstanceId {
    harness.world().node(node).unwrap().instance.unwrap()
}

/// A minute passes: a cycle and a pass of the reconciler, in either order.
fn minute(harness: &mut Harness, cycle_first: bool) {
    harness.advance(mins(1));
    if cycle_first {
        harness.cycle();
        harness.reconcile(None).unwrap();
    } else {
        harness.reconcile(None).unwrap();
        harness.cycle();
    }
}

/// What the history says of starts, ends and addresses, in the order of time.
fn told(harness: &Harness) -> Vec<(EventKind, Actor)> {
    use EventKind::{Ready, Start, StartFailed, StartSeen, Stop, Stopped};
    let life = [Start, StartSeen, StartFailed, Ready, Stop, Stopped];
    harness
        .ledger()
        .events()
        .into_iter()
        .filter(|event| life.contains(&event.kind))
        .map(|event| (event.kind, event.by))
        .collect()
}

/// Nothing is stored twice: what two functions saw has the same id and the same instant.
fn is_told_once(harness: &Harness) {
    let mut seen: BTreeMap<String, Event> = BTreeMap::new();
    for event in harness.ledger().stored_events() {
        let before = seen.insert(event.id.clone(), event.clone());
        assert!(before.is_none(), "twice: {event:?} and {before:?}");
    }
}

#[test]
fn a_start_and_a_stop_of_ours_are_told_by_the_cycle_that_ordered_them() {
    for cycle_first in [true, false] {
        let mut harness = harness(false);
        let calls = harness.world().call_many("London", 14, CallSpec::HD);
        for _ in 0..10 {
            minute(&mut harness, cycle_first);
        }
        harness.world().hang_up_all(&calls);
        for _ in 0..40 {
            minute(&mut harness, cycle_first);
        }
        let kinds = [EventKind::Start, EventKind::Ready, EventKind::Stop, EventKind::Stopped];
        let expected = kinds.map(|kind| (kind, Actor::Spillway));
        let mut all = told(&harness);
        // The stop is seen with the instant that EC2 gives: it may be the one at which it was ordered.
        all.sort_by_key(|(kind, _)| expected.iter().position(|(each, _)| each == kind));
        assert_eq!(all, expected, "cycle first: {cycle_first}");
        is_told_once(&harness);
    }
}

#[test]
fn a_person_is_somebody_else_and_the_line_is_there_once() {
    for cycle_first in [true, false] {
        let mut harness = harness(false);
        harness.world().outside_starts("aws-burst-1");
        for _ in 0..3 {
            minute(&mut harness, cycle_first);
        }
        harness.world().outside_stops("aws-burst-1");
        for _ in 0..3 {
            minute(&mut harness, cycle_first);
        }
        let all = told(&harness);
        assert!(all.contains(&(EventKind::StartSeen, Actor::Unknown)), "{all:?}");
        assert!(all.contains(&(EventKind::Stopped, Actor::Unknown)), "{all:?}");
        is_told_once(&harness);
    }
}

#[test]
fn pexips_starts_and_stops_are_pexips_whoever_saw_them_first() {
    for cycle_first in [true, false] {
        let mut harness = harness(true);
        let calls = harness.world().call_many("London", 14, CallSpec::HD);
        for _ in 0..10 {
            minute(&mut harness, cycle_first);
        }
        harness.world().hang_up_all(&calls);
        for _ in 0..60 {
            minute(&mut harness, cycle_first);
        }
        let all = told(&harness);
        for kind in [EventKind::StartSeen, EventKind::Stopped] {
            let by: Vec<&Actor> = all.iter().filter(|(each, _)| *each == kind).map(|(_, by)| by).collect();
            assert_eq!(by, [&Actor::Pexip], "{kind:?}, cycle first: {cycle_first}");
        }
        let events = harness.ledger().events();
        let seen = events.iter().find(|event| event.kind == EventKind::StartSeen).unwrap();
        assert!(seen.reason.contains("the Management Node's history: start, starting"), "{}", seen.reason);
        is_told_once(&harness);
    }
}

#[test]
fn a_terminated_instance_has_its_life_closed_and_its_record_goes() {
    for listed in [true, false] {
        let mut harness = harness(false);
        harness.world().outside_starts("aws-burst-1");
        for _ in 0..20 {
            minute(&mut harness, true);
        }
        let instance = id(&harness, "aws-burst-1");
        harness.world().outside_terminates("aws-burst-1");
        if !listed {
            // Nobody saw it terminated, and EC2 does not list it any more.
            harness.world().unlist_for("aws-burst-1", SignedDuration::from_hours(48));
        }
        harness.advance(mins(1));
        for _ in 0..3 {
            harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
            minute(&mut harness, false);
        }
        let ends = told(&harness).into_iter().filter(|(kind, _)| *kind == EventKind::Stopped).count();
        assert_eq!(ends, 1, "listed: {listed}");
        let record = &harness.ledger().nat_records()[&instance];
        assert!(record.gone && !record.is_open(), "{record:?}");
    }
}

#[test]
fn an_instance_that_is_not_listed_for_a_moment_is_not_dead() {
    let mut harness = harness(false);
    let instance = id(&harness, "aws-burst-1");
    harness.world().start_instances(std::slice::from_ref(&instance), Initiator::Outside);
    for _ in 0..3 {
        minute(&mut harness, false);
    }
    harness.world().unlist_for("aws-burst-1", mins(2));
    for _ in 0..5 {
        minute(&mut harness, false);
    }
    assert!(harness.ledger().nat_records()[&instance].is_open());
    assert!(told(&harness).iter().all(|(kind, _)| *kind != EventKind::Stopped));
}

#[test]
fn a_new_ledger_does_not_tell_of_what_stopped_yesterday() {
    let harness = harness(false);
    harness.reconcile(None).unwrap();
    assert!(harness.ledger().events().is_empty() && harness.ledger().nat_records().is_empty());
    // One that lived and died between two sweeps, unseen, is told of by its event.
    harness.world().outside_starts("aws-burst-1");
    harness.advance(mins(1));
    harness.world().outside_stops("aws-burst-1");
    harness.advance(mins(2));
    let instance = id(&harness, "aws-burst-1");
    for _ in 0..2 {
        harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    }
    assert_eq!(told(&harness), [(EventKind::Stopped, Actor::Unknown)]);
}

#[test]
fn an_end_that_a_cycle_told_of_is_not_told_again_when_the_instance_is_terminated_or_loses_its_tag() {
    for terminated in [true, false] {
        let mut harness = harness(false);
        harness.world().outside_starts("aws-burst-1");
        minute(&mut harness, true);
        harness.world().outside_stops("aws-burst-1");
        harness.advance(mins(2));
        // The reconciler did not see the stop.
        harness.cycle();
        if terminated {
            harness.world().outside_terminates("aws-burst-1");
        } else {
            harness.world().set_tag("aws-burst-1", "pexip-cloud", None);
        }
        for _ in 0..20 {
            minute(&mut harness, true);
        }
        is_told_once(&harness);
        let record = &harness.ledger().nat_records()[&id(&harness, "aws-burst-1")];
        assert!(!record.is_open(), "terminated: {terminated}");
    }
}
