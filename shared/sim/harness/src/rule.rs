//! The rules, by name.

use std::fmt;

/// What must be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// No call is dropped by us: no node that hosts calls is stopped.
    CallDropped,
    /// No instance is touched that is not an overflow node of the platform.
    Foreign,
    /// No node is stopped before its minimum lifetime, or started twice.
    Order,
    /// No plan fails the safety check.
    SafetyCheck,
    /// A needed start is made within three cycles, while something can be started.
    MissingStart,
    /// A hold is met within three cycles, if it can be.
    UnmetHold,
    /// No node stays in our maintenance mode for longer than its limit.
    Maintenance,
    /// No node that is idle, unneeded and past its lifetime is up for more than an hour.
    IdleNode,
    /// Cycles get on with their work when nothing is in the way.
    NoProgress,
    /// When nothing more happens, cycles come to rest.
    NoRest,
    /// Requests are within the budget.
    Budget,
    /// Static NAT addresses are right.
    Address,
    /// No more is started than was needed.
    Excess,
    /// What a script expects.
    Expectation,
    /// Nothing panics.
    Panic,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CallDropped => "call-dropped",
            Self::Foreign => "foreign-instance",
            Self::Order => "forbidden-order",
            Self::SafetyCheck => "safety-check",
            Self::MissingStart => "missing-start",
            Self::UnmetHold => "unmet-hold",
            Self::Maintenance => "maintenance-too-long",
            Self::IdleNode => "idle-node-up",
            Self::NoProgress => "no-progress",
            Self::NoRest => "no-rest",
            Self::Budget => "too-many-requests",
            Self::Address => "wrong-address",
            Self::Excess => "start-not-needed",
            Self::Expectation => "expectation",
            Self::Panic => "panic",
        })
    }
}

/// A rule that was broken, with what happened, one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// When, whose, what.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
