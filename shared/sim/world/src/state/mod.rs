//! What is so at an instant: the world and all it holds, as data. What happens to it stands in the files beside this
//! folder, one a subject; none of them is named here.

pub(crate) mod calls;
pub(crate) mod conference;
pub(crate) mod controller;
pub(crate) mod ec2;
pub(crate) mod history;
pub(crate) mod instance;
pub(crate) mod location;
pub(crate) mod management;
pub(crate) mod node;
pub(crate) mod numbers;
pub(crate) mod queue;
pub(crate) mod settings;
pub(crate) mod stats;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{InstanceId, LocationId, NodeId};

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
use self::numbers::Numbers;
use self::queue::Queue;
use self::settings::WorldSettings;
use self::stats::{Samples, Stats};

pub(crate) use self::queue::Happening;

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
    pub(crate) settings: WorldSettings,
    pub(crate) dice: Dice,
    pub(crate) started_at: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) queue: Queue,
    pub(crate) locations: Vec<Location>,
    pub(crate) location_numbers: Numbers,
    pub(crate) nodes: Vec<Node>,
    pub(crate) node_numbers: Numbers,
    pub(crate) by_address: ByAddress,
    pub(crate) instances: Vec<Instance>,
    pub(crate) by_instance: BTreeMap<InstanceId, InstanceIx>,
    /// The node that runs on an instance.
    pub(crate) node_of: BTreeMap<InstanceIx, NodeIx>,
    pub(crate) ec2: Ec2,
    pub(crate) management: Management,
    pub(crate) controller: Controller,
    pub(crate) callers: Arc<Callers>,
    pub(crate) next_caller: usize,
    pub(crate) next_call: u64,
    pub(crate) calls: BTreeMap<CallId, Call>,
    pub(crate) conferences: BTreeMap<Group, Conference>,
    pub(crate) conferences_begun: u64,
    /// Callers who were refused and will dial again.
    pub(crate) redialling: u64,
    pub(crate) history: History,
    pub(crate) stats: Stats,
    pub(crate) samples: Samples,
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

    /// The configuration id of a node.
    pub(crate) fn node_id(&self, ix: NodeIx) -> NodeId {
        NodeId(self.node_numbers.number(ix))
    }

    /// The configuration id of a location.
    pub(crate) fn location_id(&self, ix: LocationIx) -> LocationId {
        LocationId(self.location_numbers.number(ix))
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
