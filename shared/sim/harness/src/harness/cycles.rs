//! A cycle, a pre-warm, a pass of the reconciler: each as a function would run it, through an interceptor.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::InstanceId;
use spillway_core::outcome::CycleReport;
use spillway_core::plan::Plan;
use spillway_core::prewarm::{PrewarmEnd, Prewarmed, Tick};
use spillway_core::reconcile::ReconcileReport;
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::ports::Clock;
use spillway_engine::ports::Ports;
use spillway_engine::reconcile::Reconcile;

use crate::intercept::{Death, Disturbance, Intercepted, Interceptor, until_death};
use crate::ports::{MemoryLedger, SimClock};

use super::{Harness, HarnessFleet, HarnessManagement, finish};

/// How long a function may run (design: 45 s).
const TIMEOUT: Duration = Duration::from_secs(45);

/// The ports, every call of which meets an interceptor.
pub(super) struct Through<'a, I> {
    fleet: Intercepted<HarnessFleet, I>,
    management: Intercepted<HarnessManagement, I>,
    ledger: Intercepted<MemoryLedger, I>,
    clock: &'a SimClock,
}

pub(super) type ThroughPorts<'a, I> = Ports<
    'a,
    (Intercepted<HarnessFleet, I>, Intercepted<HarnessManagement, I>, Intercepted<MemoryLedger, I>, SimClock),
>;

impl<I> Through<'_, I> {
    pub(super) fn ports(&self) -> ThroughPorts<'_, I> {
        let Self { fleet, management, ledger, clock } = self;
        Ports::of(fleet, management, ledger, clock)
    }
}

impl Harness {
    /// The ports, every call of which meets an interceptor.
    pub(super) fn through<I: Interceptor + Clone>(&self, interceptor: &I) -> Through<'_, I> {
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

    /// One cycle to which something happens; `None` if it died or was killed. A new evaluator takes over then, which knows
    /// nothing of the lease.
    pub fn cycle_disturbed(&mut self, disturbance: &Disturbance) -> Option<CycleReport> {
        let mut memory = std::mem::take(&mut self.memory);
        let report = self.cycle_disturbed_of(&mut memory, disturbance);
        self.memory = memory;
        report
    }

    /// The same by an evaluator of its own.
    pub fn cycle_disturbed_of(
        &mut self,
        memory: &mut LeaseMemory,
        disturbance: &Disturbance,
    ) -> Option<CycleReport> {
        let owner = self.next_owner();
        let ended = finish(disturbance.drive(self.cycle_beside(&owner, disturbance, memory))).flatten();
        self.keep_if_ended(ended, memory)
    }

    /// Two cycles at once: one has so many turns before the other begins, which runs to its end first. An evaluator that
    /// dies knows nothing any more.
    pub fn cycles_at_once(
        &mut self,
        head_start: u64,
        first: &Disturbance,
        other: &Disturbance,
        its_memory: &mut LeaseMemory,
    ) -> [Option<CycleReport>; 2] {
        let mut memory = std::mem::take(&mut self.memory);
        let owners = (self.next_owner(), self.next_owner());
        let (early, late) = {
            let mut one = pin!(first.drive(self.cycle_beside(&owners.0, first, &mut memory)));
            let mut early = None;
            for _ in 0..head_start {
                let turn = one.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(report) = turn {
                    early = Some(report);
                    break;
                }
            }
            let late = finish(other.drive(self.cycle_beside(&owners.1, other, its_memory))).flatten();
            (early.unwrap_or_else(|| finish(one).flatten()), late)
        };
        let ended = [self.keep_if_ended(early, &mut memory), self.keep_if_ended(late, its_memory)];
        self.memory = memory;
        ended
    }

    fn keep_if_ended(&mut self, ended: Option<CycleReport>, memory: &mut LeaseMemory) -> Option<CycleReport> {
        match &ended {
            Some(report) => self.note_violations(report),
            None => *memory = LeaseMemory::default(),
        }
        ended
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
        Cycle {
            ports,
            policy: &self.policy,
            owner: owner.to_owned(),
            deadline,
            profiles: Some(&self.profiles),
        }
        .run(memory)
        .await
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
        let cycle = Cycle { ports, policy: &self.policy, owner, deadline, profiles: Some(&self.profiles) };
        spillway_engine::prewarm::run(&cycle, tick, &mut LeaseMemory::default()).await
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
}

fn empty_report(at: Timestamp) -> CycleReport {
    CycleReport {
        outcome: spillway_core::outcome::Outcome::LeaseBusy,
        began_at: at,
        took: SignedDuration::ZERO,
        last_good: None,
        plan: Plan::empty(at),
        results: Vec::new(),
        violations: Vec::new(),
        faults: Vec::new(),
    }
}
