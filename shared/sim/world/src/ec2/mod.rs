//! EC2: starts and stops with everything that can go wrong with them, and state-change events. No public stand-in
//! takes time, keeps an Elastic IP, refuses for lack of capacity or emits events; this one does. How long things
//! take is a guess (see the settings). It never creates an instance by itself.

mod addresses;
mod elastic;
mod events;
mod refusals;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::{InstanceId, InstanceType};
use spillway_core::observation::{Fleet, InstanceState};

use crate::dice::Draw;

use crate::state::ec2::{FleetScope, TAG};
use crate::state::instance::{BootFailure, Initiator, Instance, InstanceIx, Shown};
use crate::state::{Happening, World, later};

pub(crate) use self::elastic::rejected;
pub(crate) use self::refusals::refusal;

/// Starts and stops, which differ only in what they do to one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Start,
    Stop,
}

impl World {
    /// Starts instances the way the adapters do: in requests by region, zone and type, within the request
    /// buckets, each refused instance costing one request more.
    pub fn start_instances(
        &mut self,
        instances: &[InstanceId],
        by: Initiator,
    ) -> Vec<(InstanceId, Result<(), Refusal>)> {
        self.order(Order::Start, instances, by, None)
    }

    /// Stops instances, likewise. Calls on their nodes are dropped.
    pub fn stop_instances(
        &mut self,
        instances: &[InstanceId],
        by: Initiator,
    ) -> Vec<(InstanceId, Result<(), Refusal>)> {
        self.order(Order::Stop, instances, by, None)
    }

    /// Starts instances with the rights of a stack's role, which ends at its tag value.
    pub fn start_as(
        &mut self,
        instances: &[InstanceId],
        tag_value: &str,
    ) -> Vec<(InstanceId, Result<(), Refusal>)> {
        self.order(Order::Start, instances, Initiator::Spillway, Some(tag_value))
    }

    /// Stops instances with the rights of a stack's role.
    pub fn stop_as(
        &mut self,
        instances: &[InstanceId],
        tag_value: &str,
    ) -> Vec<(InstanceId, Result<(), Refusal>)> {
        self.order(Order::Stop, instances, Initiator::Spillway, Some(tag_value))
    }

    pub(crate) fn order(
        &mut self,
        order: Order,
        instances: &[InstanceId],
        by: Initiator,
        tag_value: Option<&str>,
    ) -> Vec<(InstanceId, Result<(), Refusal>)> {
        let mut batches: BTreeMap<(String, String, InstanceType), Vec<InstanceId>> = BTreeMap::new();
        for id in instances {
            let key = self.by_instance.get(id).and_then(|ix| self.instances.get(*ix)).map_or_else(
                || (String::new(), String::new(), InstanceType::new("")),
                |i| (i.region.clone(), i.zone.clone(), i.instance_type.clone()),
            );
            batches.entry(key).or_default().push(id.clone());
        }
        let size = self.settings.ec2.batch.max(1);
        let mut results = Vec::with_capacity(instances.len());
        let mut throttled = false;
        // A person at the console has a bucket of his own as far as we are concerned.
        let unlimited = by == Initiator::Outside;
        for batch in batches.values().flat_map(|ids| ids.chunks(size)) {
            if throttled || !(unlimited || self.take_token()) {
                // The request that is throttled is told so; what comes after it is not sent.
                for id in batch {
                    let kind = if throttled { RefusalKind::NotAttempted } else { RefusalKind::Throttled };
                    results.push((id.clone(), Err(refusal(kind, id))));
                }
                throttled = true;
                continue;
            }
            for id in batch {
                let result = if throttled {
                    Err(refusal(RefusalKind::NotAttempted, id))
                } else {
                    self.order_one(order, id, by, tag_value)
                };
                if result.is_err() {
                    self.stats.ec2_refusals += 1;
                    // The adapter sends the rest again without it.
                    throttled = throttled || !(unlimited || self.take_token());
                }
                results.push((id.clone(), result));
            }
        }
        results
    }

