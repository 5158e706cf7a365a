//! Pexip's own bursting, as far as it is known: the thing to beat. A tick every 15 s; one node at a time; primary
//! overflow locations only; stops what is idle after its minimum lifetime, whoever started it. What the vendor
//! does not document (the tick, the order of nodes, patience with a node that never comes up) is a guess, said so
//! in the settings.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::HdCalls;
use spillway_core::observation::{InstanceState, NodeRole};

use super::ec2::Order;
use crate::state::instance::{Initiator, InstanceIx};
use crate::state::location::LocationIx;
use crate::state::node::{Node, NodeIx, Service};
use crate::state::{Happening, World};

/// A location that is watched: where its free calls are counted, and where it overflows to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) location: LocationIx,
    pub(crate) media: LocationIx,
    pub(crate) overflow: LocationIx,
}

impl World {
    pub(crate) fn controller_ticks(&mut self) {
        self.plan(self.settings.controller.tick, Happening::ControllerTick);
        let acts = self.settings.controller.present
            && self.management.bursting.enabled
            && self.ec2.reachable_for_pexip
            && !self.management.down
            && !self.management.upgrading;
        if !acts {
            return;
        }
        let watched = self.watched_locations();
        let threshold = self.management.bursting.threshold;
        let overflows: BTreeSet<LocationIx> = watched.iter().map(|pair| pair.overflow).collect();
        for overflow in overflows {
            let full = watched
                .iter()
                .filter(|pair| pair.overflow == overflow)
                .map(|pair| (pair.location, self.free_in(pair.media)))
                .find(|(_, free)| *free <= threshold);
            let nodes: Vec<_> = self.bursting_nodes(overflow).map(|(ix, _)| ix).collect();
            if nodes.iter().any(|ix| self.is_ready(*ix)) {
                // Once a node runs, what is left in the original location is ignored (guide); nobody's need is
                // not taken for a reason, which is kinder to large thresholds than the guide's words are.
                let busy = nodes.iter().any(|ix| self.nodes.get(*ix).is_some_and(Node::is_busy));
                let free = self.free_in(overflow);
                if free <= threshold && (busy || full.is_some()) {
                    self.burst_into(overflow, &self.location_label(overflow), free);
                }
            } else if let Some((location, free)) = full {
                self.burst_into(overflow, &self.location_label(location), free);
            }
        }
        self.stop_idle_nodes(&watched, threshold);
    }

    /// Locations whose primary overflow location holds bursting nodes.
    pub(crate) fn watched_locations(&self) -> Vec<Watched> {
        self.locations
            .iter()
            .enumerate()
            .filter(|(_, location)| !location.deleted)
            .filter_map(|(ix, location)| {
                let overflow = location.overflow1?;
                let media = location.transcoding.unwrap_or(ix);
                self.bursting_nodes(overflow).next()?;
                let always_on = self.nodes.iter().any(|node| {
                    node.location == media
                        && !node.deleted
                        && node.role == NodeRole::Transcoding
                        && !self.is_bursting(node.instance)
                });
                always_on.then_some(Watched { location: ix, media, overflow })
            })
            .collect()
    }

    pub(crate) fn is_bursting(&self, instance: Option<InstanceIx>) -> bool {
        instance.and_then(|ix| self.instances.get(ix)).is_some_and(|i| self.is_overflow_instance(i))
    }

    /// Overflow nodes of a location, with their instances.
    pub(crate) fn bursting_nodes(&self, location: LocationIx) -> impl Iterator<Item = (NodeIx, InstanceIx)> {
        self.nodes
            .iter()
            .enumerate()
            .filter(move |(_, node)| node.location == location && !node.deleted)
            .filter(|(_, node)| self.is_bursting(node.instance))
            .filter_map(|(ix, node)| Some((ix, node.instance?)))
    }

    /// Free HD calls of a location, as they are.
    pub(crate) fn free_in(&self, location: LocationIx) -> HdCalls {
        self.nodes.iter().filter(|node| node.location == location).map(Node::free_hd).sum()
    }

    fn is_ready(&self, ix: NodeIx) -> bool {
        self.nodes.get(ix).is_some_and(|node| node.service == Service::Ready)
    }

    fn location_label(&self, ix: LocationIx) -> String {
        self.locations.get(ix).map_or_else(String::new, |location| location.name.to_string())
    }

    fn burst_into(&mut self, overflow: LocationIx, because_of: &str, free: HdCalls) {
        let now = self.now;
        let settings = self.settings.controller.clone();
        let within = |since: Option<Timestamp>, time: SignedDuration| {
            since.is_some_and(|since| now.duration_since(since) < time)
        };
        let nodes: Vec<_> = self.bursting_nodes(overflow).collect();
        let pending = nodes.iter().any(|(node, instance)| {
            self.instances.get(*instance).is_some_and(|i| {
                i.is_up() && !self.is_ready(*node) && within(i.now.launched_at, settings.gives_up_after)
            })
        });
        if pending {
            return;
        }
        let startable = nodes.into_iter().filter(|(node, instance)| {
            self.instances.get(*instance).is_some_and(|i| i.now.state == InstanceState::Stopped)
                && self.nodes.get(*node).is_some_and(|n| !n.configured.maintenance)
                && !within(self.controller.refused.get(instance).copied(), settings.retries_after)
        });
        // Which one first is not documented: by name.
        let by_name = |(node, _): &(NodeIx, InstanceIx)| self.nodes.get(*node).map(|node| &node.name);
        let Some((node, instance)) = startable.min_by_key(by_name) else { return };
        let Some(id) = self.instances.get(instance).map(|i| i.id.clone()) else { return };
        self.history.reason =
            Some(format!("Bursting threshold reached in {because_of}: {free} HD calls free"));
        let results = self.order(Order::Start, &[id], Initiator::Pexip, None);
        self.history.reason = None;
        for (id, result) in results {
            if let Err(refusal) = result {
                self.controller.refused.insert(instance, now);
                self.note_cloud_alarm(format!("Cannot start {id}: {refusal}"), Some(node));
            }
        }
    }

    fn stop_idle_nodes(&mut self, watched: &[Watched], threshold: HdCalls) {
        let now = self.now;
        let lifetime = SignedDuration::from_mins(i64::from(self.management.bursting.min_lifetime_minutes));
        let mut idle = Vec::new();
        for overflow in watched.iter().map(|pair| pair.overflow).collect::<BTreeSet<_>>() {
            let needed = watched
                .iter()
                .filter(|pair| pair.overflow == overflow)
                .any(|pair| self.free_in(pair.media) <= threshold);
            let chained =
                self.bursting_nodes(overflow).any(|(ix, _)| self.nodes.get(ix).is_some_and(Node::is_busy))
                    && self.free_in(overflow) <= threshold;
            if needed || chained {
                continue;
            }
            for (node, instance) in self.bursting_nodes(overflow) {
                let Some(i) = self.instances.get(instance) else { continue };
                let old_enough =
                    i.now.launched_at.is_some_and(|launched| now.duration_since(launched) >= lifetime);
                let empty = self.nodes.get(node).is_some_and(|n| !n.is_busy());
                if i.now.state == InstanceState::Running && old_enough && empty {
                    idle.push(i.id.clone());
                }
            }
        }
        for id in idle {
            self.history.reason = Some("Idle and past its minimum lifetime".to_owned());
            self.order(Order::Stop, &[id], Initiator::Pexip, None);
            self.history.reason = None;
        }
    }
}
