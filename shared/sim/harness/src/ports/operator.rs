//! The simulated EC2 with an operator's rights: what no function can do or see.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use spillway_core::fault::Fault;
use spillway_core::ids::{AllocationId, InstanceId, InstanceType};
use spillway_core::observation::{ElasticAddress, InstanceDetail};
use spillway_core::observation::{Instance, InterfaceAddress};
use spillway_engine::ports::OperatorFleet;

use spillway_world::{SharedWorld, is_offered, lock};

/// EC2 for an operator.
#[derive(Clone)]
pub struct SimOperator {
    world: SharedWorld,
}

impl SimOperator {
    /// The EC2 of a world.
    pub fn new(world: SharedWorld) -> Self {
        Self { world }
    }
}

impl OperatorFleet for SimOperator {
    async fn find_instances(&self, address: Ipv4Addr) -> Result<Vec<InstanceDetail>, Fault> {
        Ok(lock(&self.world).instances_at(address))
    }

    async fn read_instance(&self, id: &InstanceId) -> Result<Option<InstanceDetail>, Fault> {
        Ok(lock(&self.world).instance_detail(id))
    }

    async fn start_instance(&self, instance: &Instance) -> Result<(), Fault> {
        lock(&self.world).operator_starts(&instance.id)
    }

    async fn set_tag(&self, instance: &Instance, key: &str, value: Option<&str>) -> Result<(), Fault> {
        lock(&self.world).operator_tags(&instance.id, key, value)
    }

    async fn set_instance_type(&self, instance: &Instance, kind: &InstanceType) -> Result<(), Fault> {
        lock(&self.world).operator_resizes(&instance.id, kind)
    }

    async fn is_offered(&self, _: &Instance, kind: &InstanceType) -> Result<bool, Fault> {
        Ok(is_offered(kind))
    }

    async fn enable_ena(&self, instance: &Instance) -> Result<(), Fault> {
        lock(&self.world).operator_enables_ena(&instance.id)
    }

    async fn terminate_instance(&self, instance: &Instance) -> Result<(), Fault> {
        lock(&self.world).operator_terminates(&instance.id)
    }

    async fn read_addresses(&self, _: &Instance) -> Result<Vec<ElasticAddress>, Fault> {
        Ok(lock(&self.world).addresses())
    }

    async fn allocate_address(
        &self,
        _: &Instance,
        tags: &BTreeMap<String, String>,
    ) -> Result<AllocationId, Fault> {
        Ok(lock(&self.world).allocate_address(tags))
    }

    async fn tag_address(
        &self,
        _: &Instance,
        allocation: &AllocationId,
        key: &str,
        value: &str,
    ) -> Result<(), Fault> {
        lock(&self.world).operator_tags_address(allocation, key, value)
    }

    async fn associate_address(
        &self,
        instance: &Instance,
        _: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> Result<(), Fault> {
        lock(&self.world).operator_associates(&instance.id, allocation)
    }
}
