//! The simulated world: a Pexip platform on EC2 and the people who call it, in virtual time.
//!
//! It exists so that everything Spillway does can be seen, compared and broken on one machine. It is pure: the
//! same seed and the same calls into it give the same run, byte for byte. It reads no clock, no environment and
//! no file; time passes only in [`World::advance_to`]. Where the vendor does not document a behaviour the number
//! is a setting ([`WorldSettings`]) whose comment says that it is a guess.

pub mod callers;
pub mod capacity;
pub mod fixtures;
pub mod load_model;
pub mod trace;
pub mod weekday;

mod addresses;
mod build;
mod builder;
mod calls;
mod changes;
mod conference;
mod controller;
mod dice;
mod ec2;
mod ec2_addresses;
mod ec2_events;
mod ec2_refusals;
mod history;
mod instance;
mod interventions;
mod licences;
mod location;
mod management;
mod node;
mod node_spec;
mod operator;
mod pace;
mod placement;
mod queue;
mod read;
mod rows;
mod runs;
mod settings;
mod sizing;
mod stats;
mod upgrade;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::InstanceId;

use crate::callers::Callers;
use crate::dice::Dice;

use self::calls::{Call, CallId};
use self::conference::{Conference, Group};
use self::controller::Controller;
use self::ec2::Ec2;
use self::history::History;
use self::instance::{Instance, InstanceIx};
use self::location::{Location, LocationIx};
use self::management::Management;
use self::node::{ByAddress, Node, NodeIx};
use self::queue::Queue;
use self::stats::Samples;

pub use self::builder::{WorldBuilder, WorldError};
pub use self::calls::RefusalCause;
pub use self::capacity::{Load, NodeCapacity};
pub use self::ec2::FleetScope;
pub use self::ec2_events::StateChange;
pub use self::instance::{BootFailure, Initiator, state_word};
pub use self::interventions::{CallHandle, CallSpec};
pub use self::node_spec::NodeSpec;
pub use self::pace::Paced;
pub use self::read::{NodeView, ServiceView};
pub use self::settings::{
    BootSettings, ControllerSettings, Ec2Settings, EventFaults, HistorySettings, PlacementSettings,
    ReportingSettings, UpgradeSettings, WorldSettings,
};
pub use self::sizing::Sizing;
pub use self::stats::{Dropped, LocationSample, NodeHours, NodesByState, Sample, Stats};

/// The world, shared by the ports and the served Management API.
pub type SharedWorld = Arc<Mutex<World>>;

/// Locks the world. A panic elsewhere while it was locked does not stop the others: what it left is still a
/// world, and the panic is reported where it happened.
pub fn lock(world: &SharedWorld) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated world.
#[derive(Debug, Clone)]
pub struct World {
    settings: WorldSettings,
    dice: Dice,
    started_at: Timestamp,
    now: Timestamp,
    queue: Queue,
    locations: Vec<Location>,
    nodes: Vec<Node>,
    by_address: ByAddress,
    instances: Vec<Instance>,
    by_instance: BTreeMap<InstanceId, InstanceIx>,
    /// The node that runs on an instance.
    node_of: BTreeMap<InstanceIx, NodeIx>,
    ec2: Ec2,
    management: Management,
    controller: Controller,
    callers: Arc<Callers>,
    next_caller: usize,
    next_call: u64,
    calls: BTreeMap<CallId, Call>,
    conferences: BTreeMap<Group, Conference>,
    conferences_begun: u64,
    /// Callers who were refused and will dial again.
    redialling: u64,
    history: History,
    stats: Stats,
    samples: Samples,
}

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    InstanceRuns { instance: InstanceIx, epoch: u64 },
    InstanceStopped { instance: InstanceIx, epoch: u64 },
    InstanceFails { instance: InstanceIx, epoch: u64 },
    NodeContacts { node: NodeIx, epoch: u64 },
    NodeReady { node: NodeIx, epoch: u64 },
    NodeReports { node: NodeIx, epoch: u64 },
    Replicated { node: NodeIx, change: u64 },
    CallEnds { call: CallId },
    Redial { caller: usize, attempt: u32 },
    ControllerTick,
    SampleDue,
    ManagementUpgraded,
    UpgradeStep,
    NodeUpgraded { node: NodeIx },
    FailedOver,
}

impl World {
    /// Virtual time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the world began.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// The callers it was built with.
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    /// The settings it runs with.
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// Lets time pass up to and including an instant. An instant in the past changes nothing.
    pub fn advance_to(&mut self, until: Timestamp) {
        loop {
            let caller = self.callers.list.get(self.next_caller).map(|caller| caller.at);
            let event = self.queue.next_at();
            // At the same instant what was planned first goes first: callers arrive after it.
            let (at, is_caller) = match (event, caller) {
                (Some(event), Some(caller)) if caller < event => (caller, true),
                (Some(event), _) => (event, false),
                (None, Some(caller)) => (caller, true),
                (None, None) => break,
            };
            if at > until {
                break;
            }
            // A caller from before the world began arrives when it begins.
            self.now = self.now.max(at);
            if is_caller {
                let caller = self.next_caller;
                self.next_caller += 1;
                self.caller_arrives(caller, 0);
            } else if let Some(happening) = self.queue.pop() {
                self.happen(happening);
            }
        }
        self.now = self.now.max(until);
    }

    /// Lets this much time pass.
    pub fn advance_by(&mut self, time: SignedDuration) {
        self.advance_to(later(self.now, time));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::InstanceRuns { instance, epoch } => self.instance_runs(instance, epoch),
            Happening::InstanceStopped { instance, epoch } => self.instance_stopped(instance, epoch),
            Happening::InstanceFails { instance, epoch } => self.instance_fails(instance, epoch),
            Happening::NodeContacts { node, epoch } => self.node_contacts(node, epoch),
            Happening::NodeReady { node, epoch } => self.node_ready(node, epoch),
            Happening::NodeReports { node, epoch } => self.node_reports(node, epoch),
            Happening::Replicated { node, change } => self.replicated(node, change),
            Happening::CallEnds { call } => self.call_ends(call),
            Happening::Redial { caller, attempt } => self.redial(caller, attempt),
            Happening::ControllerTick => self.controller_ticks(),
            Happening::SampleDue => self.take_sample(),
            Happening::ManagementUpgraded => self.management_upgraded(),
            Happening::UpgradeStep => self.upgrade_step(),
            Happening::NodeUpgraded { node } => self.node_upgraded(node),
            Happening::FailedOver => self.failed_over(),
        }
    }

    fn plan(&mut self, after: SignedDuration, happening: Happening) {
        self.queue.push(later(self.now, after), happening);
    }

    pub(crate) fn location_named(&self, name: &str) -> Option<LocationIx> {
        self.locations.iter().position(|l| !l.deleted && l.name.as_str() == name)
    }

    pub(crate) fn node_named(&self, name: &str) -> Option<NodeIx> {
        self.nodes.iter().position(|n| !n.deleted && n.name.as_str() == name)
    }
}

/// An instant later than another, never past the end of time.
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
