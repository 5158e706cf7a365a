//! A Conferencing Node: what it is configured to be, what it reports, what runs on it.

use crate::ids::{CertificateId, HdCalls, LocationId, NodeId, NodeName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// `CONFERENCING`: transcodes, and so has HD capacity.
    Transcoding,
    /// `PROXYING`: an edge node, never HD capacity.
    Proxying,
}

/// A Conferencing Node: what it is configured to be and what it reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Configuration id.
    pub id: NodeId,
    /// Name.
    pub name: NodeName,
    /// Private IPv4 address: what joins it to an instance, and to live calls.
    pub address: Ipv4Addr,
    /// Its system location.
    pub location: LocationId,
    /// Its role.
    pub role: NodeRole,
    /// The configured static NAT address.
    pub static_nat_address: Option<Ipv4Addr>,
    /// Configured maintenance mode (what was asked, not yet what the node does).
    pub maintenance_mode: bool,
    /// Configured reason for the maintenance mode.
    pub maintenance_mode_reason: String,
    /// Whether the node takes part in the distributed database; an overflow node should not.
    pub distributed_database: bool,
    /// The TLS certificate that it is configured with; `None` where it has the Management Node's default one.
    #[serde(default)]
    pub certificate: Option<CertificateId>,
    /// What the node last reported; `None` when no status row exists.
    pub status: Option<NodeStatus>,
}

/// `status/v1/worker_vm/`, the part that matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Whether `sync_status` is `SYNCED`.
    pub synced: bool,
    /// When the node last reported; `None` before first contact.
    pub last_updated: Option<Timestamp>,
    /// Maintenance mode as the node runs.
    pub maintenance_mode: bool,
    /// `media_load`, percent; `None` when the Management Node has none. 100 in maintenance mode.
    pub media_load: Option<f64>,
    /// Estimated capacity in HD calls; 0 before the node has measured itself.
    pub max_hd_calls: HdCalls,
    /// Capacity in the platform's own unit; 0 where the release has none.
    pub max_media_tokens: u64,
    /// Use in the same unit.
    pub media_tokens_used: u64,
    /// Whether `upgrade_status` is something else than `IDLE`.
    pub upgrading: bool,
    /// Software version.
    pub version: String,
}

/// Everything that can keep a node busy, read for one node right before it is stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeActivity {
    /// Conference shards on the node.
    pub shards: u32,
    /// Participants that have the node as media, signalling or proxy node.
    pub participants: u32,
    /// Backplane rows with the node at either end.
    pub backplanes: u32,
}

impl NodeActivity {
    /// Whether nothing at all runs on the node.
    pub fn is_idle(&self) -> bool {
        let Self { shards, participants, backplanes } = self;
        *shards == 0 && *participants == 0 && *backplanes == 0
    }
}
