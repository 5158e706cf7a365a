//! Outside calls of a warm idle cycle, counted where they arrive: at the Management Node's HTTP face, and in front of
//! an embedded DynamoDB. EC2's are counted at its port: one page of a thousand instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use spillway_core::cycle::{Cycle, LeaseMemory, Ports};
use spillway_core::outcome::CycleReport;
use spillway_core::policy::Policy;
use spillway_core::ports::Clock;
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_harness::ports::{SimClock, SimFleet};
use spillway_world::{CallSpec, NodeSpec, SharedWorld, WorldBuilder, lock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::serve;

/// A DynamoDB in memory, behind a door that counts requests. Gives the endpoint.
async fn counting_dynamodb(requests: Arc<AtomicU64>) -> String {
    let inside = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = inside.local_addr().expect("its address");
    tokio::spawn(dynoxide::server::serve_on(inside, dynoxide::Database::memory().expect("a database")));
    let door = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let endpoint = format!("http://{}", door.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((client, _)) = door.accept().await {
            let server = TcpStream::connect(address).await.expect("the database");
            tokio::spawn(pass(client, server, Arc::clone(&requests)));
        }
    });
    endpoint
}

/// A ledger over a database of its own, behind a door that counts requests.
pub(crate) async fn counting_ledger(world: &SharedWorld) -> (DynamoLedger, Arc<AtomicU64>) {
    let requests = Arc::new(AtomicU64::new(0));
    let endpoint = counting_dynamodb(Arc::clone(&requests)).await;
    let settings =
        LedgerSettings { table: "spillway-test".to_owned(), endpoint: Some(endpoint), history_days: 400 };
    let ledger = DynamoLedger::connect(&config(), settings, Arc::new(SimClock::new(Arc::clone(world))));
    ledger.create_table().await.expect("a table");
    (ledger, requests)
}

/// Passes bytes on, and counts the one header that each request of the protocol has once.
async fn pass(client: TcpStream, server: TcpStream, requests: Arc<AtomicU64>) {
    // With the colon: the signature names the header once more.
    const MARK: &[u8] = b"x-amz-target:";
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let (mut buffer, mut tail) = (vec![0; 64 * 1024], Vec::new());
    while let Ok(read) = from_client.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        if to_server.write_all(bytes).await.is_err() {
            break;
        }
        // A mark may be cut in two by the end of a reading.
        tail.extend(bytes.iter().map(u8::to_ascii_lowercase));
        let seen = tail.windows(MARK.len()).filter(|window| *window == MARK).count();
        requests.fetch_add(seen as u64, Ordering::SeqCst);
        let keep = tail.len().saturating_sub(MARK.len() - 1);
        tail.drain(..keep);
    }
    back.abort();
}

fn config() -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

struct Counted {
    management: u64,
    dynamodb: u64,
    report: CycleReport,
}

fn platform(overflow: usize) -> SharedWorld {
    let start: Timestamp = "2026-03-02T08:00:00Z".parse().expect("an instant");
    WorldBuilder::new(start)
        .location("HQ")
        .location("Burst")
        .overflow("HQ", "Burst")
        .with(NodeSpec::always_on("HQ").count(2).named("hq"))
        .with(NodeSpec::overflow("Burst").count(overflow).named("burst"))
        .boots_in(SignedDuration::from_mins(4))
        .build_shared()
        .expect("a world")
}

/// Cycles of a minute each over the real client and the real ledger; the requests of the last one.
async fn count(world: &SharedWorld, minutes: u32) -> Counted {
    let (server, management) = serve(world).await;
    let (ledger, requests) = counting_ledger(world).await;
    let clock = SimClock::new(Arc::clone(world));
    let fleet = SimFleet::new(Arc::clone(world), "manager");
    let policy = Policy::with_defaults("manager");
    let mut memory = LeaseMemory::default();
    let mut last = None;
    for minute in 0..minutes {
        lock(world).advance_by(SignedDuration::from_mins(1));
        server.log.clear();
        requests.store(0, Ordering::SeqCst);
        let ports = Ports { fleet: &fleet, management: &management, ledger: &ledger, clock: &clock };
        let deadline = clock.monotonic() + Duration::from_secs(45);
        let cycle = Cycle { ports, policy: &policy, owner: format!("cycle-{minute}"), deadline };
        last = Some(Box::pin(cycle.run(&mut memory)).await);
    }
    let management = server.log.requests().len() as u64;
    let dynamodb = requests.load(Ordering::SeqCst);
    server.stop().await;
    Counted { management, dynamodb, report: last.expect("a cycle") }
}

#[tokio::test]
async fn a_warm_idle_cycle_makes_at_most_eight_outside_calls() {
    let mut all = Vec::new();
    for nodes in [10, 400] {
        let counted = Box::pin(count(&platform(nodes), 3)).await;
        assert_eq!(counted.report.outcome.word(), "quiet", "{}", counted.report.summary());
        let ec2 = 1;
        let calls = counted.management + counted.dynamodb + ec2;
        assert!(calls <= 8, "{nodes} nodes: {} + {} + {ec2}", counted.management, counted.dynamodb);
        all.push(calls);
    }
    assert_eq!(all.first(), all.last(), "the same for ten nodes as for hundreds");
}

#[tokio::test]
async fn one_list_more_while_overflow_nodes_run() {
    let idle = Box::pin(count(&platform(10), 3)).await;
    let world = platform(10);
    lock(&world).call_many("HQ", 30, CallSpec::HD);
    let running = Box::pin(count(&world, 9)).await;
    assert_eq!(running.report.outcome.word(), "quiet", "{}", running.report.summary());
    assert_eq!(running.management, idle.management + 1);
    assert!(running.dynamodb <= idle.dynamodb, "{} and {}", running.dynamodb, idle.dynamodb);
}
