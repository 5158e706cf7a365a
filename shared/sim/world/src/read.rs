//! The world as the Management Node shows it, typed: what the in-process management port gives, and what tests
//! look at. Live calls are shown as they are; what nodes report is as old as their last report.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::Value;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{CertificateId, HdCalls, InstanceId, LocationName, NodeId, NodeName};
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{
    BurstingSettings, InstanceState, Location, Node, NodeActivity, NodeStatus, Platform, Shard,
};

use crate::state::World;
use crate::state::node::{NodeIx, Service};

/// What a node really does, for tests and displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceView {
    /// Stopped or stopping.
    Stopped,
    /// Started, not ready.
    Booting,
    /// Ready.
    Ready,
    /// Ready, and refuses new calls.
    Maintenance,
}

/// A node as it really is.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// Configuration id.
    pub id: NodeId,
    /// Name.
    pub name: NodeName,
    /// Location.
    pub location: LocationName,
    /// Private address.
    pub address: Ipv4Addr,
    /// Its instance.
    pub instance: Option<InstanceId>,
    /// EC2's state of the instance now, without lag.
    pub state: Option<InstanceState>,
    /// Last launch.
    pub launched_at: Option<Timestamp>,
    /// Public address now.
    pub public_ip: Option<Ipv4Addr>,
    /// Static NAT address as configured.
    pub static_nat: Option<Ipv4Addr>,
    /// Static NAT address as the node runs.
    pub effective_static_nat: Option<Ipv4Addr>,
    /// Maintenance mode as configured.
    pub maintenance_configured: bool,
    /// What it does.
    pub service: ServiceView,
    /// Legs whose media is here.
    pub media_legs: u32,
    /// Whether anything runs here.
    pub busy: bool,
    /// Load in HD calls.
    pub load: f64,
    /// Whole HD calls that fit.
    pub free: HdCalls,
    /// HD calls that it carries when it is empty.
    pub capacity: HdCalls,
    /// Whether it is an overflow node of this platform.
    pub is_overflow: bool,
}

impl NodeView {
    /// Whether it runs, has a public address, and is configured with another one.
    pub fn stored_is_wrong(&self) -> bool {
        self.state == Some(InstanceState::Running)
            && self.public_ip.is_some()
            && self.static_nat != self.public_ip
    }
}

