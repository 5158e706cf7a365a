//! The numbers a comparison of policies is made of, read; and a sample of the platform each minute.

use jiff::SignedDuration;
use spillway_core::ids::HdCalls;
use spillway_core::observation::{InstanceState, NodeRole};

use crate::state::node::Service;
use crate::state::stats::{LocationSample, NodeHours, NodesByState, Sample, Stats};
use crate::state::{Happening, World};

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
