//! Node operations over the simulated world: each comes to its end, in the guide's order, drops no call; interrupted at any
//! turn and begun again it comes to the same end; and of two operators one is told who was first.

mod run;
mod upgrade;

use jiff::SignedDuration;
use spillway_core::blocker::Blocker;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, EventKind};
use spillway_core::observation::InstanceState;
use spillway_core::operation::{Operation, Step};
use spillway_engine::operation::{Stopped, Turn};
use spillway_harness::Harness;
use spillway_world::{CallSpec, ServiceView};

use self::run::{
    LOOK, Run, harness, instance, is_distributed, is_tagged, state, subject, to_always_on, to_overflow,
};

/// As it should be at the end of each, whatever happened on the way.
fn is_done(harness: &Harness, name: &str, operation: &Operation, id: &InstanceId) {
    // What was stored last reaches the node about a minute later.
    harness.advance(SignedDuration::from_mins(2));
    let node = harness.world().node(name);
    let detail = harness.world().instance_detail(id).expect("an instance");
    match operation {
        Operation::ToOverflow { .. } => {
            let node = node.expect("a node");
            assert_eq!(node.location.as_str(), "Burst");
            assert!(is_tagged(harness, id) && !is_distributed(harness, name) && !node.maintenance_configured);
            assert_eq!(node.state, Some(InstanceState::Stopped));
        }
        Operation::ToAlwaysOn { .. } => {
            let node = node.expect("a node");
            assert_eq!(node.location.as_str(), "HQ");
            assert!(!is_tagged(harness, id) && is_distributed(harness, name));
            assert_eq!(node.service, ServiceView::Ready);
            assert_eq!(node.static_nat, node.public_ip, "its static NAT address is right");
        }
        Operation::Retire => {
            let node = node.expect("a node");
            assert_eq!((node.state, node.maintenance_configured), (Some(InstanceState::Stopped), true));
        }
        Operation::Reinstate => {
            let node = node.expect("a node");
            assert_eq!(node.service, ServiceView::Ready);
            assert_eq!(node.static_nat, node.public_ip);
        }
        Operation::Remove { terminate } => {
            assert!(node.is_none(), "deleted from the Management Node");
            assert_eq!(detail.instance.state == InstanceState::Terminated, *terminate);
        }
        Operation::EnableEna { leave_stopped } => {
            assert!(detail.ena);
            let node = node.expect("a node");
            assert!(!node.maintenance_configured);
            assert_eq!(node.state == Some(InstanceState::Stopped), *leave_stopped);
        }
        Operation::Resize { kind, .. } => {
            assert_eq!(detail.instance.instance_type, *kind);
            assert_eq!(node.expect("a node").service, ServiceView::Ready);
        }
        Operation::Address { .. } => {
            let addresses = harness.world().addresses();
            assert_eq!(addresses.len(), 1, "one was allocated, however often it was begun");
            assert_eq!(addresses[0].instance.as_ref(), Some(id));
            assert_eq!(addresses[0].tags["pexip-cloud"], "manager");
            let node = node.expect("a node");
            assert_eq!(node.public_ip, Some(addresses[0].address));
            assert_eq!(node.static_nat, node.public_ip);
            assert!(!node.maintenance_configured);
            assert_eq!(detail.instance.tags["spillway-allocation"], addresses[0].allocation.as_str());
        }
    }
}

/// The operations, the node each is tried on, and the order of its steps.
fn table() -> Vec<(&'static str, Operation, Vec<&'static str>)> {
    vec![
        (
            "hq-3",
            to_overflow(),
            vec!["set-aside", "set-aside", "tag", "move", "distributed-database", "take-calls"],
        ),
        (
            "burst-1",
            to_always_on(),
            vec!["set-aside", "untag", "set-aside", "nat", "move", "distributed-database", "take-calls"],
        ),
        ("burst-1", Operation::Retire, vec![]),
        (
            "hq-3",
            Operation::Remove { terminate: true },
            vec!["set-aside", "set-aside", "delete", "terminate"],
        ),
        ("burst-1", Operation::Remove { terminate: false }, vec!["delete"]),
        ("old-1", Operation::EnableEna { leave_stopped: false }, vec!["enable-ena", "take-calls"]),
        ("old-1", Operation::EnableEna { leave_stopped: true }, vec!["enable-ena", "take-calls"]),
        (
            "burst-1",
            Operation::Resize { kind: "c5.4xlarge".into(), leave_stopped: false },
            vec!["resize", "nat", "take-calls"],
        ),
        (
            "hq-3",
            Operation::Address { allocation: None },
            vec!["allocate", "set-aside", "set-aside", "tag-instance", "associate", "nat", "take-calls"],
        ),
    ]
}

