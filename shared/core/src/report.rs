//! Why, for every location and node, also when nothing is done. The same report feeds the log line, the command
//! line, the status page, the history and the tests; so its reasons are types, and their sentences are here.

mod hold;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::assess::{Issue, NodePhase};
use crate::fault::FaultKind;
use crate::ids::{HdCalls, HoldId, InstanceId, LocationName, NodeName};
use crate::ledger::Actor;

pub use hold::{HoldReason, HoldReport, HoldStatus, READINESS_MEMORY, READY_BEFORE_SPIKE, Readiness};

/// What a cycle found, and why it does what it does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Why no rule acts, where that is so.
    pub gate: Option<Gate>,
    /// One entry per principal and overflow location.
    pub locations: Vec<LocationReport>,
    /// One entry per overflow node.
    pub nodes: Vec<NodeReport>,
    /// One entry per current hold.
    pub holds: Vec<HoldReport>,
    /// The nodes of the current holds together.
    #[serde(default)]
    pub held: HoldStatus,
    /// What keeps nodes from being used.
    pub issues: Vec<Issue>,
    /// Conferences seen on nodes whose stop was ordered by a cycle. Anything but 0 is a fault of Spillway's.
    #[serde(default)]
    pub dropped_by_us: u32,
}

impl Report {
    /// How much of what the pre-warm windows asked for is ready, percent, of the window where it is least; none where
    /// no spike is near. `last_good` is when everything could be read last: a reading that fails once says nothing, and
    /// the next one is a minute away; where two in a row failed, nobody knows whether anything is ready, and somebody
    /// has to be told before the spike: that is 0.
    pub fn prewarm_ready(&self, now: Timestamp, last_good: Option<Timestamp>) -> Option<u32> {
        let missed_once = last_good.is_some_and(|at| now.duration_since(at) < READINESS_MEMORY);
        let due = self.holds.iter().filter(|hold| hold.is_due(now));
        due.filter_map(|hold| hold.percent().or_else(|| (!missed_once).then_some(0))).min()
    }

    /// HD calls that are needed and that no node is left for.
    pub fn uncovered_shortfall(&self) -> HdCalls {
        let uncovered = |reason: &LocationReason| match reason {
            LocationReason::Short {
                hd_calls,
                because: ShortBecause::NothingLeft | ShortBecause::MaxNodes,
            } => Some(*hd_calls),
            _ => None,
        };
        let all = self.locations.iter().flat_map(|location| &location.reasons).filter_map(uncovered);
        all.fold(HdCalls(0), HdCalls::plus)
    }
}

/// Why no rule starts, drains or stops in this cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "gate")]
pub enum Gate {
    /// The Management Node could not be read.
    PlatformUnreadable {
        /// Of what kind: 401 makes a warm function read its settings again.
        kind: FaultKind,
        /// What went wrong.
        detail: String,
        /// What to do.
        remedy: String,
    },
    /// EC2 could not be read.
    FleetUnreadable {
        /// What went wrong.
        detail: String,
        /// What to do.
        remedy: String,
    },
    /// The ledger could not be read: no stops, at most one start per needed location.
    LedgerUnreadable {
        /// What went wrong.
        detail: String,
        /// What to do.
        remedy: String,
    },
    /// Most always-on nodes are stale together.
    MostNodesStale {
        /// Stale ones.
        stale: u32,
        /// All always-on nodes not in maintenance mode.
        all: u32,
    },
    /// The policy's mode and the platform's setting contradict each other.
    ModeMismatch {
        /// Whether Pexip's own bursting is on.
        bursting_enabled: bool,
    },
    /// An operator paused Spillway.
    Paused {
        /// Until when.
        until: Timestamp,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlatformUnreadable { detail, remedy, .. }
            | Self::FleetUnreadable { detail, remedy }
            | Self::LedgerUnreadable { detail, remedy } => {
                f.write_str(detail)?;
                if remedy.is_empty() { Ok(()) } else { write!(f, ". {remedy}") }
            }
            Self::MostNodesStale { stale, all } => write!(
                f,
                "{stale} of {all} always-on nodes do not report: an outage, not a lack of need; nothing starts or stops"
            ),
            Self::ModeMismatch { bursting_enabled: true } => f.write_str(
                "the policy's mode is control, but bursting is enabled on the Management Node: two controllers \
                 must not drive the same instances. Disable it under Platform > Global Settings > Cloud Bursting, \
                 or set mode to assist",
            ),
            Self::ModeMismatch { bursting_enabled: false } => f.write_str(
                "the policy's mode is assist, but bursting is disabled on the Management Node: nobody starts \
                 overflow nodes. Enable it under Platform > Global Settings > Cloud Bursting, or set mode to control",
            ),
            Self::Paused { until, by, reason } => write!(f, "paused until {until} by {}: {reason}", actor(by)),
        }
    }
}

/// An actor in words.
pub fn actor(by: &Actor) -> &str {
    match by {
        Actor::Spillway => "Spillway",
        Actor::Pexip => "Pexip",
        Actor::Person(name) => name,
        Actor::Unknown => "somebody else",
    }
}

