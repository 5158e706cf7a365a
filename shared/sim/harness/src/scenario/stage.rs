//! A stage: a world in virtual time, the ledger, and the real cycle over them, once a minute like the schedule.
//! Scripts, sweeps and property tests all play on it. It decides nothing.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use spillway_core::cycle::{Cycle, LeaseMemory, Ports};
use spillway_core::ids::InstanceId;
use spillway_core::observation::Observation;
use spillway_core::outcome::CycleReport;
use spillway_core::plan::Plan;
use spillway_core::policy::{Mode, Policy};
use spillway_core::ports::{Clock, FleetWrite, LedgerRead, LedgerWrite, ManagementWrite, OverflowStart};
use spillway_core::prewarm::{PrewarmEnd, Prewarmed, Tick};
use spillway_core::reconcile::{Reconcile, ReconcileReport};

use super::hook::HookedManagement;
use super::watch::WatchedFleet;
use crate::ports::{CallFaults, Death, Gate, Gated, MemoryLedger, SimClock, SimFleet, until_death};
use spillway_world::{FleetScope, Initiator, SharedWorld, World, lock};

/// Time between two cycles (the schedule's rate).
pub const TICK: SignedDuration = SignedDuration::from_mins(1);

/// How long a function may run (design: 45 s).
const TIMEOUT: Duration = Duration::from_secs(45);

/// Cycles without an action after which a platform counts as at rest, where a test does not say: longer than any step
/// that waits for time alone, such as the default minimum lifetime or the longest back-off.
pub const QUIET_CYCLES: u32 = 75;

/// A platform, its ledger and its evaluator.
pub struct Stage {
    world: SharedWorld,
    ledger: MemoryLedger,
    policy: Policy,
    fleet: WatchedFleet,
    management: HookedManagement,
    clock: SimClock,
    memory: LeaseMemory,
    cycles: u64,
    /// What the safety check found in any cycle: a plan that fails it is a defect of the planner.
    violations: Vec<String>,
}

