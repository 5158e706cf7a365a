//! Outside calls of a warm cycle, counted at the ports, each at its documented cost: a list of the Management Node is
//! one request (pages of 500 aside), so is a page of a thousand instances, a query, a write.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use spillway_core::cycle::{Cycle, LeaseMemory, Ports};
use spillway_core::fault::Fault;
use spillway_core::ids::{HdCalls, HoldId, InstanceId, NodeId};
use spillway_core::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use spillway_core::observation::{Fleet, NodeActivity, Platform};
use spillway_core::policy::Policy;
use spillway_core::ports::{
    Clock, FleetRead, FleetWrite, InstanceOrder, Lease, LeaseError, LedgerRead, LedgerWrite, ManagementRead,
    ManagementWrite, OrderResults, OverflowStart, PlatformScope,
};
use spillway_harness::ports::SimClock;
use spillway_harness::scenario::{Stage, TICK, finish};
use spillway_pexip_model::{Change, Model, Row};
use spillway_world::{CallSpec, NodeSpec, WorldBuilder};

use crate::situations::monday;

/// Requests by what they are for; `w:` marks writes.
type Bill = Arc<Mutex<BTreeMap<&'static str, u32>>>;

#[derive(Clone)]
struct Counted<P> {
    port: P,
    bill: Bill,
}

impl<P> Counted<P> {
    fn pay(&self, what: &'static str, requests: u32) {
        *self.bill.lock().expect("the bill").entry(what).or_default() += requests;
    }
}

impl<P: FleetRead> FleetRead for Counted<P> {
    async fn read_fleet(&self) -> Result<Fleet, Fault> {
        self.pay("describe instances", 1);
        self.port.read_fleet().await
    }
}

impl<P: FleetWrite> FleetWrite for Counted<P> {
    async fn start_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        self.pay("w: start instances", u32::try_from(orders.len().div_ceil(50)).expect("few"));
        self.port.start_instances(orders).await
    }

    async fn stop_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        self.pay("w: stop instances", u32::try_from(orders.len().div_ceil(50)).expect("few"));
        self.port.stop_instances(orders).await
    }
}

impl<P: ManagementRead> ManagementRead for Counted<P> {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        self.pay("lists of the platform", 5);
        if scope.shards {
            self.pay("list of conference shards", 1);
        }
        self.port.read_platform(scope).await
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        self.pay("activity of a node", 3);
        self.port.read_activity(node).await
    }
}

impl<P: ManagementWrite> ManagementWrite for Counted<P> {
    async fn set_maintenance(&self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        self.pay("w: maintenance mode", 1);
        self.port.set_maintenance(node, on, reason).await
    }

    async fn set_static_nat(&self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        self.pay("w: static NAT address", 1);
        self.port.set_static_nat(node, address).await
    }
}

impl<P: OverflowStart> OverflowStart for Counted<P> {
    async fn read_cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        self.pay("list of cloud nodes", 1);
        self.port.read_cloud_instances().await
    }

    async fn start_overflow_node(&self, instance: &InstanceId) -> Result<(), Fault> {
        self.pay("w: start command", 1);
        self.port.start_overflow_node(instance).await
    }
}

impl<P: LedgerRead> LedgerRead for Counted<P> {
    async fn read_ledger(&self, now: Timestamp) -> Result<Ledger, Fault> {
        self.pay("query of the state", 1);
        self.port.read_ledger(now).await
    }

    async fn read_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        self.pay("query of the history", 1);
        self.port.read_events(from, until).await
    }
}

impl<P: LedgerWrite> LedgerWrite for Counted<P> {
    async fn take_lease(&self, seen: &CycleRecord, owner: &str, now: Timestamp) -> Result<Lease, LeaseError> {
        self.pay("w: lease", 1);
        self.port.take_lease(seen, owner, now).await
    }

    async fn put_nodes(&self, lease: &Lease, records: &[(InstanceId, NodeRecord)]) -> Result<(), LeaseError> {
        self.pay("w: node records", u32::try_from(records.len().div_ceil(99)).expect("few"));
        self.port.put_nodes(lease, records).await
    }

    async fn finish(&self, lease: &Lease, digest: &Digest) -> Result<(), LeaseError> {
        self.pay("w: end of the cycle", 1);
        self.port.finish(lease, digest).await
    }

    async fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> Result<(), LeaseError> {
        self.pay("w: end of an idle cycle", 1);
        self.port.close_idle(seen, digest, at, load).await
    }

    async fn append_events(&self, events: &[Event]) -> Result<(), Fault> {
        self.pay("w: history", u32::try_from(events.len().div_ceil(25)).expect("few"));
        self.port.append_events(events).await
    }

    async fn put_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<(), Fault> {
        self.pay("w: load", 1);
        self.port.put_load(at, load).await
    }

    async fn put_platform(&self, platform: &KnownPlatform) -> Result<(), Fault> {
        self.pay("w: what is known of the platform", 1);
        self.port.put_platform(platform).await
    }

    async fn put_hold(&self, hold: &Hold) -> Result<(), Fault> {
        self.port.put_hold(hold).await
    }

    async fn remove_hold(&self, id: &HoldId) -> Result<(), Fault> {
        self.port.remove_hold(id).await
    }

    async fn put_request(&self, request: &Request) -> Result<(), Fault> {
        self.port.put_request(request).await
    }