    fn take_token(&mut self) -> bool {
        let settings = &self.settings.ec2;
        let since = self.ec2.tokens_at.map_or(0.0, |at| self.now.duration_since(at).as_secs_f64());
        let full = if self.ec2.tokens_at.is_none() { settings.request_tokens } else { self.ec2.tokens };
        self.ec2.tokens = (full + since * settings.request_refill).min(settings.request_tokens);
        self.ec2.tokens_at = Some(self.now);
        if self.ec2.tokens < 1.0 {
            return false;
        }
        self.ec2.tokens -= 1.0;
        true
    }

    fn order_one(
        &mut self,
        order: Order,
        id: &InstanceId,
        by: Initiator,
        tag_value: Option<&str>,
    ) -> Result<(), Refusal> {
        let known = self.by_instance.get(id).copied();
        let Some((ix, instance)) = known.and_then(|ix| self.instances.get(ix).map(|i| (ix, i))) else {
            return Err(refusal(RefusalKind::NoSuchInstance, id));
        };
        if tag_value.is_some_and(|value| instance.tags.get(TAG).map(String::as_str) != Some(value)) {
            return Err(refusal(RefusalKind::Unauthorized, id));
        }
        match order {
            Order::Start => self.start_one(ix, by),
            Order::Stop => self.stop_one(ix, by),
        }
    }

    fn start_one(&mut self, ix: InstanceIx, by: Initiator) -> Result<(), Refusal> {
        let Some(instance) = self.instances.get(ix) else { return Ok(()) };
        if matches!(instance.now.state, InstanceState::Pending | InstanceState::Running) {
            return Ok(());
        }
        let id = instance.id.clone();
        if let Some(refusal) = self.start_obstacle(instance) {
            if instance.now.state == InstanceState::Stopped && self.spend_for_all().is_none() {
                spend(&mut self.ec2.refuse_starts, &id);
            }
            return Err(refusal);
        }
        self.launch(ix);
        *self.stats.starts.entry(by).or_default() += 1;
        self.note_node_event(ix, "start", "starting", by);
        Ok(())
    }

    /// Why EC2 would refuse to start an instance at this instant; throttling apart.
    fn start_obstacle(&self, instance: &Instance) -> Option<Refusal> {
        let refuse = |kind| Some(refusal(kind, &instance.id));
        if instance.now.state != InstanceState::Stopped {
            return refuse(RefusalKind::WrongState);
        }
        if let Some((_, refusal)) = self.ec2.refuse_all.as_ref().filter(|(times, _)| *times > 0) {
            return Some(refusal.clone());
        }
        if let Some((_, refusal)) = self.ec2.refuse_starts.get(&instance.id).filter(|(times, _)| *times > 0) {
            return Some(refusal.clone());
        }
        let up = |wanted: &dyn Fn(&Instance) -> bool| {
            self.instances.iter().filter(|other| other.is_up() && wanted(other)).count()
        };
        if self.settings.ec2.quota.is_some_and(|quota| up(&|_| true) >= quota) {
            return refuse(RefusalKind::Quota);
        }
        let (kind, zone) = (&instance.instance_type, &instance.zone);
        if let Some(room) = self.ec2.capacity.get(&(kind.clone(), zone.clone()))
            && up(&|other| other.instance_type == *kind && other.zone == *zone) >= *room
        {
            return refuse(RefusalKind::InstanceCapacity);
        }
        let full = self
            .ec2
            .hosts
            .get(zone)
            .is_some_and(|room| up(&|other| other.on_host && other.zone == *zone) >= *room);
        if instance.on_host && full { refuse(RefusalKind::HostCapacity) } else { None }
    }

    /// One of the refusals for all is used up.
    fn spend_for_all(&mut self) -> Option<Refusal> {
        let (times, refusal) = self.ec2.refuse_all.as_mut().filter(|(times, _)| *times > 0)?;
        *times -= 1;
        Some(refusal.clone())
    }

    /// Whether EC2 would start an instance at this instant: it shows it as stopped, and nothing is in the way.
    pub fn could_start(&self, id: &InstanceId) -> bool {
        let Some(instance) = self.by_instance.get(id).and_then(|ix| self.instances.get(*ix)) else {
            return false;
        };
        let shown = instance.seen_at(self.now).is_some_and(|seen| seen.state == InstanceState::Stopped);
        shown && self.start_obstacle(instance).is_none()
    }

