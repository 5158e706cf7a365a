//! Times the planner on one core: `cargo run --release -p spillway-core --example planner_bench`.
//!
//! Each size is a platform with a tenth as many locations as nodes, half of them principal and half overflow, a third
//! of the overflow nodes up, one principal location in ten at its threshold, and a ledger that remembers every
//! instance. The median of several runs is shown, and the ratio to the size before: ten times the nodes should take
//! about ten times as long.

#![expect(clippy::print_stdout, reason = "a program that shows what it measured")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures; the planner it measures reads no clock"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{HdCalls, InstanceId, LocationId, NodeId};
use spillway_core::ledger::{Actor, CurrentRun, Ledger, NodeRecord};
use spillway_core::observation::{
    BurstingSettings, Fleet, Instance, InstanceState, Location, Node, NodeRole, NodeStatus, Observation,
    Platform, Shard,
};
use spillway_core::policy::Policy;
use spillway_core::safety::check;

const SIZES: [usize; 3] = [100, 1_000, 10_000];
const RUNS: usize = 9;
const PLANNED_NODES: usize = 300_000;

struct Case {
    policy: Policy,
    observation: Observation,
    ledger: Result<Ledger, spillway_core::fault::Fault>,
    now: Timestamp,
}

impl Case {
    fn of(nodes: usize) -> Self {
        let now = Timestamp::from_second(1_772_442_000).unwrap_or(Timestamp::UNIX_EPOCH);
        // Ten nodes to a location; locations in pairs: two of three nodes overflow.
        let pairs = (nodes / 20).max(1);
        let mut platform = Platform {
            server_time: now,
            address: "https://manager".to_owned(),
            version: "38".to_owned(),
            upgrading: false,
            bursting: BurstingSettings { enabled: false, threshold: HdCalls(5), min_lifetime_minutes: 50 },
            locations: Vec::new(),
            nodes: Vec::new(),
            shards: Some(Vec::new()),
        };
        let mut fleet = Fleet::default();
        let mut ledger = Ledger::default();
        for pair in 0..pairs {
            let (principal, overflow) = (LocationId(pair as u64 * 2 + 1), LocationId(pair as u64 * 2 + 2));
            platform.locations.push(location(principal, &format!("Site {pair:05}"), Some(overflow)));
            platform.locations.push(location(overflow, &format!("Burst {pair:05}"), None));
            let needed = pair % 10 == 0;
            for n in 0..20 {
                let id = platform.nodes.len() as u64 + 1;
                let is_overflow = n >= 6;
                let up = !is_overflow || n % 3 == 0;
                let used = match (is_overflow, needed) {
                    (false, true) => 17,
                    (false, false) => 9,
                    (true, _) => u64::from(up && needed) * 15,
                };
                let address = Ipv4Addr::from(0x0a00_0000 + u32::try_from(id).unwrap_or(0));
                platform.nodes.push(node(
                    id,
                    if is_overflow { overflow } else { principal },
                    address,
                    up,
                    used,
                    now,
                ));
                if up && used > 0 {
                    let shards = platform.shards.get_or_insert_default();
                    shards.push(Shard { node: Some(address), conference: format!("meeting {id}") });
                }
                if is_overflow {
                    let launched = now - SignedDuration::from_mins(30 + i64::from(n) * 3);
                    let instance = instance(id, address, up, launched);
                    let mut record = record(up && used == 0, up, launched);
                    record.name = Some(format!("node-{id:06}").as_str().into());
                    record.location = Some((overflow, format!("Burst {pair:05}").as_str().into()));
                    ledger.nodes.insert(instance.id.clone(), record);
                    fleet.instances.push(instance);
                }
            }
        }
        let observation = Observation { observed_at: now, platform: Ok(platform), fleet: Ok(fleet) };
        Self { policy: Policy::with_defaults("manager"), observation, ledger: Ok(ledger), now }
    }
}

fn location(id: LocationId, name: &str, overflow: Option<LocationId>) -> Location {
    Location {
        id,
        name: name.into(),
        overflow_location1: overflow,
        overflow_location2: None,
        transcoding_location: None,
    }
}

