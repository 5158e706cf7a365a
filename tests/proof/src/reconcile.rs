//! The reconciler over the simulated ports: addresses follow, Elastic IPs are asked for and never taken, runs are told
//! once.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use spillway_core::fault::Fault;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::ledger::{Actor, EventKind, OperatorCommand, Request};
use spillway_core::outcome::{ActionEnd, Outcome};
use spillway_core::policy::{NatNodes, Policy};
use spillway_core::reconcile::{AddressReason, ReconcileReport};
use spillway_engine::ports::LedgerWrite;

use spillway_harness::Harness;
use spillway_harness::intercept::{Call, CallFaults, Interceptor, Strike};
use spillway_world::{CallSpec, Initiator, NodeSpec, World, WorldBuilder, fixtures};

use crate::now;

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn builder() -> WorldBuilder {
    fixtures::london()
        .with(NodeSpec::always_on("London").public())
        .with(NodeSpec::overflow("AWS burst").count(3).public())
        .boots_in(mins(5))
        .vpc("vpc-1")
        .ec2_shows_at_once()
}

fn harness_with(change: impl FnOnce(&mut Policy)) -> Harness {
    let mut policy = Policy::with_defaults("manager");
    change(&mut policy);
    Harness::new(builder().build().unwrap(), policy)
}

fn harness() -> Harness {
    harness_with(|_| ())
}

fn id(harness: &Harness, node: &str) -> InstanceId {
    harness.world().node(node).unwrap().instance.unwrap()
}

fn addresses(harness: &Harness, node: &str) -> (Option<Ipv4Addr>, Option<Ipv4Addr>) {
    let view = harness.world().node(node).unwrap();
    (view.static_nat, view.public_ip)
}

fn is_right(harness: &Harness, node: &str) -> bool {
    let (stored, public) = addresses(harness, node);
    stored.is_some() && stored == public
}

/// An Elastic IP with the tag of a platform.
fn allocate(world: &mut World, tag: &str) -> (AllocationId, Ipv4Addr) {
    let allocation = world.allocate_address(&[("pexip-cloud".to_owned(), tag.to_owned())].into());
    let found = world.describe_addresses(std::slice::from_ref(&allocation));
    (allocation, found[0].address)
}

/// Somebody starts a node, and its instance runs.
fn starts(harness: &Harness, node: &str) -> InstanceId {
    let id = id(harness, node);
    harness.world().start_instances(std::slice::from_ref(&id), Initiator::Outside);
    harness.advance(SignedDuration::from_secs(60));
    id
}

fn sweep(harness: &Harness) -> ReconcileReport {
    harness.reconcile(None).unwrap()
}

fn told(harness: &Harness, kind: EventKind) -> usize {
    harness.ledger().events().iter().filter(|event| event.kind == kind).count()
}

fn reasons(report: &ReconcileReport, node: &str) -> Vec<AddressReason> {
    let found = report.plan.nodes.iter().find(|each| each.node.as_ref().is_some_and(|n| n.as_str() == node));
    found.unwrap().reasons.clone()
}

#[test]
fn the_address_follows_each_start_and_a_second_look_changes_nothing() {
    let harness = harness();
    for life in 1..=3 {
        let instance = starts(&harness, "aws-burst-1");
        assert!(!is_right(&harness, "aws-burst-1"), "each start has an address of its own");
        let report = harness.reconcile(Some(&[instance])).unwrap();
        assert_eq!((report.outcome, report.changed()), (Outcome::Acted, 1), "{}", report.summary());
        assert!(is_right(&harness, "aws-burst-1"));
        assert_eq!(sweep(&harness).changed(), 0);
        assert_eq!(told(&harness, EventKind::AddressChanged), life);
        harness.world().outside_stops("aws-burst-1");
        harness.advance(mins(10));
    }
    assert!(addresses(&harness, "aws-burst-1").0.is_some(), "a stale address stays until the next start");
}

