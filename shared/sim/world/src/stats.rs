//! What is counted: the numbers a comparison of policies is made of, and a sample of the platform each minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::observation::{InstanceState, NodeRole};

use super::calls::RefusalCause;
use super::capacity::Load;
use super::instance::Initiator;
use super::node::Service;
use super::{Happening, World};

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

impl World {
    /// Counts since the world began.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Callers connected now.
    pub fn in_progress(&self) -> u64 {
        self.calls.values().filter(|call| call.is_callers).count() as u64
    }

    /// Callers who were refused and will dial again.
    pub fn redialling(&self) -> u64 {
        self.redialling
    }

    /// The samples taken so far.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Running time of the nodes up to now.
    pub fn node_hours(&self) -> NodeHours {
        let mut always_on = SignedDuration::ZERO;
        let mut overflow = SignedDuration::ZERO;
        for (ix, instance) in self.instances.iter().enumerate() {
            let ran = instance.ran_until(self.now);
            if self.is_overflow_instance(instance) {
                overflow = overflow.saturating_add(ran);
            } else if self.node_of.contains_key(&ix) {
                always_on = always_on.saturating_add(ran);
            }
        }
        NodeHours { always_on: always_on.as_secs_f64() / 3600.0, overflow: overflow.as_secs_f64() / 3600.0 }
    }

    /// The platform as it is now.
    pub fn sample(&self) -> Sample {
        let mut locations: Vec<Option<LocationSample>> = vec![None; self.locations.len()];
        for node in self.nodes.iter().filter(|n| n.role == NodeRole::Transcoding && !n.deleted) {
            let Some(slot) = locations.get_mut(node.location) else { continue };
            let sample = slot.get_or_insert_with(|| LocationSample {
                location: self.locations[node.location].name.clone(),
                load: 0.0,
                capacity: HdCalls(0),
                free: HdCalls(0),
                nodes: NodesByState::default(),
            });
            sample.load += node.load.hd();
            if node.takes_calls() {
                sample.capacity = sample.capacity.plus(HdCalls(node.capacity.hd));
                sample.free = sample.free.plus(node.free_hd());
            }
            let started = node
                .instance
                .and_then(|ix| self.instances.get(ix))
                .is_none_or(|i| matches!(i.now.state, InstanceState::Pending | InstanceState::Running));
            let count = match node.service {
                _ if !started => &mut sample.nodes.stopped,
                Service::Down | Service::Contact => &mut sample.nodes.booting,
                Service::Ready if node.effective.maintenance || node.upgrading => {
                    &mut sample.nodes.maintenance
                }
                Service::Ready if node.is_busy() => &mut sample.nodes.busy,
                Service::Ready => &mut sample.nodes.idle,
            };
            *count += 1;
        }
        Sample {
            at: self.now,
            locations: locations.into_iter().flatten().collect(),
            callers: u32::try_from(self.calls.len()).unwrap_or(u32::MAX),
            refused: self.stats.refused,
            dropped: self.stats.dropped.total(),
        }
    }

    pub(crate) fn take_sample(&mut self) {
        let sample = self.sample();
        self.samples.push(sample);
        if let Some(every) = self.settings.sample_every {
            self.plan(every, Happening::SampleDue);
        }
    }
}
