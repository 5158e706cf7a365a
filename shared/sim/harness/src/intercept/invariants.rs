//! What must never happen, watched where it would happen: at every order to EC2. It knows the world as it really
//! is, not as Spillway sees it, and shares no code with the planner or the safety check. It never interferes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ids::{AllocationId, HdCalls, InstanceId, LocationName, NodeId};
use spillway_core::observation::ElasticAddress;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{InstanceState, Node, NodeStatus};
use spillway_core::policy::Policy;
use spillway_engine::ports::InstanceOrder;
use spillway_world::{FleetScope, NodeView, ServiceView, SharedWorld, World, lock};

use super::{Call, Interceptor};
use crate::ports::SimClock;
use crate::rule::{Broken, Rule};

/// A cycle lasts this long at most.
const A_CYCLE: SignedDuration = SignedDuration::from_secs(45);

/// What was seen of the orders so far.
#[derive(Debug, Default)]
struct Seen {
    broken: Vec<Broken>,
    excess: Vec<String>,
    /// Locations whose starts are not measured against the need: a hold asks for them.
    held: BTreeSet<LocationName>,
    everything_held: bool,
    /// Associations that were asked for and not yet answered.
    associations: BTreeMap<(InstanceId, AllocationId), Before>,
}

/// What was so when an association was asked for.
#[derive(Debug)]
struct Before {
    node: Option<NodeView>,
    addresses: Vec<ElasticAddress>,
}

/// The watch on a fleet. Clones share what was seen.
#[derive(Clone)]
pub struct Invariants {
    scope: FleetScope,
    world: SharedWorld,
    policy: Policy,
    clock: SimClock,
    seen: Arc<Mutex<Seen>>,
}

