//! What is counted: the numbers a comparison of policies is made of, and a sample of the platform each minute.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spillway_core::ids::{HdCalls, LocationName};

use super::calls::RefusalCause;
use super::instance::Initiator;
use crate::capacity::Load;

/// Calls dropped with a node, by who stopped it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// By us.
    pub by_spillway: u64,
    /// By Pexip's controller.
    pub by_pexip: u64,
    /// By somebody else.
    pub by_outside: u64,
    /// All of them, in load units.
    pub load: Load,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_spillway + self.by_pexip + self.by_outside
    }

    pub(crate) fn add(&mut self, by: Initiator, load: Load) {
        match by {
            Initiator::Spillway => self.by_spillway += 1,
            Initiator::Pexip => self.by_pexip += 1,
            Initiator::Outside => self.by_outside += 1,
        }
        self.load += load;
    }
}

/// Counts since the world began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Callers who called at least once.
    pub offered: u64,
    /// Their demand.
    pub offered_load: Load,
    /// Attempts, with redials.
    pub attempts: u64,
    /// Callers who gave up after all their redials.
    pub refused: u64,
    /// Their demand.
    pub refused_load: Load,
    /// Of them, those who were last refused by a node with a stale static NAT address.
    pub refused_for_address: u64,
    /// Attempts that were refused.
    pub refused_attempts: u64,
    /// Their demand, counted each time.
    pub refused_attempts_load: Load,
    /// Refused attempts by cause.
    pub refused_by_cause: BTreeMap<RefusalCause, u64>,
    /// Callers whose call ended by itself.
    pub completed: u64,
    /// Callers whose call was dropped.
    pub dropped: Dropped,
    /// Starts that EC2 accepted, by who asked.
    pub starts: BTreeMap<Initiator, u64>,
    /// Stops that EC2 accepted, by who asked.
    pub stops: BTreeMap<Initiator, u64>,
    /// Starts and stops that EC2 refused.
    pub ec2_refusals: u64,
    /// Starts after which the node was never ready.
    pub failed_boots: u64,
}

impl Stats {
    /// Accepted starts by anyone.
    pub fn starts_total(&self) -> u64 {
        self.starts.values().sum()
    }
}

/// Time that nodes ran on EC2 (state `running`), in hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeHours {
    /// Always-on nodes.
    pub always_on: f64,
    /// Overflow nodes: those with the platform's tag.
    pub overflow: f64,
}

impl NodeHours {
    /// Both.
    pub fn total(&self) -> f64 {
        self.always_on + self.overflow
    }
}

/// Nodes by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesByState {
    /// Stopped, or stopping.
    pub stopped: u32,
    /// Started and not yet ready.
    pub booting: u32,
    /// Ready, without a call.
    pub idle: u32,
    /// Ready, with calls.
    pub busy: u32,
    /// In maintenance mode, or being upgraded.
    pub maintenance: u32,
}

/// A location at an instant, as it really is (not as the Management Node believes).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocationSample {
    /// Name.
    pub location: LocationName,
    /// Load of its nodes, HD calls.
    pub load: f64,
    /// What its ready nodes carry, HD calls.
    pub capacity: HdCalls,
    /// What still fits: the sum of whole calls per node.
    pub free: HdCalls,
    /// Transcoding nodes by state.
    pub nodes: NodesByState,
}

/// The platform at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Locations that hold transcoding nodes, in the order of their creation.
    pub locations: Vec<LocationSample>,
    /// Callers connected.
    pub callers: u32,
    /// Callers who gave up so far.
    pub refused: u64,
    /// Callers dropped so far.
    pub dropped: u64,
}

pub(crate) type Samples = Vec<Sample>;
