//! A whole weekday of Spillway's own cycle over the simulated world: the ports, the ledger and the world agree
//! with the core about what a cycle needs, and no call is lost.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::HdCalls;
use spillway_core::outcome::CycleReport;
use spillway_core::policy::Policy;
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::ports::Ports;

use crate::now;
use spillway_harness::intercept::{CallFaults, Death, Intercepted, Strike, until_death};
use spillway_harness::ports::{MemoryLedger, SimClock, SimFleet, SimManagement};
use spillway_world::callers::Callers;
use spillway_world::load_model::LoadModel;
use spillway_world::weekday::Weekday;
use spillway_world::{ServiceView, SharedWorld, Sizing, Stats, WorldBuilder, lock};

fn policy() -> Policy {
    Policy { threshold: Some(HdCalls(12)), ..Policy::with_defaults("manager") }
}

fn weekday() -> (Timestamp, Arc<Callers>) {
    let day = Weekday::with_peak("2026-05-04".parse().unwrap(), 100);
    (day.start(), Arc::new(day.callers(&LoadModel::default(), 3)))
}

fn platform(start: Timestamp, callers: Arc<Callers>) -> SharedWorld {
    WorldBuilder::sized_for(start, callers, Sizing::default()).seed(3).build_shared().unwrap()
}

/// A cycle each minute between two hours of the day.
fn run(
    world: &SharedWorld,
    hours: std::ops::Range<i64>,
    mut cycle: impl FnMut(i64) -> Option<CycleReport>,
) -> Vec<CycleReport> {
    let start = lock(world).started_at();
    (hours.start * 60 + 1..=hours.end * 60)
        .filter_map(|minute| {
            lock(world).advance_to(start + SignedDuration::from_mins(minute));
            cycle(minute)
        })
        .collect()
}

fn played(start: Timestamp, callers: Arc<Callers>) -> (Stats, String) {
    let world = platform(start, callers);
    let policy = policy();
    let (fleet, management) =
        (SimFleet::new(Arc::clone(&world), "manager"), SimManagement::new(Arc::clone(&world)));
    let (ledger, clock) = (MemoryLedger::new(), SimClock::new(Arc::clone(&world)));
    let ports = Ports::of(&fleet, &management, &ledger, &clock);
    let mut memory = LeaseMemory::default();
    let reports = run(&world, 0..24, |minute| {
        let deadline = std::time::Duration::from_secs(minute.unsigned_abs() * 60 + 45);
        let cycle =
            Cycle { ports, policy: &policy, owner: format!("owner-{minute}"), deadline, profiles: None };
        Some(now(cycle.run(&mut memory)))
    });
    assert!(reports.iter().all(|report| report.violations.is_empty()));
    let bad: Vec<_> =
        reports.iter().filter(|report| !report.outcome.is_good()).map(CycleReport::summary).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let world = lock(&world);
    assert!(world.nodes().iter().all(|node| !node.is_overflow || node.service == ServiceView::Stopped));
    assert!(world.nodes().iter().all(|node| !node.maintenance_configured));
    (world.stats().clone(), format!("{:?} {:?}", world.node_hours(), ledger.events()))
}

#[test]
fn a_weekday_of_cycles_starts_nodes_stops_them_again_and_drops_nobody() {
    let (start, callers) = weekday();
    let (stats, ran) = played(start, Arc::clone(&callers));
    assert!(stats.starts_total() > 2, "{stats:?}");
    assert_eq!(stats.starts, stats.stops);
    assert_eq!(stats.dropped.total(), 0);
    assert_eq!((stats, ran), played(start, callers));
}

/// The morning of the spike, with the n-th outside call of every cycle failing, or the cycle dying there.
fn morning(world: &SharedWorld, n: u64, how: Option<Strike>) -> Stats {
    let policy = policy();
    let ledger = MemoryLedger::new();
    let clock = SimClock::new(Arc::clone(world));
    let (fleet, management) =
        (SimFleet::new(Arc::clone(world), "manager"), SimManagement::new(Arc::clone(world)));
    let mut memory = LeaseMemory::default();
    run(world, 8..11, |minute| {
        let deadline = std::time::Duration::from_secs(minute.unsigned_abs() * 60 + 45);
        let owner = format!("owner-{minute}");
        // Every third cycle is clean.
        let n = if minute % 3 == 0 { 0 } else { n };
        let (faults, death) = match how {
            Some(strike) => (CallFaults::nth(n, strike), Death::never()),
            None => (CallFaults::none(), Death::at(n)),
        };
        let fleet = Intercepted::new(Intercepted::new(fleet.clone(), faults.clone()), death.clone());
        let management =
            Intercepted::new(Intercepted::new(management.clone(), faults.clone()), death.clone());
        let ledger = Intercepted::new(Intercepted::new(ledger.clone(), faults), death.clone());
        let ports = Ports::of(&fleet, &management, &ledger, &clock);
        let cycle = Cycle { ports, policy: &policy, owner, deadline, profiles: None };
        let report = now(until_death(&death, cycle.run(&mut memory)))?;
        assert!(report.violations.is_empty());
        Some(report)
    });
    lock(world).stats().clone()
}

#[test]
fn whatever_call_fails_or_never_returns_no_call_is_dropped_and_nodes_still_start() {
    let (start, callers) = weekday();
    for n in 1..=8 {
        for how in [Some(Strike::Before), Some(Strike::After), None] {
            let stats = morning(&platform(start, Arc::clone(&callers)), n, how);
            assert_eq!(stats.dropped.by_spillway, 0, "call {n}, {how:?}");
            assert!(stats.starts_total() > 0, "call {n}, {how:?}");
        }
    }
}
