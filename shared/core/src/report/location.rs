//! Locations: what they are for, how full they are, and why nodes are started there or not.

use crate::ids::{HdCalls, LocationName};
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// Nodes are started, or their drains cancelled, for what is expected.
    Expected {
        /// What is expected.
        expected: String,
        /// HD calls that were up or booting, with those of the principal location.
        up: HdCalls,
        /// Nodes started.
        nodes: u32,
        /// Drains cancelled instead.
        undrained: u32,
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
            Self::Expected { expected, up, nodes, undrained } => {
                write!(f, "{expected}; {up} up or booting: ")?;
                match (nodes, undrained) {
                    (nodes, 0) => write!(f, "start {nodes}"),
                    (0, undrained) => write!(f, "cancel {undrained} drains"),
                    (nodes, undrained) => write!(f, "cancel {undrained} drains, start {nodes}"),
                }
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