/// The guide's words for the free HD calls of a principal location (*Viewing current status*).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdWord {
    /// More than threshold + 2.
    #[default]
    Normal,
    /// At most threshold + 2.
    ApproachingThreshold,
    /// At most the threshold.
    BurstingThresholdReached,
}

impl ThresholdWord {
    /// The word for this many free HD calls.
    pub fn of(free: HdCalls, threshold: HdCalls) -> Self {
        if free <= threshold {
            Self::BurstingThresholdReached
        } else if free <= threshold.plus(HdCalls(2)) {
            Self::ApproachingThreshold
        } else {
            Self::Normal
        }
    }
}

impl fmt::Display for ThresholdWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "",
            Self::ApproachingThreshold => "approaching threshold",
            Self::BurstingThresholdReached => "bursting threshold reached",
        })
    }
}

/// What a location is for, as detected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Has always-on nodes and a primary overflow location with overflow nodes.
    Principal {
        /// The overflow location.
        overflow: LocationName,
    },
    /// Holds overflow nodes.
    Overflow,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationReport {
    /// Name.
    pub name: LocationName,
    /// What it is for.
    pub purpose: Purpose,
    /// Free HD calls of its ready nodes.
    pub free: HdCalls,
    /// HD calls its ready nodes carry when empty.
    pub max: HdCalls,
    /// Capacity on its way.
    pub booting: HdCalls,
    /// Its threshold.
    pub threshold: HdCalls,
    /// The guide's word; only for principal locations.
    pub word: ThresholdWord,
    /// Why.
    pub reasons: Vec<LocationReason>,
}

/// Why nodes of an overflow location are started, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum LocationReason {
    /// Nobody needs it.
    NotNeeded,
    /// A principal location is at or below its threshold.
    NeededBy {
        /// Which.
        principal: LocationName,
        /// Its free HD calls.
        free: HdCalls,
        /// Its threshold.
        threshold: HdCalls,
    },
    /// It hosts calls itself: the original location is ignored (guide).
    HostsCalls,
    /// What is free and on its way exceeds the threshold.
    RoomSuffices {
        /// Free.
        free: HdCalls,
        /// On its way.
        booting: HdCalls,
    },
    /// Nodes are started, or their drains cancelled.
    Starting {
        /// Nodes started.
        nodes: u32,
        /// Drains cancelled instead.
        undrained: u32,
        /// HD calls they bring.
        hd_calls: HdCalls,
    },
    /// Still short after everything that can be started.
    Short {
        /// HD calls missing above the threshold.
        hd_calls: HdCalls,
        /// Why nothing more is started.
        because: ShortBecause,
    },
}

/// Why a shortage is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortBecause {
    /// No stopped node is left that may be started.
    NothingLeft,
    /// The policy's `max_nodes`.
    MaxNodes,
    /// The policy's `starts_per_cycle`.
    StartsPerCycle,
    /// The ledger is down: one start at a time.
    LedgerDown,
}

impl fmt::Display for LocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => f.write_str("not needed"),
            Self::NeededBy { principal, free, threshold } => {
                write!(f, "needed: {principal} has {free} HD calls free, threshold {threshold}")
            }
            Self::HostsCalls => f.write_str("needed: it hosts calls"),
            Self::RoomSuffices { free, booting } if booting.0 > 0 => {
                write!(f, "{free} HD calls free and {booting} booting suffice")
            }
            Self::RoomSuffices { free, .. } => write!(f, "{free} HD calls free suffice"),
            Self::Starting { nodes, undrained: 0, hd_calls } => {
                write!(f, "starting {nodes} for {hd_calls} HD calls")
            }
            Self::Starting { nodes, undrained, hd_calls } => {
                write!(f, "cancelling {undrained} drains and starting {nodes} for {hd_calls} HD calls")
            }
            Self::Short { hd_calls, because } => {
                write!(f, "{hd_calls} HD calls short: ")?;
                f.write_str(match because {
                    ShortBecause::NothingLeft => "no stopped node is left that may be started",
                    ShortBecause::MaxNodes => "max_nodes is reached",
                    ShortBecause::StartsPerCycle => "starts_per_cycle is reached",
                    ShortBecause::LedgerDown => "one start at a time while the ledger is down",
                })
            }
        }
    }
}

/// An overflow node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Instance.
    pub instance: InstanceId,
    /// Node.
    pub node: NodeName,
    /// Location.
    pub location: LocationName,
    /// Its phase.
    pub phase: NodePhase,
    /// When this life began.
    pub since: Option<Timestamp>,
    /// What it carries when empty.
    pub capacity: HdCalls,
    /// Free HD calls.
    pub free: HdCalls,
    /// Whether calls run on it.
    pub hosts: bool,
    /// Why it is left alone, or not.
    pub reasons: Vec<NodeReason>,
}

