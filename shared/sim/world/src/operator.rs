//! What an operator does to a platform beyond a cycle: the tag, the type, ENA support, termination on EC2; location,
//! distributed database, deletion on the Management Node. The world changes as the real one would: a node that is moved
//! drops its calls and restarts, and a type is changed only while the instance is stopped.

use std::net::Ipv4Addr;

use serde_json::json;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{AllocationId, InstanceId, InstanceType, LocationId, NodeId};
use spillway_core::observation::InstanceDetail;
use spillway_core::observation::InstanceState;

use super::ec2::Order;
use crate::ec2::rejected;
use crate::state::World;
use crate::state::instance::{Initiator, InstanceIx, Shown};
use spillway_pexip_model::{Change, ChangeError, Row};

impl World {
    /// One instance as a describe shows it, tagged or not.
    pub fn instance_detail(&self, id: &InstanceId) -> Option<InstanceDetail> {
        let instance = self.by_instance.get(id).and_then(|ix| self.instances.get(*ix))?;
        Some(InstanceDetail {
            ena: instance.ena,
            tenancy: if instance.on_host { "host" } else { "dedicated" }.to_owned(),
            instance: instance.seen_at(self.now)?,
        })
    }

    /// The instances with a private address, terminated ones left out.
    pub fn instances_at(&self, address: Ipv4Addr) -> Vec<InstanceDetail> {
        let here = self.instances.iter().filter(|i| i.private_ip == address);
        here.filter_map(|i| self.instance_detail(&i.id))
            .filter(|detail| detail.instance.state != InstanceState::Terminated)
            .collect()
    }

    pub(crate) fn instance_ix(&self, id: &InstanceId) -> Result<InstanceIx, Fault> {
        self.by_instance.get(id).copied().ok_or_else(|| {
            rejected("InvalidInstanceID.NotFound", &format!("The instance ID '{id}' does not exist"))
        })
    }

    /// Somebody with the right to do so starts an instance, whatever its tags.
    pub fn operator_starts(&mut self, id: &InstanceId) -> Result<(), Fault> {
        let results = self.order(Order::Start, std::slice::from_ref(id), Initiator::Outside, None);
        match results.into_iter().find_map(|(_, result)| result.err()) {
            Some(refusal) => Err(rejected(&refusal.code, &refusal.message)),
            None => Ok(()),
        }
    }

    /// Writes a tag of an instance, or takes it away.
    pub fn operator_tags(&mut self, id: &InstanceId, key: &str, value: Option<&str>) -> Result<(), Fault> {
        let ix = self.instance_ix(id)?;
        let Some(instance) = self.instances.get_mut(ix) else { return Ok(()) };
        match value {
            Some(value) => instance.tags.insert(key.to_owned(), value.to_owned()),
            None => instance.tags.remove(key),
        };
        Ok(())
    }

    fn stopped_mut(&mut self, id: &InstanceId) -> Result<&mut crate::state::instance::Instance, Fault> {
        let ix = self.instance_ix(id)?;
        let wrong = || {
            let message = format!("The instance '{id}' is not in the 'stopped' state.");
            rejected("IncorrectInstanceState", &message)
        };
        let instance = self.instances.get_mut(ix).ok_or_else(wrong)?;
        if instance.now.state == InstanceState::Stopped { Ok(instance) } else { Err(wrong()) }
    }

    /// Changes the type of a stopped instance.
    pub fn operator_resizes(&mut self, id: &InstanceId, kind: &InstanceType) -> Result<(), Fault> {
        if !crate::capacity::is_offered(kind) {
            let message = format!("The following supplied instance types do not exist: [{kind}]");
            return Err(rejected("InvalidInstanceType", &message));
        }
        self.stopped_mut(id)?.instance_type = kind.clone();
        let capacity = crate::capacity::NodeCapacity::of(kind);
        let ix = self.instance_ix(id)?;
        if let Some(node) = self.node_of.get(&ix).copied().and_then(|node| self.nodes.get_mut(node)) {
            node.capacity = capacity;
        }
        Ok(())
    }

