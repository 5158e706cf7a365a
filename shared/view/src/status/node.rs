//! An overflow node in a status.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spillway_core::ids::{HdCalls, InstanceId, InstanceType, LocationName, NodeName};
use spillway_core::ledger::Actor;

/// An overflow node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowNode {
    /// Instance.
    pub instance: InstanceId,
    /// Node; the instance's own name where the Management Node cannot be read and it was never seen.
    pub name: NodeName,
    /// Location, where known.
    pub location: Option<LocationName>,
    /// Type.
    pub instance_type: InstanceType,
    /// Where it is in its life.
    pub state: NodeState,
    /// Since when this life goes on, or, for a drain, since when it drains.
    pub since: Option<Timestamp>,
    /// HD calls when empty.
    pub max: HdCalls,
    /// Free HD calls while ready, else 0.
    pub free: HdCalls,
    /// Who started it.
    pub started_by: Option<Actor>,
    /// Why it was started.
    pub started_why: Option<String>,
    /// Until when a hold keeps it.
    pub held_until: Option<Timestamp>,
    /// Conferences on it, by name; at most [`OverflowNode::NAMED`].
    pub conferences: Vec<String>,
    /// How many there are.
    pub hosting: u32,
    /// What the rules say of it, in words.
    pub why: Vec<String>,
}

impl OverflowNode {
    /// A few names tell who would be disturbed; all of them belong to the Management Node.
    pub const NAMED: usize = 5;
}

/// Where an overflow node is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Did not become ready, or stopped while booting.
    FailedStart,
    /// Was ready and does not report.
    Degraded,
    /// Started, not ready yet.
    Booting,
    /// In our maintenance mode, on its way to be stopped.
    Draining,
    /// In somebody else's maintenance mode.
    Maintenance,
    /// Takes calls.
    Ready,
    /// On its way down.
    Stopping,
    /// Runs by EC2's word; more is not known.
    Running,
    /// An operator retired it.
    Retired,
    /// Stopped, and not to be started now.
    BackingOff,
    /// Stopped.
    Stopped,
    /// Terminated, or about to be.
    Gone,
}

impl NodeState {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::FailedStart => "failed start",
            Self::Degraded => "degraded",
            Self::Booting => "booting",
            Self::Draining => "draining",
            Self::Maintenance => "maintenance",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Running => "running",
            Self::Retired => "retired",
            Self::BackingOff => "backing off",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }
}