impl Invariants {
    /// Watches the orders to the instances of a scope.
    pub(crate) fn new(scope: FleetScope, clock: SimClock, world: SharedWorld, policy: Policy) -> Self {
        Self { scope, world, policy, clock, seen: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What should never have happened, one sentence each.
    pub fn broken(&self) -> Vec<Broken> {
        self.seen().broken.clone()
    }

    /// Starts beyond what was needed, one sentence each. Apart from the rest: when EC2's answer to a start is lost,
    /// one start too many is the price of not losing a call.
    pub fn excess(&self) -> Vec<String> {
        self.seen().excess.clone()
    }

    /// Starts here (everywhere: `None`) are for a hold from now on, and not measured against the need.
    pub(crate) fn expect_holds(&self, location: Option<&str>) {
        match location {
            Some(name) => {
                self.seen().held.insert(LocationName::new(name));
            }
            None => self.seen().everything_held = true,
        }
    }

    fn note(&self, at: Timestamp, rule: Rule, what: &str) {
        self.seen().broken.push(Broken { rule, what: format!("{} {what}", at.strftime("%H:%M:%S")) });
    }

    fn note_excess(&self, at: Timestamp, what: &str) {
        self.seen().excess.push(format!("{} {what}", at.strftime("%H:%M:%S")));
    }

    /// An Elastic IP was associated: it was free, and nobody on the node noticed.
    fn watch_association(&self, now: Timestamp, instance: &InstanceId, before: &Before) {
        let name = before.node.as_ref().map_or_else(|| instance.to_string(), |node| node.name.to_string());
        for elastic in &before.addresses {
            if let Some(holder) = elastic.instance.as_ref().filter(|holder| *holder != instance) {
                self.note(
                    now,
                    Rule::Address,
                    &format!("{} was taken from {holder} for {name}", elastic.address),
                );
            }
        }
        // Calls whose address was wrong all along lose nothing.
        let right = |node: &NodeView| node.static_nat.is_some() && node.static_nat == node.public_ip;
        if before.node.as_ref().is_some_and(|node| node.busy && right(node)) {
            self.note(now, Rule::Address, &format!("{name} got another address while it hosted calls"));
        }
    }

    fn watch_starts(&self, world: &World, orders: &[InstanceOrder]) {
        let shown_up: BTreeSet<InstanceId> = world
            .fleet(&self.scope)
            .instances
            .into_iter()
            .filter(|each| matches!(each.state, InstanceState::Pending | InstanceState::Running))
            .map(|each| each.id)
            .collect();
        let nodes = by_instance(world);
        let measured = measured(world);
        let mut added: BTreeMap<&LocationName, Vec<u32>> = BTreeMap::new();
        for order in orders {
            let Some(node) = nodes.get(&order.instance) else {
                self.note(
                    world.now(),
                    Rule::Foreign,
                    &format!("start of {}, which is no node's instance", order.instance),
                );
                continue;
            };
            if !world.is_in_scope(&order.instance, &self.scope) {
                self.note(world.now(), Rule::Foreign, &format!("start of {}, which is not ours", node.name));
            }
            if matches!(node.state, Some(InstanceState::Pending | InstanceState::Running)) {
                let what = format!("start of {}, which is up already", node.name);
                // Another cycle may have started it while this one waited for the Management Node.
                let lately = node.launched_at.is_some_and(|at| world.now().duration_since(at) < A_CYCLE);
                if shown_up.contains(&order.instance) && !lately {
                    self.note(world.now(), Rule::Order, &format!("{what}: a second start"));
                } else {
                    // EC2 itself still shows it stopped. It is the same run, since a start can be repeated; only the
                    // ledger could have known.
                    self.note_excess(world.now(), &what);
                }
            } else {
                added.entry(&node.location).or_default().push(capacity(&measured, node));
            }
        }
        for (location, calls) in added {
            let held = self.seen().everything_held || self.seen().held.contains(location);
            let Some((room, threshold)) = self.room(world, location).filter(|_| !held) else { continue };
            // Without the largest of them there would still be too little room.
            let most: u32 = calls.iter().sum::<u32>() - calls.iter().max().copied().unwrap_or(0);
            if room + most > threshold {
                let what = format!(
                    "{} starts in {location}, where {room} HD calls were free or on their way, threshold {threshold}",
                    calls.len()
                );
                self.note_excess(world.now(), &what);
            }
        }
    }

    /// HD calls free or on their way in a location, and its threshold, as the best informed could know them.
    fn room(&self, world: &World, location: &LocationName) -> Option<(u32, u32)> {
        let platform = world.platform(PlatformScope { shards: false }).ok()?;
        let reported: BTreeMap<_, &NodeStatus> = platform
            .nodes
            .iter()
            .filter_map(|node| node.status.as_ref().map(|status| (node.id, status)))
            .collect();
        let measured = measured(world);
        let mut room = 0;
        for node in world.nodes().iter().filter(|node| node.location == *location && node.is_overflow) {
            let age = node.launched_at.map(|at| world.now().duration_since(at));
            let young = age.is_some_and(|age| age <= self.policy.boot_limit);
            room += match (node.state, node.service) {
                (Some(InstanceState::Pending | InstanceState::Running), _) if node.maintenance_configured => {
                    0
                }
                (Some(InstanceState::Pending | InstanceState::Running), ServiceView::Ready) => {
                    let Some(status) = reported.get(&node.id) else { continue };
                    let fresh = status
                        .last_updated
                        .is_some_and(|at| world.now().duration_since(at) <= self.policy.staleness);
                    if fresh {
                        spillway_core::assess::free_hd_calls(status).map_or(0, |calls| calls.0)
                    } else {
                        0
                    }
                }
                (Some(InstanceState::Pending | InstanceState::Running), ServiceView::Booting) if young => {
                    capacity(&measured, node)
                }
                _ => 0,
            };
        }
        Some((room, self.policy.threshold_of(location, &platform.bursting).0))
    }

    fn watch_stops(&self, world: &World, orders: &[InstanceOrder]) {
        let nodes = by_instance(world);
        for order in orders {
            let Some(node) = nodes.get(&order.instance) else {
                self.note(
                    world.now(),
                    Rule::Foreign,
                    &format!("stop of {}, which is no node's instance", order.instance),
                );
                continue;
            };
            if !world.is_in_scope(&order.instance, &self.scope) {
                self.note(world.now(), Rule::Foreign, &format!("stop of {}, which is not ours", node.name));
            }
            if node.state != Some(InstanceState::Running) {
                continue;
            }
            if node.busy {
                self.note(
                    world.now(),
                    Rule::CallDropped,
                    &format!("stop of {}, which hosts calls", node.name),
                );
            }
            let least = world
                .platform(PlatformScope { shards: false })
                .map_or(SignedDuration::ZERO, |platform| self.policy.min_lifetime_of(&platform.bursting));
            let age = node.launched_at.map(|at| world.now().duration_since(at));
            // Ages are taken by our clock.
            if age.is_some_and(|age| age + self.clock.ahead() < least) {
                self.note(
                    world.now(),
                    Rule::Order,
                    &format!("stop of {} before its minimum lifetime", node.name),
                );
            }
        }
    }
}

fn by_instance(world: &World) -> BTreeMap<InstanceId, NodeView> {
    world.nodes().into_iter().filter_map(|node| Some((node.instance.clone()?, node))).collect()
}

/// Capacities that nodes have measured.
fn measured(world: &World) -> BTreeMap<NodeId, u32> {
    let platform = world.platform(PlatformScope { shards: false });
    let nodes = platform.map(|platform| platform.nodes).unwrap_or_default();
    let calls = |node: Node| Some((node.id, node.status?.max_hd_calls.0)).filter(|(_, calls)| *calls > 0);
    nodes.into_iter().filter_map(calls).collect()
}

/// HD calls of a node when empty, as a controller would know it: measured once, else the recommended type's.
fn capacity(measured: &BTreeMap<NodeId, u32>, node: &NodeView) -> u32 {
    measured.get(&node.id).copied().unwrap_or(HdCalls::RECOMMENDED_NODE.0)
}

impl Interceptor for Invariants {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        let world = lock(&self.world);
        match *call {
            Call::StartInstances(orders) => self.watch_starts(&world, orders),
            Call::StopInstances(orders) => self.watch_stops(&world, orders),
            Call::AssociateAddress { instance, allocation } => {
                let before = Before {
                    node: by_instance(&world).remove(instance),
                    addresses: world.describe_addresses(std::slice::from_ref(allocation)),
                };
                self.seen().associations.insert((instance.clone(), allocation.clone()), before);
            }
            _ => {}
        }
        Ok(())
    }

    async fn after(&self, call: &Call<'_>, done: bool) -> Result<(), Fault> {
        if let Call::AssociateAddress { instance, allocation } = *call {
            let before = self.seen().associations.remove(&(instance.clone(), allocation.clone()));
            if let Some(before) = before.filter(|_| done) {
                self.watch_association(lock(&self.world).now(), instance, &before);
            }
        }
        Ok(())
    }
}
