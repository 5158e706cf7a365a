//! A world in virtual time, the ledger, and the real cycle over them, once a minute like the schedule. Scripts, sweeps and
//! property tests all run on it. It decides nothing.

mod cycles;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use spillway_core::observation::Observation;
use spillway_core::outcome::CycleReport;
use spillway_core::outlook::Profiles;
use spillway_core::plan::Plan;
use spillway_core::plan_ahead;
use spillway_core::policy::{Mode, Policy};
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::ports::LedgerRead;

use crate::intercept::{Intercepted, Invariants, Surprises};
use crate::ports::{MemoryLedger, SimClock, SimFleet, SimManagement};
use crate::rule::{Broken, Rule};
use spillway_world::{FleetScope, Initiator, SharedWorld, World, lock};

/// Time between two cycles (the schedule's rate).
pub const TICK: SignedDuration = SignedDuration::from_mins(1);

/// Cycles without an action after which a platform counts as at rest, where a test does not say: longer than any step
/// that waits for time alone, such as the default minimum lifetime or the longest back-off.
pub const QUIET_CYCLES: u32 = 75;

/// EC2 as the harness shows it: every order is held against what must never happen.
pub type HarnessFleet = Intercepted<SimFleet, Invariants>;
/// The Management Node as the harness shows it: a script may let something happen at a reading.
pub type HarnessManagement = Intercepted<SimManagement, Surprises>;

/// A platform, its ledger and its evaluator.
pub struct Harness {
    world: SharedWorld,
    ledger: MemoryLedger,
    policy: Policy,
    fleet: HarnessFleet,
    management: HarnessManagement,
    clock: SimClock,
    memory: LeaseMemory,
    cycles: u64,
    /// What was learned of the platform's days.
    profiles: Profiles,
    /// What the safety check found in any cycle: a plan that fails it is a defect of the planner.
    violations: Vec<String>,
}

impl Harness {
    /// A harness over a world.
    pub fn new(world: World, policy: Policy) -> Self {
        let world: SharedWorld = Arc::new(std::sync::Mutex::new(world));
        let scope = FleetScope {
            tag_value: policy.tag_value.clone(),
            regions: if policy.regions.is_empty() {
                vec!["eu-west-1".to_owned()]
            } else {
                policy.regions.clone()
            },
            vpcs: (!policy.vpcs.is_empty()).then(|| policy.vpcs.iter().cloned().collect()),
        };
        let clock = SimClock::new(Arc::clone(&world));
        let invariants = Invariants::new(scope.clone(), clock.clone(), Arc::clone(&world), policy.clone());
        let surprises = Surprises::new(Arc::clone(&world));
        Self {
            fleet: Intercepted::new(SimFleet::in_scope(Arc::clone(&world), scope), invariants),
            management: Intercepted::new(SimManagement::new(Arc::clone(&world)), surprises),
            clock,
            ledger: MemoryLedger::new(),
            memory: LeaseMemory::default(),
            cycles: 0,
            profiles: Profiles::new(),
            violations: Vec::new(),
            world,
            policy,
        }
    }

    /// The world, to look at and to change.
    pub fn world(&self) -> std::sync::MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// The same, shared.
    pub fn shared_world(&self) -> &SharedWorld {
        &self.world
    }

    /// The ledger.
    pub fn ledger(&self) -> &MemoryLedger {
        &self.ledger
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What was learned of the platform's days is stored.
    pub fn set_profiles(&mut self, profiles: Profiles) {
        self.profiles = profiles;
    }

    /// Another mode is stored.
    pub fn set_mode(&mut self, mode: Mode) {
        self.policy.mode = mode;
    }

    /// EC2.
    pub fn fleet(&self) -> &HarnessFleet {
        &self.fleet
    }

    /// What must never happen, as far as orders to EC2 show it.
    pub fn invariants(&self) -> &Invariants {
        self.fleet.interceptor()
    }

    /// Our clock.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// The Management Node.
    pub fn management(&self) -> &HarnessManagement {
        &self.management
    }

    /// What is still to happen when a node's activity is read.
    pub fn surprises(&self) -> &Surprises {
        self.management.interceptor()
    }

    /// Virtual time.
    pub fn now(&self) -> Timestamp {
        self.world().now()
    }

    /// Lets time pass without a cycle.
    pub fn advance(&self, time: SignedDuration) {
        self.world().advance_by(time);
    }

    /// What Spillway would see now.
    pub fn observe(&self) -> Option<Observation> {
        let through = self.through(&());
        let cycle = Cycle {
            ports: through.ports(),
            policy: &self.policy,
            owner: String::new(),
            deadline: Duration::ZERO,
            profiles: Some(&self.profiles),
        };
        finish(cycle.observe())
    }

    /// What Spillway would do now, without doing it.
    pub fn plan(&self) -> Option<Plan> {
        let observation = self.observe()?;
        let now = self.now();
        let ledger = finish(self.ledger.read_ledger(now))?;
        Some(plan_ahead(&self.policy, &observation, &ledger, Some(&self.profiles), now, &[]))
    }

    /// A minute passes, then a cycle runs.
    pub fn tick(&mut self) -> CycleReport {
        self.advance(TICK);
        self.cycle()
    }

    /// Convergence: with nothing new from outside, cycles come to rest (so many in a row do nothing), and what would be
    /// planned then is nothing.
    ///
    /// # Errors
    /// What was still done after so many minutes.
    pub fn settle(&mut self, within_minutes: u32, quiet_cycles: u32) -> Result<u32, String> {
        let (mut quiet, mut last) = (0, String::new());
        for minute in 1..=within_minutes {
            let report = self.tick();
            if report.plan.is_no_op() && report.results.is_empty() {
                quiet += 1;
            } else {
                quiet = 0;
                last = report.summary();
            }
            if quiet == quiet_cycles {
                let left = self.plan().map_or(usize::MAX, |plan| plan.actions.len());
                return if left == 0 {
                    Ok(minute - quiet_cycles)
                } else {
                    Err(format!("{left} actions are planned although nothing changed"))
                };
            }
        }
        Err(format!("no rest within {within_minutes} minutes; the last thing done was: {last}"))
    }

    /// What should never have happened, one sentence each.
    pub fn broken(&self) -> Vec<String> {
        self.broken_rules().into_iter().map(|broken| broken.what).collect()
    }

    /// The same, each with its rule.
    pub fn broken_rules(&self) -> Vec<Broken> {
        let mut broken = self.invariants().broken();
        let failed = self.violations.iter().cloned();
        broken.extend(failed.map(|what| Broken { rule: Rule::SafetyCheck, what }));
        let dropped = self.world().stats().dropped.by_spillway;
        if dropped > 0 {
            let what = format!("{dropped} callers were dropped by Spillway");
            broken.push(Broken { rule: Rule::CallDropped, what });
        }
        broken
    }

    /// Starts and stops by Spillway that EC2 accepted.
    pub fn starts_and_stops(&self) -> (u64, u64) {
        let world = self.world();
        let stats = world.stats();
        let of = |counts: &std::collections::BTreeMap<Initiator, u64>| {
            counts.get(&Initiator::Spillway).copied().unwrap_or(0)
        };
        (of(&stats.starts), of(&stats.stops))
    }
}

/// Runs a future that waits for nobody; `None` for one that does.
pub fn finish<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // An interceptor may yield a few times for each call of a cycle; one that never comes back is given up.
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}
