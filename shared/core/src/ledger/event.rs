//! The history: what happened, when, and who did it.

use crate::ids::{InstanceId, LocationName, NodeName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Spillway's own rules.
    Spillway,
    /// Pexip's built-in controller.
    Pexip,
    /// A person, by the identity they acted with.
    Person(String),
    /// Somebody, not known who.
    Unknown,
}

/// One line of history. The id makes a repeated write the same item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `planned_at` + node + action for what we do; instance + launch time + state for what we see.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Instance, where it is about one.
    pub instance: Option<InstanceId>,
    /// Node, where known.
    pub node: Option<NodeName>,
    /// Location, where known.
    pub location: Option<LocationName>,
    /// Who.
    pub by: Actor,
    /// Why, one sentence.
    pub reason: String,
}

impl Event {
    /// The id of something that was seen of one run of an instance: the same however often and by whom it is seen.
    pub fn id_of_seen(instance: &InstanceId, launched_at: Option<Timestamp>, kind: EventKind) -> String {
        let launch =
            launched_at.map_or_else(|| "never".to_owned(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string());
        let state = serde_json::to_string(&kind).unwrap_or_default();
        format!("{instance}-{launch}-{}", state.trim_matches('"'))
    }

    /// Whether this line may replace that one of the same id: the first one stays, except that one that names an actor
    /// completes one that does not.
    pub fn completes(&self, there: &Self) -> bool {
        there.by == Actor::Unknown && self.by != Actor::Unknown
    }
}

/// The kinds of history lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A start was ordered and accepted.
    Start,
    /// EC2 refused a start.
    StartRefused,
    /// A node became ready.
    Ready,
    /// A node did not become ready, or stopped while booting.
    StartFailed,
    /// A node was found running that we did not start.
    StartSeen,
    /// A drain began.
    DrainBegan,
    /// A drain was cancelled.
    DrainCancelled,
    /// A person vetoed a drain.
    DrainVetoed,
    /// A stop was ordered and accepted.
    Stop,
    /// EC2 refused a stop.
    StopRefused,
    /// A node was seen stopped.
    Stopped,
    /// Our maintenance mode was cleared on a stopped node.
    MaintenanceCleared,
    /// A static NAT address was changed.
    AddressChanged,
    /// A cycle was refused.
    CycleRefused,
    /// An operator's request was met or dismissed.
    RequestDone,
    /// An operator asked for something: a pause, a hold, a stop.
    Asked,
    /// An operator's command changed something outside a cycle: a tag, a location, an Elastic IP.
    Operated,
    /// A rule was set aside because an operator said so.
    Overridden,
    /// A node was retired, or set aside for an operation: it stays in maintenance mode.
    Retired,
    /// A cycle would have acted, and the mode or a dry run withheld it.
    Withheld,
}
