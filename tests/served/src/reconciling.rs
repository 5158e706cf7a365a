//! The reconciler over the real client and the real ledger: outside calls counted where they arrive, and a storm of a
//! thousand starts against the Management Node's own limit of requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::System;
use spillway_core::ids::InstanceId;
use spillway_core::policy::Policy;
use spillway_core::reconcile::ReconcileReport;
use spillway_dynamodb::DynamoLedger;
use spillway_engine::ports::Clock;
use spillway_engine::ports::Ports;
use spillway_engine::reconcile::Reconcile;
use spillway_harness::intercept::{CallFaults, Intercepted};
use spillway_harness::ports::{MemoryLedger, SimClock, SimFleet};
use spillway_pexip::{Auth, HttpManagement, ManagementSettings, Timing, Tls};
use spillway_pexip_server::{ManagementServer, ServeOptions, SharedModel};
use spillway_world::{Initiator, NodeSpec, SharedWorld, fixtures, lock};

use crate::database::{Operations, counting_ledger};
use crate::serve;

fn platform(overflow: usize) -> SharedWorld {
    fixtures::hq()
        .with(NodeSpec::always_on("HQ").count(2).named("hq"))
        .with(NodeSpec::overflow("Burst").count(overflow).named("burst").public())
        .boots_in(SignedDuration::from_mins(5))
        .vpc("vpc-1")
        // As many requests to start instances as anybody likes: this is not about EC2.
        .settings(|settings| settings.ec2.request_tokens = 1e9)
        .build_shared()
        .expect("a world")
}

fn policy() -> Policy {
    Policy { vpcs: vec!["vpc-1".to_owned()], ..Policy::with_defaults("manager") }
}

/// Somebody starts these nodes, and their instances run.
fn start(world: &SharedWorld, nodes: std::ops::RangeInclusive<usize>) -> Vec<InstanceId> {
    let mut world = lock(world);
    let instance = |n: usize| world.node(&format!("burst-{n}")).and_then(|node| node.instance);
    let instances: Vec<InstanceId> = nodes.filter_map(instance).collect();
    let results = world.start_instances(&instances, Initiator::Outside);
    assert!(results.iter().all(|(_, result)| result.is_ok()));
    world.advance_by(SignedDuration::from_secs(60));
    instances
}

/// One pass, and the calls it made.
struct Counted {
    management: usize,
    dynamodb: u64,
    ec2: u64,
    report: ReconcileReport,
}

impl Counted {
    fn all(&self) -> u64 {
        self.management as u64 + self.dynamodb + self.ec2
    }

    fn shown(&self) -> String {
        format!("{} + {} + {} calls: {}", self.management, self.dynamodb, self.ec2, self.report.summary())
    }
}

struct Bench {
    world: SharedWorld,
    server: spillway_pexip_server::Running,
    management: HttpManagement,
    ledger: DynamoLedger,
    requests: Operations,
    policy: Policy,
}

impl Bench {
    async fn new(overflow: usize) -> Self {
        let world = platform(overflow);
        let (server, _) = serve(&world).await;
        // Nothing here is about how fast changes are sent.
        let management = client(&server.base_url, Duration::ZERO);
        let (ledger, requests) = counting_ledger(&world).await;
        Self { world, server, management, ledger, requests, policy: policy() }
    }

    async fn pass(&self, instances: Option<&[InstanceId]>) -> Counted {
        self.server.log.clear();
        self.requests.clear();
        let counter = CallFaults::none().only(System::Ec2);
        let fleet = SimFleet::new(Arc::clone(&self.world), "manager").in_vpcs(&["vpc-1"]);
        let fleet = Intercepted::new(fleet, counter.clone());
        let clock = SimClock::new(Arc::clone(&self.world));
        let ports = Ports::of(&fleet, &self.management, &self.ledger, &clock);
        let deadline = clock.monotonic() + Duration::from_secs(45);
        let pass = Reconcile { ports, policy: &self.policy, deadline };
        let report = match instances {
            None => Box::pin(pass.sweep()).await,
            Some(ids) => Box::pin(pass.instances(ids)).await,
        };
        Counted {
            management: self.server.log.requests().len(),
            dynamodb: self.requests.count(),
            ec2: counter.calls(),
            report,
        }
    }
}

