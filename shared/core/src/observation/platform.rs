//! The platform as its Management Node tells of it: settings, locations, certificates, shards.

use super::node::Node;
use crate::ids::{CertificateId, HdCalls, LocationId, LocationName};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

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

/// The part of a conference on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Private address of the node; `None` where the Management Node names it in a way that cannot be placed. Such a shard
    /// may be on any node.
    pub node: Option<Ipv4Addr>,
    /// Name of the conference; for people, not stored.
    pub conference: String,
}

/// Port licences: what limits the calls of a platform whatever its nodes carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Licences {
    /// `port_count`: in use.
    pub ports_used: u64,
    /// `port_total`: all there are.
    pub ports_total: u64,
}

impl Licences {
    /// Calls that can still be taken.
    pub fn left(self) -> u64 {
        self.ports_total.saturating_sub(self.ports_used)
    }
}

/// How much of the platform to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformScope {
    /// Also read the conference shards (asked for while overflow nodes run).
    pub shards: bool,
}