#[test]
fn each_operation_comes_to_its_end_in_the_guides_order_and_is_then_nothing_to_do() {
    for (name, operation, order) in table() {
        let mut harness = harness();
        let id = instance(&harness, name);
        let mut run = Run::of(&mut harness, name, operation.clone());
        run.finish().unwrap_or_else(|stopped| panic!("{operation:?}: {stopped}"));
        assert_eq!(run.did, order, "{operation:?}");
        assert_eq!(run.turn(), Ok(Turn::Finished));
        is_done(&harness, name, &operation, &id);
        assert!(harness.broken().is_empty(), "{operation:?}: {:?}", harness.broken());
        let by_anna =
            harness.ledger().events().iter().filter(|e| e.by == Actor::Person("anna".to_owned())).count();
        assert!(by_anna > 0, "{operation:?} is in the history under the operator's name");
    }
}

/// Steps that are done turn after turn, with those that a cycle does or that are waited for left out.
fn by_itself(step: &Step) -> bool {
    !matches!(step, Step::Retire | Step::KeepStopped | Step::Start | Step::AwaitReady)
}

#[test]
fn what_is_shown_at_the_beginning_is_what_is_done() {
    for (name, operation, order) in table() {
        let mut harness = harness();
        let shown: Vec<Step> = Run::of(&mut harness, name, operation.clone()).planned().expect("a plan");
        let words: Vec<&str> = shown.iter().filter(|step| by_itself(step)).map(Step::word).collect();
        // Setting a node aside is done twice: it is ordered, then waited for. An instance without a public address has nothing
        // to set, which is only known when it runs.
        let mut done = order.clone();
        done.dedup();
        let shown_and_not_done = words.iter().filter(|word| !done.contains(*word) && **word != "nat");
        assert_eq!(shown_and_not_done.count(), 0, "{operation:?} of {name}: shown {words:?}, done {order:?}");
        let unshown = done.iter().filter(|word| !words.contains(*word));
        assert_eq!(unshown.count(), 0, "{operation:?} of {name}: shown {words:?}, done {order:?}");
    }
}

#[test]
fn a_node_that_is_stopped_is_not_said_to_be_drained() {
    for operation in [
        Operation::EnableEna { leave_stopped: true },
        Operation::Resize { kind: "c4.4xlarge".into(), leave_stopped: false },
        Operation::Retire,
    ] {
        let mut harness = harness();
        let shown = Run::of(&mut harness, "old-1", operation.clone()).planned().expect("a plan");
        assert_eq!(shown[0], Step::KeepStopped, "{operation:?}");
        assert!(shown.iter().all(|step| !step.to_string().contains("drain")), "{operation:?}: {shown:?}");
    }
}

#[test]
fn interrupted_at_any_turn_and_begun_again_it_comes_to_the_same_end() {
    for (name, operation, _) in table() {
        for after in 1..40 {
            let mut harness = harness();
            let id = instance(&harness, name);
            let subject = subject(&harness, name);
            let mut run = Run::of(&mut harness, name, operation.clone());
            let mut ended = false;
            for _ in 0..after {
                ended = run.turn().expect("it goes on") == Turn::Finished;
                run.harness.advance(LOOK);
                if ended {
                    break;
                }
            }
            // The person went home; evaluators went on alone; somebody gives the command again.
            for _ in 0..7 {
                run.harness.tick();
            }
            let mut again = Run::on(&mut harness, subject, operation.clone());
            again.finish().unwrap_or_else(|stopped| panic!("{operation:?} after {after}: {stopped}"));
            is_done(&harness, name, &operation, &id);
            assert!(harness.broken().is_empty(), "{operation:?} after {after}: {:?}", harness.broken());
            if ended {
                break;
            }
        }
    }
}

#[test]
fn a_node_with_calls_is_moved_or_stopped_only_when_they_have_ended() {
    for operation in
        [to_overflow(), Operation::Remove { terminate: true }, Operation::Address { allocation: None }]
    {
        let mut harness = harness();
        let calls = harness.world().seat_calls("hq-3", 2, CallSpec::HD);
        let mut run = Run::of(&mut harness, "hq-3", operation.clone());
        for look in 0..60 {
            let turn = run.turn().expect("it goes on");
            assert_ne!(turn, Turn::Finished);
            run.harness.advance(LOOK);
            if look % 3 == 0 {
                run.harness.cycle();
            }
        }
        {
            let world = run.harness.world();
            let alive = calls.iter().filter(|call| world.media_node_of(**call).is_some()).count();
            assert_eq!(alive, 2, "{operation:?}: calls live on after twenty minutes of waiting");
        }
        run.harness.world().hang_up_all(&calls);
        run.finish().unwrap_or_else(|stopped| panic!("{operation:?}: {stopped}"));
    }
}

