//! Elastic IPs: allocated, tagged, given to an instance, kept over its stops. One that somebody has is never taken away:
//! as with `AllowReassociation=false`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::AllocationId;
use spillway_core::observation::ElasticAddress;

use crate::state::World;
use crate::state::ec2::Elastic;
use crate::state::instance::{InstanceIx, Shown};

pub(crate) fn rejected(code: &str, message: &str) -> Fault {
    Fault::new(System::Ec2, FaultKind::Rejected, format!("{code}: {message}"))
}

impl World {
    /// An Elastic IP, somebody's or nobody's.
    pub(crate) fn add_address(&mut self, address: Ipv4Addr, instance: Option<InstanceIx>) -> AllocationId {
        let allocation = AllocationId::new(format!("eipalloc-{:017x}", self.ec2.addresses.len() + 1));
        let elastic = Elastic { allocation: allocation.clone(), address, instance, tags: BTreeMap::new() };
        self.ec2.addresses.push(elastic);
        allocation
    }

    /// Somebody allocates an Elastic IP with these tags.
    pub fn allocate_address(&mut self, tags: &BTreeMap<String, String>) -> AllocationId {
        let address = self.new_public_address();
        let allocation = self.add_address(address, None);
        if let Some(elastic) = self.ec2.addresses.last_mut() {
            elastic.tags = tags.clone();
        }
        allocation
    }

    /// The Elastic IPs of the account.
    pub fn addresses(&self) -> Vec<ElasticAddress> {
        self.ec2
            .addresses
            .iter()
            .map(|elastic| ElasticAddress {
                allocation: elastic.allocation.clone(),
                address: elastic.address,
                instance: elastic.instance.and_then(|ix| self.instances.get(ix)).map(|i| i.id.clone()),
                private: None,
                elsewhere: false,
                tags: elastic.tags.clone(),
            })
            .collect()
    }

    pub(crate) fn address_mut(&mut self, allocation: &AllocationId) -> Result<&mut Elastic, Fault> {
        let found = self.ec2.addresses.iter_mut().find(|elastic| elastic.allocation == *allocation);
        found.ok_or_else(|| {
            rejected(
                "InvalidAllocationID.NotFound",
                &format!("The allocation ID '{allocation}' does not exist"),
            )
        })
    }

    /// Gives an Elastic IP to an instance. What public address it had is gone, and with it the media of the calls that
    /// used it; the one it had before is nobody's.
    pub(crate) fn associate(&mut self, ix: InstanceIx, allocation: &AllocationId) -> Result<(), Fault> {
        let elastic = self.address_mut(allocation)?;
        match elastic.instance {
            Some(owner) if owner == ix => return Ok(()),
            Some(_) => {
                let message = format!("resource {allocation} is already associated with another instance");
                return Err(rejected("Resource.AlreadyAssociated", &message));
            }
            None => {}
        }
        elastic.instance = Some(ix);
        let address = elastic.address;
        for other in &mut self.ec2.addresses {
            if other.instance == Some(ix) && other.allocation != *allocation {
                other.instance = None;
            }
        }
        let Some(instance) = self.instances.get_mut(ix) else { return Ok(()) };
        instance.elastic_ip = Some(address);
        instance.now = Shown { public_ip: Some(address), ..instance.now.clone() };
        Ok(())
    }
}