impl World {
    /// What `read_platform` gives.
    pub fn platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        self.management_answers()?;
        let locations = self
            .locations
            .iter()
            .enumerate()
            .filter(|(_, location)| !location.deleted)
            .map(|(ix, location)| Location {
                id: self.location_id(ix),
                name: location.name.clone(),
                overflow_location1: location.overflow1.map(|to| self.location_id(to)),
                overflow_location2: location.overflow2.map(|to| self.location_id(to)),
                transcoding_location: location.transcoding.map(|to| self.location_id(to)),
            })
            .collect();
        let nodes = (0..self.nodes.len()).filter_map(|ix| self.observed_node(ix)).collect();
        let bursting = &self.management.bursting;
        Ok(Platform {
            server_time: self.now,
            address: self.management.primary_address().to_owned(),
            version: self.management.version.clone(),
            upgrading: self.management.upgrading,
            bursting: BurstingSettings {
                enabled: bursting.enabled,
                threshold: bursting.threshold,
                min_lifetime_minutes: bursting.min_lifetime_minutes,
            },
            locations,
            nodes,
            shards: scope.shards.then(|| self.shards()),
        })
    }

    fn observed_node(&self, ix: NodeIx) -> Option<Node> {
        let node = self.nodes.get(ix).filter(|node| !node.deleted)?;
        let report = &node.report;
        let (tokens, used) = self.tokens(ix);
        Some(Node {
            id: self.node_id(ix),
            name: node.name.clone(),
            address: node.address,
            location: self.location_id(node.location),
            role: node.role,
            static_nat_address: node.configured.static_nat,
            maintenance_mode: node.configured.maintenance,
            maintenance_mode_reason: node.configured.maintenance_reason.clone(),
            distributed_database: node.distributed_database,
            certificate: node.other.get("tls_certificate").and_then(certificate_id),
            status: Some(NodeStatus {
                synced: self.sync_status(node) == "SYNCED",
                last_updated: report.last_updated,
                maintenance_mode: report.maintenance,
                media_load: (!node.hides_load).then(|| report.media_load.round()),
                max_hd_calls: HdCalls(self.shown_capacity(ix).map_or(0, |capacity| capacity.hd)),
                max_media_tokens: tokens,
                media_tokens_used: used,
                upgrading: report.upgrading,
                version: report.version.clone(),
            }),
        })
    }

    /// The measured capacity as last reported; a proxying node has none.
    pub(crate) fn shown_capacity(&self, ix: NodeIx) -> Option<super::NodeCapacity> {
        let node = self.nodes.get(ix)?;
        match node.role {
            spillway_core::observation::NodeRole::Transcoding => node.report.capacity,
            spillway_core::observation::NodeRole::Proxying => None,
        }
    }

    /// Media tokens as last reported: all and used, the latter rounded up; zeros where the release has none.
    pub(crate) fn tokens(&self, ix: NodeIx) -> (u64, u64) {
        let (Some(per_hd), Some(capacity)) = (self.settings.reporting.tokens_per_hd, self.shown_capacity(ix))
        else {
            return (0, 0);
        };
        let used = self.nodes.get(ix).map_or(0, |node| node.report.used.0);
        (u64::from(capacity.hd) * per_hd, (used * per_hd).div_ceil(super::Load::HD.0))
    }

    fn shards(&self) -> Vec<Shard> {
        self.conferences
            .values()
            .flat_map(|conference| {
                conference.parts.keys().filter_map(|ix| {
                    let node = self.nodes.get(*ix)?;
                    Some(Shard { node: Some(node.address), conference: conference.name.clone() })
                })
            })
            .collect()
    }

    /// What `read_activity` gives.
    pub fn activity(&self, address: Ipv4Addr) -> Result<NodeActivity, Fault> {
        self.management_answers()?;
        let Some(ix) = self.by_address.get(&address).copied() else { return Ok(NodeActivity::default()) };
        let on_node = |c: &&crate::state::conference::Conference| c.parts.contains_key(&ix);
        let hosted = || self.conferences.values().filter(on_node);
        let participants: u32 = self
            .calls
            .values()
            .filter(|call| call.seat.media == ix || call.seat.signalling == ix || call.seat.proxy == Some(ix))
            .map(|call| u32::from(call.legs))
            .sum();
        let backplanes = hosted().filter(|c| c.parts.len() > 1).count();
        Ok(NodeActivity {
            shards: u32::try_from(hosted().count()).unwrap_or(u32::MAX),
            participants,
            backplanes: u32::try_from(backplanes).unwrap_or(u32::MAX),
        })
    }

    /// Whether the Management Node answers now.
    pub(crate) fn management_answers(&self) -> Result<(), Fault> {
        if let Some(fault) = &self.management.fault {
            return Err(fault.clone());
        }
        if self.management.down {
            return Err(Fault::new(
                System::ManagementNode,
                FaultKind::Unreachable,
                format!("{}: connection refused", self.management.primary_address()),
            ));
        }
        Ok(())
    }

    /// All nodes as they really are, in the order of their ids.
    pub fn nodes(&self) -> Vec<NodeView> {
        (0..self.nodes.len()).filter_map(|ix| self.view(ix)).collect()
    }

    /// One node as it really is.
    pub fn node(&self, name: &str) -> Option<NodeView> {
        self.view(self.node_named(name)?)
    }

    fn view(&self, ix: NodeIx) -> Option<NodeView> {
        let node = self.nodes.get(ix).filter(|node| !node.deleted)?;
        let instance = node.instance.and_then(|ix| self.instances.get(ix));
        let started = instance.is_none_or(crate::state::instance::Instance::is_up);
        Some(NodeView {
            id: self.node_id(ix),
            name: node.name.clone(),
            location: self.locations.get(node.location)?.name.clone(),
            address: node.address,
            instance: instance.map(|i| i.id.clone()),
            state: instance.map(|i| i.now.state),
            launched_at: instance.and_then(|i| i.now.launched_at),
            public_ip: instance.and_then(|i| i.now.public_ip),
            static_nat: node.configured.static_nat,
            effective_static_nat: node.effective.static_nat,
            maintenance_configured: node.configured.maintenance,
            service: match node.service {
                _ if !started => ServiceView::Stopped,
                Service::Down | Service::Contact => ServiceView::Booting,
                Service::Ready if node.takes_calls() => ServiceView::Ready,
                Service::Ready => ServiceView::Maintenance,
            },
            media_legs: node.media_legs,
            busy: node.is_busy(),
            load: node.load.hd(),
            free: node.free_hd(),
            capacity: HdCalls(node.capacity.hd),
            is_overflow: instance.is_some_and(|i| self.is_overflow_instance(i)),
        })
    }
}

/// The number at the end of a certificate's address.
fn certificate_id(address: &Value) -> Option<CertificateId> {
    address.as_str()?.trim_end_matches('/').rsplit('/').next()?.parse().ok().map(CertificateId)
}