#[test]
fn an_event_for_somebody_elses_instance_costs_one_describe() {
    let harness = harness();
    harness.world().set_tag("aws-burst-1", "pexip-cloud", Some("another"));
    let (instance, unknown) = (starts(&harness, "aws-burst-1"), InstanceId::new("i-0404"));
    let counter = CallFaults::none();
    let report = harness.reconcile_through(Some(&[instance, unknown]), &counter).unwrap();
    assert_eq!((counter.calls(), report.outcome, report.plan.nodes.len()), (1, Outcome::NoOp, 0));
    assert!(!is_right(&harness, "aws-burst-1"));
}

#[test]
fn one_instance_takes_at_most_six_calls_and_nine_with_an_elastic_ip() {
    let harness = harness();
    let instance = starts(&harness, "aws-burst-1");
    let counter = CallFaults::none();
    assert_eq!(harness.reconcile_through(Some(&[instance]), &counter).unwrap().changed(), 1);
    assert!(counter.calls() <= 6, "{} calls", counter.calls());
    let (allocation, elastic) = allocate(&mut harness.world(), "manager");
    harness.world().tag_allocation("aws-burst-2", Some(allocation.as_str()));
    let instance = starts(&harness, "aws-burst-2");
    let counter = CallFaults::none();
    assert_eq!(harness.reconcile_through(Some(&[instance]), &counter).unwrap().changed(), 1);
    assert!(counter.calls() <= 9, "{} calls", counter.calls());
    assert_eq!(addresses(&harness, "aws-burst-2"), (Some(elastic), Some(elastic)));
}

#[test]
fn an_elastic_ip_is_never_taken_from_another() {
    let harness = harness();
    let (allocation, elastic) = allocate(&mut harness.world(), "manager");
    harness.world().person_associates("aws-burst-2", &allocation);
    harness.world().tag_allocation("aws-burst-1", Some(allocation.as_str()));
    let instance = starts(&harness, "aws-burst-1");
    let report = harness.reconcile(Some(&[instance])).unwrap();
    let taken = |reason: &AddressReason| matches!(reason, AddressReason::ElasticIpTaken { .. });
    assert!(reasons(&report, "aws-burst-1").iter().any(taken));
    assert!(is_right(&harness, "aws-burst-1"), "its dynamic address is used");
    assert_eq!(addresses(&harness, "aws-burst-2").1, Some(elastic));
    // Given up by the other, it is taken at the next sweep, as nothing runs on the node.
    harness.world().disassociate_address(&allocation);
    sweep(&harness);
    assert_eq!(addresses(&harness, "aws-burst-1"), (Some(elastic), Some(elastic)));
    assert_eq!(harness.broken(), Vec::<String>::new());
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
        let harness = harness();
        let tag = allocated(&mut harness.world());
        harness.world().tag_allocation("aws-burst-1", Some(&tag));
        let instance = starts(&harness, "aws-burst-1");
        let report = harness.reconcile(Some(&[instance])).unwrap();
        let reasons = reasons(&report, "aws-burst-1");
        assert!(reasons.iter().any(is_reason), "{what}: {reasons:?}");
        assert!(reasons.iter().any(AddressReason::is_issue), "{what} is shown");
        assert!(is_right(&harness, "aws-burst-1"), "{what}");
    }
}

#[test]
fn a_change_that_would_touch_calls_waits_until_they_end() {
    let harness = harness();
    let instance = starts(&harness, "aws-burst-1");
    harness.reconcile(Some(&[instance])).unwrap();
    harness.advance(mins(6));
    let calls = harness.world().seat_calls("aws-burst-1", 2, CallSpec::HD);
    let (allocation, elastic) = allocate(&mut harness.world(), "manager");
    harness.world().tag_allocation("aws-burst-1", Some(allocation.as_str()));
    let report = sweep(&harness);
    let waits = |reason: &AddressReason| matches!(reason, AddressReason::WaitsForIdle { busy: true, .. });
    assert!(reasons(&report, "aws-burst-1").iter().any(waits));
    assert_eq!((report.changed(), report.wrong_now()), (0, 0), "callers reach it as it is");
    harness.world().hang_up_all(&calls);
    sweep(&harness);
    assert_eq!(addresses(&harness, "aws-burst-1"), (Some(elastic), Some(elastic)));
    assert_eq!(harness.broken(), Vec::<String>::new());
}