fn node(id: u64, location: LocationId, address: Ipv4Addr, up: bool, used: u64, now: Timestamp) -> Node {
    Node {
        id: NodeId(id),
        name: format!("node-{id:06}").as_str().into(),
        address,
        location,
        role: NodeRole::Transcoding,
        static_nat_address: None,
        maintenance_mode: false,
        maintenance_mode_reason: String::new(),
        distributed_database: false,
        certificate: None,
        status: Some(NodeStatus {
            synced: up,
            last_updated: Some(
                now - if up { SignedDuration::from_secs(20) } else { SignedDuration::from_hours(9) },
            ),
            maintenance_mode: false,
            media_load: Some(used as f64 * 100.0 / 17.0),
            max_hd_calls: HdCalls(17),
            max_media_tokens: 17 * 12,
            media_tokens_used: used * 12,
            upgrading: false,
            version: "38".to_owned(),
        }),
    }
}

fn instance(id: u64, address: Ipv4Addr, up: bool, launched: Timestamp) -> Instance {
    Instance {
        id: InstanceId::new(format!("i-{id:017x}")),
        name: format!("node-{id:06}"),
        region: "eu-west-1".to_owned(),
        zone: "eu-west-1a".to_owned(),
        vpc: "vpc-0a1b2c3d".to_owned(),
        instance_type: "c5.2xlarge".into(),
        state: if up { InstanceState::Running } else { InstanceState::Stopped },
        state_reason: String::new(),
        launched_at: Some(launched),
        private_ip: Some(address),
        public_ip: None,
        addresses: Vec::new(),
        tags: BTreeMap::from([("pexip-cloud".to_owned(), "manager".to_owned())]),
    }
}

fn record(idle: bool, up: bool, launched: Timestamp) -> NodeRecord {
    let ready = launched + SignedDuration::from_mins(5);
    let run = CurrentRun {
        started_at: launched,
        by: Actor::Spillway,
        reason: "needed".to_owned(),
        launched_at: Some(launched),
        ready_at: Some(ready),
        failed: false,
        forecast: false,
    };
    NodeRecord {
        version: 3,
        run: up.then_some(run),
        idle_since: idle.then_some(ready),
        capacity: Some(HdCalls(17)),
        ..NodeRecord::default()
    }
}

/// Time this thread has had a processor (Linux), so that a busy machine does not count; elsewhere the wall clock.
fn processor_time() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or_else(|| began.elapsed(), Duration::from_nanos)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn main() {
    println!(
        "{:>7} {:>10} {:>9} {:>8} {:>10} {:>8} {:>8}",
        "nodes", "locations", "plan ms", "ratio", "check ms", "ratio", "actions"
    );
    let mut before: Option<(Duration, Duration)> = None;
    for nodes in SIZES {
        let case = Case::of(nodes);
        let Case { policy, observation, ledger, now } = &case;
        let (mut planning, mut checking, mut actions) = (Vec::new(), Vec::new(), 0);
        // The clock of the processor moves in steps of milliseconds: each reading is of many plans.
        let repeat = u32::try_from(PLANNED_NODES / nodes).unwrap_or(1).max(1);
        for _ in 0..RUNS {
            let began = processor_time();
            let mut last = None;
            for _ in 0..repeat {
                last = Some(black_box(spillway_core::plan(policy, black_box(observation), ledger, *now)));
            }
            planning.push(processor_time().saturating_sub(began) / repeat);
            let Some(plan) = last else { continue };
            let began = processor_time();
            for _ in 0..repeat {
                let checked = black_box(check(policy, observation, ledger, black_box(&plan), *now));
                assert!(checked.is_ok(), "the plan passes the safety check: {checked:?}");
            }
            checking.push(processor_time().saturating_sub(began) / repeat);
            actions = plan.actions.len();
        }
        let (plan, check) = (median(planning), median(checking));
        let ratio = |now: Duration, then: Option<Duration>| {
            then.map_or_else(String::new, |then| format!("{:.1}x", now.as_secs_f64() / then.as_secs_f64()))
        };
        println!(
            "{nodes:>7} {:>10} {:>9.3} {:>8} {:>10.3} {:>8} {actions:>8}",
            nodes / 10,
            ms(plan),
            ratio(plan, before.map(|(plan, _)| plan)),
            ms(check),
            ratio(check, before.map(|(_, check)| check)),
        );
        before = Some((plan, check));
    }
}
