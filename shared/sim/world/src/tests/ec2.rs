//! EC2: states, addresses, refusals, throttling, consistency, events.

use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::InstanceId;
use spillway_core::observation::{InstanceState, NodeRole};

use super::{instance_of, mins, pair, secs, start};
use crate::{CallSpec, EventFaults, FleetScope, Initiator, NodeSpec, World, WorldBuilder};

const US: Initiator = Initiator::Spillway;

fn scope(tag: &str) -> FleetScope {
    FleetScope { tag_value: tag.to_owned(), regions: vec!["eu-west-1".to_owned()], vpcs: None }
}

fn kinds(results: &[(InstanceId, Result<(), Refusal>)]) -> Vec<Option<RefusalKind>> {
    results.iter().map(|(_, result)| result.as_ref().err().map(|refusal| refusal.kind)).collect()
}

fn start_node(world: &mut World, node: &str) -> Option<RefusalKind> {
    let id = instance_of(world, node);
    kinds(&world.start_instances(&[id], US))[0]
}

fn state(world: &World, node: &str) -> InstanceState {
    world.node(node).unwrap().state.unwrap()
}

#[test]
fn an_instance_takes_time_from_state_to_state() {
    let mut world = pair(1, 1).build().unwrap();
    assert_eq!(start_node(&mut world, "aws-burst-1"), None);
    assert_eq!(state(&world, "aws-burst-1"), InstanceState::Pending);
    assert_eq!(world.node("aws-burst-1").unwrap().launched_at, Some(start()));
    world.advance_by(secs(30));
    assert_eq!(state(&world, "aws-burst-1"), InstanceState::Running);
    let id = instance_of(&world, "aws-burst-1");
    world.stop_instances(&[id], US);
    assert_eq!(state(&world, "aws-burst-1"), InstanceState::Stopping);
    assert_eq!(start_node(&mut world, "aws-burst-1"), Some(RefusalKind::WrongState));
    world.advance_by(secs(46));
    assert_eq!(state(&world, "aws-burst-1"), InstanceState::Stopped);
    world.advance_by(mins(10));
    assert!(world.node_hours().overflow < 31.0 / 3600.0);
}

#[test]
fn starting_what_runs_and_stopping_what_is_stopped_succeeds_and_changes_nothing() {
    let mut world = pair(1, 1).build().unwrap();
    let (on, off) = (instance_of(&world, "london-1"), instance_of(&world, "aws-burst-1"));
    assert!(world.start_instances(&[on], US)[0].1.is_ok());
    assert!(world.stop_instances(&[off], US)[0].1.is_ok());
    assert_eq!((world.stats().starts_total(), world.stats().stops.len()), (0, 0));
}

#[test]
fn a_dynamic_address_changes_at_each_start_and_an_elastic_one_stays() {
    let mut world = WorldBuilder::new(start())
        .location("B")
        .with(NodeSpec::overflow("B").named("dynamic").public())
        .with(NodeSpec::overflow("B").named("elastic").elastic())
        .with(NodeSpec::overflow("B").named("private"))
        .build()
        .unwrap();
    let mut dynamic = std::collections::BTreeSet::new();
    let elastic = world.node("elastic-1").unwrap().public_ip;
    assert!(elastic.is_some());
    for _ in 0..5 {
        for node in ["dynamic-1", "elastic-1", "private-1"] {
            world.outside_starts(node);
        }
        world.advance_by(mins(10));
        assert!(dynamic.insert(world.node("dynamic-1").unwrap().public_ip.unwrap()));
        assert_eq!(world.node("elastic-1").unwrap().public_ip, elastic);
        assert_eq!(world.node("private-1").unwrap().public_ip, None);
        for node in ["dynamic-1", "elastic-1", "private-1"] {
            world.outside_stops(node);
        }
        world.advance_by(mins(2));
        assert_eq!(world.node("dynamic-1").unwrap().public_ip, None);
        assert_eq!(world.node("elastic-1").unwrap().public_ip, elastic);
    }
}

