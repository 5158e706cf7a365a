//! What a scenario does to the world by hand: calls, capacity, failures, people at the console. Everything here
//! is something that can happen to a real platform; nothing reaches around the rules except
//! [`World::seat_calls`], which says so.

use jiff::SignedDuration;
use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::{InstanceId, InstanceType};

use crate::load_model::{CallMedia, MeetingKind};

use crate::capacity::Load;
use crate::ec2::refusal;
use crate::state::calls::Seat;
use crate::state::calls::{CallId, RefusalCause};
use crate::state::conference::Group;
use crate::state::instance::{BootFailure, Initiator, Instance, InstanceIx};
use crate::state::node::NodeIx;
use crate::state::{Happening, World, later};

/// A call made by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallHandle(CallId);

/// What a call made by hand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSpec {
    /// Media.
    pub media: CallMedia,
    /// Calls with the same number are one conference; `None` for one of its own.
    pub conference: Option<u64>,
    /// When it ends by itself; `None` for never.
    pub lasts: Option<SignedDuration>,
    /// From the internet: needs the right static NAT address.
    pub from_internet: bool,
}

impl CallSpec {
    /// A plain HD call that stays until it is hung up.
    pub const HD: Self = Self { media: CallMedia::HD, conference: None, lasts: None, from_internet: false };
}

impl World {
    /// A call comes in at a location and is placed by the rules. Not counted among the callers of the load.
    pub fn call(&mut self, location: &str, spec: CallSpec) -> Result<CallHandle, RefusalCause> {
        let location = self.location_named(location).ok_or(RefusalCause::NoSignalling)?;
        let group = self.group_by_hand(spec);
        let seat = self.find_seat(location, group, spec.media, 1, spec.from_internet)?;
        Ok(self.connect_by_hand(group, spec, seat))
    }

    /// Calls come in one after another until one is refused or there are `count`; gives those that were placed.
    pub fn call_many(&mut self, location: &str, count: u32, spec: CallSpec) -> Vec<CallHandle> {
        (0..count).map_while(|_| self.call(location, spec).ok()).collect()
    }

    /// Puts calls on a node whatever the rules of placement say, up to its capacity, each signalled there too.
    pub fn seat_calls(&mut self, node: &str, count: u32, spec: CallSpec) -> Vec<CallHandle> {
        let Some(ix) = self.node_named(node) else { return Vec::new() };
        let mut calls = Vec::new();
        for _ in 0..count {
            let Some(n) = self.nodes.get(ix) else { break };
            let load = n.capacity.weight(spec.media);
            if n.capacity.load() - n.load < load {
                break;
            }
            let seat = Seat { location: n.location, media: ix, signalling: ix, proxy: None, load };
            let group = self.group_by_hand(spec);
            calls.push(self.connect_by_hand(group, spec, seat));
        }
        calls
    }

    fn group_by_hand(&self, spec: CallSpec) -> Group {
        // A conference of its own has a number that nobody chooses.
        Group::ByHand(spec.conference.unwrap_or((1 << 32) + self.next_call))
    }

    fn connect_by_hand(&mut self, group: Group, spec: CallSpec, seat: Seat) -> CallHandle {
        let call = self.connect(group, MeetingKind::Meeting, spec.media, 1, seat, false);
        if let Some(lasts) = spec.lasts {
            self.plan(lasts, Happening::CallEnds { call });
        }
        CallHandle(call)
    }

    /// Ends a call; one that has ended is fine.
    pub fn hang_up(&mut self, call: CallHandle) {
        self.call_ends(call.0);
    }

    /// Ends calls.
    pub fn hang_up_all(&mut self, calls: &[CallHandle]) {
        for call in calls {
            self.hang_up(*call);
        }
    }

    /// Where a call's media is; `None` when it has ended or was dropped.
    pub fn media_node_of(&self, call: CallHandle) -> Option<String> {
        let call = self.calls.get(&call.0)?;
        self.nodes.get(call.seat.media).map(|node| node.name.to_string())
    }

    /// Holds a node's reports back (stale telemetry), or lets them go on.
    pub fn silence(&mut self, node: &str, silent: bool) {
        if let Some(node) = self.node_named(node).and_then(|ix| self.nodes.get_mut(ix)) {
            node.silent = silent;
        }
    }

    /// Keeps changes of the configuration from reaching a node that runs, or lets them through again. A boot brings all of it.
    pub fn cut_off(&mut self, node: &str, cut_off: bool) {
        if let Some(node) = self.node_named(node).and_then(|ix| self.nodes.get_mut(ix)) {
            node.cut_off = cut_off;
        }
    }

    /// The Management Node shows a null `media_load` for a node, or a number again.
    pub fn hide_media_load(&mut self, node: &str, hidden: bool) {
        if let Some(node) = self.node_named(node).and_then(|ix| self.nodes.get_mut(ix)) {
            node.hides_load = hidden;
        }
    }

