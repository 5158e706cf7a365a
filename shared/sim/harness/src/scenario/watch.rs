//! What must never happen, watched where it would happen: at every order to EC2. It knows the world as it really
//! is, not as Spillway sees it, and shares no code with the planner or the safety check. It never interferes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::{Fault, Refusal};
use spillway_core::ids::{AllocationId, HdCalls, InstanceId, LocationName, NodeId};
use spillway_core::observation::{Fleet, Instance, InstanceState, Node, NodeStatus};
use spillway_core::policy::Policy;
use spillway_core::ports::{
    AddressRead, AddressWrite, ElasticAddress, FleetRead, FleetWrite, InstanceOrder, InstanceScope,
    OrderResults, PlatformScope,
};

use crate::ports::SimFleet;
use spillway_world::{NodeView, ServiceView, SharedWorld, World, lock};

/// What was seen of the orders so far.
#[derive(Debug, Default)]
struct Seen {
    broken: Vec<String>,
    excess: Vec<String>,
    /// Locations whose starts are not measured against the need: a hold asks for them.
    held: BTreeSet<LocationName>,
    everything_held: bool,
    fault: Option<Fault>,
}

/// The fleet of a stage, and the eye on it. Clones share what was seen.
#[derive(Clone)]
pub struct WatchedFleet {
    fleet: SimFleet,
    world: SharedWorld,
    policy: Policy,
    seen: Arc<Mutex<Seen>>,
}

impl WatchedFleet {
    /// Watches a fleet.
    pub(super) fn new(fleet: SimFleet, world: SharedWorld, policy: Policy) -> Self {
        Self { fleet, world, policy, seen: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What should never have happened, one sentence each.
    pub fn broken(&self) -> Vec<String> {
        self.seen().broken.clone()
    }

    /// Starts beyond what was needed, one sentence each. Apart from the rest: when EC2's answer to a start is lost,
    /// one start too many is the price of not losing a call.
    pub fn excess(&self) -> Vec<String> {
        self.seen().excess.clone()
    }

    /// Starts here (everywhere: `None`) are for a hold from now on, and not measured against the need.
    pub(super) fn expect_holds(&self, location: Option<&str>) {
        match location {
            Some(name) => {
                self.seen().held.insert(LocationName::new(name));
            }
            None => self.seen().everything_held = true,
        }
    }

    /// Every read fails so, until it is given `None`.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.seen().fault = fault;
    }

    fn note(&self, at: Timestamp, what: &str) {
        self.seen().broken.push(format!("{} {what}", at.strftime("%H:%M:%S")));
    }

    fn note_excess(&self, at: Timestamp, what: &str) {
        self.seen().excess.push(format!("{} {what}", at.strftime("%H:%M:%S")));
    }

    /// An Elastic IP was associated: it was free, and nobody on the node noticed.
    fn watch_association(
        &self,
        world: &World,
        instance: &InstanceId,
        node: Option<&NodeView>,
        before: &[ElasticAddress],
    ) {
        let name = node.map_or_else(|| instance.to_string(), |node| node.name.to_string());
        for elastic in before {
            if let Some(holder) = elastic.instance.as_ref().filter(|holder| *holder != instance) {
                self.note(world.now(), &format!("{} was taken from {holder} for {name}", elastic.address));
            }
        }
        // Calls whose address was wrong all along lose nothing.
        let right = |node: &NodeView| node.static_nat.is_some() && node.static_nat == node.public_ip;
        if node.is_some_and(|node| node.busy && right(node)) {
            self.note(world.now(), &format!("{name} got another address while it hosted calls"));
        }
    }

    fn watch_starts(&self, world: &World, orders: &[InstanceOrder], shown_up: &BTreeSet<InstanceId>) {
        let nodes = by_instance(world);
        let measured = measured(world);
        let mut added: BTreeMap<&LocationName, Vec<u32>> = BTreeMap::new();
        for order in orders {
            let Some(node) = nodes.get(&order.instance) else {
                self.note(world.now(), &format!("start of {}, which is no node's instance", order.instance));
                continue;
            };
            if !node.is_overflow {
                self.note(world.now(), &format!("start of {}, which is not ours", node.name));
            }
            if matches!(node.state, Some(InstanceState::Pending | InstanceState::Running)) {
                let what = format!("start of {}, which is up already", node.name);
                if shown_up.contains(&order.instance) {
                    self.note(world.now(), &format!("{what}: two lives"));
                } else {
                    // EC2 itself still shows it stopped. It is the same life, since a start can be repeated; only the
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
                self.note(world.now(), &format!("stop of {}, which is no node's instance", order.instance));
                continue;
            };
            if !node.is_overflow {
                self.note(world.now(), &format!("stop of {}, which is not ours", node.name));
            }
            if node.state != Some(InstanceState::Running) {
                continue;
            }
            if node.busy {
                self.note(world.now(), &format!("stop of {}, which hosts calls", node.name));
            }
            let least = world
                .platform(PlatformScope { shards: false })
                .map_or(SignedDuration::ZERO, |platform| self.policy.min_lifetime_of(&platform.bursting));
            let age = node.launched_at.map(|at| world.now().duration_since(at));
            if age.is_some_and(|age| age < least) {
                self.note(world.now(), &format!("stop of {} before its minimum lifetime", node.name));
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

impl FleetRead for WatchedFleet {
    async fn read_fleet(&self) -> Result<Fleet, Fault> {
        if let Some(fault) = self.seen().fault.clone() {
            return Err(fault);
        }
        self.fleet.read_fleet().await
    }
}

impl FleetWrite for WatchedFleet {
    async fn start_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        let shown = self.fleet.read_fleet().await.map(|fleet| fleet.instances).unwrap_or_default();
        let shown_up: BTreeSet<InstanceId> = shown
            .into_iter()
            .filter(|each| matches!(each.state, InstanceState::Pending | InstanceState::Running))
            .map(|each| each.id)
            .collect();
        self.watch_starts(&lock(&self.world), orders, &shown_up);
        self.fleet.start_instances(orders).await
    }

    async fn stop_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        self.watch_stops(&lock(&self.world), orders);
        self.fleet.stop_instances(orders).await
    }
}

impl AddressRead for WatchedFleet {
    async fn read_instances(
        &self,
        scope: InstanceScope<'_>,
        always_on: bool,
    ) -> Result<Vec<Instance>, Fault> {
        if let Some(fault) = self.seen().fault.clone() {
            return Err(fault);
        }
        self.fleet.read_instances(scope, always_on).await
    }

    async fn read_addresses(
        &self,
        region: &str,
        allocations: &[AllocationId],
    ) -> Result<Vec<ElasticAddress>, Fault> {
        if let Some(fault) = self.seen().fault.clone() {
            return Err(fault);
        }
        self.fleet.read_addresses(region, allocations).await
    }
}

impl AddressWrite for WatchedFleet {
    async fn associate_address(
        &self,
        region: &str,
        instance: &InstanceId,
        allocation: &AllocationId,
    ) -> Result<(), Refusal> {
        let before = lock(&self.world).describe_addresses(std::slice::from_ref(allocation));
        let node = by_instance(&lock(&self.world)).remove(instance);
        let done = self.fleet.associate_address(region, instance, allocation).await;
        if done.is_ok() {
            self.watch_association(&lock(&self.world), instance, node.as_ref(), &before);
        }
        done
    }
}
