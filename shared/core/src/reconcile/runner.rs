//! The pass: observe, plan, apply, record. It needs no lease: what it sets is the same whoever sets it, and each of its
//! records has a version of its own. Nothing is retried in here: a later event or the next sweep reads the world again,
//! which is also how an address that was set is verified.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::future::join;
use jiff::Timestamp;

use super::observation::{AddressObservation, allocation_of, is_ours};
use super::plan::{AddressAction, AddressPlan, plan_addresses};
use super::record::{NatState, NatWrite};
use super::report::{AddressResult, ReconcileReport};
use crate::cycle::{LAST_START, Ports};
use crate::fault::{Fault, FaultKind};
use crate::ids::{AllocationId, InstanceId};
use crate::ledger::{Actor, Event, EventKind};
use crate::observation::{Instance, InstanceState, Reading};
use crate::outcome::{ActionEnd, Outcome};
use crate::policy::{NatNodes, Policy};
use crate::ports::{
    AddressWrite, Clock, ElasticAddress, InstanceScope, ManagementWrite, NatLedger, NodeRead, PlatformScope,
};

/// Up to this many nodes are read one by one, one request each. Reading the whole platform takes five, and pages.
const FEW_NODES: usize = 4;

/// How many nodes a sweep looks at for calls, three requests each; the others are looked at by the next one.
const LOOKS_PER_SWEEP: usize = 20;

/// One pass for one platform.
#[derive(Debug)]
pub struct Reconcile<'a, F, M, L, C> {
    /// The outside world.
    pub ports: Ports<'a, F, M, L, C>,
    /// The policy.
    pub policy: &'a Policy,
    /// On the monotonic clock: when the function is killed.
    pub deadline: Duration,
}

