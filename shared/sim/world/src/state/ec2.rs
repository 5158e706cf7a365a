//! EC2's own memory: capacity, request buckets, Elastic IPs, events on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::fault::Refusal;
use spillway_core::ids::{AllocationId, InstanceId, InstanceType};
use spillway_core::observation::InstanceState;

use super::instance::InstanceIx;

/// The tag that makes an instance an overflow node (guide: *Setting up your bursting nodes in AWS*).
pub(crate) const TAG: &str = "pexip-cloud";

/// Which instances a reader of the fleet is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetScope {
    /// Value of the tag `pexip-cloud`.
    pub tag_value: String,
    /// Regions.
    pub regions: Vec<String>,
    /// VPCs; `None` for any.
    pub vpcs: Option<BTreeSet<String>>,
}

/// EC2's own memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ec2 {
    /// Instances of a type that may run in a zone; no entry means as many as you like.
    pub(crate) capacity: BTreeMap<(InstanceType, String), usize>,
    /// Instances that fit on the dedicated hosts of a zone.
    pub(crate) hosts: BTreeMap<String, usize>,
    /// Refusals that tests arranged, by instance: the next so many starts.
    pub(crate) refuse_starts: BTreeMap<InstanceId, (u32, Refusal)>,
    /// Refusals of the account or the whole region: the next so many orders.
    pub(crate) refuse_all: Option<(u32, Refusal)>,
    /// And stops.
    pub(crate) refuse_stops: BTreeMap<InstanceId, (u32, Refusal)>,
    pub(crate) tokens: f64,
    pub(crate) tokens_at: Option<Timestamp>,
    pub(crate) events: Vec<StateChange>,
    pub(crate) event_count: u64,
    pub(crate) addresses_given: u64,
    /// Elastic IPs of the account.
    pub(crate) addresses: Vec<Elastic>,
    /// Whether the Management Node's own credentials reach EC2.
    pub(crate) reachable_for_pexip: bool,
}

/// An Elastic IP of the account.
#[derive(Debug, Clone)]
pub(crate) struct Elastic {
    pub(crate) allocation: AllocationId,
    pub(crate) address: Ipv4Addr,
    pub(crate) instance: Option<InstanceIx>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// An EC2 state-change event, as EventBridge would deliver it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Event id: the same for a doubled event.
    pub id: uuid::Uuid,
    /// When the state changed.
    pub at: Timestamp,
    /// When the event arrives.
    pub delivered_at: Timestamp,
    /// Instance.
    pub instance: InstanceId,
    /// Region.
    pub region: String,
    /// The new state.
    pub state: InstanceState,
}