/// Why a node is started, drained, stopped or left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum NodeReason {
    /// Started in this cycle.
    Starting,
    /// Stopped and not needed.
    Stopped,
    /// Booting within the boot limit.
    Booting {
        /// How long it may still take.
        left: SignedDuration,
    },
    /// A failed start.
    FailedStart {
        /// Cause.
        cause: String,
    },
    /// Not started before.
    BackingOff {
        /// Instant.
        until: Timestamp,
    },
    /// In maintenance mode set by somebody else: not ours.
    ForeignMaintenance,
    /// Retired by an operator.
    Retired,
    /// Younger than the minimum lifetime.
    Young {
        /// What is left of it.
        left: SignedDuration,
    },
    /// Hosts calls, or has load.
    Busy,
    /// Its load is not known: unknown is never idle.
    Unknown,
    /// Idle for too short a time to be sure.
    JustQuiet,
    /// The start rule without it would start a node.
    Needed,
    /// A hold needs it.
    Held {
        /// Which.
        hold: HoldId,
    },
    /// Enough drains are in progress.
    DrainsAtOnce,
    /// A person vetoed its drain in this life.
    Vetoed,
    /// No drain begins and no stop happens during an upgrade.
    Upgrade,
    /// No drain begins and no stop happens for ten minutes after the Management Node failed over.
    Failover,
    /// A drain begins.
    Draining,
    /// Draining: the node has not taken the maintenance mode yet.
    WaitingForMaintenance,
    /// Draining: calls run on it.
    WaitingForCalls,
    /// Draining: idle, read once.
    IdleOnce,
    /// Stopping in this cycle.
    Stopping,
    /// Its drain is cancelled.
    DrainCancelled {
        /// Why.
        because: CancelReason,
    },
    /// Our maintenance mode is cleared.
    ClearingMaintenance,
}

/// Why a drain is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// A call arrived.
    Call,
    /// The start rule needs the node.
    Need,
    /// A hold needs the node.
    Hold(HoldId),
    /// The mode does not fit the platform any more.
    ModeMismatch,
    /// The mode is `assist` now: nobody would end the drain.
    PexipDecides,
    /// An operator released it.
    Released(String),
    /// Our maintenance mode without a drain that is known.
    Orphan,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call => f.write_str("a call arrived"),
            Self::Need => f.write_str("the location needs the node"),
            Self::Hold(id) => write!(f, "hold {id} needs the node"),
            Self::ModeMismatch => f.write_str("the policy's mode does not fit the platform"),
            Self::PexipDecides => f.write_str("Pexip's own bursting decides now"),
            Self::Released(by) => write!(f, "released by {by}"),
            Self::Orphan => f.write_str("maintenance mode left over from a drain that is not known"),
        }
    }
}

/// What a clock's milliseconds leave of a time; nobody reads those.
fn seconds(left: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(left.as_secs())
}

impl fmt::Display for NodeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Stopped => f.write_str("stopped, not needed"),
            Self::Booting { left } => write!(f, "booting, {:#} left", seconds(*left)),
            Self::FailedStart { cause } => write!(f, "failed start: {cause}"),
            Self::BackingOff { until } => write!(f, "not started again before {until}"),
            Self::ForeignMaintenance => f.write_str("in maintenance mode set by somebody else"),
            Self::Retired => f.write_str("retired by an operator"),
            Self::Young { left } => write!(f, "{:#} left of the minimum lifetime", seconds(*left)),
            Self::Busy => f.write_str("hosts calls"),
            Self::Unknown => f.write_str("its load is not known"),
            Self::JustQuiet => f.write_str("idle, to be read again"),
            Self::Needed => f.write_str("the start rule would start a node in its place"),
            Self::Held { hold } => write!(f, "held by {hold}"),
            Self::DrainsAtOnce => f.write_str("waits for other drains"),
            Self::Vetoed => f.write_str("its drain was vetoed by a person"),
            Self::Upgrade => f.write_str("an upgrade is in progress"),
            Self::Failover => f.write_str("the Management Node failed over a moment ago"),
            Self::Draining => f.write_str("drain begins"),
            Self::WaitingForMaintenance => f.write_str("draining: maintenance mode has not reached it yet"),
            Self::WaitingForCalls => f.write_str("draining: calls run on it"),
            Self::IdleOnce => f.write_str("draining: idle, to be read again"),
            Self::Stopping => f.write_str("stopping"),
            Self::DrainCancelled { because } => write!(f, "drain cancelled: {because}"),
            Self::ClearingMaintenance => f.write_str("maintenance mode is cleared"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_in_whole_seconds() {
        let left = SignedDuration::from_millis(240_750);
        assert_eq!(NodeReason::Booting { left }.to_string(), "booting, 4m left");
        assert_eq!(NodeReason::Young { left }.to_string(), "4m left of the minimum lifetime");
    }

    #[test]
    fn the_guides_words_at_threshold_plus_three_two_one_and_zero() {
        let words: Vec<String> = [8, 7, 6, 5, 0]
            .iter()
            .map(|free| ThresholdWord::of(HdCalls(*free), HdCalls(5)).to_string())
            .collect();
        let (approaching, reached) = ("approaching threshold", "bursting threshold reached");
        assert_eq!(words, ["", approaching, approaching, reached, reached]);
    }
}