impl Stage {
    /// A stage over a world.
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
        let fleet = SimFleet::in_scope(Arc::clone(&world), scope);
        Self {
            fleet: WatchedFleet::new(fleet, Arc::clone(&world), policy.clone()),
            management: HookedManagement::new(Arc::clone(&world)),
            clock: SimClock::new(Arc::clone(&world)),
            ledger: MemoryLedger::new(),
            memory: LeaseMemory::default(),
            cycles: 0,
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

    /// Another mode is stored.
    pub fn set_mode(&mut self, mode: Mode) {
        self.policy.mode = mode;
    }

    /// The fleet port, watched.
    pub fn fleet(&self) -> &WatchedFleet {
        &self.fleet
    }

    /// The management port.
    pub fn management(&self) -> &HookedManagement {
        &self.management
    }

    /// Virtual time.
    pub fn now(&self) -> Timestamp {
        self.world().now()
    }

    /// Lets time pass without a cycle.
    pub fn advance(&self, time: SignedDuration) {
        self.world().advance_by(time);
    }

    /// One cycle, as the schedule starts it.
    pub fn cycle(&mut self) -> CycleReport {
        let mut memory = std::mem::take(&mut self.memory);
        let report = self.cycle_of(&mut memory);
        self.memory = memory;
        report
    }

    /// One cycle by an evaluator of its own, with its own memory of the lease.
    pub fn cycle_of(&mut self, memory: &mut LeaseMemory) -> CycleReport {
        let owner = self.next_owner();
        let (fleet, management, ledger) = (self.fleet.clone(), self.management.clone(), self.ledger.clone());
        // Nothing in a simulated world waits, so a cycle never does.
        let report = self.drive(&fleet, &management, &ledger, memory, owner);
        self.keep(report)
    }

    /// A pre-warm window fires: an invocation of another function, which knows nothing of the lease.
    pub fn prewarm(&mut self, tick: &Tick) -> Option<Prewarmed> {
        self.prewarm_through(&CallFaults::none(), tick)
    }

    /// The same, with every port call through a gate.
    pub fn prewarm_through<G: Gate + Clone>(&mut self, gate: &G, tick: &Tick) -> Option<Prewarmed> {
        let owner = self.next_owner();
        let fired = finish(self.prewarm_beside(owner, gate, tick))?;
        if let PrewarmEnd::Held(held) = &fired.end {
            self.note_violations(&held.cycle);
        }
        Some(fired)
    }

    /// The same, dying at an await point; whether it got there.
    pub fn prewarm_dies(&mut self, death: &Death, tick: &Tick) -> bool {
        let owner = self.next_owner();
        let ended = finish(until_death(death, self.prewarm_beside(owner, death, tick)));
        !matches!(ended, Some(Some(_)))
    }

    async fn prewarm_beside<G: Gate + Clone>(&self, owner: String, gate: &G, tick: &Tick) -> Prewarmed {
        let fleet = Gated::new(self.fleet.clone(), gate.clone());
        let management = Gated::new(self.management.clone(), gate.clone());
        let ledger = Gated::new(self.ledger.clone(), gate.clone());
        let ports = Ports { fleet: &fleet, management: &management, ledger: &ledger, clock: &self.clock };
        let deadline = self.clock.monotonic() + TIMEOUT;
        let cycle = Cycle { ports, policy: &self.policy, owner, deadline };
        spillway_core::prewarm::run(&cycle, tick, &mut LeaseMemory::default()).await
    }

    /// One cycle whose port calls all pass a gate.
    pub fn cycle_through<G: Gate + Clone>(&mut self, gate: &G) -> CycleReport {
        let owner = self.next_owner();
        let fleet = Gated::new(self.fleet.clone(), gate.clone());
        let management = Gated::new(self.management.clone(), gate.clone());
        let ledger = Gated::new(self.ledger.clone(), gate.clone());
        let mut memory = std::mem::take(&mut self.memory);
        let report = self.drive(&fleet, &management, &ledger, &mut memory, owner);
        self.memory = memory;
        self.keep(report)
    }

    /// One pass of the reconciler: over everything, or over some instances.
    pub fn reconcile(&self, instances: Option<&[InstanceId]>) -> Option<ReconcileReport> {
        self.reconcile_through(instances, &Death::never())
    }

    /// One pass whose port calls all pass a gate; `None` if it never ends.
    pub fn reconcile_through<G: Gate + Clone>(
        &self,
        instances: Option<&[InstanceId]>,
        gate: &G,
    ) -> Option<ReconcileReport> {
        let fleet = Gated::new(self.fleet.clone(), gate.clone());
        let management = Gated::new(self.management.clone(), gate.clone());
        let ledger = Gated::new(self.ledger.clone(), gate.clone());
        let ports = Ports { fleet: &fleet, management: &management, ledger: &ledger, clock: &self.clock };
        let deadline = self.clock.monotonic() + TIMEOUT;
        let pass = Reconcile { ports, policy: &self.policy, deadline };
        match instances {
            None => finish(pass.sweep()),
            Some(ids) => finish(pass.instances(ids)),
        }
    }

    fn keep(&mut self, report: Option<CycleReport>) -> CycleReport {
        let report = report.unwrap_or_else(|| empty_report(self.now()));
        self.note_violations(&report);
        report
    }

    fn note_violations(&mut self, report: &CycleReport) {
        let at = report.began_at.strftime("%H:%M:%S");
        self.violations.extend(report.violations.iter().map(|broken| format!("{at} planned: {broken}")));
    }

    /// One cycle that dies at an await point; whether it got there. A new evaluator takes over: it knows nothing.
    pub fn cycle_dies(&mut self, death: &Death) -> bool {
        let owner = self.next_owner();
        let fleet = Gated::new(self.fleet.clone(), death.clone());
        let management = Gated::new(self.management.clone(), death.clone());
        let ledger = Gated::new(self.ledger.clone(), death.clone());
        let mut memory = std::mem::take(&mut self.memory);
        let ports = Ports { fleet: &fleet, management: &management, ledger: &ledger, clock: &self.clock };
        let deadline = self.clock.monotonic() + TIMEOUT;
        let cycle = Cycle { ports, policy: &self.policy, owner, deadline };
        let ended = finish(until_death(death, cycle.run(&mut memory)));
        let died = !matches!(ended, Some(Some(_)));
        if !died {
            self.memory = memory;
        }
        died
    }

    /// The future of a cycle through a gate, for tests that let two of them run side by side.
    pub async fn cycle_beside<G: Gate + Clone>(
        &self,
        owner: &str,
        gate: &G,
        memory: &mut LeaseMemory,
    ) -> CycleReport {
        let fleet = Gated::new(self.fleet.clone(), gate.clone());
        let management = Gated::new(self.management.clone(), gate.clone());
        let ledger = Gated::new(self.ledger.clone(), gate.clone());
        let ports = Ports { fleet: &fleet, management: &management, ledger: &ledger, clock: &self.clock };
        let deadline = self.clock.monotonic() + TIMEOUT;
        Cycle { ports, policy: &self.policy, owner: owner.to_owned(), deadline }.run(memory).await
    }

    fn next_owner(&mut self) -> String {
        self.cycles += 1;
        format!("evaluator-{}", self.cycles)
    }

    fn drive<F: FleetWrite, M: ManagementWrite + OverflowStart, L: LedgerWrite>(
        &self,
        fleet: &F,
        management: &M,
        ledger: &L,
        memory: &mut LeaseMemory,
        owner: String,
    ) -> Option<CycleReport> {
        let ports = Ports { fleet, management, ledger, clock: &self.clock };
        let deadline = self.clock.monotonic() + TIMEOUT;
        finish(Cycle { ports, policy: &self.policy, owner, deadline }.run(memory))
    }

    /// What Spillway would see now.
    pub fn observe(&self) -> Option<Observation> {
        let ports = Ports {
            fleet: &self.fleet,
            management: &self.management,
            ledger: &self.ledger,
            clock: &self.clock,
        };
        let cycle = Cycle { ports, policy: &self.policy, owner: String::new(), deadline: Duration::ZERO };
        finish(cycle.observe())
    }

    /// What Spillway would do now, without doing it.
    pub fn plan(&self) -> Option<Plan> {
        let observation = self.observe()?;
        let now = self.now();
        let ledger = finish(self.ledger.read_ledger(now))?;
        Some(spillway_core::plan(&self.policy, &observation, &ledger, now))
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
            if report.plan.is_quiet() && report.results.is_empty() {
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
        let mut broken = self.fleet.broken();
        broken.extend(self.violations.iter().cloned());
        let dropped = self.world().tally().dropped.by_spillway;
        if dropped > 0 {
            broken.push(format!("{dropped} callers were dropped by Spillway"));
        }
        broken
    }

    /// Starts and stops by Spillway that EC2 accepted.
    pub fn starts_and_stops(&self) -> (u64, u64) {
        let world = self.world();
        let tally = world.tally();
        let of = |counts: &std::collections::BTreeMap<Initiator, u64>| {
            counts.get(&Initiator::Spillway).copied().unwrap_or(0)
        };
        (of(&tally.starts), of(&tally.stops))
    }
}

fn empty_report(at: Timestamp) -> CycleReport {
    CycleReport {
        outcome: spillway_core::outcome::Outcome::Stale,
        began_at: at,
        took: SignedDuration::ZERO,
        last_good: None,
        plan: Plan::empty(at),
        results: Vec::new(),
        violations: Vec::new(),
        faults: Vec::new(),
    }
}

/// Runs a future that waits for nobody; `None` for one that does.
pub fn finish<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // A gate may yield a few times for each call of a cycle; one that never comes back is given up.
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}
