//! What a cycle says of each current hold: whether it is met, and, where a pre-warm window wrote it, how ready its nodes
//! are for the spike.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::HoldId;
use crate::ledger::HoldAmount;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReport {
    /// Which.
    pub id: HoldId,
    /// Nodes that count for it, up already.
    pub up: u32,
    /// Nodes started, or kept by cancelling their drains, for it.
    pub added: u32,
    /// Nodes missing after that; for an amount in HD calls, HD calls missing.
    pub missing: u32,
    /// The end.
    pub until: Timestamp,
    /// When its nodes have to be ready, where that is known.
    #[serde(default)]
    pub spike_at: Option<Timestamp>,
    /// Whether they are; `None` where that could not be read, which is not "ready".
    #[serde(default)]
    pub readiness: Option<Readiness>,
    /// What is odd about it.
    #[serde(default)]
    pub reasons: Vec<HoldReason>,
}

/// How long before the spike it has to be known whether a window's nodes are ready: time enough for a person to act.
pub const READY_BEFORE_SPIKE: SignedDuration = SignedDuration::from_mins(3);

/// One reading a minute: so long after a good one only one has failed, and two after twice a minute.
pub const READINESS_MEMORY: SignedDuration = SignedDuration::from_secs(90);

impl HoldReport {
    /// Whether the spike is so near that somebody should be told how ready the nodes are. Every cycle in these minutes
    /// says so, so that one that is missed loses nothing.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.spike_at.is_some_and(|spike| {
            let left = spike.duration_since(now);
            SignedDuration::ZERO <= left && left <= READY_BEFORE_SPIKE
        })
    }

    /// How ready its nodes are, in words.
    pub fn readiness_text(&self) -> String {
        let known = self.readiness.map(|readiness| readiness.to_string());
        known.unwrap_or_else(|| "not known how ready: the platform could not be read".to_owned())
    }

    /// How much of what was asked is ready, percent; none where that could not be read.
    pub fn percent(&self) -> Option<u32> {
        self.readiness.map(|readiness| readiness.percent)
    }
}

/// How ready a hold's nodes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Nodes that take calls: ready, and their static NAT address is right.
    pub ready: u32,
    /// Nodes on their way.
    pub booting: u32,
    /// Nodes whose start failed, or that back off after one.
    pub failed: u32,
    /// Nodes that run and whose static NAT address is not right: callers from the internet do not reach them.
    pub nat_wrong: u32,
    /// Nodes that run another version than the Management Node, and so take no calls.
    pub version_behind: u32,
    /// How much of what was asked is ready, in nodes or HD calls as it was asked; percent, 100 at most.
    pub percent: u32,
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ready, booting, failed, nat_wrong, version_behind, percent } = self;
        write!(f, "{percent} % ready: {ready} nodes ready, {booting} booting, {failed} failed")?;
        if *nat_wrong > 0 {
            write!(f, ", {nat_wrong} with a wrong static NAT address")?;
        }
        if *version_behind > 0 {
            write!(f, ", {version_behind} with another version than the Management Node")?;
        }
        Ok(())
    }
}

/// The nodes that the current holds ask for together, by what became of them. A node that two holds ask for counts once.
/// Unlike [`Readiness`], which counts every node that a hold is about, it counts as many as were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldStatus {
    /// How many nodes the holds ask for.
    pub asked: u32,
    /// Take calls, and callers from outside reach them.
    pub ready: u32,
    /// Booting, and within their time.
    pub booting: u32,
    /// Should be ready by now, or nobody has started them; or their static NAT address or version is not right yet.
    pub late: u32,
    /// Did not start.
    pub failed: u32,
}

/// What is odd about a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum HoldReason {
    /// Licences leave no room for all of it.
    CutByLicences {
        /// What was asked.
        asked: HoldAmount,
        /// What is held.
        held: HoldAmount,
    },
    /// In `assist` mode Pexip would stop the nodes again before the spike.
    TooEarly {
        /// From when they may be started.
        from: Timestamp,
    },
    /// In `assist` mode, once the spike has come, Pexip's own bursting decides.
    PexipDecides,
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutByLicences { asked, held } => {
                write!(f, "asked for {asked}, held are {held}: licences leave no room for more")
            }
            Self::TooEarly { from } => write!(
                f,
                "not started before {from}: earlier than the minimum lifetime before the spike, Pexip would most \
                 probably stop the nodes again before they are used"
            ),
            Self::PexipDecides => {
                f.write_str("Pexip's own bursting decides from here on: nothing more is started for it")
            }
        }
    }
}