#[test]
fn private_only_nodes_have_none() {
    let harness = harness_with(|policy| policy.nat.private_only = vec!["AWS burst".into()]);
    let instance = starts(&harness, "aws-burst-1");
    let counter = CallFaults::none();
    let report = harness.reconcile_through(Some(&[instance]), &counter).unwrap();
    assert_eq!(addresses(&harness, "aws-burst-1").0, None, "{report:?}");
    assert!(counter.calls() <= 7, "{} calls: the ledger did not know the location yet", counter.calls());
    // The others are stopped and have one from before.
    assert_eq!(sweep(&harness).changed(), 2);
    assert_eq!(sweep(&harness).changed(), 0);
    assert!(addresses(&harness, "london-1").0.is_some(), "not ours to clear");
}

#[test]
fn a_dynamic_address_is_cleared_on_stop_only_if_the_policy_says_so() {
    let harness = harness_with(|policy| policy.nat.clear_on_stop = true);
    let instance = starts(&harness, "aws-burst-1");
    harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    harness.world().outside_stops("aws-burst-1");
    harness.advance(mins(5));
    harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    assert_eq!(addresses(&harness, "aws-burst-1").0, None);
    starts(&harness, "aws-burst-1");
    harness.reconcile(Some(&[instance])).unwrap();
    assert!(is_right(&harness, "aws-burst-1"));
}

#[test]
fn always_on_nodes_are_mended_only_if_the_policy_says_so_and_never_get_an_elastic_ip() {
    for (nodes, mended) in [(NatNodes::Overflow, false), (NatNodes::All, true)] {
        let harness = harness_with(|policy| {
            policy.vpcs = vec!["vpc-1".to_owned()];
            policy.nat.nodes = nodes;
        });
        let (allocation, _) = allocate(&mut harness.world(), "manager");
        harness.world().tag_allocation("london-1", Some(allocation.as_str()));
        harness.world().outside_stops("london-1");
        harness.advance(mins(5));
        let instance = starts(&harness, "london-1");
        assert!(!is_right(&harness, "london-1"));
        harness.reconcile(Some(&[instance])).unwrap();
        assert_eq!(is_right(&harness, "london-1"), mended);
        assert!(harness.world().describe_addresses(&[allocation])[0].instance.is_none());
    }
}

#[test]
fn a_pause_and_a_dry_run_change_nothing_and_say_so() {
    let harness = harness();
    let instance = starts(&harness, "aws-burst-1");
    let request = Request {
        id: "1".to_owned(),
        by: Actor::Person("kari".to_owned()),
        at: harness.now(),
        reason: "maintenance of the network".to_owned(),
        command: OperatorCommand::Pause { until: harness.now() + mins(30) },
    };
    now(harness.ledger().put_request(&request)).unwrap();
    let report = harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    assert_eq!(report.outcome, Outcome::Refused);
    assert!(report.summary().contains("by kari: maintenance of the network"), "{}", report.summary());
    assert!(!is_right(&harness, "aws-burst-1"));
    harness.advance(mins(31));
    assert_eq!(harness.reconcile(Some(&[instance])).unwrap().changed(), 1, "the pause is over");

    let harness = harness_with(|policy| policy.dry_run = true);
    let instance = starts(&harness, "aws-burst-1");
    let report = harness.reconcile(Some(&[instance])).unwrap();
    assert_eq!(
        (report.outcome, report.summary().as_str()),
        (Outcome::Withheld, "1 address changes withheld")
    );
    assert!(!is_right(&harness, "aws-burst-1"));
}