#[test]
fn capacity_runs_out_by_type_and_zone() {
    let mut world = WorldBuilder::new(start())
        .location("B")
        .with(NodeSpec::overflow("B").count(3))
        .with(NodeSpec::overflow("B").named("other").instance_type("c5.4xlarge"))
        .with(NodeSpec::overflow("B").named("zone").zone("eu-west-1b"))
        .build()
        .unwrap();
    world.set_capacity("c5.2xlarge", "eu-west-1a", Some(1));
    assert_eq!(start_node(&mut world, "b-1"), None);
    assert_eq!(start_node(&mut world, "b-2"), Some(RefusalKind::InstanceCapacity));
    assert_eq!(start_node(&mut world, "other-1"), None);
    assert_eq!(start_node(&mut world, "zone-1"), None);
    world.set_capacity("c5.2xlarge", "eu-west-1a", None);
    world.advance_by(secs(10));
    assert_eq!(start_node(&mut world, "b-2"), None);
}

#[test]
fn each_refusal_has_its_kind_and_ec2s_own_code() {
    let mut world = WorldBuilder::new(start())
        .location("B")
        .with(NodeSpec::overflow("B").count(2))
        .with(NodeSpec::overflow("B").named("host").on_host())
        .with(NodeSpec::overflow("B").named("kept").running(true))
        .with(NodeSpec::overflow("B").named("foreign").tag(Some("somebody-else")))
        .with(NodeSpec::overflow("B").named("untagged").tag(None))
        .build()
        .unwrap();
    world.set_host_capacity("eu-west-1a", 0);
    assert_eq!(start_node(&mut world, "host-1"), Some(RefusalKind::HostCapacity));
    world.protect_from_stop("kept-1", true);
    let kept = instance_of(&world, "kept-1");
    let refused = world.stop_instances(&[kept], US);
    assert_eq!(refused[0].1.as_ref().unwrap_err().code, "OperationNotPermitted");
    world.advance_by(secs(10));
    let foreign = ["foreign-1", "untagged-1"].map(|node| instance_of(&world, node));
    assert_eq!(
        kinds(&world.start_as(&foreign, "manager")),
        [Some(RefusalKind::Unauthorized), Some(RefusalKind::Unauthorized)]
    );
    world.advance_by(secs(10));
    assert_eq!(
        kinds(&world.start_instances(&[InstanceId::new("i-none")], US)),
        [Some(RefusalKind::NoSuchInstance)]
    );
    world.set_quota(Some(1));
    assert_eq!(start_node(&mut world, "b-1"), Some(RefusalKind::Quota));
    world.set_quota(None);
    world.outside_terminates("b-1");
    assert_eq!(start_node(&mut world, "b-1"), Some(RefusalKind::WrongState));
    let id = instance_of(&world, "b-2");
    world.advance_by(secs(10));
    world.refuse_starts(&id, 1, RefusalKind::Other);
    assert_eq!(start_node(&mut world, "b-2"), Some(RefusalKind::Other));
    assert_eq!(start_node(&mut world, "b-2"), None);
}

#[test]
fn requests_are_throttled_by_a_bucket_that_refills() {
    let mut world =
        WorldBuilder::new(start()).location("B").with(NodeSpec::overflow("B").count(400)).build().unwrap();
    let all: Vec<InstanceId> = world.nodes().into_iter().filter_map(|node| node.instance).collect();
    // Five requests of 50, the sixth is throttled, the rest are not sent.
    let results = kinds(&world.start_instances(&all, US));
    let count = |kind| results.iter().filter(|result| **result == kind).count();
    assert_eq!(count(None), 250);
    assert_eq!(count(Some(RefusalKind::Throttled)), 50);
    assert_eq!(count(Some(RefusalKind::NotAttempted)), 100);
    world.advance_by(secs(60));
    let results = kinds(&world.start_instances(&all[250..], US));
    assert!(results.iter().all(Option::is_none));
}

#[test]
fn one_bad_instance_does_not_block_its_batch() {
    let mut world =
        WorldBuilder::new(start()).location("B").with(NodeSpec::overflow("B").count(50)).build().unwrap();
    let all: Vec<InstanceId> = world.nodes().into_iter().filter_map(|node| node.instance).collect();
    world.refuse_starts(&all[7], 1, RefusalKind::Other);
    let results = kinds(&world.start_instances(&all, US));
    assert_eq!(results.iter().filter(|result| result.is_none()).count(), 49);
    assert_eq!(results[7], Some(RefusalKind::Other));
}

