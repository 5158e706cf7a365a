//! Puts the rows of several resources together into one [`Platform`]. What a missing value means is decided here,
//! always so that not knowing makes us do less: a node type that nobody knows has no HD capacity, a status without
//! a time is stale, an unknown upgrade word is an upgrade. A row without which nothing can be said about its node
//! (no id, no address, no location) is left out, with a warning.

use std::collections::HashMap;

use jiff::Timestamp;
use spillway_core::ids::{CertificateId, HdCalls, LocationId, LocationName, NodeId, NodeName};
use spillway_core::ledger::KnownPlatform;
use spillway_core::observation::{BurstingSettings, Location, Node, NodeRole, NodeStatus, Platform, Shard};

use crate::rows::{
    ConferenceShard, GlobalSettings, ManagementVmStatus, NamedNode, SystemLocation, WorkerVmConfiguration,
    WorkerVmStatus, named_node,
};

/// The schema's default for `bursting_threshold`, HD calls.
const DEFAULT_THRESHOLD: u64 = 5;

/// The schema's default for `bursting_min_lifetime`, minutes.
const DEFAULT_MIN_LIFETIME: u64 = 50;

/// Everything that was read, as it came.
pub(crate) struct PlatformRows {
    pub(crate) address: String,
    pub(crate) global: GlobalSettings,
    pub(crate) management: Vec<ManagementVmStatus>,
    pub(crate) locations: Vec<SystemLocation>,
    pub(crate) nodes: NodeRows,
}

impl PlatformRows {
    /// The platform, or what is missing from it that nothing can stand in for.
    pub(crate) fn join(self) -> Result<Platform, String> {
        let Self { address, global, management, locations, nodes } = self;
        let itself = management.iter().find(|row| row.primary == Some(true)).or(management.first());
        let known = KnownPlatform {
            address,
            version: itself.and_then(|row| row.version.clone()).unwrap_or_default(),
            upgrading: management.iter().any(|row| is_upgrading(row.upgrade_status.as_deref())),
            bursting: bursting(&global)?,
            locations: locations.into_iter().filter_map(location).collect(),
        };
        Ok(nodes.join(known))
    }
}

/// What changes all the time.
pub(crate) struct NodeRows {
    pub(crate) server_time: Timestamp,
    pub(crate) configuration: Vec<WorkerVmConfiguration>,
    pub(crate) status: Vec<WorkerVmStatus>,
    pub(crate) shards: Option<Vec<ConferenceShard>>,
}

impl NodeRows {
    /// The platform, with what else is known of it.
    pub(crate) fn join(self, known: KnownPlatform) -> Platform {
        let Self { server_time, configuration, status, shards } = self;
        let KnownPlatform { address, version, upgrading, bursting, locations } = known;
        let mut by_id: HashMap<u64, WorkerVmStatus> = HashMap::new();
        for row in status {
            // `id` has the same value as `configuration_id` in practice, and older releases may lack the latter.
            if let Some(id) = row.configuration_id.or(row.id) {
                by_id.insert(id, row);
            } else {
                tracing::warn!("a status row of a Conferencing Node names no node and is left out");
            }
        }
        let mut nodes: Vec<Node> =
            configuration.into_iter().filter_map(|row| join_node(row, &mut by_id)).collect();
        nodes.sort_by_key(|node| node.id);
        nodes.dedup_by_key(|node| node.id);
        let shards = shards.map(|rows| rows.into_iter().map(shard).collect());
        Platform { server_time, address, version, upgrading, bursting, locations, nodes, shards }
    }
}

/// Whether Pexip's own bursting is on decides who may act. It has no stand-in.
fn bursting(global: &GlobalSettings) -> Result<BurstingSettings, String> {
    let GlobalSettings { bursting_enabled, bursting_threshold, bursting_min_lifetime } = global;
    Ok(BurstingSettings {
        enabled: bursting_enabled.ok_or(
            "global settings without bursting_enabled: whether Pexip's own bursting is on is not known",
        )?,
        threshold: hd_calls(bursting_threshold.unwrap_or(DEFAULT_THRESHOLD)),
        min_lifetime_minutes: u32::try_from(bursting_min_lifetime.unwrap_or(DEFAULT_MIN_LIFETIME))
            .unwrap_or(u32::MAX),
    })
}

