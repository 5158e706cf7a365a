//! The pass: observe, plan, apply, record. It needs no lease: what it sets is the same whoever sets it, and each of its
//! records has a version of its own. Nothing is retried in here: a later event or the next sweep reads the world again,
//! which is also how an address that was set is verified.

mod apply;
mod read;

use crate::ports::AddressRead;
use crate::ports::ManagementRead;
use crate::ports::Systems;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::cycle::LAST_START;
use crate::ports::Ports;
use crate::ports::{AddressWrite, Clock, InstanceScope, ManagementWrite, NatLedger, NodeRead};
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::observation::{Instance, InstanceState};
use spillway_core::outcome::Outcome;
use spillway_core::policy::{NatNodes, Policy};
use spillway_core::reconcile::AddressObservation;
use spillway_core::reconcile::ReconcileReport;
use spillway_core::reconcile::{AddressPlan, plan_addresses};

/// How many nodes a sweep looks at for calls, three requests each; the others are looked at by the next one.
const LOOKS_PER_SWEEP: usize = 20;

/// How long after its launch a running instance without a public address may still get one.
const ADDRESS_APPEARS: SignedDuration = SignedDuration::from_secs(60);

/// What the reconciler needs of the systems.
pub trait ReconcileSystems:
    Systems<Fleet: AddressWrite, Management: ManagementWrite + NodeRead, Ledger: NatLedger>
{
}

impl<S> ReconcileSystems for S where
    S: Systems<Fleet: AddressWrite, Management: ManagementWrite + NodeRead, Ledger: NatLedger>
{
}

/// One pass for one platform.
#[derive(Debug)]
pub struct Reconcile<'a, S: Systems> {
    /// The outside world.
    pub ports: Ports<'a, S>,
    /// The policy.
    pub policy: &'a Policy,
    /// On the monotonic clock: when the function is killed.
    pub deadline: Duration,
}

