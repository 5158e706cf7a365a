//! Outside calls of a warm cycle, counted where they arrive: at the Management Node's API, and in front of an embedded
//! DynamoDB. EC2's are counted at its port: one page of a thousand instances is one call.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use spillway_core::fault::{Fault, System};
use spillway_core::ids::HdCalls;
use spillway_core::outcome::CycleReport;
use spillway_core::outlook::Profiles;
use spillway_core::policy::{ForecastPolicy, Policy};
use spillway_dynamodb::DynamoLedger;
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::ports::Ports;
use spillway_engine::ports::{Clock, LedgerRead};
use spillway_harness::intercept::{Call, Intercepted, Interceptor};
use spillway_harness::ports::{SimClock, SimFleet};
use spillway_pexip::HttpManagement;
use spillway_pexip_server::model::{Change, Model, Row};
use spillway_pexip_server::{LoggedRequest, Running};
use spillway_world::{CallSpec, NodeSpec, SharedWorld, fixtures, lock};

use crate::database::{Operations, counting_ledger};
use crate::serve;

/// The names of the ports' calls in a cycle, as they come.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<Vec<(System, String)>>>);

impl Calls {
    fn count(&self, which: impl Fn(&(System, String)) -> bool) -> u64 {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| which(call)).count() as u64
    }

    fn named(&self, name: &str) -> u64 {
        self.count(|(_, call)| call.starts_with(name))
    }
}

impl Interceptor for Calls {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((call.system(), format!("{call:?}")));
        Ok(())
    }
}

/// A platform, its servers and its evaluator.
struct Stack {
    world: SharedWorld,
    server: Running,
    management: Intercepted<HttpManagement, Calls>,
    ledger: Intercepted<DynamoLedger, Calls>,
    fleet: Intercepted<SimFleet, Calls>,
    clock: SimClock,
    calls: Calls,
    operations: Operations,
    memory: LeaseMemory,
    policy: Policy,
    cycles: u32,
}

/// What one cycle asked.
struct Counted {
    /// Of the Management Node.
    requests: Vec<LoggedRequest>,
    database_reads: u64,
    database_writes: u64,
    ec2: u64,
    report: CycleReport,
}

impl Counted {
    fn management(&self) -> u64 {
        self.requests.len() as u64
    }

    fn management_reads(&self) -> u64 {
        self.requests.iter().filter(|request| request.method == "GET").count() as u64
    }

    fn database(&self) -> u64 {
        self.database_reads + self.database_writes
    }

    fn total(&self) -> u64 {
        self.management() + self.database() + self.ec2
    }

    fn writes(&self) -> u64 {
        self.management() - self.management_reads() + self.database_writes
    }

    fn lists_of(&self, resource: &str) -> usize {
        self.requests.iter().filter(|request| request.path.contains(&format!("/{resource}/"))).count()
    }

    /// What was asked, whatever the number of pages.
    fn resources(&self) -> BTreeSet<(String, String)> {
        self.requests.iter().map(|request| (request.method.clone(), request.path.clone())).collect()
    }

    fn is_no_op(&self) {
        let report = &self.report;
        assert_eq!(format!("{}: {}", report.outcome, report.summary()), "no_op: nothing to do");
    }
}

impl Stack {
    async fn with(overflow: usize) -> Self {
        let world = fixtures::hq()
            .with(NodeSpec::always_on("HQ").count(2).named("hq"))
            .with(NodeSpec::overflow("Burst").count(overflow).named("burst"))
            .boots_in(SignedDuration::from_mins(4))
            .min_lifetime(10)
            .build_shared()
            .expect("a world");
        let (server, management) = serve(&world).await;
        let (ledger, operations) = counting_ledger(&world).await;
        let calls = Calls::default();
        Self {
            server,
            management: Intercepted::new(management, calls.clone()),
            ledger: Intercepted::new(ledger, calls.clone()),
            fleet: Intercepted::new(SimFleet::new(Arc::clone(&world), "manager"), calls.clone()),
            clock: SimClock::new(Arc::clone(&world)),
            calls,
            operations,
            memory: LeaseMemory::default(),
            policy: Policy::with_defaults("manager"),
            cycles: 0,
            world,
        }
    }

    /// A minute passes, then a cycle runs over the real client and the real ledger.
    async fn cycle(&mut self) -> Counted {
        lock(&self.world).advance_by(SignedDuration::from_mins(1));
        self.server.log.clear();
        self.operations.clear();
        self.calls.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let Self { fleet, management, ledger, clock, .. } = self;
        let (fleet, management, ledger, clock) = (&*fleet, &*management, &*ledger, &*clock);
        let ports = Ports::of(fleet, management, ledger, clock);
        let deadline = clock.monotonic() + Duration::from_secs(45);
        let (policy, profiles) = (self.policy.clone(), Profiles::new());
        self.cycles += 1;
        let cycle = Cycle {
            ports,
            policy: &policy,
            owner: format!("cycle-{}", self.cycles),
            deadline,
            profiles: Some(&profiles),
        };
        let report = Box::pin(cycle.run(&mut self.memory)).await;
        Counted {
            requests: self.server.log.requests(),
            database_reads: self.operations.reads(),
            database_writes: self.operations.writes(),
            ec2: self.calls.count(|(system, _)| *system == System::Ec2),
            report,
        }
    }