pub(crate) fn location(row: SystemLocation) -> Option<Location> {
    let Some(id) = row.id else {
        tracing::warn!(location = row.name, "a system location without an id is left out");
        return None;
    };
    Some(Location {
        id: LocationId(id),
        name: LocationName::new(row.name.unwrap_or_else(|| format!("location {id}"))),
        overflow_location1: row.overflow_location1.map(LocationId),
        overflow_location2: row.overflow_location2.map(LocationId),
        transcoding_location: row.transcoding_location.map(LocationId),
    })
}

/// A node as configured, without what it reports.
pub(crate) fn configured_node(row: WorkerVmConfiguration) -> Option<Node> {
    join_node(row, &mut HashMap::new())
}

fn join_node(row: WorkerVmConfiguration, status: &mut HashMap<u64, WorkerVmStatus>) -> Option<Node> {
    let (Some(id), Some(address), Some(location)) = (row.id, row.address, row.system_location) else {
        tracing::warn!(
            node.id = row.id,
            node.name = row.name,
            "a Conferencing Node without an id, an address or a system location is left out"
        );
        return None;
    };
    let role = role(&row);
    let maintenance_mode = row.maintenance_mode.unwrap_or(false);
    Some(Node {
        id: NodeId(id),
        address,
        location: LocationId(location),
        role,
        static_nat_address: row.static_nat_address,
        maintenance_mode,
        distributed_database: row.enable_distributed_database.unwrap_or(true),
        certificate: row.tls_certificate.map(CertificateId),
        status: status.remove(&id).map(|status| node_status(status, maintenance_mode)),
        name: NodeName::new(row.name.unwrap_or_else(|| format!("node {id}"))),
        maintenance_mode_reason: row.maintenance_mode_reason.unwrap_or_default(),
    })
}

/// `node_type`, or the old `transcoding`, or the schema's default. A word that nobody knows is no capacity.
fn role(row: &WorkerVmConfiguration) -> NodeRole {
    let word = row.node_type.as_deref().unwrap_or_default().to_ascii_uppercase();
    match (word.as_str(), row.transcoding) {
        ("PROXYING", _) => NodeRole::Proxying,
        ("CONFERENCING", _) | ("", None) | (_, Some(true)) => NodeRole::Transcoding,
        (_, Some(false)) => NodeRole::Proxying,
        (_, None) => {
            tracing::warn!(
                node.name = row.name,
                node.r#type = word,
                "an unknown node type is taken for no HD capacity"
            );
            NodeRole::Proxying
        }
    }
}

fn node_status(row: WorkerVmStatus, configured_maintenance: bool) -> NodeStatus {
    let is = |word: &Option<String>, expected: &str| {
        word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(expected))
    };
    NodeStatus {
        synced: is(&row.sync_status, "SYNCED")
            || row.sync_status.is_none() && is(&row.deploy_status, "deploy_succeeded"),
        last_updated: row.last_updated.or(row.last_reported),
        maintenance_mode: row.maintenance_mode.unwrap_or(configured_maintenance),
        media_load: row.media_load,
        max_hd_calls: hd_calls(row.max_hd_calls.unwrap_or(0)),
        max_media_tokens: row.max_media_tokens.unwrap_or(0),
        media_tokens_used: row.media_tokens_used.unwrap_or(0),
        upgrading: is_upgrading(row.upgrade_status.as_deref()),
        version: row.version.unwrap_or_default(),
    }
}

fn is_upgrading(upgrade_status: Option<&str>) -> bool {
    upgrade_status.is_some_and(|word| !word.is_empty() && !word.eq_ignore_ascii_case("IDLE"))
}

fn hd_calls(number: u64) -> HdCalls {
    HdCalls(u32::try_from(number).unwrap_or(u32::MAX))
}

fn shard(row: ConferenceShard) -> Shard {
    let node = match named_node(row.node.as_deref()) {
        Some(NamedNode::At(address)) => Some(address),
        Some(NamedNode::Unplaced) | None => {
            tracing::warn!("a conference shard names no node by its IPv4 address: no node counts as idle");
            None
        }
    };
    Shard { node, conference: row.conference.unwrap_or_default() }
}