impl<S: ReconcileSystems> Reconcile<'_, S> {
    /// Looks at every instance of the platform.
    pub async fn sweep(&self) -> ReconcileReport {
        self.pass(None).await
    }

    /// Looks at some instances, for instance because EC2 said that they changed. Those without the platform's tag cost the
    /// describe that finds this out.
    pub async fn instances(&self, ids: &[InstanceId]) -> ReconcileReport {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.pass(Some(ids)).await
    }

    async fn pass(&self, ids: Option<Vec<InstanceId>>) -> ReconcileReport {
        let began_at = self.ports.clock.now();
        let mut report = ReconcileReport {
            outcome: Outcome::NoOp,
            sweep: ids.is_none(),
            began_at,
            took: jiff::SignedDuration::ZERO,
            plan: AddressPlan::empty(began_at),
            results: Vec::new(),
            faults: Vec::new(),
            again: BTreeSet::new(),
            early: BTreeSet::new(),
        };
        if let Err(fault) = self.run(ids.as_deref(), &mut report).await {
            report.outcome = Outcome::Outage;
            report.faults.insert(0, fault);
            report.again.extend(ids.into_iter().flatten());
        }
        report.took = self.ports.clock.now().duration_since(began_at);
        report
    }

    /// # Errors
    /// EC2 or the Management Node could not be read: nothing was changed.
    async fn run(&self, ids: Option<&[InstanceId]>, report: &mut ReconcileReport) -> Result<(), Fault> {
        let mut observation = AddressObservation::empty(self.ports.clock.now(), ids.is_none());
        let scope = ids.map_or(InstanceScope::All, InstanceScope::Ids);
        observation.instances = self.ports.fleet.read_instances(scope, self.always_on()).await?;
        observation.asked = observation.instances.iter().map(|instance| instance.id.clone()).collect();
        if ids.is_some() && observation.asked.is_empty() {
            return Ok(());
        }
        let reading = self.read_rest(&mut observation).await?;
        let state = match &reading {
            Ok(state) => Some(state),
            Err(fault) => {
                report.faults.push(fault.clone());
                report.again.extend(observation.asked.iter().cloned());
                None
            }
        };
        if let Err(fault) = &observation.elastic {
            report.faults.push(fault.clone());
        }
        report.early = self.too_early(&observation);
        // What is wrong for every call is mended before anything is looked at: a Management Node that answers slowly would eat
        // the time with what only informs, or may wait.
        report.plan = plan_addresses(self.policy, &observation, state, self.ports.clock.now());
        self.apply(report).await;
        if self.answer(&mut observation, report).await {
            let mut plan = plan_addresses(self.policy, &observation, state, self.ports.clock.now());
            keep_what_was_done(&mut plan, report);
            report.plan = plan;
            self.apply(report).await;
        }
        report.outcome = match (&report.plan.suspension, state) {
            (Some(_), _) => Outcome::Refused,
            (None, None) => Outcome::LedgerDown,
            (None, Some(_)) if report.plan.actions.is_empty() => Outcome::NoOp,
            (None, Some(_)) if self.policy.dry_run => Outcome::Withheld,
            (None, Some(_)) => Outcome::Acted,
        };
        if state.is_some() {
            self.record(report).await;
        }
        Ok(())
    }

    /// Instances whose event says more than EC2 shows as yet: the rule lets no event of `pending` through, and EC2's describe
    /// calls are eventually consistent (EC2 API reference: *Eventual consistency*).
    fn too_early(&self, observation: &AddressObservation) -> BTreeSet<InstanceId> {
        let now = self.ports.clock.now();
        let early = |instance: &&Instance| match instance.state {
            InstanceState::Pending => true,
            InstanceState::Running => {
                let just = |at| now.duration_since(at) < ADDRESS_APPEARS;
                instance.public_ip.is_none() && instance.launched_at.is_some_and(just)
            }
            _ => false,
        };
        let asked = observation.instances.iter().filter(|each| observation.asked.contains(&each.id));
        if observation.sweep {
            BTreeSet::new()
        } else {
            asked.filter(early).map(|each| each.id.clone()).collect()
        }
    }

    /// Whether always-on nodes are looked after too.
    fn always_on(&self) -> bool {
        self.policy.nat.nodes == NatNodes::All
    }

    /// Answers the plan's questions; whether there were any. One that cannot be answered is asked by the next sweep.
    async fn answer(&self, observation: &mut AddressObservation, report: &mut ReconcileReport) -> bool {
        // Not always the same ones first: nodes that stay busy must not keep the others from being looked at.
        let minute = usize::try_from(observation.observed_at.as_second() / 60).unwrap_or(0);
        let first = minute.checked_rem(report.plan.is_idle.len()).unwrap_or(0);
        let looks = report
            .plan
            .is_idle
            .iter()
            .cycle()
            .skip(first)
            .take(report.plan.is_idle.len().min(LOOKS_PER_SWEEP));
        for (instance, address) in looks {
            if self.out_of_time() {
                break;
            }
            match self.ports.management.read_activity(*address).await {
                Ok(activity) => {
                    observation.idle.insert(instance.clone(), activity.is_idle());
                }
                Err(fault) => {
                    report.faults.push(fault);
                    break;
                }
            }
        }
        if let Some(window) = report.plan.history
            && !self.out_of_time()
        {
            match self.ports.management.read_node_events(window.from, window.until).await {
                Ok(lines) => observation.history = Some(lines),
                Err(fault) => report.faults.push(fault),
            }
        }
        !observation.idle.is_empty() || observation.history.is_some()
    }

    fn out_of_time(&self) -> bool {
        self.deadline.saturating_sub(self.ports.clock.monotonic()) < LAST_START
    }
}

/// The plan that is told and recorded has what was done already, from the first look.
fn keep_what_was_done(plan: &mut AddressPlan, report: &ReconcileReport) {
    let done: BTreeSet<&InstanceId> =
        report.results.iter().map(|result| &result.action.node().instance).collect();
    plan.actions.retain(|action| !done.contains(&action.node().instance));
    plan.actions.extend(report.results.iter().map(|result| result.action.clone()));
    for (id, record) in report.plan.records.iter().filter(|(id, _)| done.contains(id)) {
        plan.records.insert(id.clone(), record.clone());
    }
}
