//! Conferencing Nodes in the configuration: created on an instance that is there, changed, deleted.

use std::net::Ipv4Addr;

use jiff::SignedDuration;
use serde_json::Value;
use spillway_core::ids::NodeName;
use spillway_core::observation::{InstanceState, NodeRole};

use spillway_pexip_model::{ChangeError, Row};

use crate::capacity::{Load, NodeCapacity};
use crate::state::instance::{Initiator, Instance};
use crate::state::node::{Node, NodeIx, NodeSettings, Report, Service};
use crate::state::{Happening, World};

/// A node that is moved or gets another role restarts; this long until it serves again (guess).
const RESTART: SignedDuration = SignedDuration::from_secs(120);

impl World {
    pub(super) fn create_node(&mut self, mut row: Row) -> Result<u64, ChangeError> {
        let invalid =
            |field: &str, message: &str| ChangeError::Invalid(vec![(field.to_owned(), message.to_owned())]);
        let text =
            |row: &Row, field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text(&row, "name");
        let address: Ipv4Addr =
            text(&row, "address").parse().map_err(|_| invalid("address", "Enter a valid IPv4 address."))?;
        if self.by_address.contains_key(&address) {
            return Err(invalid("address", "Conferencing Node with this IPv4 address already exists."));
        }
        if self.node_named(&name).is_some() {
            return Err(invalid("name", "Conferencing Node with this Name already exists."));
        }
        let location = self
            .referred_location(row.get("system_location"))?
            .ok_or_else(|| invalid("system_location", "This field is required."))?;
        // A number that a removed node had is free again: a bulk change that failed puts it back.
        let wanted = row.get("id").and_then(Value::as_u64);
        let put_back = wanted.and_then(|id| self.node_numbers.position(id));
        if put_back.and_then(|ix| self.nodes.get(ix)).is_some_and(|node| !node.deleted) {
            return Err(invalid("id", "Conferencing Node with this Id already exists."));
        }
        let hostname = text(&row, "hostname");
        let instance = self
            .instances
            .iter()
            .position(|i| i.private_ip == address && i.now.state != InstanceState::Terminated);
        let instance = instance.filter(|ix| !self.node_of.contains_key(ix));
        let capacity = instance
            .and_then(|ix| self.instances.get(ix))
            .map_or(NodeCapacity::C5_2XLARGE, |i| NodeCapacity::of(&i.instance_type));
        let node = Node {
            name: NodeName::new(name),
            hostname,
            address,
            location,
            role: NodeRole::Transcoding,
            distributed_database: true,
            capacity,
            instance,
            configured: NodeSettings::default(),
            effective: NodeSettings::default(),
            replicating: std::collections::VecDeque::new(),
            changes: 0,
            service: Service::Down,
            epoch: 1_000_000,
            boot_time: None,
            ready_at: None,
            version: self.management.version.clone(),
            upgrading: false,
            report: Report::default(),
            reports: 0,
            cut_off: false,
            silent: false,
            hides_load: false,
            load: Load::NONE,
            media_legs: 0,
            signalling: 0,
            parts: 0,
            other: Row::new(),
            deleted: false,
        };
        let ix = put_back.unwrap_or(self.nodes.len());
        if let Some(slot) = self.nodes.get_mut(ix) {
            *slot = node;
        } else {
            self.nodes.push(node);
            self.node_numbers.add(wanted);
        }
        self.by_address.insert(address, ix);
        let id = self.node_numbers.number(ix);
        for fixed in ["id", "name", "hostname", "address", "system_location", "resource_uri"] {
            row.remove(fixed);
        }
        self.update_node(id, row)?;
        if let Some(instance) = instance {
            self.node_of.insert(instance, ix);
            if self.instances.get(instance).is_some_and(Instance::is_up) {
                self.boot_without_instance(ix);
            }
        }
        Ok(id)
    }

    /// Pexip starts on an instance that runs already.
    fn boot_without_instance(&mut self, ix: NodeIx) {
        let epoch = self.begin_boot(ix);
        let contact = RESTART.saturating_sub(self.settings.boot.first_contact);
        self.plan(contact.max(SignedDuration::ZERO), Happening::NodeContacts { node: ix, epoch });
        self.plan(RESTART, Happening::NodeReady { node: ix, epoch });
    }

    pub(super) fn update_node(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
        let ix = self.node_by_id(id).ok_or(ChangeError::NotFound)?;
        let location = match fields.get("system_location") {
            Some(reference) => self.referred_location(Some(reference))?,
            None => None,
        };
        let name_taken = fields
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|name| self.node_named(name).is_some_and(|other| other != ix));
        if name_taken {
            let message = "Conferencing Node with this Name already exists.".to_owned();
            return Err(ChangeError::Invalid(vec![("name".to_owned(), message)]));
        }
        let moved = fields.get("address").and_then(Value::as_str).is_some_and(|address| {
            self.nodes.get(ix).is_some_and(|node| node.address.to_string() != address)
        });
        if moved {
            let message = "The address of a Conferencing Node is fixed when it is created.".to_owned();
            return Err(ChangeError::Invalid(vec![("address".to_owned(), message)]));
        }
        let mut settings = self.nodes.get(ix).map(|node| node.configured.clone()).unwrap_or_default();
        let mut restart = false;
        let mut other_changed = false;
        let Some(node) = self.nodes.get_mut(ix) else { return Err(ChangeError::NotFound) };
        for (field, value) in fields {
            match (field.as_str(), &value) {
                ("id" | "resource_uri" | "address" | "cloud_bursting" | "transcoding", _) => {}
                ("name", Value::String(name)) => node.name = NodeName::new(name),
                ("hostname", Value::String(name)) => node.hostname.clone_from(name),
                ("static_nat_address", value) => {
                    settings.static_nat = value.as_str().and_then(|text| text.parse().ok());
                }
                ("maintenance_mode", Value::Bool(on)) => settings.maintenance = *on,
                ("maintenance_mode_reason", Value::String(why)) => {
                    settings.maintenance_reason.clone_from(why);
                }
                ("media_priority_weight", value) => {
                    settings.media_priority_weight = value.as_i64().unwrap_or(0);
                }
                ("enable_distributed_database", Value::Bool(on)) => node.distributed_database = *on,
                ("node_type", Value::String(word)) => {
                    let role = if word == "PROXYING" { NodeRole::Proxying } else { NodeRole::Transcoding };
                    restart |= role != node.role;
                    node.role = role;
                }
                ("system_location", _) => {
                    if let Some(location) = location.filter(|location| *location != node.location) {
                        node.location = location;
                        restart = true;
                    }
                }
                _ => {
                    other_changed |= node.other.get(&field) != Some(&value);
                    node.other.insert(field, value);
                }
            }
        }
        if other_changed && node.configured == settings {
            // It goes to the node as well, although the world does nothing with it.
            self.replicate(ix);
        }
        self.configure_node(ix, |configured| *configured = settings);
        if restart && self.nodes.get(ix).is_some_and(|node| node.service != Service::Down) {
            self.node_goes_down(ix, Initiator::Outside);
            self.boot_without_instance(ix);
        }
        Ok(id)
    }

    pub(super) fn delete_node(&mut self, id: u64) -> Result<u64, ChangeError> {
        let ix = self.node_by_id(id).ok_or(ChangeError::NotFound)?;
        self.node_goes_down(ix, Initiator::Outside);
        if let Some(node) = self.nodes.get_mut(ix) {
            node.deleted = true;
            self.by_address.remove(&node.address);
            if let Some(instance) = node.instance {
                self.node_of.remove(&instance);
            }
        }
        Ok(id)
    }
}