#[test]
fn nat_goes_on_in_a_mode_mismatch_and_in_assist_mode() {
    for assist in [false, true] {
        let mut policy = Policy::with_defaults("manager");
        if assist {
            policy.mode = spillway_core::policy::Mode::Assist;
        }
        let harness = Harness::new(builder().bursting(true).build().unwrap(), policy);
        let instance = starts(&harness, "aws-burst-1");
        harness.reconcile(Some(&[instance])).unwrap();
        assert!(is_right(&harness, "aws-burst-1"));
    }
}

#[test]
fn any_call_that_fails_is_healed_by_the_next_sweep() {
    for strike in [Strike::Before, Strike::After] {
        for nth in 1..=8 {
            let harness = harness();
            let (allocation, elastic) = allocate(&mut harness.world(), "manager");
            harness.world().tag_allocation("aws-burst-2", Some(allocation.as_str()));
            starts(&harness, "aws-burst-1");
            starts(&harness, "aws-burst-2");
            let report = harness.reconcile_through(None, &CallFaults::nth(nth, strike)).unwrap();
            let failed = |end: &ActionEnd| !matches!(end, ActionEnd::Done);
            let said = !report.faults.is_empty() || report.results.iter().any(|each| failed(&each.end));
            assert!(said, "call {nth} failed and nobody said so: {report:?}");
            sweep(&harness);
            assert!(is_right(&harness, "aws-burst-1"), "{nth} {strike:?}");
            assert_eq!(
                addresses(&harness, "aws-burst-2"),
                (Some(elastic), Some(elastic)),
                "{nth} {strike:?}"
            );
            assert_eq!(sweep(&harness).changed(), 0, "at rest");
        }
    }
}

#[test]
fn an_event_that_comes_before_ec2_shows_it_is_looked_at_again() {
    let harness = harness();
    let instance = id(&harness, "aws-burst-1");
    harness.world().start_instances(std::slice::from_ref(&instance), Initiator::Outside);
    let report = harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    assert!(report.early.contains(&instance) && report.again.is_empty(), "EC2 shows pending");
    harness.advance(SignedDuration::from_secs(60));
    let report = harness.reconcile(Some(std::slice::from_ref(&instance))).unwrap();
    assert!(report.early.is_empty() && is_right(&harness, "aws-burst-1"));
    assert!(sweep(&harness).early.is_empty());
}

/// Notes what a pass asks of the Management Node about its nodes, in order.
#[derive(Debug, Clone, Default)]
struct Order(Arc<Mutex<Vec<&'static str>>>);

impl Interceptor for Order {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        let word = match call {
            Call::SetStaticNat => "mend",
            Call::ReadActivity(_) | Call::ReadNodeEvents => "look",
            _ => return Ok(()),
        };
        self.0.lock().unwrap().push(word);
        Ok(())
    }
}

#[test]
fn a_sweep_mends_what_is_wrong_before_it_looks_at_what_may_wait() {
    let harness = harness();
    let waiting = starts(&harness, "aws-burst-1");
    harness.reconcile(Some(&[waiting])).unwrap();
    harness.advance(mins(10));
    // A node that may have calls is looked at before its missing address is set.
    let node = harness.world().node("aws-burst-1").unwrap().id;
    harness.world().set_static_nat(node, None).unwrap();
    starts(&harness, "aws-burst-2");
    let order = Order::default();
    let report = harness.reconcile_through(None, &order).unwrap();
    assert!(report.changed() >= 1 && is_right(&harness, "aws-burst-2"), "{}", report.summary());
    let order = order.0.lock().unwrap();
    assert_eq!(order.first(), Some(&"mend"), "{order:?}");
    assert!(order.contains(&"look"), "{order:?}");
}
