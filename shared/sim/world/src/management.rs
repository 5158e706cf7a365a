//! The Management Node: its version, its standby, its bursting settings, and whether it answers.

use jiff::SignedDuration;
use spillway_core::fault::Fault;

use crate::state::{Happening, World};

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