impl<F, M, L, C> Reconcile<'_, F, M, L, C>
where
    F: AddressWrite,
    M: ManagementWrite + NodeRead,
    L: NatLedger,
    C: Clock,
{
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
            outcome: Outcome::Quiet,
            sweep: ids.is_none(),
            began_at,
            took: jiff::SignedDuration::ZERO,
            plan: AddressPlan::empty(began_at),
            results: Vec::new(),
            faults: Vec::new(),
            again: BTreeSet::new(),
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
        let mut plan = plan_addresses(self.policy, &observation, state, self.ports.clock.now());
        if self.answer(&plan, &mut observation, report).await {
            plan = plan_addresses(self.policy, &observation, state, self.ports.clock.now());
        }
        report.outcome = match (&plan.gate, state) {
            (Some(_), _) => Outcome::Refused,
            (None, None) => Outcome::LedgerDown,
            (None, Some(_)) if plan.actions.is_empty() => Outcome::Quiet,
            (None, Some(_)) if self.policy.dry_run => Outcome::Withheld,
            (None, Some(_)) => Outcome::Acted,
        };
        report.plan = plan;
        if !self.policy.dry_run {
            self.apply(report).await;
        }
        if state.is_some() {
            self.record(report).await;
        }
        Ok(())
    }

    /// Whether always-on nodes are looked after too.
    fn always_on(&self) -> bool {
        self.policy.nat.nodes == NatNodes::All
    }

    /// Ledger, nodes and Elastic IPs.
    async fn read_rest(&self, observation: &mut AddressObservation) -> Result<Reading<NatState>, Fault> {
        let ledger = self.ports.ledger.read_nat(observation.observed_at);
        let state = if observation.sweep {
            let scope = PlatformScope { shards: false };
            let (state, platform) = join(ledger, self.ports.management.read_platform(scope)).await;
            let platform = platform?;
            observation.locations = platform.locations.into_iter().map(|each| (each.id, each.name)).collect();
            observation.nodes = platform.nodes;
            if let Ok(state) = &state {
                self.find_unlisted(state, observation).await?;
            }
            state
        } else {
            let (state, others) = join(ledger, self.read_namesakes(observation)).await;
            let others = others?;
            observation.instances.extend(others);
            self.read_few_nodes(state.as_ref().ok(), observation).await?;
            state
        };
        self.leave_out_strangers(state.as_ref().ok(), observation);
        observation.note_vpcs(self.policy);
        observation.elastic = self.read_elastic(observation).await;
        Ok(state)
    }

    /// Other instances that have the private address of one of these: two VPCs may use the same addresses. In one VPC
    /// there are none. Where the policy names none, all others are read: they may stand in several.
    async fn read_namesakes(&self, observation: &AddressObservation) -> Result<Vec<Instance>, Fault> {
        let addresses: Vec<Ipv4Addr> = in_service(observation).filter_map(|each| each.private_ip).collect();
        if self.policy.vpcs.len() == 1 || addresses.is_empty() {
            return Ok(Vec::new());
        }
        let scope = if self.policy.vpcs.is_empty() {
            InstanceScope::All
        } else {
            InstanceScope::PrivateAddresses(&addresses)
        };
        let mut others = self.ports.fleet.read_instances(scope, self.always_on()).await?;
        others.retain(|instance| !observation.asked.contains(&instance.id));
        Ok(others)
    }

    async fn read_few_nodes(
        &self,
        state: Option<&NatState>,
        observation: &mut AddressObservation,
    ) -> Result<(), Fault> {
        let addresses: BTreeSet<Ipv4Addr> =
            in_service(observation).filter_map(|each| each.private_ip).collect();
        if addresses.len() > FEW_NODES {
            let platform = self.ports.management.read_platform(PlatformScope { shards: false }).await?;
            observation.locations = platform.locations.into_iter().map(|each| (each.id, each.name)).collect();
            observation.nodes = platform.nodes;
            return Ok(());
        }
        if addresses.is_empty() {
            return Ok(());
        }
        let addresses: Vec<Ipv4Addr> = addresses.into_iter().collect();
        observation.nodes = self.ports.management.read_nodes_at(&addresses).await?;
        let remembered: BTreeSet<_> = state
            .into_iter()
            .flat_map(|state| state.ledger.nodes.values())
            .filter_map(|record| record.location.as_ref().map(|(id, _)| *id))
            .collect();
        let unknown = observation.nodes.iter().any(|node| !remembered.contains(&node.location));
        if unknown && !self.policy.nat.private_only.is_empty() {
            let locations = self.ports.management.read_locations().await?;
            observation.locations = locations.into_iter().map(|each| (each.id, each.name)).collect();
        }
        Ok(())
    }

    /// Instances whose life is not over as far as is known and that were not listed: terminated ones leave their VPC first
    /// and the list later.
    async fn find_unlisted(
        &self,
        state: &NatState,
        observation: &mut AddressObservation,
    ) -> Result<(), Fault> {
        let open = state
            .records
            .iter()
            .filter(|(id, record)| record.is_open() && !observation.asked.contains(*id))
            .map(|(id, _)| id.clone());
        let missing: Vec<InstanceId> = open.collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = self.ports.fleet.read_instances(InstanceScope::Ids(&missing), self.always_on()).await?;
        observation.unlisted = missing.into_iter().collect();
        for instance in found {
            observation.unlisted.remove(&instance.id);
            observation.asked.insert(instance.id.clone());
            observation.instances.push(instance);
        }
        Ok(())
    }

    /// A terminated instance has no VPC any more. Where two platforms share a tag value it is ours if we knew it.
    fn leave_out_strangers(&self, state: Option<&NatState>, observation: &mut AddressObservation) {
        let known = |id: &InstanceId| {
            state.is_some_and(|state| state.records.contains_key(id) || state.ledger.nodes.contains_key(id))
        };
        let vpcs = &self.policy.vpcs;
        observation.instances.retain(|instance| {
            vpcs.is_empty()
                || vpcs.contains(&instance.vpc)
                || instance.vpc.is_empty() && is_ours(self.policy, instance) && known(&instance.id)
        });
    }

    async fn read_elastic(&self, observation: &AddressObservation) -> Reading<Vec<ElasticAddress>> {
        let mut wanted: BTreeMap<&str, BTreeSet<AllocationId>> = BTreeMap::new();
        for instance in asked(observation).filter(|instance| instance.state == InstanceState::Running) {
            if let Ok(Some(allocation)) = allocation_of(self.policy, instance) {
                wanted.entry(&instance.region).or_default().insert(allocation);
            }
        }
        let mut found = Vec::new();
        for (region, allocations) in wanted {
            let allocations: Vec<AllocationId> = allocations.into_iter().collect();
            found.extend(self.ports.fleet.read_addresses(region, &allocations).await?);
        }
        Ok(found)
    }

    /// Answers the plan's questions; whether there were any. One that cannot be answered is asked by the next sweep.
    async fn answer(
        &self,
        plan: &AddressPlan,
        observation: &mut AddressObservation,
        report: &mut ReconcileReport,
    ) -> bool {
        // Not always the same ones first: nodes that stay busy must not keep the others from being looked at.
        let minute = usize::try_from(observation.observed_at.as_second() / 60).unwrap_or(0);
        let first = minute.checked_rem(plan.is_idle.len()).unwrap_or(0);
        let looks = plan.is_idle.iter().cycle().skip(first).take(plan.is_idle.len().min(LOOKS_PER_SWEEP));
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
        if let Some(window) = plan.history {
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

    /// Carries out the plan. An action that fails never blocks another one; where the Management Node itself does not
    /// answer, the others are not tried in vain.
    async fn apply(&self, report: &mut ReconcileReport) {
        let mut broken: Option<Fault> = None;
        for action in report.plan.actions.clone() {
            let result = match &broken {
                Some(fault) => AddressResult { action, end: ActionEnd::Failed(fault.clone()), instead: None },
                None if self.out_of_time() => {
                    AddressResult { action, end: ActionEnd::OutOfTime, instead: None }
                }
                None => self.act(action).await,
            };
            if let ActionEnd::Failed(fault) = &result.end
                && is_everybodys(fault.kind)
            {
                broken = Some(fault.clone());
            }
            if result.end != ActionEnd::Done {
                report.again.insert(result.action.node().instance.clone());
            }
            report.results.push(result);
        }
    }

    async fn act(&self, action: AddressAction) -> AddressResult {
        let (node, to) = match &action {
            AddressAction::SetStaticNat { node, to, .. } => (node.id, Some(*to)),
            AddressAction::ClearStaticNat { node, .. } => (node.id, None),
            AddressAction::AssociateAddress { node, region, allocation, from, to, instead } => {
                let associated = self.ports.fleet.associate_address(region, &node.instance, allocation).await;
                if let Err(refusal) = associated {
                    let mut set = None;
                    if let Some(address) = instead
                        && self.ports.management.set_static_nat(node.id, Some(*address)).await.is_ok()
                    {
                        set = Some(*address);
                    }
                    return AddressResult { action, end: ActionEnd::Refused(refusal), instead: set };
                }
                if *from == Some(*to) {
                    return AddressResult { action, end: ActionEnd::Done, instead: None };
                }
                (node.id, Some(*to))
            }
        };
        let end = match self.ports.management.set_static_nat(node, to).await {
            Ok(()) => ActionEnd::Done,
            Err(fault) => ActionEnd::Failed(fault),
        };
        AddressResult { action, end, instead: None }
    }

    async fn record(&self, report: &mut ReconcileReport) {
        let now = self.ports.clock.now();
        let mut writes: BTreeMap<&InstanceId, NatWrite> = BTreeMap::new();
        for (id, planned) in &report.plan.records {
            let result = report.results.iter().find(|result| result.action.node().instance == *id);
            let done = result.filter(|result| result.end == ActionEnd::Done || result.instead.is_some());
            let Some(result) = done else {
                if planned.is_new {
                    let (instance, record) = (id.clone(), planned.record.clone());
                    writes.insert(id, NatWrite { instance, record, event: None });
                }
                continue;
            };
            let mut record = planned.record.clone();
            if let AddressAction::ClearStaticNat { .. } = result.action {
                (record.wanted, record.set_at) = (None, None);
            } else {
                record.set_at = Some(now);
            }
            let event = Some(told(report, result, now));
            writes.insert(id, NatWrite { instance: id.clone(), record, event });
        }
        if writes.is_empty() && report.plan.events.is_empty() {
            return;
        }
        let writes: Vec<NatWrite> = writes.into_values().collect();
        if let Err(fault) = self.ports.ledger.write_nat(&writes, &report.plan.events).await {
            report.faults.push(fault);
        }
    }
}

/// The line of history of an address that was changed.
fn told(report: &ReconcileReport, result: &AddressResult, now: Timestamp) -> Event {
    let or_none =
        |address: Option<Ipv4Addr>| address.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let node = result.action.node();
    let (from, to) = match &result.action {
        AddressAction::SetStaticNat { from, to, .. } => (*from, Some(*to)),
        AddressAction::ClearStaticNat { from, .. } => (Some(*from), None),
        AddressAction::AssociateAddress { from, to, .. } => (*from, result.instead.or(Some(*to))),
    };
    let entry = report.plan.nodes.iter().find(|entry| entry.instance == node.instance);
    let why: Vec<String> =
        entry.into_iter().flat_map(|entry| &entry.reasons).map(ToString::to_string).collect();
    Event {
        id: format!("{}-{}-{}", report.plan.observed_at, node.instance, result.action.word()),
        at: now,
        kind: EventKind::AddressChanged,
        instance: Some(node.instance.clone()),
        node: Some(node.name.clone()),
        location: Some(node.location.clone()),
        by: Actor::Spillway,
        reason: format!("{} -> {}: {}", or_none(from), or_none(to), why.join("; ")),
    }
}

/// The instances that the pass is about.
fn asked(observation: &AddressObservation) -> impl Iterator<Item = &Instance> {
    observation.instances.iter().filter(|instance| observation.asked.contains(&instance.id))
}

/// Those of them whose node matters: not on their way up, down or out.
fn in_service(observation: &AddressObservation) -> impl Iterator<Item = &Instance> {
    asked(observation)
        .filter(|instance| matches!(instance.state, InstanceState::Running | InstanceState::Stopped))
}

/// Whether the next request would fail the same way.
fn is_everybodys(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Unreachable | FaultKind::Certificate | FaultKind::Unauthorized | FaultKind::Throttled
    )
}
