//! The reconciler over the simulated ports: addresses follow, Elastic IPs are asked for and never taken, lives are told
//! once.

use std::net::Ipv4Addr;

use jiff::SignedDuration;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::ledger::{Actor, EventKind, Request, Wish};
use spillway_core::outcome::{ActionEnd, Outcome};
use spillway_core::policy::{NatNodes, Policy};
use spillway_core::ports::LedgerWrite;
use spillway_core::reconcile::{AddressReason, ReconcileReport};

use crate::ports::CallFaults;
use crate::scenario::Stage;
use spillway_world::{CallSpec, Initiator, NodeSpec, World, WorldBuilder};

use super::{now, start};

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn builder() -> WorldBuilder {
    WorldBuilder::new(start())
        .location("London")
        .location("AWS burst")
        .overflow("London", "AWS burst")
        .with(NodeSpec::always_on("London").public())
        .with(NodeSpec::overflow("AWS burst").count(3).public())
        .boots_in(mins(5))
        .vpc("vpc-1")
        .settings(|settings| settings.ec2.consistency = (SignedDuration::ZERO, SignedDuration::ZERO))
}

fn stage_with(change: impl FnOnce(&mut Policy)) -> Stage {
    let mut policy = Policy::with_defaults("manager");
    change(&mut policy);
    Stage::new(builder().build().unwrap(), policy)
}

fn stage() -> Stage {
    stage_with(|_| ())
}

fn id(stage: &Stage, node: &str) -> InstanceId {
    stage.world().node(node).unwrap().instance.unwrap()
}

fn addresses(stage: &Stage, node: &str) -> (Option<Ipv4Addr>, Option<Ipv4Addr>) {
    let view = stage.world().node(node).unwrap();
    (view.static_nat, view.public_ip)
}

fn is_right(stage: &Stage, node: &str) -> bool {
    let (stored, public) = addresses(stage, node);
    stored.is_some() && stored == public
}

/// An Elastic IP with the tag of a platform.
fn allocate(world: &mut World, tag: &str) -> (AllocationId, Ipv4Addr) {
    let allocation = world.allocate_address(&[("pexip-cloud".to_owned(), tag.to_owned())].into());
    let found = world.describe_addresses(std::slice::from_ref(&allocation));
    (allocation, found[0].address)
}

/// Somebody starts a node, and its instance runs.
fn starts(stage: &Stage, node: &str) -> InstanceId {
    let id = id(stage, node);
    stage.world().start_instances(std::slice::from_ref(&id), Initiator::Outside);
    stage.advance(SignedDuration::from_secs(60));
    id
}

fn sweep(stage: &Stage) -> ReconcileReport {
    stage.reconcile(None).unwrap()
}

fn told(stage: &Stage, kind: EventKind) -> usize {
    stage.ledger().events().iter().filter(|event| event.kind == kind).count()
}

fn reasons(report: &ReconcileReport, node: &str) -> Vec<AddressReason> {
    let found = report.plan.nodes.iter().find(|each| each.node.as_ref().is_some_and(|n| n.as_str() == node));
    found.unwrap().reasons.clone()
}

#[test]
fn the_address_follows_each_start_and_a_second_look_changes_nothing() {
    let stage = stage();
    for life in 1..=3 {
        let instance = starts(&stage, "aws-burst-1");
        assert!(!is_right(&stage, "aws-burst-1"), "each start has an address of its own");
        let report = stage.reconcile(Some(&[instance])).unwrap();
        assert_eq!((report.outcome, report.changed()), (Outcome::Acted, 1), "{}", report.summary());
        assert!(is_right(&stage, "aws-burst-1"));
        assert_eq!(sweep(&stage).changed(), 0);
        assert_eq!(told(&stage, EventKind::AddressChanged), life);
        stage.world().outside_stops("aws-burst-1");
        stage.advance(mins(10));
    }
    assert!(addresses(&stage, "aws-burst-1").0.is_some(), "a stale address stays until the next start");
}

#[test]
fn an_event_for_somebody_elses_instance_costs_one_describe() {
    let stage = stage();
    stage.world().set_tag("aws-burst-1", "pexip-cloud", Some("another"));
    let (instance, unknown) = (starts(&stage, "aws-burst-1"), InstanceId::new("i-0404"));
    let gate = CallFaults::none();
    let report = stage.reconcile_through(Some(&[instance, unknown]), &gate).unwrap();
    assert_eq!((gate.calls(), report.outcome, report.plan.nodes.len()), (1, Outcome::Quiet, 0));
    assert!(!is_right(&stage, "aws-burst-1"));
}

