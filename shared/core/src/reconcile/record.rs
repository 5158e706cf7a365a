//! What the reconciler remembers of one instance, in an item of its own that it writes without the lease. Losing it costs
//! a line of history, never an address: what an address should be is read anew each time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, NodeName};
use crate::ledger::{Event, Ledger};

/// The `NAT#` item of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatRecord {
    /// The item's own version: a write must carry the version that was read.
    #[serde(default)]
    pub version: u64,
    /// The node's name when last seen.
    #[serde(default)]
    pub node: Option<NodeName>,
    /// The address that the node should have.
    #[serde(default)]
    pub wanted: Option<Ipv4Addr>,
    /// The address that was read from its configuration.
    #[serde(default)]
    pub seen: Option<Ipv4Addr>,
    /// Since when this is so.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// When the wanted address was last set. A later reading that does not show it means that it was not kept.
    #[serde(default)]
    pub set_at: Option<Timestamp>,
    /// The run that was last seen.
    #[serde(default, alias = "life")]
    pub run: Option<SeenRun>,
    /// Whether EC2 does not have the instance any more.
    #[serde(default)]
    pub gone: bool,
}

impl NatRecord {
    /// Whether a run is known that is not over as far as is known.
    pub fn is_open(&self) -> bool {
        !self.gone && self.run.as_ref().is_some_and(|run| !run.closed)
    }
}

/// One run of an instance, as far as the history has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRun {
    /// EC2's launch time.
    pub launched_at: Timestamp,
    /// Whether the history has who started it.
    #[serde(default)]
    pub start_told: bool,
    /// Whether the history has its end.
    #[serde(default)]
    pub closed: bool,
}

/// The ledger as the reconciler reads it: the state that it shares with the cycles, and its own items, in one query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NatState {
    /// What the cycles remember: pauses, runs, drains.
    pub ledger: Ledger,
    /// One record per instance whose address is kept right.
    pub records: BTreeMap<InstanceId, NatRecord>,
}

/// A record to write, and the line of history that goes with it: either both are written or none. Of two passes that set
/// the same address at the same moment, one tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatWrite {
    /// Instance.
    pub instance: InstanceId,
    /// The record, with the version that was read.
    pub record: NatRecord,
    /// What was done.
    pub event: Option<Event>,
}
