//! Why, for every location and node, also when nothing is done. The same report feeds the log line, the command
//! line, the status page, the history and the tests; so its reasons are types, and their sentences are here.

mod hold;
mod location;
mod node;
mod suspension;
use crate::assess::Issue;
use crate::ids::{HdCalls, LocationName};
use crate::ledger::Actor;
pub use hold::{HoldReason, HoldReport, HoldStatus, READINESS_MEMORY, READY_BEFORE_SPIKE, Readiness};
use jiff::Timestamp;
pub use location::{LocationReason, LocationReport, Purpose, ShortBecause, ThresholdWord};
pub use node::{CancelReason, NodeReason, NodeReport};
use serde::{Deserialize, Serialize};
pub use suspension::{Suspension, paused};

/// What a cycle found, and why it does what it does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Why no rule acts, where that is so.
    pub suspension: Option<Suspension>,
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

    /// What needs a person, counted for the alarms.
    pub fn attention(&self) -> Attention {
        let mut counts = Attention::default();
        for issue in &self.issues {
            match issue {
                Issue::DrainGivenUp { .. } => counts.stuck_drains += 1,
                Issue::StopRefused { .. } => counts.refused_stops += 1,
                Issue::UpgradeOverdue { .. } | Issue::VersionBehind { left_behind: true, .. } => {
                    counts.stuck_upgrades += 1;
                }
                Issue::TakesNoCalls { .. } => counts.nodes_without_calls += 1,
                _ => {}
            }
        }
        counts
    }

    /// HD calls that are needed and that no node is left for. An overflow location that runs full while the principal
    /// locations above it have room is no shortfall: a caller finds a place.
    pub fn uncovered_shortfall(&self) -> HdCalls {
        let callers_are_short = |overflow: &LocationName| {
            self.locations.iter().any(|location| {
                let into = |to: &LocationName| to == overflow;
                matches!(&location.purpose, Purpose::Principal { overflow } if into(overflow))
                    && location.free <= location.threshold
            })
        };
        let uncovered = |reason: &LocationReason| match reason {
            LocationReason::Short {
                hd_calls,
                because: ShortBecause::NothingLeft | ShortBecause::MaxNodes,
            } => Some(*hd_calls),
            _ => None,
        };
        let short = self.locations.iter().filter(|location| callers_are_short(&location.name));
        let all = short.flat_map(|location| &location.reasons).filter_map(uncovered);
        all.fold(HdCalls(0), HdCalls::plus)
    }
}

/// What needs a person: how many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attention {
    /// Nodes whose drain was given up.
    pub stuck_drains: u32,
    /// Nodes that EC2 refuses to stop.
    pub refused_stops: u32,
    /// Nodes that an upgrade left behind, and one for an upgrade that does not end.
    pub stuck_upgrades: u32,
    /// Nodes that run and take no calls.
    pub nodes_without_calls: u32,
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

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