#[test]
fn one_instance_takes_at_most_six_calls_and_nine_with_an_elastic_ip() {
    let stage = stage();
    let instance = starts(&stage, "aws-burst-1");
    let gate = CallFaults::none();
    assert_eq!(stage.reconcile_through(Some(&[instance]), &gate).unwrap().changed(), 1);
    assert!(gate.calls() <= 6, "{} calls", gate.calls());
    let (allocation, elastic) = allocate(&mut stage.world(), "manager");
    stage.world().tag_allocation("aws-burst-2", Some(allocation.as_str()));
    let instance = starts(&stage, "aws-burst-2");
    let gate = CallFaults::none();
    assert_eq!(stage.reconcile_through(Some(&[instance]), &gate).unwrap().changed(), 1);
    assert!(gate.calls() <= 9, "{} calls", gate.calls());
    assert_eq!(addresses(&stage, "aws-burst-2"), (Some(elastic), Some(elastic)));
}

#[test]
fn an_elastic_ip_is_never_taken_from_another() {
    let stage = stage();
    let (allocation, elastic) = allocate(&mut stage.world(), "manager");
    stage.world().person_associates("aws-burst-2", &allocation);
    stage.world().tag_allocation("aws-burst-1", Some(allocation.as_str()));
    let instance = starts(&stage, "aws-burst-1");
    let report = stage.reconcile(Some(&[instance])).unwrap();
    let taken = |reason: &AddressReason| matches!(reason, AddressReason::ElasticIpTaken { .. });
    assert!(reasons(&report, "aws-burst-1").iter().any(taken));
    assert!(is_right(&stage, "aws-burst-1"), "its dynamic address is used");
    assert_eq!(addresses(&stage, "aws-burst-2").1, Some(elastic));
    // Given up by the other, it is taken at the next sweep, as nothing runs on the node.
    stage.world().disassociate_address(&allocation);
    sweep(&stage);
    assert_eq!(addresses(&stage, "aws-burst-1"), (Some(elastic), Some(elastic)));
    assert_eq!(stage.broken(), Vec::<String>::new());
}

