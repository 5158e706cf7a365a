//! What is remembered of one overflow node: its run, its drain, its refused starts.

use super::event::Actor;
use crate::ids::{HdCalls, LocationId, LocationName, NodeName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is remembered of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The item's own version: a write must carry the version that was read.
    #[serde(default)]
    pub version: u64,
    /// The current or last run; `None` when it is not known to have run.
    #[serde(default, alias = "life")]
    pub run: Option<CurrentRun>,
    /// The drain in progress.
    #[serde(default)]
    pub drain: Option<Drain>,
    /// Idle readings of a node that is not draining yet.
    #[serde(default, alias = "idle_since")]
    pub idle_since: Option<Timestamp>,
    /// `max_hd_calls` when it was last above zero.
    #[serde(default)]
    pub capacity: Option<HdCalls>,
    /// Name, location last seen: what a hold is met from while the Management Node cannot be read.
    #[serde(default)]
    pub name: Option<NodeName>,
    /// Location last seen.
    #[serde(default)]
    pub location: Option<(LocationId, LocationName)>,
    /// Whether the node was in somebody else's maintenance mode when last seen.
    #[serde(default)]
    pub foreign_maintenance: bool,
    /// Failed starts in a row.
    #[serde(default)]
    pub failed_starts: u32,
    /// Not started again before this instant.
    #[serde(default)]
    pub back_off_until: Option<Timestamp>,
    /// An operator retired the node: it stays in maintenance mode and is not ours to start.
    #[serde(default)]
    pub retired: bool,
    /// A person vetoed the drain of this run by clearing our maintenance mode.
    #[serde(default)]
    pub drain_vetoed: bool,
    /// When it was vetoed: a veto does not last for ever.
    #[serde(default)]
    pub vetoed_at: Option<Timestamp>,
    /// Since when the running node takes no calls although nobody asked for it: it failed to start, or does not report.
    #[serde(default)]
    pub no_calls_since: Option<Timestamp>,
    /// Since when the node still runs in a maintenance mode that is cleared in its configuration.
    #[serde(default)]
    pub clearing_since: Option<Timestamp>,
    /// The drain that Spillway gave up last in this run.
    #[serde(default)]
    pub given_up: Option<GivenUpDrain>,
}

impl NodeRecord {
    /// Forgets what is only so while the instance runs: a run began, or ended.
    pub fn forget_run_state(&mut self) {
        self.drain = None;
        self.idle_since = None;
        self.drain_vetoed = false;
        self.vetoed_at = None;
        self.no_calls_since = None;
        self.clearing_since = None;
        self.given_up = None;
    }

    /// Whether anything is remembered that is only so while the instance runs.
    pub fn has_run_state(&self) -> bool {
        self.drain.is_some()
            || self.idle_since.is_some()
            || self.drain_vetoed
            || self.vetoed_at.is_some()
            || self.no_calls_since.is_some()
            || self.clearing_since.is_some()
            || self.given_up.is_some()
    }
}

/// A drain that could not be ended: the node takes calls again, and is tried again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUpDrain {
    /// When it was given up last.
    pub at: Timestamp,
    /// How often in this run.
    pub times: u32,
    /// Not drained again before this instant.
    pub until: Timestamp,
    /// What was in the way, one sentence.
    pub cause: String,
    /// Whether EC2 refused the stop.
    #[serde(default)]
    pub stop_refused: bool,
}

/// One run of a node: from an ordered start to the stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentRun {
    /// When the start was ordered (ours) or the launch time (somebody else's).
    pub started_at: Timestamp,
    /// Who started it.
    pub by: Actor,
    /// Why, one sentence.
    pub reason: String,
    /// EC2's launch time of this run, once seen.
    #[serde(default)]
    pub launched_at: Option<Timestamp>,
    /// When it was first ready.
    #[serde(default)]
    pub ready_at: Option<Timestamp>,
    /// Whether this run was already counted as a failed start.
    #[serde(default)]
    pub failed: bool,
    /// Whether it was started for what was expected, and by no other rule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forecast: bool,
}

/// Who asked for a drain: an `Auto` drain is cancelled by a call, by need or by a hold; an operator's waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrainKind {
    /// By the stop rule.
    Auto,
    /// By an operator.
    Operator,
}

/// A drain in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Kind.
    pub kind: DrainKind,
    /// When maintenance mode was ordered.
    pub began_at: Timestamp,
    /// Who and why.
    pub by: Actor,
    /// Why, one sentence.
    pub reason: String,
    /// When our maintenance mode was first read back from the configuration. Seen and then gone means that a
    /// person cleared it: a veto.
    #[serde(default)]
    pub maintenance_seen_at: Option<Timestamp>,
    /// First of the two idle readings, taken with the node's status in maintenance.
    #[serde(default)]
    pub idle_at: Option<Timestamp>,
    /// When the stop was ordered.
    #[serde(default)]
    pub stop_ordered_at: Option<Timestamp>,
    /// Whether an operator ordered the stop whatever ran on the node: calls dropped by it are theirs, not a fault.
    #[serde(default)]
    pub calls_overridden: bool,
    /// When it was first ordered; `began_at` moves when an order that was lost is repeated.
    #[serde(default)]
    pub ordered_at: Option<Timestamp>,
    /// Stops that EC2 refused in a row.
    #[serde(default)]
    pub refused_stops: u32,
    /// What EC2 said the last time.
    #[serde(default)]
    pub refusal: Option<String>,
}

/// Stops that EC2 refuses in a row before a drain counts as refused.
const REFUSED_STOPS: u32 = 3;

impl Drain {
    /// A drain that begins now.
    pub fn new(kind: DrainKind, by: Actor, reason: impl Into<String>, now: Timestamp) -> Self {
        Self {
            kind,
            began_at: now,
            by,
            reason: reason.into(),
            maintenance_seen_at: None,
            idle_at: None,
            stop_ordered_at: None,
            calls_overridden: false,
            ordered_at: Some(now),
            refused_stops: 0,
            refusal: None,
        }
    }

    /// Whether EC2 refused its stop so often that trying again at once is no use.
    pub fn is_stop_refused(&self) -> bool {
        self.refused_stops >= REFUSED_STOPS
    }

    /// When the drain was first ordered.
    pub fn first_ordered(&self) -> Timestamp {
        self.ordered_at.unwrap_or(self.began_at)
    }
}
