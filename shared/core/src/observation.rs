//! What one cycle read of the world. What could not be read is part of the observation, with the reason:
//! a rule that needs it then says so, and never takes "unknown" for "none".

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::ids::{
    CertificateId, HdCalls, InstanceId, InstanceType, LocationId, LocationName, NodeId, NodeName,
};
use crate::policy::Policy;

/// A reading, or why there is none.
pub type Reading<T> = Result<T, Fault>;

/// The world as one cycle saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Our own clock when the reading was complete.
    pub observed_at: Timestamp,
    /// The Management Node's view.
    pub platform: Reading<Platform>,
    /// EC2's view of the instances that carry the platform's tag.
    pub fleet: Reading<Fleet>,
}

/// What the Management Node said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    /// The Management Node's own clock (its `Date` header), against which `last_updated` is measured.
    pub server_time: Timestamp,
    /// The address that answered. A change means a failover.
    pub address: String,
    /// The Management Node's software version, such as `38 (77000.0.0)`.
    pub version: String,
    /// Whether the Management Node itself is being upgraded (`upgrade_status` not `IDLE`).
    pub upgrading: bool,
    /// The global bursting settings.
    pub bursting: BurstingSettings,
    /// All system locations.
    pub locations: Vec<Location>,
    /// All Conferencing Nodes, configuration and status joined by id.
    pub nodes: Vec<Node>,
    /// All conference shards; `None` when not asked for (no overflow node runs).
    pub shards: Option<Vec<Shard>>,
}

/// `configuration/v1/global/1/`, the bursting part. Secrets in the same object are never decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstingSettings {
    /// `bursting_enabled`: whether Pexip's own controller is on.
    pub enabled: bool,
    /// `bursting_threshold`, HD calls.
    pub threshold: HdCalls,
    /// `bursting_min_lifetime`, minutes.
    pub min_lifetime_minutes: u32,
}

impl BurstingSettings {
    /// The platform's own minimum lifetime.
    pub fn min_lifetime(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.min_lifetime_minutes))
    }
}

/// A system location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Configuration id.
    pub id: LocationId,
    /// Name.
    pub name: LocationName,
    /// Primary overflow location: the only one that makes nodes start.
    pub overflow_location1: Option<LocationId>,
    /// Secondary overflow location: used if running, never a cause for a start.
    pub overflow_location2: Option<LocationId>,
    /// Where the media of calls signalled here is transcoded.
    pub transcoding_location: Option<LocationId>,
}

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

/// `configuration/v1/tls_certificate/`: for how long a certificate is good. The key in the same object is never decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Configuration id.
    pub id: CertificateId,
    /// `subject_name`, for people.
    pub subject: String,
    /// `end_date`: from then on a caller's device refuses it.
    pub ends: Timestamp,
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

/// The part of a conference on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Private address of the node.
    pub node: Ipv4Addr,
    /// Name of the conference; for people, not stored.
    pub conference: String,
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

/// The instances that carry the platform's tag, in the policy's regions and VPCs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// The instances, in no order.
    pub instances: Vec<Instance>,
}

/// The VPCs of a region in which instances stand in more than one, while the policy names none. They are joined with nodes
/// by private address, and the same address in another VPC is another machine: a second platform's, where the tag value
/// is the same. Regions have a VPC each.
pub(crate) fn several_vpcs(policy: &Policy, instances: &[Instance]) -> Option<Vec<String>> {
    if !policy.vpcs.is_empty() {
        return None;
    }
    let mut regions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for instance in instances {
        // A terminated one has lost its VPC.
        let gone = matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated);
        if !gone && !instance.vpc.is_empty() {
            regions.entry(&instance.region).or_default().insert(&instance.vpc);
        }
    }
    let several = regions.into_values().find(|vpcs| vpcs.len() > 1)?;
    Some(several.into_iter().map(str::to_owned).collect())
}

/// An EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Instance id.
    pub id: InstanceId,
    /// The `Name` tag, or empty.
    pub name: String,
    /// Region, such as `eu-west-1`.
    pub region: String,
    /// Availability zone.
    pub zone: String,
    /// VPC id.
    pub vpc: String,
    /// Instance type.
    pub instance_type: InstanceType,
    /// State.
    pub state: InstanceState,
    /// EC2's `StateReason` code and message for the last transition, or empty.
    pub state_reason: String,
    /// When it was last launched (on EC2 this changes at every start).
    pub launched_at: Option<Timestamp>,
    /// Private IPv4 address.
    pub private_ip: Option<Ipv4Addr>,
    /// Public IPv4 address, dynamic or elastic, while it has one.
    pub public_ip: Option<Ipv4Addr>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    /// When it was stopped or terminated, where EC2 says so: it is the last thing in the state reason, in parentheses.
    /// `None` while it runs, and for a time that cannot belong to this life.
    pub fn stopped_at(&self) -> Option<Timestamp> {
        if matches!(self.state, InstanceState::Pending | InstanceState::Running | InstanceState::Unknown) {
            return None;
        }
        let (_, tail) = self.state_reason.rsplit_once('(')?;
        let text = tail.split_once(')')?.0.trim();
        let at = text
            .parse()
            .ok()
            // EC2: `User initiated (2026-03-02 08:00:00 GMT)`.
            .or_else(|| format!("{}Z", text.strip_suffix(" GMT")?.replacen(' ', "T", 1)).parse().ok())?;
        self.launched_at.is_none_or(|launched| launched <= at).then_some(at)
    }
}

/// The states of an EC2 instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// `pending`.
    Pending,
    /// `running`.
    Running,
    /// `stopping`.
    Stopping,
    /// `stopped`.
    Stopped,
    /// `shutting-down`.
    ShuttingDown,
    /// `terminated`.
    Terminated,
    /// Anything EC2 may add.
    Unknown,
}