#[test]
fn elastic_ips_that_cannot_be_had_are_named_and_the_dynamic_address_is_used() {
    type Case = (&'static str, fn(&mut World) -> String, fn(&AddressReason) -> bool);
    let table: [Case; 3] = [
        ("malformed", |_| "52.1.2.3".to_owned(), |r| matches!(r, AddressReason::ElasticIpMalformed { .. })),
        ("missing", |_| "eipalloc-0ff".to_owned(), |r| matches!(r, AddressReason::ElasticIpMissing { .. })),
        (
            "another platform's",
            |world| allocate(world, "another").0.to_string(),
            |r| matches!(r, AddressReason::ElasticIpNotOurs { .. }),
        ),
    ];
    for (what, allocated, is_reason) in table {
        let stage = stage();
        let tag = allocated(&mut stage.world());
        stage.world().tag_allocation("aws-burst-1", Some(&tag));
        let instance = starts(&stage, "aws-burst-1");
        let report = stage.reconcile(Some(&[instance])).unwrap();
        let reasons = reasons(&report, "aws-burst-1");
        assert!(reasons.iter().any(is_reason), "{what}: {reasons:?}");
        assert!(reasons.iter().any(AddressReason::is_issue), "{what} is shown");
        assert!(is_right(&stage, "aws-burst-1"), "{what}");
    }
}

#[test]
fn a_change_that_would_touch_calls_waits_until_they_end() {
    let stage = stage();
    let instance = starts(&stage, "aws-burst-1");
    stage.reconcile(Some(&[instance])).unwrap();
    stage.advance(mins(6));
    let calls = stage.world().seat_calls("aws-burst-1", 2, CallSpec::HD);
    let (allocation, elastic) = allocate(&mut stage.world(), "manager");
    stage.world().tag_allocation("aws-burst-1", Some(allocation.as_str()));
    let report = sweep(&stage);
    let waits = |reason: &AddressReason| matches!(reason, AddressReason::WaitsForIdle { busy: true, .. });
    assert!(reasons(&report, "aws-burst-1").iter().any(waits));
    assert_eq!((report.changed(), report.wrong_now()), (0, 0), "callers reach it as it is");
    stage.world().hang_up_all(&calls);
    sweep(&stage);
    assert_eq!(addresses(&stage, "aws-burst-1"), (Some(elastic), Some(elastic)));
    assert_eq!(stage.broken(), Vec::<String>::new());
}

#[test]
fn private_only_nodes_have_none() {
    let stage = stage_with(|policy| policy.nat.private_only = vec!["AWS burst".into()]);
    let instance = starts(&stage, "aws-burst-1");
    let gate = CallFaults::none();
    let report = stage.reconcile_through(Some(&[instance]), &gate).unwrap();
    assert_eq!(addresses(&stage, "aws-burst-1").0, None, "{report:?}");
    assert!(gate.calls() <= 7, "{} calls: the ledger did not know the location yet", gate.calls());
    // The others are stopped and have one from before.
    assert_eq!(sweep(&stage).changed(), 2);
    assert_eq!(sweep(&stage).changed(), 0);
    assert!(addresses(&stage, "london-1").0.is_some(), "not ours to clear");
}

#[test]
fn a_dynamic_address_is_cleared_on_stop_only_if_the_policy_says_so() {
    let stage = stage_with(|policy| policy.nat.clear_on_stop = true);
    let instance = starts(&stage, "aws-burst-1");
    stage.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    stage.world().outside_stops("aws-burst-1");
    stage.advance(mins(5));
    stage.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    assert_eq!(addresses(&stage, "aws-burst-1").0, None);
    starts(&stage, "aws-burst-1");
    stage.reconcile(Some(&[instance])).unwrap();
    assert!(is_right(&stage, "aws-burst-1"));
}

#[test]
fn always_on_nodes_are_mended_only_if_the_policy_says_so_and_never_get_an_elastic_ip() {
    for (nodes, mended) in [(NatNodes::Overflow, false), (NatNodes::All, true)] {
        let stage = stage_with(|policy| {
            policy.vpcs = vec!["vpc-1".to_owned()];
            policy.nat.nodes = nodes;
        });
        let (allocation, _) = allocate(&mut stage.world(), "manager");
        stage.world().tag_allocation("london-1", Some(allocation.as_str()));
        stage.world().outside_stops("london-1");
        stage.advance(mins(5));
        let instance = starts(&stage, "london-1");
        assert!(!is_right(&stage, "london-1"));
        stage.reconcile(Some(&[instance])).unwrap();
        assert_eq!(is_right(&stage, "london-1"), mended);
        assert!(stage.world().describe_addresses(&[allocation])[0].instance.is_none());
    }
}

#[test]
fn a_pause_and_a_dry_run_change_nothing_and_say_so() {
    let stage = stage();
    let instance = starts(&stage, "aws-burst-1");
    let request = Request {
        id: "1".to_owned(),
        by: Actor::Person("kari".to_owned()),
        at: stage.now(),
        reason: "maintenance of the network".to_owned(),
        wish: Wish::Pause { until: stage.now() + mins(30) },
    };
    now(stage.ledger().put_request(&request)).unwrap();
    let report = stage.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    assert_eq!(report.outcome, Outcome::Refused);
    assert!(report.summary().contains("by kari: maintenance of the network"), "{}", report.summary());
    assert!(!is_right(&stage, "aws-burst-1"));
    stage.advance(mins(31));
    assert_eq!(stage.reconcile(Some(&[instance])).unwrap().changed(), 1, "the pause is over");

    let stage = stage_with(|policy| policy.dry_run = true);
    let instance = starts(&stage, "aws-burst-1");
    let report = stage.reconcile(Some(&[instance])).unwrap();
    assert_eq!(
        (report.outcome, report.summary().as_str()),
        (Outcome::Withheld, "1 address changes withheld")
    );
    assert!(!is_right(&stage, "aws-burst-1"));
}

#[test]
fn nat_goes_on_in_a_mode_mismatch_and_in_assist_mode() {
    for assist in [false, true] {
        let mut policy = Policy::with_defaults("manager");
        if assist {
            policy.mode = spillway_core::policy::Mode::Assist;
        }
        let stage = Stage::new(builder().bursting(true).build().unwrap(), policy);
        let instance = starts(&stage, "aws-burst-1");
        stage.reconcile(Some(&[instance])).unwrap();
        assert!(is_right(&stage, "aws-burst-1"));
    }
}

#[test]
fn any_call_that_fails_is_healed_by_the_next_sweep() {
    for strike in [crate::ports::Strike::Before, crate::ports::Strike::After] {
        for nth in 1..=8 {
            let stage = stage();
            let (allocation, elastic) = allocate(&mut stage.world(), "manager");
            stage.world().tag_allocation("aws-burst-2", Some(allocation.as_str()));
            starts(&stage, "aws-burst-1");
            starts(&stage, "aws-burst-2");
            let report = stage.reconcile_through(None, &CallFaults::nth(nth, strike)).unwrap();
            let failed = |end: &ActionEnd| !matches!(end, ActionEnd::Done);
            let said = !report.faults.is_empty() || report.results.iter().any(|each| failed(&each.end));
            assert!(said, "call {nth} failed and nobody said so: {report:?}");
            sweep(&stage);
            assert!(is_right(&stage, "aws-burst-1"), "{nth} {strike:?}");
            assert_eq!(addresses(&stage, "aws-burst-2"), (Some(elastic), Some(elastic)), "{nth} {strike:?}");
            assert_eq!(sweep(&stage).changed(), 0, "at rest");
        }
    }
}
