//! Changes to the configuration, as the Management Node takes them: stored at once, on the nodes a minute later.
//! The served Management API has checked names, types and ranges; what is refused here is what only the world can know.

mod command;
mod locations;
mod nodes;

use std::net::Ipv4Addr;

use serde_json::Value;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, NodeId};

use spillway_pexip_model::{Change, ChangeError, Row};

use crate::state::World;
use crate::state::management::Bursting;
use crate::state::node::NodeIx;

impl World {
    /// Sets or clears maintenance mode on the Management Node, as a client would.
    pub fn set_maintenance(&mut self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        let ix = self.writable_node(node)?;
        self.configure_node(ix, |settings| {
            settings.maintenance = on;
            reason.clone_into(&mut settings.maintenance_reason);
        });
        Ok(())
    }

    /// Sets or clears the static NAT address on the Management Node, as a client would.
    pub fn set_static_nat(&mut self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        let ix = self.writable_node(node)?;
        self.configure_node(ix, |settings| settings.static_nat = address);
        Ok(())
    }

    fn writable_node(&self, id: NodeId) -> Result<NodeIx, Fault> {
        self.management_answers()?;
        self.node_by_id(id.0).ok_or_else(|| {
            Fault::new(System::ManagementNode, FaultKind::NotFound, format!("there is no worker_vm {id}"))
        })
    }

    pub(crate) fn node_by_id(&self, id: u64) -> Option<NodeIx> {
        let ix = self.node_numbers.position(id)?;
        self.nodes.get(ix).filter(|node| !node.deleted).map(|_| ix)
    }

    pub(crate) fn apply_change(&mut self, change: Change) -> Result<u64, ChangeError> {
        match change {
            Change::Create { resource, row } => match resource.as_str() {
                "worker_vm" => self.create_node(row),
                "system_location" => self.create_location(row),
                other => {
                    Err(ChangeError::Refused(format!("{other} cannot be added to the simulated platform")))
                }
            },
            Change::Update { resource, id, fields } => match resource.as_str() {
                "worker_vm" => self.update_node(id, fields),
                "system_location" => self.update_location(id, fields),
                "global" => self.update_global(id, fields),
                "management_vm" => self.update_management(id, fields),
                _ => Err(ChangeError::NotFound),
            },
            Change::Delete { resource, id } => match resource.as_str() {
                "worker_vm" => self.delete_node(id),
                "system_location" => self.delete_location(id),
                other => Err(ChangeError::Refused(format!(
                    "{other} cannot be removed from the simulated platform"
                ))),
            },
        }
    }

    fn update_global(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
        if id != 1 {
            return Err(ChangeError::NotFound);
        }
        let number = |value: &Value| value.as_u64().map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        for (field, value) in fields {
            let bursting = &mut self.management.bursting;
            match (field.as_str(), &value) {
                ("id" | "resource_uri", _) => {}
                ("bursting_enabled", Value::Bool(on)) => bursting.enabled = *on,
                // Null is the default again.
                ("bursting_threshold", value) => {
                    bursting.threshold = HdCalls(number(value).unwrap_or(Bursting::THRESHOLD));
                }
                ("bursting_min_lifetime", value) => {
                    bursting.min_lifetime_minutes = number(value).unwrap_or(Bursting::MIN_LIFETIME_MINUTES);
                }
                _ => {
                    self.management.global.insert(field, value);
                }
            }
        }
        Ok(1)
    }

    fn update_management(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
        let ix = id.checked_sub(1).and_then(|ix| usize::try_from(ix).ok());
        let host = ix.and_then(|ix| self.management.hosts.get_mut(ix)).ok_or(ChangeError::NotFound)?;
        for (field, value) in fields {
            match (field.as_str(), &value) {
                ("id" | "resource_uri" | "primary", _) => {}
                ("name", Value::String(name)) => host.name.clone_from(name),
                _ => {
                    host.other.insert(field, value);
                }
            }
        }
        Ok(id)
    }
}
