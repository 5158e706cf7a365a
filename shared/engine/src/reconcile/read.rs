//! What a pass reads: ledger, nodes and Elastic IPs, and no more than the instances need that it is about.

use super::{Reconcile, ReconcileSystems};
use crate::ports::AddressRead;
use crate::ports::ManagementRead;
use crate::ports::{InstanceScope, NatLedger, NodeRead};
use futures_util::future::join;
use spillway_core::assess::{allocation_of, is_ours};
use spillway_core::fault::Fault;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{ElasticAddress, Instance, InstanceState, Reading};
use spillway_core::reconcile::AddressObservation;
use spillway_core::reconcile::NatState;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Up to this many nodes are read one by one, one request each. Reading the whole platform takes five, and pages.
const FEW_NODES: usize = 4;

impl<S: ReconcileSystems> Reconcile<'_, S> {
    /// Ledger, nodes and Elastic IPs.
    pub(super) async fn read_rest(
        &self,
        observation: &mut AddressObservation,
    ) -> Result<Reading<NatState>, Fault> {
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
        let addresses: Vec<Ipv4Addr> =
            in_service(observation).flat_map(Instance::private_addresses).collect();
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
            in_service(observation).flat_map(Instance::private_addresses).collect();
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

    /// Instances whose run is not over as far as is known and that were not listed: terminated ones leave their VPC first
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