    /// The instance leaves `stopped`: it gets its addresses, and its fate is drawn.
    fn launch(&mut self, ix: InstanceIx) {
        let public_ip = self.next_public_address(ix);
        let boot = self.settings.boot.clone();
        let Some(instance) = self.instances.get_mut(ix) else { return };
        let (draw, nth) = (ix as u64, instance.starts);
        instance.starts += 1;
        instance.epoch += 1;
        let epoch = instance.epoch;
        let failure = instance.next_boot.take().or_else(|| {
            (self.dice.unit(Draw::NeverReady, draw, nth) < boot.never_ready)
                .then_some(BootFailure::NeverReady)
        });
        self.change_state(ix, |shown, now| Shown {
            state: InstanceState::Pending,
            reason: String::new(),
            launched_at: Some(now),
            public_ip: public_ip.or(shown.public_ip),
        });
        let pending = self.dice.between(Draw::Pending, draw, nth, boot.pending);
        self.plan(pending, Happening::InstanceRuns { instance: ix, epoch });
        let Some(node) = self.node_of.get(&ix).copied() else { return };
        let node_epoch = self.begin_boot(node);
        let ready = self.dice.between(Draw::BootTime, draw, nth, boot.ready).max(pending);
        match failure {
            None => {
                let contact = (ready - boot.first_contact.min(ready)).max(pending);
                self.plan(contact, Happening::NodeContacts { node, epoch: node_epoch });
                self.plan(ready, Happening::NodeReady { node, epoch: node_epoch });
            }
            Some(BootFailure::NeverReady) => self.stats.failed_boots += 1,
            Some(BootFailure::StopsAgain(after)) => {
                self.stats.failed_boots += 1;
                self.plan(after, Happening::InstanceFails { instance: ix, epoch });
            }
        }
    }

    fn stop_one(&mut self, ix: InstanceIx, by: Initiator) -> Result<(), Refusal> {
        let Some(instance) = self.instances.get(ix) else { return Ok(()) };
        match instance.now.state {
            InstanceState::Stopped | InstanceState::Stopping => return Ok(()),
            InstanceState::Running => {}
            _ => return Err(refusal(RefusalKind::WrongState, &instance.id)),
        }
        if instance.stop_protected {
            return Err(refusal(RefusalKind::NotPermitted, &instance.id));
        }
        let id = instance.id.clone();
        if let Some(refusal) = self.spend_for_all().or_else(|| spend(&mut self.ec2.refuse_stops, &id)) {
            return Err(refusal);
        }
        *self.stats.stops.entry(by).or_default() += 1;
        self.begin_stop(ix, "Client.UserInitiatedShutdown: User initiated shutdown", by);
        Ok(())
    }

