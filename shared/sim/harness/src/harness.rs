//! A world in virtual time, the ledger, and the real cycle over them, once a minute like the schedule. Scripts, sweeps and
//! property tests all run on it. It decides nothing.

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
use spillway_core::ports::{Clock, LedgerRead};
use spillway_core::prewarm::{PrewarmEnd, Prewarmed, Tick};
use spillway_core::reconcile::{Reconcile, ReconcileReport};

use crate::intercept::{Death, Intercepted, Interceptor, Invariants, Surprises, until_death};
use crate::ports::{MemoryLedger, SimClock, SimFleet, SimManagement};
use spillway_world::{FleetScope, Initiator, SharedWorld, World, lock};

/// Time between two cycles (the schedule's rate).
pub const TICK: SignedDuration = SignedDuration::from_mins(1);

/// How long a function may run (design: 45 s).
const TIMEOUT: Duration = Duration::from_secs(45);

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
    /// What the safety check found in any cycle: a plan that fails it is a defect of the planner.
    violations: Vec<String>,
}

/// The ports, every call of which meets an interceptor.
struct Through<'a, I> {
    fleet: Intercepted<HarnessFleet, I>,
    management: Intercepted<HarnessManagement, I>,
    ledger: Intercepted<MemoryLedger, I>,
    clock: &'a SimClock,
}

type ThroughPorts<'a, I> = Ports<
    'a,
    Intercepted<HarnessFleet, I>,
    Intercepted<HarnessManagement, I>,
    Intercepted<MemoryLedger, I>,
    SimClock,
>;

impl<I> Through<'_, I> {
    fn ports(&self) -> ThroughPorts<'_, I> {
        let Self { fleet, management, ledger, clock } = self;
        Ports { fleet, management, ledger, clock }
    }
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
        let invariants = Invariants::new(scope.clone(), Arc::clone(&world), policy.clone());
        let surprises = Surprises::new(Arc::clone(&world));
        Self {
            fleet: Intercepted::new(SimFleet::in_scope(Arc::clone(&world), scope), invariants),
            management: Intercepted::new(SimManagement::new(Arc::clone(&world)), surprises),
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

    /// EC2.
    pub fn fleet(&self) -> &HarnessFleet {
        &self.fleet
    }

    /// What must never happen, as far as orders to EC2 show it.
    pub fn invariants(&self) -> &Invariants {
        self.fleet.interceptor()
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

    /// The ports, every call of which meets an interceptor.
    fn through<I: Interceptor + Clone>(&self, interceptor: &I) -> Through<'_, I> {
        Through {
            fleet: Intercepted::new(self.fleet.clone(), interceptor.clone()),
            management: Intercepted::new(self.management.clone(), interceptor.clone()),
            ledger: Intercepted::new(self.ledger.clone(), interceptor.clone()),
            clock: &self.clock,
        }
    }

    /// One cycle, as the schedule starts it.
    pub fn cycle(&mut self) -> CycleReport {
        self.cycle_through(&())
    }

    /// One cycle whose port calls all meet an interceptor.
    pub fn cycle_through<I: Interceptor + Clone>(&mut self, interceptor: &I) -> CycleReport {
        let owner = self.next_owner();
        let mut memory = std::mem::take(&mut self.memory);
        let report = finish(self.cycle_beside(&owner, interceptor, &mut memory));
        self.memory = memory;
        self.keep(report)
    }

    /// One cycle by an evaluator of its own, with its own memory of the lease.
    pub fn cycle_of(&mut self, memory: &mut LeaseMemory) -> CycleReport {
        let owner = self.next_owner();
        let report = finish(self.cycle_beside(&owner, &(), memory));
        self.keep(report)
    }

    /// One cycle that dies at an await point; whether it got there. A new evaluator takes over: it knows nothing.
    pub fn cycle_dies(&mut self, death: &Death) -> bool {
        let owner = self.next_owner();
        let mut memory = std::mem::take(&mut self.memory);
        let ended = finish(until_death(death, self.cycle_beside(&owner, death, &mut memory)));
        let died = !matches!(ended, Some(Some(_)));
        if !died {
            self.memory = memory;
        }
        died
    }

    /// The future of a cycle whose port calls all meet an interceptor, for tests that let two of them run side by side.
    pub async fn cycle_beside<I: Interceptor + Clone>(
        &self,
        owner: &str,
        interceptor: &I,
        memory: &mut LeaseMemory,
    ) -> CycleReport {
        let through = self.through(interceptor);
        let (ports, deadline) = (through.ports(), self.deadline());
        Cycle { ports, policy: &self.policy, owner: owner.to_owned(), deadline }.run(memory).await
    }

    /// A pre-warm window fires: an invocation of another function, which knows nothing of the lease.
    pub fn prewarm(&mut self, tick: &Tick) -> Option<Prewarmed> {
        self.prewarm_through(&(), tick)
    }

    /// The same, with every port call meeting an interceptor.
    pub fn prewarm_through<I: Interceptor + Clone>(
        &mut self,
        interceptor: &I,
        tick: &Tick,
    ) -> Option<Prewarmed> {
        let owner = self.next_owner();
        let fired = finish(self.prewarm_beside(owner, interceptor, tick))?;
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

    async fn prewarm_beside<I: Interceptor + Clone>(
        &self,
        owner: String,
        interceptor: &I,
        tick: &Tick,
    ) -> Prewarmed {
        let through = self.through(interceptor);
        let (ports, deadline) = (through.ports(), self.deadline());
        let cycle = Cycle { ports, policy: &self.policy, owner, deadline };
        spillway_core::prewarm::run(&cycle, tick, &mut LeaseMemory::default()).await
    }

    /// One pass of the reconciler: over everything, or over some instances.
    pub fn reconcile(&self, instances: Option<&[InstanceId]>) -> Option<ReconcileReport> {
        self.reconcile_through(instances, &())
    }

    /// One pass whose port calls all meet an interceptor; `None` if it never ends.
    pub fn reconcile_through<I: Interceptor + Clone>(
        &self,
        instances: Option<&[InstanceId]>,
        interceptor: &I,
    ) -> Option<ReconcileReport> {
        let through = self.through(interceptor);
        let (ports, deadline) = (through.ports(), self.deadline());
        let pass = Reconcile { ports, policy: &self.policy, deadline };
        match instances {
            None => finish(pass.sweep()),
            Some(ids) => finish(pass.instances(ids)),
        }
    }

    fn deadline(&self) -> Duration {
        self.clock.monotonic() + TIMEOUT
    }

    fn next_owner(&mut self) -> String {
        self.cycles += 1;
        format!("evaluator-{}", self.cycles)
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

    /// What Spillway would see now.
    pub fn observe(&self) -> Option<Observation> {
        let through = self.through(&());
        let cycle = Cycle {
            ports: through.ports(),
            policy: &self.policy,
            owner: String::new(),
            deadline: Duration::ZERO,
        };
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
        let mut broken = self.invariants().broken();
        broken.extend(self.violations.iter().cloned());
        let dropped = self.world().stats().dropped.by_spillway;
        if dropped > 0 {
            broken.push(format!("{dropped} callers were dropped by Spillway"));
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
    // An interceptor may yield a few times for each call of a cycle; one that never comes back is given up.
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}