    /// The last of so many cycles.
    async fn after(&mut self, minutes: u32) -> Counted {
        for _ in 1..minutes {
            Box::pin(self.cycle()).await;
        }
        Box::pin(self.cycle()).await
    }

    /// The bursting threshold of the platform that the ledger knows, so many seconds from now.
    async fn known_threshold(&self, after: i64) -> Option<HdCalls> {
        let now = self.clock.now() + SignedDuration::from_secs(after);
        let ledger = self.ledger.inner().read_ledger(now).await.expect("a ledger");
        ledger.known_platform(now, SignedDuration::from_mins(3)).map(|known| known.bursting.threshold)
    }
}

#[tokio::test]
async fn a_warm_idle_cycle_makes_at_most_eight_outside_calls() {
    let mut all = Vec::new();
    for nodes in [10, 100, 400] {
        let counted = Box::pin(Stack::with(nodes).await.after(3)).await;
        counted.is_no_op();
        let (calls, ec2) = (counted.total(), counted.ec2);
        assert!(calls <= 8, "{nodes} nodes: {} + {} + {ec2}", counted.management(), counted.database());
        assert!(counted.writes() <= 3, "{nodes} nodes: {} writes", counted.writes());
        all.push((counted.management(), counted.database_reads, counted.database_writes, ec2));
    }
    assert!(all.iter().all(|each| *each == all[0]), "the same for ten nodes as for hundreds: {all:?}");
}

#[tokio::test]
async fn for_a_thousand_nodes_only_the_pages_are_more() {
    let ten = Box::pin(Stack::with(10).await.after(3)).await;
    let thousand = Box::pin(Stack::with(1_000).await.after(3)).await;
    thousand.is_no_op();
    assert_eq!(thousand.resources(), ten.resources());
    assert!(thousand.resources().len() <= 5, "{:?}", thousand.resources());
    assert_eq!(
        (thousand.database_reads, thousand.database_writes, thousand.ec2),
        (ten.database_reads, ten.database_writes, ten.ec2)
    );
    assert!(thousand.writes() <= 3, "{} writes", thousand.writes());
}

#[tokio::test]
async fn what_changes_seldom_is_written_when_it_changes_and_known_as_long_as_cycles_run() {
    let mut stack = Stack::with(10).await;
    let idle = Box::pin(stack.after(2)).await;
    assert_eq!(stack.calls.named("PutPlatform"), 0, "it was written by the cycle before");
    assert_eq!(stack.known_threshold(0).await, Some(HdCalls(5)));
    assert_eq!(stack.known_threshold(181).await, None, "no cycle has found it so for too long");
    let fields = Row::from_iter([("bursting_threshold".to_owned(), 7.into())]);
    lock(&stack.world).change(Change::Update { resource: "global".into(), id: 1, fields }).expect("a change");
    let changed = Box::pin(stack.cycle()).await;
    assert_eq!(stack.calls.named("PutPlatform"), 1);
    assert_eq!(changed.database_writes, idle.database_writes + 1);
    assert_eq!(stack.known_threshold(0).await, Some(HdCalls(7)));
}

#[tokio::test]
async fn one_list_more_while_overflow_nodes_run_and_three_more_per_node_about_to_stop() {
    let mut stack = Stack::with(10).await;
    // One node is started, and no more for the rise of calls that all come at once.
    stack.policy.forecast = ForecastPolicy::off();
    let idle = Box::pin(stack.after(3)).await;
    let calls = lock(&stack.world).call_many("HQ", 30, CallSpec::HD);
    let running = Box::pin(stack.after(11)).await;
    running.is_no_op();
    assert_eq!(running.lists_of("conference_shard"), 1);
    assert_eq!(running.management(), idle.management() + 1);
    assert!(running.database() <= idle.database(), "{} and {}", running.database(), idle.database());
    assert!(running.total() <= idle.total() + 1, "{} and {}", running.total(), idle.total());
    // The callers go; each step of the drain reads one node's activity, three lists of live calls.
    lock(&stack.world).hang_up_all(&calls);
    let (mut steps, mut stopped) = (0, false);
    for _ in 0..20 {
        let counted = Box::pin(stack.cycle()).await;
        let activity = 3 * stack.calls.named("ReadActivity");
        assert!(activity <= 3, "of one node in a cycle: {:?}", counted.requests);
        let reads = counted.management_reads();
        assert!(reads <= 5 + 1 + activity, "{reads}: {:?}", counted.requests);
        assert!(counted.database_reads <= 1, "{} queries", counted.database_reads);
        assert_eq!(stack.calls.named("ReadFleet"), 1);
        steps += u32::from(!counted.report.results.is_empty());
        stopped |= stack.calls.named("StopInstances") > 0;
    }
    assert!(steps >= 3 && stopped, "it was drained and stopped");
}
