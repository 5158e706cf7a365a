//! The Management Node: its version, its standby, its bursting settings, and whether it answers.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Map, Value};
use spillway_core::fault::Fault;
use spillway_core::ids::HdCalls;

use super::node::NodeIx;

#[derive(Debug, Clone)]
pub(crate) struct Bursting {
    pub(crate) enabled: bool,
    pub(crate) threshold: HdCalls,
    pub(crate) min_lifetime_minutes: u32,
}

impl Bursting {
    /// HD calls left at which a node is started, where nobody chose a number.
    pub(crate) const THRESHOLD: u32 = 5;
    /// Minutes that a started node stays on at least, where nobody chose a number.
    pub(crate) const MIN_LIFETIME_MINUTES: u32 = 50;
}

/// One of the two Management Nodes.
#[derive(Debug, Clone)]
pub(crate) struct ManagementHost {
    pub(crate) name: String,
    pub(crate) hostname: String,
    pub(crate) address: String,
    /// Fields that the world does not act on, as they were written.
    pub(crate) other: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Management {
    pub(crate) hosts: Vec<ManagementHost>,
    /// Which of them is the primary one.
    pub(crate) primary: usize,
    pub(crate) version: String,
    pub(crate) upgrading: bool,
    pub(crate) upgrade: Option<Upgrade>,
    pub(crate) down: bool,
    pub(crate) fault: Option<Fault>,
    pub(crate) bursting: Bursting,
    /// Value of the tag `pexip-cloud` that the Management Node shows: its hostname, or `unknown`.
    pub(crate) tag_value: String,
    /// Port licences, audio licences; `None` for a release that does not show them.
    pub(crate) licences: Option<u64>,
    /// The rest of `global`, as it was written.
    pub(crate) global: Map<String, Value>,
}

impl Management {
    pub(crate) fn primary_address(&self) -> &str {
        self.hosts.get(self.primary).map_or("", |host| host.address.as_str())
    }
}

/// An upgrade in progress.
#[derive(Debug, Clone)]
pub(crate) struct Upgrade {
    pub(crate) version: String,
    pub(crate) began: Timestamp,
    pub(crate) waiting: VecDeque<NodeIx>,
    /// In the current group: since when, and whether it is being installed.
    pub(crate) current: Vec<(NodeIx, Timestamp, bool)>,
}
