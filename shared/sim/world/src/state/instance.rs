//! An EC2 instance: its state, its addresses, and what a describe shows of it a few seconds later.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::ids::{InstanceId, InstanceType};
use spillway_core::observation::{Instance as SeenInstance, InstanceState};

/// Position of an instance in the world.
pub(crate) type InstanceIx = usize;

/// Who started or stopped an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initiator {
    /// Us, through the fleet port.
    Spillway,
    /// Pexip's built-in controller, or its command.
    Pexip,
    /// A person, a script, or AWS itself.
    Outside,
}

/// What goes wrong with the next start of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootFailure {
    /// It runs and never reports to the Management Node.
    NeverReady,
    /// EC2 stops it again so long after the start.
    StopsAgain(SignedDuration),
}

/// What a describe shows and a start or stop changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) state: InstanceState,
    pub(crate) reason: String,
    pub(crate) launched_at: Option<Timestamp>,
    pub(crate) public_ip: Option<Ipv4Addr>,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "`instance_type` is EC2's own word")]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) zone: String,
    pub(crate) vpc: String,
    pub(crate) instance_type: InstanceType,
    pub(crate) private_ip: Ipv4Addr,
    /// Kept over stop and start.
    pub(crate) elastic_ip: Option<Ipv4Addr>,
    /// Gets a new public address at each start.
    pub(crate) dynamic_address: bool,
    pub(crate) tags: BTreeMap<String, String>,
    /// Has ENA support.
    pub(crate) ena: bool,
    /// On a dedicated host: subject to host capacity.
    pub(crate) on_host: bool,
    pub(crate) stop_protected: bool,
    pub(crate) now: Shown,
    /// What a describe still shows, until when.
    pub(crate) before: Option<(Shown, Timestamp)>,
    /// Not listed at all until then.
    pub(crate) listed_from: Option<Timestamp>,
    /// Counts starts and stops, so that what was scheduled for an earlier one is ignored.
    pub(crate) epoch: u64,
    pub(crate) starts: u64,
    pub(crate) next_boot: Option<BootFailure>,
    /// In state `running` since.
    pub(crate) running_since: Option<Timestamp>,
    /// Finished time in state `running`.
    pub(crate) ran: SignedDuration,
}

impl Instance {
    /// Whether it occupies capacity: started and not stopped yet.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.now.state, InstanceState::Pending | InstanceState::Running)
    }

    /// As a describe shows it at an instant; `None` while it is not listed.
    pub(crate) fn seen_at(&self, now: Timestamp) -> Option<SeenInstance> {
        if self.listed_from.is_some_and(|from| now < from) {
            return None;
        }
        let shown = match &self.before {
            Some((before, until)) if now < *until => before,
            _ => &self.now,
        };
        Some(SeenInstance {
            id: self.id.clone(),
            name: self.name.clone(),
            region: self.region.clone(),
            zone: self.zone.clone(),
            vpc: self.vpc.clone(),
            instance_type: self.instance_type.clone(),
            state: shown.state,
            state_reason: shown.reason.clone(),
            launched_at: shown.launched_at,
            private_ip: Some(self.private_ip),
            public_ip: shown.public_ip,
            addresses: Vec::new(),
            tags: self.tags.clone(),
        })
    }

    /// Time in state `running` up to an instant.
    pub(crate) fn ran_until(&self, now: Timestamp) -> SignedDuration {
        self.running_since.map_or(self.ran, |since| self.ran.saturating_add(now.duration_since(since)))
    }
}

/// EC2's word for a state, as in describe and in state-change events.
pub fn state_word(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Pending => "pending",
        InstanceState::Running => "running",
        InstanceState::Stopping => "stopping",
        InstanceState::Stopped => "stopped",
        InstanceState::ShuttingDown => "shutting-down",
        InstanceState::Terminated => "terminated",
        InstanceState::Unknown => "unknown",
    }
}
