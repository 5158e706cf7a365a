//! Elastic IPs as a stack's role sees and associates them, and what people do to them meanwhile.

use spillway_core::assess::ALLOCATION_TAG;
use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::ElasticAddress;
use spillway_core::observation::{Instance as SeenInstance, InstanceState};

use crate::state::World;
use crate::state::ec2::TAG;
use crate::state::instance::Shown;

impl World {
    /// The instances of regions as EC2 shows them at this instant, whosever they are.
    pub fn describe_instances(&self, regions: &[String]) -> Vec<SeenInstance> {
        let here = self.instances.iter().filter(|instance| regions.contains(&instance.region));
        here.filter_map(|instance| instance.seen_at(self.now)).collect()
    }

    /// Elastic IPs by allocation.
    pub fn describe_addresses(&self, allocations: &[AllocationId]) -> Vec<ElasticAddress> {
        let mut all = self.addresses();
        all.retain(|elastic| allocations.contains(&elastic.allocation));
        all
    }

    /// A person writes an allocation's id into the tag of a node's instance; `None` removes it.
    pub fn tag_allocation(&mut self, node: &str, allocation: Option<&str>) {
        self.set_tag(node, ALLOCATION_TAG, allocation);
    }

    /// A person takes an Elastic IP for a node's instance, from whoever has it.
    pub fn person_associates(&mut self, node: &str, allocation: &AllocationId) {
        let ix = self.node(node).and_then(|view| view.instance);
        let Some(ix) = ix.and_then(|id| self.by_instance.get(&id).copied()) else { return };
        self.disassociate_address(allocation);
        // It is nobody's now.
        let _ = self.associate(ix, allocation);
    }

    /// A person takes an Elastic IP off whatever has it. A running instance gets a dynamic address again only at its next
    /// start.
    pub fn disassociate_address(&mut self, allocation: &AllocationId) {
        let Ok(elastic) = self.address_mut(allocation) else { return };
        let Some(ix) = elastic.instance.take() else { return };
        if let Some(instance) = self.instances.get_mut(ix) {
            instance.elastic_ip = None;
            instance.now = Shown { public_ip: None, ..instance.now.clone() };
        }
    }

    /// Associates an Elastic IP with the rights of a stack's role, which end at its tag value, and without taking it from
    /// another.
    pub fn associate_address_as(
        &mut self,
        instance: &InstanceId,
        allocation: &AllocationId,
        tag_value: &str,
    ) -> Result<(), Refusal> {
        let refuse =
            |kind, code: &str, message: String| Err(Refusal { kind, code: code.to_owned(), message });
        let known = self.by_instance.get(instance).copied();
        let Some((ix, described)) = known.and_then(|ix| self.instances.get(ix).map(|i| (ix, i))) else {
            let message = format!("The instance ID '{instance}' does not exist");
            return refuse(RefusalKind::NoSuchInstance, "InvalidInstanceID.NotFound", message);
        };
        let found = self.ec2.addresses.iter().find(|elastic| elastic.allocation == *allocation);
        let Some(elastic) = found else {
            let message = format!("The allocation ID '{allocation}' does not exist");
            return refuse(RefusalKind::Other, "InvalidAllocationID.NotFound", message);
        };
        let tagged = |tag: Option<&String>| tag.map(String::as_str) == Some(tag_value);
        if !(tagged(described.tags.get(TAG)) && tagged(elastic.tags.get(TAG))) {
            let message = "You are not authorized to perform this operation.".to_owned();
            return refuse(RefusalKind::Unauthorized, "UnauthorizedOperation", message);
        }
        if !matches!(described.now.state, InstanceState::Running | InstanceState::Stopped) {
            let message = format!("The instance '{instance}' is not in a valid state for this operation");
            return refuse(RefusalKind::WrongState, "IncorrectInstanceState", message);
        }
        match self.associate(ix, allocation) {
            Ok(()) => Ok(()),
            Err(fault) => refuse(RefusalKind::Other, "Resource.AlreadyAssociated", fault.detail),
        }
    }
}