#[tokio::test]
async fn one_instance_takes_at_most_six_outside_calls_and_nine_with_an_elastic_ip() {
    let bench = Bench::new(3).await;
    let started = start(&bench.world, 1..=1);
    let set = bench.pass(Some(&started)).await;
    assert_eq!(set.report.changed(), 1, "{}", set.shown());
    assert!(set.all() <= 6, "{}", set.shown());

    let allocation = {
        let mut world = lock(&bench.world);
        let allocation = world.allocate_address(&[("pexip-cloud".to_owned(), "manager".to_owned())].into());
        world.tag_allocation("burst-2", Some(allocation.as_str()));
        allocation
    };
    let started = start(&bench.world, 2..=2);
    let elastic = bench.pass(Some(&started)).await;
    assert_eq!(elastic.report.changed(), 1, "{}", elastic.shown());
    assert!(elastic.all() <= 9, "{}", elastic.shown());
    let found = lock(&bench.world).describe_addresses(&[allocation]);
    assert_eq!(found.first().and_then(|elastic| elastic.instance.clone()), started.first().cloned());

    // Stopped: its life is closed, nothing is asked of the Management Node but its node.
    lock(&bench.world).outside_stops("burst-1");
    lock(&bench.world).advance_by(SignedDuration::from_mins(2));
    let first = lock(&bench.world).node("burst-1").and_then(|node| node.instance).expect("an instance");
    let closed = bench.pass(Some(&[first])).await;
    assert_eq!(closed.report.plan.events.len(), 1, "{}", closed.shown());
    assert!(closed.all() <= 6, "{}", closed.shown());
    bench.server.stop().await;
}

#[tokio::test]
async fn events_of_somebody_elses_instances_cost_one_describe_for_the_whole_batch() {
    let bench = Bench::new(1).await;
    let strangers: Vec<InstanceId> = (0..100).map(|n| InstanceId::new(format!("i-0aa{n}"))).collect();
    let counted = bench.pass(Some(&strangers)).await;
    assert_eq!((counted.management, counted.dynamodb, counted.ec2), (0, 0, 1), "{}", counted.shown());
    bench.server.stop().await;
}

#[tokio::test]
async fn a_sweep_without_differences_makes_at_most_eight_outside_calls_plus_pages() {
    for (nodes, pages) in [(10, 0), (1_000, 4)] {
        let bench = Bench::new(nodes).await;
        // Half of them run, some with an Elastic IP.
        for node in ["burst-1", "burst-2"] {
            let mut world = lock(&bench.world);
            let tags = [("pexip-cloud".to_owned(), "manager".to_owned())].into();
            let allocation = world.allocate_address(&tags);
            world.tag_allocation(node, Some(allocation.as_str()));
        }
        start(&bench.world, 1..=nodes / 2);
        {
            // As after the passes that set them; five hundred changes over HTTP are the storm's to show.
            let mut world = lock(&bench.world);
            for node in world.nodes() {
                let _ = world.set_static_nat(node.id, node.public_ip);
            }
        }
        let mut last = bench.pass(None).await;
        for _ in 0..12 {
            if last.report.changed() == 0 && last.report.plan.records.is_empty() {
                break;
            }
            lock(&bench.world).advance_by(SignedDuration::from_mins(1));
            last = bench.pass(None).await;
        }
        assert_eq!((last.report.changed(), last.report.wrong_now()), (0, 0), "{}", last.shown());
        assert!(last.report.plan.events.is_empty() && last.report.plan.records.is_empty());
        assert_eq!(last.report.plan.nodes.len(), nodes);
        // 500 nodes are a page of the Management Node's, and there are two lists of nodes.
        assert!(last.all() <= 8 + pages, "{nodes} nodes: {}", last.shown());
        bench.server.stop().await;
    }
}

/// Virtual seconds in a second of the clock on the wall.
const SPEED: u32 = 5;

/// Requests in any minute of the storm: both functions' changes at their pace (two times 320), and their reads. What is left
/// of the thousand is for the cycles and for people.
const MOST_IN_A_MINUTE: u64 = 750;

