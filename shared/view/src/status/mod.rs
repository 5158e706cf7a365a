//! The status as a value: what the text shows, what `--json` prints and what the page draws. Field names are a promise
//! (`schema`); a new field may come, one that is there keeps its meaning.
//!
//! Capacity is in HD calls, ages in seconds, instants in UTC.

mod build;
mod locations;
mod node;
mod nodes;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::ids::{HdCalls, HoldId, LocationName};
use spillway_core::ledger::Outcome;
use spillway_core::ledger::{Actor, HoldAmount, HoldScope, LastRefusal};
use spillway_core::policy::Mode;
use spillway_core::report::{HoldStatus, ThresholdWord};

pub use build::build_status;
pub use node::{NodeState, OverflowNode};

/// A cycle runs once a minute. After this long without one something is broken; the alarm `no good cycle` says so as well.
pub(crate) const WITHOUT_CYCLES: SignedDuration = SignedDuration::from_mins(5);

/// Version of the shape.
pub const SCHEMA: u32 = 1;

/// A platform at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The platform.
    pub platform: String,
    /// When it was read.
    pub at: Timestamp,
    /// Who controls the instances.
    pub mode: Mode,
    /// Whether the policy withholds every action.
    pub dry_run: bool,
    /// Why nothing is started or stopped, or what could not be read: before everything else.
    pub trouble: Vec<Trouble>,
    /// The first line.
    pub first: FirstLine,
    /// Locations with always-on nodes whose primary overflow location holds overflow nodes.
    pub principal: Vec<PrincipalLocation>,
    /// Locations with overflow nodes.
    pub overflow: Vec<OverflowLocation>,
    /// Overflow nodes: those that are up or in trouble first.
    pub nodes: Vec<OverflowNode>,
    /// Demand floors that are in force, and those to come.
    pub holds: Vec<HoldLine>,
    /// Proxying nodes: never HD capacity, and shown apart for it.
    pub edge: Vec<EdgeLocation>,
    /// What keeps a node from being used.
    pub issues: Vec<IssueLine>,
    /// What the next cycle would do, in words.
    pub next: Vec<String>,
}

impl Status {
    /// Whether everything could be read, and cycles run.
    pub fn is_read(&self) -> bool {
        self.first.room_now.is_some() && self.first.ledger_read && !self.is_without_cycles()
    }

    /// Whether the last cycle ended so long ago that nobody starts or stops anything, or none has ever run. Of a ledger that
    /// cannot be read nothing is known.
    pub fn is_without_cycles(&self) -> bool {
        match &self.first.last_cycle {
            Some(cycle) => self.at.duration_since(cycle.at) > WITHOUT_CYCLES,
            None => self.first.ledger_read,
        }
    }
}

/// Something that an operator has to know first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// One sentence.
    pub what: String,
    /// What to do; empty where waiting is all there is to do.
    pub remedy: String,
}

/// What matters at 08:58.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstLine {
    /// Free HD calls on everything that is ready, in principal and overflow locations; `None`: not known.
    pub room_now: Option<HdCalls>,
    /// The same in five minutes, if nobody calls and nobody hangs up: with what is booting now. The guide has a node
    /// ready about five minutes after its start.
    pub room_in_5_minutes: Option<HdCalls>,
    /// The principal location whose callers have the least room, where there is one.
    #[serde(default)]
    pub worst: Option<LocationRoom>,
    /// The nodes that the holds in force ask for; nothing while the Management Node or EC2 cannot be read.
    pub held: HoldStatus,
    /// Port licences that are not in use; `None`: the Management Node does not say.
    pub licences_left: Option<u64>,
    /// Port licences there are.
    pub licences_total: Option<u64>,
    /// Age of the oldest report of a node that counts as capacity, by the Management Node's own clock.
    pub oldest_report_s: Option<i64>,
    /// The last cycle.
    pub last_cycle: Option<LastCycle>,
    /// When a cycle last read everything.
    pub last_good_cycle: Option<Timestamp>,
    /// Whether the ledger could be read, which the last three come from.
    pub ledger_read: bool,
    /// What was refused last.
    pub last_refusal: Option<LastRefusal>,
}

/// The room of a location's callers: they reach its own nodes and those of its overflow locations, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationRoom {
    /// The principal location.
    pub location: LocationName,
    /// Free HD calls on its own nodes.
    pub free: HdCalls,
    /// Free HD calls in its primary and secondary overflow location.
    pub overflow: HdCalls,
    /// HD calls that boot in its primary overflow location.
    pub booting: HdCalls,
    /// Nodes that boot there.
    pub nodes_booting: u32,
    /// Seconds until the first of them is ready, if it takes as long as the guide says.
    pub ready_in_s: Option<i64>,
}

impl LocationRoom {
    /// HD calls that its callers have room for now.
    pub fn now(&self) -> HdCalls {
        self.free.plus(self.overflow)
    }
}

/// The last finished cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCycle {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended; `None` where this version does not know the word that was stored.
    pub outcome: Option<Outcome>,
    /// One sentence.
    pub summary: String,
}

impl LastCycle {
    /// The outcome's word, where the summary does not say it already.
    pub fn word(&self) -> Option<Outcome> {
        self.outcome.filter(|outcome| !matches!(outcome, Outcome::NoOp | Outcome::Acted))
    }
}

/// A principal location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalLocation {
    /// Name.
    pub name: LocationName,
    /// Free HD calls.
    pub free: HdCalls,
    /// HD calls that its ready nodes carry when empty.
    pub max: HdCalls,
    /// Its bursting threshold.
    pub threshold: HdCalls,
    /// The guide's word.
    pub word: ThresholdWord,
    /// Where its calls overflow to.
    pub overflow: LocationName,
}

/// An overflow location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowLocation {
    /// Name.
    pub name: LocationName,
    /// Free HD calls of its ready nodes.
    pub free: HdCalls,
    /// HD calls that its ready nodes carry when empty.
    pub max: HdCalls,
    /// Capacity on its way.
    pub booting: HdCalls,
    /// Its bursting threshold.
    pub threshold: HdCalls,
    /// Nodes that are ready.
    pub ready: u32,
    /// All its overflow nodes.
    pub nodes: u32,
    /// Why nodes are started, or not, in words.
    pub why: Vec<String>,
}

/// A demand floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLine {
    /// Id.
    pub id: HoldId,
    /// Where.
    pub scope: HoldScope,
    /// How much.
    pub amount: HoldAmount,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When the nodes have to be ready, for a pre-warm window.
    pub spike_at: Option<Timestamp>,
    /// Whether it is in force.
    pub current: bool,
    /// Who asked.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// Proxying nodes of a location.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeLocation {
    /// Location.
    pub name: LocationName,
    /// Proxying nodes.
    pub nodes: u32,
    /// Of them, those that report lately and are not in maintenance mode.
    pub reporting: u32,
    /// Mean media load of those, percent.
    pub load: Option<f64>,
    /// The highest.
    pub highest: Option<f64>,
}

/// Something that keeps a node from being used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IssueLine {
    /// Node, instance or location.
    pub about: String,
    /// What, one sentence.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