#[test]
fn a_describe_may_show_the_old_state_for_a_few_seconds_or_not_list_the_instance() {
    let mut world =
        pair(1, 1).settings(|settings| settings.ec2.consistency = (secs(4), secs(4))).build().unwrap();
    start_node(&mut world, "aws-burst-1");
    let shown = |world: &World| world.fleet(&scope("manager")).instances.first().map(|i| i.state);
    world.advance_by(secs(3));
    assert_eq!(shown(&world), Some(InstanceState::Stopped));
    world.advance_by(secs(2));
    assert_eq!(shown(&world), Some(InstanceState::Pending));
    world.unlist_for("aws-burst-1", secs(5));
    assert_eq!(shown(&world), None);
    world.advance_by(secs(60));
    assert_eq!(shown(&world), Some(InstanceState::Running));
}

#[test]
fn only_instances_in_scope_are_listed() {
    let world = WorldBuilder::new(start())
        .location("B")
        .tag_value("unknown")
        .with(NodeSpec::overflow("B"))
        .with(NodeSpec::overflow("B").named("vpc").vpc("vpc-other"))
        .with(NodeSpec::overflow("B").named("region").region("us-east-1"))
        .with(NodeSpec::always_on("B").named("always"))
        .build()
        .unwrap();
    let names = |scope: &FleetScope| -> Vec<String> {
        world.fleet(scope).instances.into_iter().map(|i| i.name).collect()
    };
    assert_eq!(names(&scope("unknown")), ["b-1", "vpc-1"]);
    let vpcs = Some(["vpc-other".to_owned()].into());
    assert_eq!(names(&FleetScope { vpcs, ..scope("unknown") }), ["vpc-1"]);
    assert!(names(&scope("manager")).is_empty());
}

#[test]
fn every_state_change_is_an_event_that_can_be_lost_doubled_or_late() {
    let run = |faults: EventFaults| {
        let mut world = pair(1, 40)
            .settings(|settings| {
                settings.ec2.event_faults = faults;
                settings.ec2.request_tokens = 100.0;
            })
            .build()
            .unwrap();
        for n in 1..=40 {
            world.outside_starts(&format!("aws-burst-{n}"));
        }
        world.advance_by(mins(5));
        for n in 1..=40 {
            world.outside_stops(&format!("aws-burst-{n}"));
        }
        world.advance_by(mins(30));
        world.take_state_changes()
    };
    let clean = run(EventFaults::NONE);
    // pending, running, stopping, stopped
    assert_eq!(clean.len(), 160);
    assert!(clean.windows(2).all(|pair| pair[0].delivered_at <= pair[1].delivered_at));
    let lost = run(EventFaults { dropped: 0.5, ..EventFaults::NONE });
    assert!((50..110).contains(&lost.len()), "{}", lost.len());
    let doubled = run(EventFaults { doubled: 1.0, ..EventFaults::NONE });
    assert_eq!(doubled.len(), 320);
    let distinct: std::collections::BTreeSet<_> = doubled.iter().map(|event| event.id).collect();
    assert_eq!(distinct.len(), 160);
    let late = run(EventFaults { late: 0.5, ..EventFaults::NONE });
    assert!(late.windows(2).any(|pair| pair[0].at > pair[1].at), "some arrive out of order");
}

#[test]
fn a_crashed_node_has_no_calls_left_and_an_on_premises_node_has_no_instance() {
    let mut world = WorldBuilder::new(start())
        .location("London")
        .with(NodeSpec::always_on("London").elsewhere())
        .build()
        .unwrap();
    assert!(world.node("london-1").unwrap().instance.is_none());
    world.call("London", CallSpec::HD).unwrap();
    world.node_crashes("london-1");
    assert!(!world.node("london-1").unwrap().busy);
    assert_eq!(world.nodes[0].role, NodeRole::Transcoding);
}