    async fn remove_request(&self, id: &str) -> Result<(), Fault> {
        self.pay("w: request met", 1);
        self.port.remove_request(id).await
    }
}

fn platform(overflow: usize) -> Stage {
    let world = WorldBuilder::new(monday())
        .location("HQ")
        .location("Burst")
        .overflow("HQ", "Burst")
        .with(NodeSpec::always_on("HQ").count(2).named("hq"))
        .with(NodeSpec::overflow("Burst").count(overflow).named("burst"))
        .boots_in(SignedDuration::from_mins(4))
        .min_lifetime(10)
        .build()
        .expect("a world");
    Stage::new(world, Policy::with_defaults("manager"))
}

/// What one cycle costs; its summary with it.
fn bill(stage: &Stage) -> (BTreeMap<&'static str, u32>, String) {
    let bill = Bill::default();
    let fleet = Counted { port: stage.fleet().clone(), bill: Arc::clone(&bill) };
    let management = Counted { port: stage.management().clone(), bill: Arc::clone(&bill) };
    let ledger = Counted { port: stage.ledger().clone(), bill: Arc::clone(&bill) };
    let clock = SimClock::new(Arc::clone(stage.shared_world()));
    let ports = Ports { fleet: &fleet, management: &management, ledger: &ledger, clock: &clock };
    let deadline = clock.monotonic() + std::time::Duration::from_secs(45);
    let cycle = Cycle { ports, policy: stage.policy(), owner: "counted".to_owned(), deadline };
    let report = finish(cycle.run(&mut LeaseMemory::default())).expect("a report");
    let summary = format!("{}: {}", report.outcome, report.summary());
    (bill.lock().expect("the bill").clone(), summary)
}

fn total(bill: &BTreeMap<&'static str, u32>) -> u32 {
    bill.values().sum()
}

fn writes(bill: &BTreeMap<&'static str, u32>) -> u32 {
    bill.iter().filter(|(what, _)| what.starts_with("w:")).map(|(_, requests)| requests).sum()
}

#[test]
fn a_warm_idle_cycle_costs_the_same_for_ten_nodes_as_for_a_thousand() {
    let mut bills = Vec::new();
    for nodes in [10, 100, 1_000] {
        let mut stage = platform(nodes);
        stage.tick();
        stage.tick();
        stage.advance(TICK);
        let (bill, summary) = bill(&stage);
        assert_eq!(summary, "quiet: nothing to do");
        assert!(total(&bill) <= 8, "{nodes} nodes: {bill:?}");
        assert!(writes(&bill) <= 3, "{nodes} nodes: {bill:?}");
        bills.push(bill);
    }
    assert!(bills.iter().all(|bill| *bill == bills[0]), "{bills:?}");
}

#[test]
fn what_changes_seldom_is_written_when_it_changes_and_known_as_long_as_cycles_run() {
    let mut stage = platform(10);
    stage.tick();
    stage.advance(TICK);
    let what = "w: what is known of the platform";
    assert_eq!(bill(&stage).0.get(what), None, "it was written by the cycle before");
    let known = |stage: &Stage, after: i64| {
        let now = stage.now() + SignedDuration::from_secs(after);
        let ledger = finish(stage.ledger().read_ledger(now)).expect("an answer").expect("a ledger");
        ledger.known_platform(now, SignedDuration::from_mins(3)).map(|known| known.bursting.threshold)
    };
    assert_eq!(known(&stage, 0), Some(HdCalls(5)));
    assert_eq!(known(&stage, 181), None, "no cycle has found it so for too long");
    let fields = Row::from_iter([("bursting_threshold".to_owned(), serde_json::json!(7))]);
    stage.world().change(Change::Update { resource: "global".into(), id: 1, fields }).expect("a change");
    stage.advance(TICK);
    assert_eq!(bill(&stage).0.get(what), Some(&1));
    assert_eq!(known(&stage, 0), Some(HdCalls(7)));
}

#[test]
fn one_list_more_while_overflow_nodes_run_and_three_more_per_node_about_to_stop() {
    let mut stage = platform(10);
    stage.tick();
    stage.advance(TICK);
    let idle = total(&bill(&stage).0);
    let calls = stage.world().call_many("HQ", 30, CallSpec::HD);
    for _ in 0..10 {
        stage.tick();
    }
    stage.advance(TICK);
    let (running, summary) = bill(&stage);
    assert_eq!(summary, "quiet: nothing to do");
    assert_eq!(running.get("list of conference shards"), Some(&1));
    assert!(total(&running) <= idle + 1, "{running:?}");
    // The callers go; each step of the drain reads one node's activity, three lists of live calls.
    stage.world().hang_up_all(&calls);
    let (mut steps, mut stopped) = (0, false);
    for _ in 0..20 {
        stage.advance(TICK);
        let acts = stage.plan().expect("a plan").actions.len();
        let (bill, _) = bill(&stage);
        let reads = total(&bill) - writes(&bill);
        let activity = bill.get("activity of a node").copied().unwrap_or(0);
        assert!(activity <= 3, "{bill:?}");
        assert!(reads <= 1 + 1 + 5 + 1 + activity, "{bill:?}");
        steps += u32::from(acts > 0);
        stopped |= bill.contains_key("w: stop instances");
    }
    assert!(steps >= 3 && stopped, "it was drained and stopped");
}
