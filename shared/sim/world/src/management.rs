//! The Management Node: its version, its standby, its bursting settings, and whether it answers.

use jiff::SignedDuration;
use serde_json::{Map, Value};
use spillway_core::fault::Fault;
use spillway_core::ids::HdCalls;

use super::{Happening, World};

#[derive(Debug, Clone)]
pub(crate) struct Bursting {
    pub(crate) enabled: bool,
    pub(crate) threshold: HdCalls,
    pub(crate) min_lifetime_minutes: u32,
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
    pub(crate) upgrade: Option<super::upgrade::Upgrade>,
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

impl World {
    /// The address of the primary Management Node.
    pub fn management_address(&self) -> &str {
        self.management.primary_address()
    }

    /// Makes every read and write of the Management Node fail, until it is given `None`.
    pub fn set_management_fault(&mut self, fault: Option<Fault>) {
        self.management.fault = fault;
    }

    /// Switches Pexip's own bursting on or off.
    pub fn set_bursting(&mut self, enabled: bool) {
        self.management.bursting.enabled = enabled;
    }

    /// The standby becomes the primary; nothing answers until it has taken over.
    pub fn fail_over(&mut self, takes: SignedDuration) {
        self.management.down = true;
        self.plan(takes, Happening::FailedOver);
    }

    pub(crate) fn failed_over(&mut self) {
        self.management.down = false;
        let hosts = self.management.hosts.len().max(1);
        self.management.primary = (self.management.primary + 1) % hosts;
    }
}
