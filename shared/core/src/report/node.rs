//! Overflow nodes: why each is started, drained, stopped or left alone.

use crate::assess::NodePhase;
use crate::ids::{HdCalls, HoldId, InstanceId, LocationName, NodeName};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// When this run began.
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
    JustIdle,
    /// The start rule without it would start a node.
    Needed,
    /// What is expected needs it.
    Expected {
        /// What is expected.
        expected: String,
    },
    /// A hold needs it.
    Held {
        /// Which.
        hold: HoldId,
    },
    /// Enough drains are in progress.
    DrainsAtOnce,
    /// A person vetoed its drain in this run.
    Vetoed,
    /// Its last drain could not be ended.
    DrainGivenUp {
        /// Not drained again before.
        until: Timestamp,
        /// What was in the way.
        cause: String,
    },
    /// Runs another version than the Management Node: it is left to an upgrade for a day.
    VersionBehind,
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
    /// What is expected needs the node.
    Expected,
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
    /// The drain could not be ended, and why.
    GivenUp(String),
    /// An operator paused Spillway: nobody would end the drain.
    Paused,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call => f.write_str("a call arrived"),
            Self::Need => f.write_str("the location needs the node"),
            Self::Expected => f.write_str("more is expected than is up without the node"),
            Self::Hold(id) => write!(f, "hold {id} needs the node"),
            Self::ModeMismatch => f.write_str("the policy's mode does not fit the platform"),
            Self::PexipDecides => f.write_str("Pexip's own bursting decides now"),
            Self::Released(by) => write!(f, "released by {by}"),
            Self::Orphan => f.write_str("maintenance mode left over from a drain that is not known"),
            Self::Paused => f.write_str("Spillway is paused, and nobody would end the drain"),
            Self::GivenUp(cause) => write!(f, "it could not be ended: {cause}"),
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
            Self::JustIdle => f.write_str("idle, to be read again"),
            Self::Needed => f.write_str("the start rule would start a node in its place"),
            Self::Expected { expected } => write!(f, "kept: {expected}"),
            Self::Held { hold } => write!(f, "held by {hold}"),
            Self::DrainsAtOnce => f.write_str("waits for other drains"),
            Self::Vetoed => f.write_str("its drain was vetoed by a person"),
            Self::DrainGivenUp { until, cause } => {
                write!(f, "its drain could not be ended ({cause}); not drained again before {until}")
            }
            Self::VersionBehind => f.write_str(
                "runs another version than the Management Node; not stopped for a day, for the upgrade",
            ),
            Self::Upgrade => f.write_str("not drained or stopped before the platform's upgrade is over"),
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
