//! Public addresses and single nodes of the simulated world: what the reconciler needs beyond what a cycle does.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::assess::CLOUD_TAG;
use spillway_core::fault::{Fault, Refusal};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::ElasticAddress;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{Instance, InterfaceAddress, Location, Node};
use spillway_core::reconcile::NodeHistoryLine;
use spillway_engine::ports::{AddressRead, AddressWrite, InstanceScope, NodeRead};

use super::{SimFleet, SimManagement};
use spillway_world::{FleetScope, lock};

impl SimFleet {
    /// What a describe gives that was asked for these instances. As the real adapter, it leaves out what is not the
    /// platform's; a terminated instance has lost its VPC and is given when it was asked for by id.
    fn describe(&self, scope: InstanceScope<'_>, always_on: bool) -> Vec<Instance> {
        let FleetScope { tag_value, vpcs, .. } = &self.scope;
        let asked = |instance: &Instance| match scope {
            InstanceScope::All => true,
            InstanceScope::Ids(ids) => ids.contains(&instance.id),
            InstanceScope::PrivateAddresses(addresses) => {
                instance.private_addresses().any(|address| addresses.contains(&address))
            }
        };
        let in_vpc = |instance: &Instance| {
            vpcs.as_ref().is_none_or(|vpcs: &BTreeSet<String>| vpcs.contains(&instance.vpc))
                || instance.vpc.is_empty() && matches!(scope, InstanceScope::Ids(_))
        };
        let ours = |instance: &Instance| match instance.tags.get(CLOUD_TAG) {
            Some(tag) => tag == tag_value,
            None => always_on && vpcs.is_some(),
        };
        let described = lock(&self.world).describe_instances(&self.scope.regions);
        described.into_iter().filter(|each| asked(each) && in_vpc(each) && ours(each)).collect()
    }
}

impl AddressRead for SimFleet {
    async fn read_instances(
        &self,
        scope: InstanceScope<'_>,
        always_on: bool,
    ) -> Result<Vec<Instance>, Fault> {
        self.readable()?;
        Ok(self.describe(scope, always_on))
    }

    async fn read_addresses(
        &self,
        _: &str,
        allocations: &[AllocationId],
    ) -> Result<Vec<ElasticAddress>, Fault> {
        self.readable()?;
        Ok(lock(&self.world).describe_addresses(allocations))
    }
}

impl AddressWrite for SimFleet {
    async fn associate_address(
        &self,
        _: &str,
        instance: &InstanceId,
        _: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> Result<(), Refusal> {
        lock(&self.world).associate_address_as(instance, allocation, &self.scope.tag_value)
    }
}

impl NodeRead for SimManagement {
    async fn read_nodes_at(&self, addresses: &[Ipv4Addr]) -> Result<Vec<Node>, Fault> {
        let mut nodes = lock(&self.world).platform(PlatformScope { shards: false })?.nodes;
        nodes.retain(|node| addresses.contains(&node.address));
        // Only the configuration is read.
        for node in &mut nodes {
            node.status = None;
        }
        Ok(nodes)
    }

    async fn read_locations(&self) -> Result<Vec<Location>, Fault> {
        Ok(lock(&self.world).platform(PlatformScope { shards: false })?.locations)
    }

    async fn read_node_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NodeHistoryLine>, Fault> {
        lock(&self.world).node_history(from, until)
    }
}
