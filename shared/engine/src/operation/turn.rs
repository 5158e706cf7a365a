//! One turn of an operation: what is remembered from one to the next, and how one ends.

use jiff::Timestamp;
use spillway_core::blocker::Blocker;
use spillway_core::fault::Fault;
use spillway_core::ids::AllocationId;
use spillway_core::operation::Step;

use crate::cycle::LeaseMemory;

/// What one run of an operation remembers between turns. A new run begins with nothing: it repeats a few readings.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) lease: LeaseMemory,
    /// When maintenance mode was set, or first found, in this run.
    pub(super) aside_since: Option<Timestamp>,
    /// First idle reading in maintenance mode.
    pub(super) idle_at: Option<Timestamp>,
    pub(super) drained: bool,
    /// A drain of the cycle's was seen in this run.
    pub(super) draining: bool,
    pub(super) start_asked_at: Option<Timestamp>,
    pub(super) allocated: Option<AllocationId>,
    pub(super) last: Option<(&'static str, u32)>,
    pub(super) waits_since: Option<(&'static str, Timestamp)>,
}

/// What became of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is left.
    Finished,
    /// This was done.
    Did(Step),
    /// This takes time.
    Waits {
        /// Which step.
        step: Step,
        /// What it waits for.
        why: String,
    },
}

/// Why an operation ended before its end. The same command goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It must not go on.
    #[error(transparent)]
    Blocked(#[from] Blocker),
    /// Something could not be read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}
