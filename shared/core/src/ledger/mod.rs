//! What is remembered between cycles. The ledger is small and is read whole; everything in it can be lost
//! without dropping a call: what is unknown is treated as young, busy or somebody else's.

mod cycle;
mod event;
mod hold;
mod node;
mod outcome;
mod request;

use crate::ids::{HdCalls, InstanceId, LocationName};
use crate::observation::{BurstingSettings, Location, Platform};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use cycle::{CycleRecord, Digest, LastRefusal};
pub use event::{Actor, Event, EventKind};
pub use hold::{Hold, HoldAmount, HoldScope};
pub use node::{CurrentRun, Drain, DrainKind, GivenUpDrain, NodeRecord};
pub use outcome::Outcome;
pub use request::{OperatorCommand, Pause, Request};

/// Version of the items' shape. A reader takes items of its own version and older ones.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole `STATE` partition, expired items left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Lease and digest of the last cycle.
    pub cycle: CycleRecord,
    /// One record per instance ever started, watched or drained.
    pub nodes: BTreeMap<InstanceId, NodeRecord>,
    /// Current demand floors.
    pub holds: Vec<Hold>,
    /// Operators' commands, oldest first.
    pub requests: Vec<Request>,
    /// What changes seldom at the Management Node, as the last cycle that could read it saw it.
    #[serde(default)]
    pub platform: Option<KnownPlatform>,
}

/// What changes seldom at the Management Node: settings, locations, version. A cycle writes it where it differs from
/// what is there, and the digest says when it was last found so. Whoever only looks need not read it again; whoever
/// acts does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPlatform {
    /// The address that answered as the primary Management Node.
    pub address: String,
    /// The Management Node's software version.
    pub version: String,
    /// Whether the Management Node itself was being upgraded.
    pub upgrading: bool,
    /// The global bursting settings.
    pub bursting: BurstingSettings,
    /// All system locations, by id.
    pub locations: Vec<Location>,
}

impl KnownPlatform {
    /// What is to be remembered of a reading.
    pub fn of(platform: &Platform) -> Self {
        let Platform { address, version, upgrading, bursting, locations, .. } = platform;
        let mut locations = locations.clone();
        locations.sort_by_key(|location| location.id);
        Self {
            address: address.clone(),
            version: version.clone(),
            upgrading: *upgrading,
            bursting: bursting.clone(),
            locations,
        }
    }
}

impl Ledger {
    /// What is known of the platform, where a cycle found it so within the given time.
    pub fn known_platform(&self, now: Timestamp, within: SignedDuration) -> Option<&KnownPlatform> {
        let known = self.platform.as_ref()?;
        let digest = self.cycle.digest.as_ref()?;
        let (enabled, read_at) = digest.bursting_enabled?;
        let fits = digest.address == known.address && enabled == known.bursting.enabled;
        (fits && now.duration_since(read_at) <= within).then_some(known)
    }

    /// The pause in force: the latest, as long as it is not over. Every function obeys it. A later one takes the place of
    /// those before it, also where it is the shorter.
    pub fn pause(&self, now: Timestamp) -> Option<Pause<'_>> {
        let latest = self
            .requests
            .iter()
            .filter(|request| matches!(request.command, OperatorCommand::Pause { .. }))
            .max_by_key(|request| (request.at, &request.id))?;
        match latest.command {
            OperatorCommand::Pause { until } if now < until => {
                Some(Pause { until, by: &latest.by, reason: &latest.reason })
            }
            _ => None,
        }
    }
}

/// The load of one minute, as a cycle saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteOfLoad {
    /// When.
    pub at: Timestamp,
    /// Free and greatest HD capacity of each location.
    pub locations: Vec<LocationLoad>,
}

/// Free and greatest HD capacity of a location at one minute: what load is learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationLoad {
    /// Location.
    pub location: LocationName,
    /// Free HD calls of its ready nodes.
    pub free: HdCalls,
    /// HD calls its ready nodes carry when empty.
    pub max: HdCalls,
}
