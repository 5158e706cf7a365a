//! Changes to the configuration, as the Management Node takes them: stored at once, on the nodes a minute later.
//! The served Management API has checked names, types and ranges; what is refused here is what only the world can know.

use std::net::Ipv4Addr;

use jiff::SignedDuration;
use serde_json::{Value, json};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, InstanceId, LocationName, NodeId, NodeName};
use spillway_core::observation::{InstanceState, NodeRole};

use spillway_pexip_model::{Change, ChangeError, Row};

use super::ec2::Order;
use super::instance::Initiator;
use super::location::{Location, LocationIx};
use super::node::{Node, NodeIx, NodeSettings, Report, Service};
use super::{Happening, Load, NodeCapacity, World};

/// A node that is moved or gets another role restarts; this long until it serves again (guess).
const RESTART: SignedDuration = SignedDuration::from_secs(120);

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
        let ix = usize::try_from(id.checked_sub(1)?).ok()?;
        self.nodes.get(ix).filter(|node| !node.deleted).map(|_| ix)
    }

    fn location_by_id(&self, id: u64) -> Option<LocationIx> {
        let ix = usize::try_from(id.checked_sub(1)?).ok()?;
        self.locations.get(ix).filter(|location| !location.deleted).map(|_| ix)
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

    fn create_node(&mut self, mut row: Row) -> Result<u64, ChangeError> {
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
        // A record that is put back (a bulk change that failed) keeps its number; else the next one is taken.
        let put_back = row
            .get("id")
            .and_then(Value::as_u64)
            .and_then(|id| usize::try_from(id.checked_sub(1)?).ok())
            .filter(|ix| self.nodes.get(*ix).is_some_and(|node| node.deleted));
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
        match self.nodes.get_mut(ix) {
            Some(slot) => *slot = node,
            None => self.nodes.push(node),
        }
        self.by_address.insert(address, ix);
        let id = ix as u64 + 1;
        for fixed in ["id", "name", "hostname", "address", "system_location", "resource_uri"] {
            row.remove(fixed);
        }
        self.update_node(id, row)?;
        if let Some(instance) = instance {
            self.node_of.insert(instance, ix);
            if self.instances.get(instance).is_some_and(super::instance::Instance::is_up) {
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

    fn update_node(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
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

    fn delete_node(&mut self, id: u64) -> Result<u64, ChangeError> {
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

    fn create_location(&mut self, row: Row) -> Result<u64, ChangeError> {
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.location_named(&name).is_some() {
            let message = "System location with this Name already exists.".to_owned();
            return Err(ChangeError::Invalid(vec![("name".to_owned(), message)]));
        }
        let put_back = row
            .get("id")
            .and_then(Value::as_u64)
            .and_then(|id| usize::try_from(id.checked_sub(1)?).ok())
            .filter(|ix| self.locations.get(*ix).is_some_and(|location| location.deleted));
        let location = Location::new(LocationName::new(name));
        let ix = put_back.unwrap_or(self.locations.len());
        match self.locations.get_mut(ix) {
            Some(slot) => *slot = location,
            None => self.locations.push(location),
        }
        self.update_location(ix as u64 + 1, row)
    }

    fn update_location(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
        let ix = self.location_by_id(id).ok_or(ChangeError::NotFound)?;
        for (field, value) in fields {
            let referred = match field.as_str() {
                "overflow_location1" | "overflow_location2" | "transcoding_location" => {
                    self.referred_location(Some(&value))?
                }
                _ => None,
            };
            let Some(location) = self.locations.get_mut(ix) else { continue };
            match (field.as_str(), &value) {
                ("id" | "resource_uri", _) => {}
                ("name", Value::String(name)) => location.name = LocationName::new(name),
                ("overflow_location1", _) => location.overflow1 = referred,
                ("overflow_location2", _) => location.overflow2 = referred,
                ("transcoding_location", _) => location.transcoding = referred,
                _ => {
                    location.other.insert(field, value);
                }
            }
        }
        Ok(id)
    }

    fn delete_location(&mut self, id: u64) -> Result<u64, ChangeError> {
        let ix = self.location_by_id(id).ok_or(ChangeError::NotFound)?;
        if self.nodes.iter().any(|node| node.location == ix && !node.deleted) {
            return Err(ChangeError::Refused("The system location still has Conferencing Nodes".to_owned()));
        }
        for (other, location) in self.locations.iter_mut().enumerate() {
            for reference in [&mut location.overflow1, &mut location.overflow2, &mut location.transcoding] {
                if *reference == Some(ix) {
                    *reference = None;
                }
            }
            if other == ix {
                location.deleted = true;
                location.share = 0.0;
            }
        }
        Ok(id)
    }

    fn update_global(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
        if id != 1 {
            return Err(ChangeError::NotFound);
        }
        let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        for (field, value) in fields {
            let bursting = &mut self.management.bursting;
            match (field.as_str(), &value) {
                ("id" | "resource_uri", _) => {}
                ("bursting_enabled", Value::Bool(on)) => bursting.enabled = *on,
                ("bursting_threshold", value) => {
                    bursting.threshold = number(value).map_or(bursting.threshold, HdCalls);
                }
                ("bursting_min_lifetime", value) => {
                    bursting.min_lifetime_minutes = number(value).unwrap_or(bursting.min_lifetime_minutes);
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

    /// The location that a URI names; `None` for null.
    fn referred_location(&self, reference: Option<&Value>) -> Result<Option<LocationIx>, ChangeError> {
        let Some(uri) = reference.and_then(Value::as_str) else { return Ok(None) };
        let id = uri
            .split_once("/configuration/v1/system_location/")
            .and_then(|(_, rest)| rest.trim_end_matches('/').parse().ok());
        match id.and_then(|id| self.location_by_id(id)) {
            Some(ix) => Ok(Some(ix)),
            None => Err(ChangeError::Refused(format!(
                "Could not find the provided system_location object via resource URI '{uri}'."
            ))),
        }
    }

    /// `platform/start_cloudnode`: Pexip starts an overflow node because somebody asked.
    pub(crate) fn apply_command(
        &mut self,
        group: &str,
        action: &str,
        body: &Row,
    ) -> Result<Value, ChangeError> {
        if (group, action) != ("platform", "start_cloudnode") {
            return Err(ChangeError::Refused(format!(
                "The simulated platform does not carry out {group}/{action}"
            )));
        }
        let wanted = match body.get("instance_id") {
            Some(Value::String(id)) => id.as_str(),
            other => {
                let given = other.unwrap_or(&Value::Null);
                let message = format!("The instance id is {given}; it is text, such as i-0123456789abcdef0");
                return Err(ChangeError::Invalid(vec![("instance_id".to_owned(), message)]));
            }
        };
        if !self.management.bursting.enabled {
            return Err(ChangeError::Refused("Cloud bursting is not enabled".to_owned()));
        }
        if !self.ec2.reachable_for_pexip {
            return Err(ChangeError::Refused("Cannot reach the cloud provider".to_owned()));
        }
        let id = InstanceId::new(wanted);
        let instance = self.by_instance.get(&id).and_then(|ix| self.instances.get(*ix));
        let Some(instance) = instance.filter(|i| self.is_overflow_instance(i)) else {
            return Err(ChangeError::Refused(format!(
                "There is no cloud node with the instance id '{wanted}'"
            )));
        };
        if instance.is_up() {
            return Err(ChangeError::Refused(format!("The cloud node '{wanted}' is already running")));
        }
        self.history.reason = Some("Started manually".to_owned());
        let results = self.order(Order::Start, &[id], Initiator::Pexip, None);
        self.history.reason = None;
        match results.into_iter().find_map(|(_, result)| result.err()) {
            Some(refusal) => Err(ChangeError::Refused(refusal.to_string())),
            None => Ok(json!({"instance_id": wanted})),
        }
    }
}