    /// The instance leaves `running`, whoever wanted it; calls on its node are dropped at once.
    pub(crate) fn begin_stop(&mut self, ix: InstanceIx, reason: &str, by: Initiator) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(ix) else { return };
        instance.epoch += 1;
        let (epoch, nth) = (instance.epoch, instance.starts);
        instance.ran = instance.ran_until(now);
        instance.running_since = None;
        let reason = format!("{reason} ({now:.0})");
        self.change_state(ix, |shown, _| Shown { state: InstanceState::Stopping, reason, ..shown.clone() });
        if let Some(node) = self.node_of.get(&ix).copied() {
            self.node_goes_down(node, by);
        }
        self.note_node_event(ix, "stop", "stopping", by);
        let takes = self.dice.between(Draw::Stopping, ix as u64, nth, self.settings.boot.stopping);
        self.plan(takes, Happening::InstanceStopped { instance: ix, epoch });
    }

    pub(crate) fn instance_runs(&mut self, ix: InstanceIx, epoch: u64) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(ix).filter(|i| i.epoch == epoch) else { return };
        instance.running_since = Some(now);
        self.change_state(ix, |shown, _| Shown { state: InstanceState::Running, ..shown.clone() });
        self.note_node_event(ix, "running", "running", Initiator::Outside);
    }

    pub(crate) fn instance_stopped(&mut self, ix: InstanceIx, epoch: u64) {
        let Some(instance) = self.instances.get(ix).filter(|i| i.epoch == epoch) else { return };
        let elastic = instance.elastic_ip;
        self.change_state(ix, |shown, _| Shown {
            state: InstanceState::Stopped,
            // A dynamic address is given back; an Elastic IP stays.
            public_ip: elastic,
            ..shown.clone()
        });
    }

    pub(crate) fn instance_fails(&mut self, ix: InstanceIx, epoch: u64) {
        if self.instances.get(ix).is_some_and(|i| i.epoch == epoch) {
            self.begin_stop(ix, "Server.InternalError: Internal error on launch", Initiator::Outside);
        }
    }

    /// Moves an instance to another state: what a describe shows lags, and an event goes out.
    pub(crate) fn change_state(&mut self, ix: InstanceIx, to: impl FnOnce(&Shown, Timestamp) -> Shown) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(ix) else { return };
        let after = to(&instance.now, now);
        let (id, region) = (instance.id.clone(), instance.region.clone());
        let lag =
            self.dice.between(Draw::Consistency, ix as u64, instance.epoch, self.settings.ec2.consistency);
        let state = after.state;
        let before = std::mem::replace(&mut instance.now, after);
        match &instance.before {
            // Two changes within the lag: the oldest view stays until its own time.
            Some((_, until)) if now < *until => {}
            _ => instance.before = Some((before, later(now, lag))),
        }
        self.emit(&id, &region, state);
    }

    /// The instances as EC2 shows them at this instant, which may be a few seconds behind.
    pub fn fleet(&self, scope: &FleetScope) -> Fleet {
        let ours = self.instances.iter().filter(|instance| is_in(scope, instance));
        Fleet { instances: ours.filter_map(|i| i.seen_at(self.now)).collect(), ..Fleet::default() }
    }

    /// Whether an instance is one of a scope, listed or not.
    pub fn is_in_scope(&self, id: &InstanceId, scope: &FleetScope) -> bool {
        let instance = self.by_instance.get(id).and_then(|ix| self.instances.get(*ix));
        instance.is_some_and(|instance| is_in(scope, instance))
    }

    /// A public address for a start: the Elastic IP, or a new dynamic one.
    fn next_public_address(&mut self, ix: InstanceIx) -> Option<Ipv4Addr> {
        let instance = self.instances.get(ix)?;
        if instance.elastic_ip.is_some() || !instance.dynamic_address {
            return instance.elastic_ip;
        }
        Some(self.new_public_address())
    }

    /// A public address that nobody had before.
    pub(crate) fn new_public_address(&mut self) -> Ipv4Addr {
        let number = self.ec2.addresses_given;
        self.ec2.addresses_given += 1;
        // A permutation of 52.16.0.0/12: an odd multiplier reaches every address once.
        let offset = self.dice.bits(Draw::PublicAddress, 0, 0).wrapping_add(number.wrapping_mul(7_919));
        Ipv4Addr::from(u32::from(Ipv4Addr::new(52, 16, 0, 0)) | (offset & 0x000f_ffff) as u32)
    }

    /// Whether the instance is an overflow node of this platform.
    pub(crate) fn is_overflow_instance(&self, instance: &Instance) -> bool {
        instance.tags.get(TAG) == Some(&self.management.tag_value)
    }
}

fn is_in(scope: &FleetScope, instance: &Instance) -> bool {
    instance.tags.get(TAG) == Some(&scope.tag_value)
        && scope.regions.contains(&instance.region)
        && scope.vpcs.as_ref().is_none_or(|vpcs| vpcs.contains(&instance.vpc))
}

/// One of the refusals that a test arranged is used up.
fn spend(arranged: &mut BTreeMap<InstanceId, (u32, Refusal)>, id: &InstanceId) -> Option<Refusal> {
    let (times, refusal) = arranged.get_mut(id).filter(|(times, _)| *times > 0)?;
    *times -= 1;
    Some(refusal.clone())
}