#[test]
fn a_retired_node_is_not_started_by_need_and_comes_back_with_the_right_address() {
    let mut harness = harness();
    for name in ["burst-1", "burst-2", "old-1"] {
        Run::of(&mut harness, name, Operation::Retire).finish().expect("retired");
    }
    let calls = harness.world().call_many("HQ", 48, CallSpec::HD);
    assert_eq!(calls.len(), 48);
    for _ in 0..5 {
        harness.tick();
    }
    for name in ["burst-1", "burst-2", "old-1"] {
        assert_eq!(state(&harness, name), InstanceState::Stopped, "{name}");
    }
    let mut run = Run::of(&mut harness, "burst-1", Operation::Reinstate);
    run.finish().expect("reinstated");
    assert_eq!(run.did, ["nat", "take-calls"], "its address is right before it takes calls");
    let id = instance(&harness, "burst-1");
    is_done(&harness, "burst-1", &Operation::Reinstate, &id);
    let starts: Vec<_> =
        harness.ledger().events().into_iter().filter(|e| e.kind == EventKind::Start).collect();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0].by, Actor::Person("anna".to_owned()));
}

#[test]
fn of_two_operators_on_one_node_the_second_is_told_who_was_first() {
    let mut harness = harness();
    let mut first = Run::of(&mut harness, "hq-3", to_overflow());
    assert_eq!(first.turn(), Ok(Turn::Did(Step::SetAside)));
    let memory = std::mem::take(&mut first.memory);
    for (by, operation) in [("bob", to_overflow()), ("anna", Operation::Remove { terminate: true })] {
        let mut second = Run::of(&mut harness, "hq-3", operation);
        second.by = by;
        let taken = Blocker::Taken { operation: "to-overflow".to_owned(), by: "anna".to_owned() };
        assert_eq!(second.turn(), Err(Stopped::Blocked(taken)));
    }
    let mut first = Run::of(&mut harness, "hq-3", to_overflow());
    first.memory = memory;
    first.finish().expect("the first goes on");
}

#[test]
fn what_is_in_the_way_is_said_and_nothing_is_touched() {
    let mut harness = harness();
    harness.world().person_sets_maintenance("burst-1", true, "disk swap");
    let paused =
        |operation: Operation, name: &str, harness: &mut Harness| match Run::of(harness, name, operation)
            .turn()
        {
            Err(Stopped::Blocked(obstacle)) => obstacle.to_string(),
            other => panic!("{other:?}"),
        };
    assert!(paused(Operation::Retire, "burst-1", &mut harness).contains("disk swap"));
    assert!(paused(Operation::Retire, "hq-1", &mut harness).contains("overflow nodes only"));
    let nowhere = Operation::ToOverflow { location: "Mars".into() };
    assert!(paused(nowhere, "hq-1", &mut harness).contains("no location Mars"));
    let c5 = Operation::Resize { kind: "c5.2xlarge".into(), leave_stopped: false };
    assert!(paused(c5, "old-1", &mut harness).contains("ENA"));
    let unknown = Operation::Resize { kind: "c5.17xlarge".into(), leave_stopped: false };
    assert!(paused(unknown, "hq-1", &mut harness).contains("no instance type c5.17xlarge"));
    let missing = Operation::Address { allocation: Some("eipalloc-none".into()) };
    assert!(paused(missing, "hq-1", &mut harness).contains("eipalloc-none"));
    assert!(harness.ledger().events().iter().all(|event| event.by != Actor::Person("anna".to_owned())));
}

#[test]
fn a_person_who_clears_the_maintenance_mode_ends_the_operation() {
    let mut harness = harness();
    let mut run = Run::of(&mut harness, "hq-3", to_overflow());
    assert_eq!(run.turn(), Ok(Turn::Did(Step::SetAside)));
    run.harness.world().person_sets_maintenance("hq-3", false, "");
    run.harness.advance(LOOK);
    assert_eq!(run.turn(), Err(Stopped::Blocked(Blocker::Vetoed)));
}
