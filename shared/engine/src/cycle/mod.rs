//! The loop: observe, plan, check, record intent, apply, record outcome. Every entry point runs this one; it adds
//! no decision of its own. Nothing is retried in here: the next cycle reads the world again.

mod apply;
mod assist;
mod lease;
mod observe;
mod record;

use std::time::Duration;

use futures_util::future::join;
use jiff::Timestamp;

use crate::ports::{
    Clock, FleetRead, FleetWrite, Lease, LeaseError, LedgerRead, LedgerWrite, ManagementWrite, OverflowStart,
    Ports, Systems,
};
use apply::{Applied, Apply};
use observe::observe_beside;
use spillway_core::ledger::Ledger;
use spillway_core::observation::{Fleet, Observation, Reading};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::outlook::Profiles;
use spillway_core::plan::{Override, Plan};
use spillway_core::planner::plan_ahead;
use spillway_core::policy::{Mode, Policy};
use spillway_core::report::Suspension;
use spillway_core::safety::{Violation, check_overridden};

pub use lease::{LEASE, LeaseMemory};
pub use observe::{observe_known, read_world};

/// No action begins with less time left.
pub const LAST_START: Duration = Duration::from_secs(5);

/// What a cycle needs of the systems.
pub trait CycleSystems:
    Systems<Fleet: FleetWrite, Management: ManagementWrite + OverflowStart, Ledger: LedgerWrite>
{
}

impl<S> CycleSystems for S where
    S: Systems<Fleet: FleetWrite, Management: ManagementWrite + OverflowStart, Ledger: LedgerWrite>
{
}

/// One cycle for one platform.
#[derive(Debug)]
pub struct Cycle<'a, S: Systems> {
    /// The outside world.
    pub ports: Ports<'a, S>,
    /// The policy.
    pub policy: &'a Policy,
    /// Who runs it; unique per invocation.
    pub owner: String,
    /// On the monotonic clock: when the function is killed.
    pub deadline: Duration,
    /// What was learned of the platform's days; none: what the last evaluation expected is taken.
    pub profiles: Option<&'a Profiles>,
}