    /// A person sets or clears maintenance mode at the console.
    pub fn person_sets_maintenance(&mut self, node: &str, on: bool, reason: &str) {
        if let Some(ix) = self.node_named(node) {
            self.configure_node(ix, |settings| {
                settings.maintenance = on;
                settings.maintenance_reason = if on { reason.to_owned() } else { String::new() };
            });
        }
    }

    /// A location's share of the callers.
    pub fn set_share(&mut self, location: &str, share: f64) {
        if let Some(location) = self.location_named(location).and_then(|ix| self.locations.get_mut(ix)) {
            location.share = share;
        }
    }

    /// How many instances of a type may run in a zone; `None` for as many as you like.
    pub fn set_capacity(&mut self, instance_type: &str, zone: &str, room: Option<usize>) {
        let key = (InstanceType::new(instance_type), zone.to_owned());
        match room {
            Some(room) => self.ec2.capacity.insert(key, room),
            None => self.ec2.capacity.remove(&key),
        };
    }

    /// How many instances fit on the dedicated hosts of a zone.
    pub fn set_host_capacity(&mut self, zone: &str, room: usize) {
        self.ec2.hosts.insert(zone.to_owned(), room);
    }

    /// The account's quota of running instances.
    pub fn set_quota(&mut self, quota: Option<usize>) {
        self.settings.ec2.quota = quota;
    }

    /// The next starts of an instance are refused.
    pub fn refuse_starts(&mut self, instance: &InstanceId, times: u32, kind: RefusalKind) {
        self.refuse_starts_as(instance, times, refusal(kind, instance));
    }

    /// The next starts of an instance are refused in these words.
    pub fn refuse_starts_as(&mut self, instance: &InstanceId, times: u32, refusal: Refusal) {
        self.ec2.refuse_starts.insert(instance.clone(), (times, refusal));
    }

    /// The next orders are refused in these words, whichever instance they are for.
    pub fn refuse_orders_as(&mut self, times: u32, refusal: Refusal) {
        self.ec2.refuse_all = Some((times, refusal));
    }

    /// The next stops of an instance are refused in these words.
    pub fn refuse_stops_as(&mut self, instance: &InstanceId, times: u32, refusal: Refusal) {
        self.ec2.refuse_stops.insert(instance.clone(), (times, refusal));
    }

    /// What the next start of a node comes to.
    pub fn fail_next_boot(&mut self, node: &str, failure: BootFailure) {
        if let Some(instance) = self.instance_of(node) {
            instance.next_boot = Some(failure);
        }
    }

    /// Protects an instance from being stopped.
    pub fn protect_from_stop(&mut self, node: &str, protected: bool) {
        if let Some(instance) = self.instance_of(node) {
            instance.stop_protected = protected;
        }
    }

    /// Sets or removes a tag of a node's instance.
    pub fn set_tag(&mut self, node: &str, key: &str, value: Option<&str>) {
        if let Some(instance) = self.instance_of(node) {
            match value {
                Some(value) => instance.tags.insert(key.to_owned(), value.to_owned()),
                None => instance.tags.remove(key),
            };
        }
    }

    /// The instance of a node is not listed until so much time has passed (EC2 is eventually consistent).
    pub fn unlist_for(&mut self, node: &str, time: SignedDuration) {
        let until = later(self.now, time);
        if let Some(instance) = self.instance_of(node) {
            instance.listed_from = Some(until);
        }
    }

    /// Whether the Management Node's own EC2 credentials work.
    pub fn set_ec2_reachable_for_pexip(&mut self, reachable: bool) {
        self.ec2.reachable_for_pexip = reachable;
    }

    /// Somebody starts the node's instance.
    pub fn outside_starts(&mut self, node: &str) {
        if let Some(id) = self.node(node).and_then(|n| n.instance) {
            self.start_instances(&[id], Initiator::Outside);
        }
    }

    /// Somebody stops the node's instance.
    pub fn outside_stops(&mut self, node: &str) {
        if let Some(id) = self.node(node).and_then(|n| n.instance) {
            self.stop_instances(&[id], Initiator::Outside);
        }
    }

    /// Somebody terminates the node's instance. It is listed as terminated from now on.
    pub fn outside_terminates(&mut self, node: &str) {
        if let Some(id) = self.node(node).and_then(|n| n.instance) {
            // The node has one, so EC2 knows it.
            let _ = self.operator_terminates(&id);
        }
    }

    /// A node stops answering although its instance runs; its calls are lost to nobody's order.
    pub fn node_crashes(&mut self, node: &str) {
        if let Some(ix) = self.node_named(node) {
            self.node_goes_down(ix, Initiator::Outside);
        }
    }

    fn node_and_instance(&self, node: &str) -> Option<(NodeIx, InstanceIx)> {
        let ix = self.node_named(node)?;
        Some((ix, self.nodes.get(ix)?.instance?))
    }

    fn instance_of(&mut self, node: &str) -> Option<&mut Instance> {
        let (_, ix) = self.node_and_instance(node)?;
        self.instances.get_mut(ix)
    }

    /// Load that could be taken at once, everywhere.
    pub fn free_load(&self) -> Load {
        self.nodes.iter().map(crate::state::node::Node::room).sum()
    }
}
