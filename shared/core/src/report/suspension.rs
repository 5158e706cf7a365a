//! Why no rule acts at all.

use super::actor;
use crate::fault::FaultKind;
use crate::ledger::{Actor, Ledger};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why the rules are suspended in this cycle: no stops while it lasts, and no starts except what each reason allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Suspension {
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

impl fmt::Display for Suspension {
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
                "{stale} of {all} always-on nodes are not reporting; treated as an outage: only holds start nodes, nothing is stopped"
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

/// The pause in force, as what suspends the rules.
pub fn paused(ledger: &Ledger, now: Timestamp) -> Option<Suspension> {
    let pause = ledger.pause(now)?;
    Some(Suspension::Paused { until: pause.until, by: pause.by.clone(), reason: pause.reason.to_owned() })
}