    /// Turns ENA support on for a stopped instance.
    pub fn operator_enables_ena(&mut self, id: &InstanceId) -> Result<(), Fault> {
        self.stopped_mut(id)?.ena = true;
        Ok(())
    }

    /// Terminates an instance: its node is gone, its Elastic IP is nobody's.
    pub fn operator_terminates(&mut self, id: &InstanceId) -> Result<(), Fault> {
        let ix = self.instance_ix(id)?;
        let now = self.now;
        let Some(instance) = self.instances.get_mut(ix) else { return Ok(()) };
        if instance.now.state == InstanceState::Terminated {
            return Ok(());
        }
        instance.epoch += 1;
        instance.ran = instance.ran_until(now);
        instance.running_since = None;
        if let Some(node) = self.node_of.get(&ix).copied() {
            self.node_goes_down(node, Initiator::Outside);
        }
        for elastic in &mut self.ec2.addresses {
            if elastic.instance == Some(ix) {
                elastic.instance = None;
            }
        }
        self.change_state(ix, |shown, _| Shown {
            state: InstanceState::Terminated,
            reason: format!("Client.UserInitiatedShutdown: User initiated shutdown ({now:.0})"),
            launched_at: shown.launched_at,
            public_ip: None,
        });
        Ok(())
    }

    /// Writes a tag of an Elastic IP.
    pub fn operator_tags_address(
        &mut self,
        allocation: &AllocationId,
        key: &str,
        value: &str,
    ) -> Result<(), Fault> {
        self.address_mut(allocation)?.tags.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Gives an Elastic IP that nobody has to an instance.
    pub fn operator_associates(&mut self, id: &InstanceId, allocation: &AllocationId) -> Result<(), Fault> {
        let ix = self.instance_ix(id)?;
        self.associate(ix, allocation)
    }

    /// Moves a node to another location, as a client of the Management Node would.
    pub fn set_location(&mut self, node: NodeId, location: LocationId) -> Result<(), Fault> {
        if self.location_by_id(location.0).is_none() {
            let detail = format!("Could not find the provided system_location object {location}");
            return Err(Fault::new(System::ManagementNode, FaultKind::Rejected, detail));
        }
        let uri = format!("/api/admin/configuration/v1/system_location/{location}/");
        self.change_worker(node, "system_location", json!(uri))
    }

    /// Lets a node take part in the distributed database, or not, as a client of the Management Node would.
    pub fn set_distributed_database(&mut self, node: NodeId, on: bool) -> Result<(), Fault> {
        self.change_worker(node, "enable_distributed_database", json!(on))
    }

    /// Deletes a node, as a client of the Management Node would; one that is not there is fine.
    pub fn delete_worker(&mut self, node: NodeId) -> Result<(), Fault> {
        self.management_answers()?;
        match self.apply_change(Change::Delete { resource: "worker_vm".to_owned(), id: node.0 }) {
            Ok(_) | Err(ChangeError::NotFound) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }

    fn change_worker(&mut self, node: NodeId, field: &str, value: serde_json::Value) -> Result<(), Fault> {
        self.management_answers()?;
        let mut fields = Row::new();
        fields.insert(field.to_owned(), value);
        let change = Change::Update { resource: "worker_vm".to_owned(), id: node.0, fields };
        match self.apply_change(change) {
            Ok(_) => Ok(()),
            Err(ChangeError::NotFound) => {
                let detail = format!("there is no worker_vm {node}");
                Err(Fault::new(System::ManagementNode, FaultKind::NotFound, detail))
            }
            Err(error) => Err(refused(&error)),
        }
    }
}

fn refused(error: &ChangeError) -> Fault {
    let said = match error {
        ChangeError::NotFound => "not found".to_owned(),
        ChangeError::Refused(said) => said.clone(),
        ChangeError::Invalid(fields) => {
            fields.iter().map(|(field, said)| format!("{field}: {said}")).collect::<Vec<_>>().join("; ")
        }
    };
    Fault::new(System::ManagementNode, FaultKind::Rejected, said)
}