impl<S: CycleSystems> Cycle<'_, S> {
    /// Runs the cycle to its end.
    pub async fn run(&self, memory: &mut LeaseMemory) -> CycleReport {
        self.run_overridden(memory, &[]).await
    }

    /// The same where an operator's command sets rules aside: they are shown in the plan, checked against what was
    /// given here, and recorded. Functions never call this.
    pub async fn run_overridden(&self, memory: &mut LeaseMemory, overrides: &[Override]) -> CycleReport {
        let Ports { ledger, clock, .. } = self.ports;
        let began_at = clock.now();
        // At once: neither needs the other, and a function that waits is paid for.
        let (reading, fleet) = join(ledger.read_ledger(began_at), self.ports.fleet.read_fleet()).await;
        if let Ok(state) = &reading
            && !memory.may_take(state, clock.monotonic())
        {
            return self.stale(began_at);
        }
        let observation = self.observe_beside(fleet).await;
        self.go_on(began_at, reading, observation, overrides).await
    }

    /// The same on a world that was read a moment ago, for another reason: a Management Node that does not answer is
    /// waited for once.
    pub async fn run_seen(&self, memory: &mut LeaseMemory, observation: Observation) -> CycleReport {
        let Ports { ledger, clock, .. } = self.ports;
        let began_at = clock.now();
        let reading = ledger.read_ledger(began_at).await;
        if let Ok(state) = &reading
            && !memory.may_take(state, clock.monotonic())
        {
            return self.stale(began_at);
        }
        self.go_on(began_at, reading, observation, &[]).await
    }

    async fn go_on(
        &self,
        began_at: Timestamp,
        mut reading: Reading<Ledger>,
        observation: Observation,
        overrides: &[Override],
    ) -> CycleReport {
        let Ports { ledger, clock, .. } = self.ports;
        let now = clock.now();
        let mut planned = self.plan_checked(&observation, &reading, now, overrides);
        // The lease is taken late: what was read before it is still so if nobody took it in between, and then the
        // swap succeeds. A cycle that changes nothing needs none.
        let mut lease = None;
        if let (Ok(state), true) = (&reading, planned.needs_lease()) {
            match ledger.take_lease(&state.cycle, &self.owner, now).await {
                Ok(taken) => lease = Some(taken),
                Err(LeaseError::Lost) => return self.stale(began_at),
                Err(LeaseError::Fault(fault)) => {
                    reading = Err(fault);
                    planned = self.plan_checked(&observation, &reading, now, overrides);
                }
            }
        }
        self.carry_out(began_at, now, planned, &observation, &reading, lease).await
    }

    fn plan_checked(
        &self,
        observation: &Observation,
        reading: &Reading<Ledger>,
        now: Timestamp,
        overrides: &[Override],
    ) -> Planned {
        let plan = plan_ahead(self.policy, observation, reading, self.profiles, now, overrides);
        let violations = check_overridden(self.policy, observation, reading, &plan, now, overrides)
            .err()
            .unwrap_or_default();
        let carried = (self.policy.mode == Mode::Assist).then(|| plan.carried_in_assist());
        let withheld = self.policy.dry_run || carried.as_ref().is_some_and(Plan::is_no_op);
        let outcome = outcome_of(&plan, !violations.is_empty(), withheld);
        let may_act = violations.is_empty() && !withheld;
        Planned { plan, carried, violations, outcome, may_act }
    }

    /// Reads EC2 and the Management Node.
    pub async fn observe(&self) -> Observation {
        let fleet = self.ports.fleet.read_fleet().await;
        self.observe_beside(fleet).await
    }

    async fn observe_beside(&self, fleet: Reading<Fleet>) -> Observation {
        observe_beside(self.ports.management, self.ports.clock, fleet).await
    }

    async fn carry_out(
        &self,
        began_at: Timestamp,
        now: Timestamp,
        planned: Planned,
        observation: &Observation,
        reading: &Reading<Ledger>,
        lease: Option<Lease>,
    ) -> CycleReport {
        let mut faults = Vec::new();
        let Planned { plan, carried, violations, mut outcome, may_act } = planned;
        let acting = carried.as_ref().unwrap_or(&plan);
        let mut applied = Applied::default();

        if let Err(fault) = self.record_seen(&plan).await {
            faults.push(fault);
        }
        let records = if may_act { &acting.records } else { &plan.seen };
        let intent: Vec<_> = records.iter().map(|(id, record)| (id.clone(), record.clone())).collect();
        let mut recorded = true;
        if let (Some(lease), false) = (&lease, intent.is_empty()) {
            match self.ports.ledger.put_nodes(lease, &intent).await {
                Ok(()) => {}
                Err(LeaseError::Lost) => return self.stale(began_at),
                Err(LeaseError::Fault(fault)) => {
                    // What is not remembered is not done: the next cycle starts from what it reads.
                    faults.push(fault);
                    recorded = false;
                    outcome = Outcome::LedgerDown;
                }
            }
        }
        if may_act && recorded {
            applied = Apply::new(self, acting, observation, reading, lease.as_ref()).run().await;
            if outcome == Outcome::NoOp && !applied.results.is_empty() {
                outcome = Outcome::Acted;
            }
        }
        let last_good = if outcome.is_good() {
            Some(now)
        } else {
            reading
                .as_ref()
                .ok()
                .and_then(|ledger| ledger.cycle.digest.as_ref())
                .and_then(|digest| digest.last_good)
        };
        faults.append(&mut applied.faults);
        let done_requests = if may_act { acting.done_requests.clone() } else { Vec::new() };
        let mut report = CycleReport {
            outcome,
            began_at,
            took: jiff::SignedDuration::ZERO,
            last_good,
            plan,
            results: applied.results,
            violations,
            faults,
        };
        if let Err(fault) = self.record_withheld(&report, reading).await {
            report.faults.push(fault);
        }
        if let Err(fault) = self.record_platform(observation, reading).await {
            report.faults.push(fault);
        }
        match (&lease, reading) {
            (Some(lease), _) => {
                let events = applied.events;
                self.record_outcome(&mut report, events, observation, reading, lease, &done_requests).await;
            }
            (None, Ok(state)) => self.close_idle(&mut report, observation, state).await,
            (None, Err(_)) => {}
        }
        report.took = self.ports.clock.now().duration_since(began_at);
        report
    }

    fn stale(&self, began_at: Timestamp) -> CycleReport {
        CycleReport {
            outcome: Outcome::LeaseBusy,
            began_at,
            took: self.ports.clock.now().duration_since(began_at),
            last_good: None,
            plan: Plan::empty(began_at),
            results: Vec::new(),
            violations: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// A plan that went through the safety check.
struct Planned {
    plan: Plan,
    /// What of it is carried out, where that is not all.
    carried: Option<Plan>,
    violations: Vec<Violation>,
    outcome: Outcome,
    may_act: bool,
}

impl Planned {
    fn needs_lease(&self) -> bool {
        let Plan { seen, events, .. } = &self.plan;
        let Plan { actions, records, done_requests, .. } = self.carried.as_ref().unwrap_or(&self.plan);
        let intended =
            self.may_act && !(actions.is_empty() && records.is_empty() && done_requests.is_empty());
        intended || !seen.is_empty() || !events.is_empty() || !self.violations.is_empty()
    }
}

fn outcome_of(plan: &Plan, violated: bool, withheld: bool) -> Outcome {
    if violated {
        return Outcome::Refused;
    }
    match &plan.report.suspension {
        Some(
            Suspension::PlatformUnreadable { .. }
            | Suspension::FleetUnreadable { .. }
            | Suspension::MostNodesStale { .. },
        ) => Outcome::Outage,
        Some(Suspension::LedgerUnreadable { .. }) => Outcome::LedgerDown,
        Some(Suspension::ModeMismatch { .. } | Suspension::Paused { .. }) => Outcome::Refused,
        None if withheld && !plan.actions.is_empty() => Outcome::Withheld,
        None => Outcome::NoOp,
    }
}