/// A client with a pace.
fn client(url: &str, between_changes: Duration) -> HttpManagement {
    let auth = Auth::Basic { username: "admin".into(), password: "admin".into() };
    let mut settings = ManagementSettings::new(&[url], auth, Tls::PublicCas).expect("settings");
    settings.timing.between_changes = between_changes;
    settings.in_flight = 1;
    HttpManagement::new(settings).expect("a client")
}

/// The most requests in any 60 seconds, of counts taken over time.
fn most_in_a_minute(counts: &[(Timestamp, u64)]) -> u64 {
    let minute = SignedDuration::from_secs(60);
    let within = |(at, count): &(Timestamp, u64)| {
        let before = counts.partition_point(|(other, _)| at.duration_since(*other) > minute);
        count - counts.get(before).map_or(0, |(_, count)| *count)
    };
    counts.iter().map(within).max().unwrap_or(0)
}

/// A thousand nodes start at once. Their events come through a queue in batches of a hundred, two functions at a time, each
/// killed after 45 s; what is not done by then comes again. The Management Node takes a thousand requests in a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_a_thousand_starts_loses_none_and_keeps_within_the_management_nodes_limit() {
    let world = platform(1_000);
    let model: SharedModel = world.clone();
    let options = ServeOptions::default();
    assert_eq!(options.rate_limit, Some(1_000), "the limit is on");
    let server = ManagementServer::start(model, options).await.expect("it listens");
    let queue: VecDeque<InstanceId> = start(&world, 1..=1_000).into();
    let queue = Arc::new(Mutex::new(queue));
    let ledger = MemoryLedger::new();

    let (ticking, log) = (Arc::clone(&world), server.log.clone());
    let counts: Arc<Mutex<Vec<(Timestamp, u64)>>> = Arc::default();
    let noted = Arc::clone(&counts);
    let time = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut last = Instant::now();
        loop {
            tick.tick().await;
            // By what really passed: on a busy machine a tick comes late, and the clients' pace is in real time.
            let passed = std::mem::replace(&mut last, Instant::now()).elapsed();
            let passed = SignedDuration::try_from(passed * SPEED).expect("a short time");
            let mut world = lock(&ticking);
            world.advance_by(passed);
            noted.lock().unwrap_or_else(PoisonError::into_inner).push((world.now(), log.count()));
        }
    });
    // The stack's own pace, in virtual time.
    let pace = Timing::default().between_changes / SPEED;
    let mut functions = Vec::new();
    for _ in 0..2 {
        let (world, queue, ledger, management) =
            (Arc::clone(&world), Arc::clone(&queue), ledger.clone(), client(&server.base_url, pace));
        functions.push(tokio::spawn(async move {
            let fleet = SimFleet::new(Arc::clone(&world), "manager").in_vpcs(&["vpc-1"]);
            let (clock, policy) = (SimClock::new(Arc::clone(&world)), policy());
            let mut faults = Vec::new();
            loop {
                let batch: Vec<InstanceId> = {
                    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                    let size = queue.len().min(100);
                    queue.drain(..size).collect()
                };
                if batch.is_empty() {
                    return faults;
                }
                let ports = Ports::of(&fleet, &management, &ledger, &clock);
                let deadline = clock.monotonic() + Duration::from_secs(45);
                let pass = Reconcile { ports, policy: &policy, deadline };
                let report = Box::pin(pass.instances(&batch)).await;
                faults.extend(report.faults);
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.extend(report.again);
            }
        }));
    }
    let mut faults = Vec::new();
    for function in functions {
        faults.extend(function.await.expect("a function ends"));
    }
    time.abort();
    let requests = server.log.requests();
    let refused = requests.iter().filter(|request| request.status == 429).count();
    assert_eq!(refused, 0, "of {} requests; {faults:?}", requests.len());
    let wrong = lock(&world).nodes().iter().filter(|node| node.stored_is_wrong()).count();
    assert_eq!(wrong, 0, "every one of them has its address");
    assert!(requests.len() < 1_200, "a change each and few reads: {}", requests.len());
    assert!(server.log.most_in_flight() <= 2, "{} at once", server.log.most_in_flight());
    let most = most_in_a_minute(&counts.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(most <= MOST_IN_A_MINUTE, "{most} requests in a minute");
    server.stop().await;
}
