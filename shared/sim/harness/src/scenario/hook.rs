//! The Management Node of a stage, with a place for surprises: what a script lets happen at the very moment when
//! Spillway reads a node's activity. This is how a call arrives between two steps of one cycle.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use spillway_core::fault::Fault;
use spillway_core::ids::{InstanceId, NodeId};
use spillway_core::observation::{Location, Node, NodeActivity, Platform};
use spillway_core::ports::{
    LicenceRead, Licences, ManagementRead, ManagementWrite, NodeRead, OverflowStart, PlatformScope,
};
use spillway_core::reconcile::NodeHistoryLine;

use crate::ports::SimManagement;
use spillway_world::{SharedWorld, World, lock};

type Surprise = Box<dyn FnOnce(&mut World) + Send>;

struct Waiting {
    node: Ipv4Addr,
    /// Readings still to come before it happens.
    left: u32,
    /// After the reading instead of before it.
    after: bool,
    surprise: Surprise,
}

/// The management port of a stage. Clones share the surprises.
#[derive(Clone)]
pub struct HookedManagement {
    management: SimManagement,
    world: SharedWorld,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

impl HookedManagement {
    pub(super) fn new(world: SharedWorld) -> Self {
        Self { management: SimManagement::new(Arc::clone(&world)), world, waiting: Arc::default() }
    }

    /// Lets something happen right before (or right after) the n-th reading of a node's activity from now.
    pub fn at_reading(
        &self,
        node: Ipv4Addr,
        nth: u32,
        after: bool,
        surprise: impl FnOnce(&mut World) + Send + 'static,
    ) {
        self.waiting().push(Waiting { node, left: nth, after, surprise: Box::new(surprise) });
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn happen(&self, node: Ipv4Addr, after: bool) {
        let mut waiting = self.waiting();
        for each in waiting.iter_mut().filter(|each| each.node == node && each.after == after) {
            each.left = each.left.saturating_sub(1);
        }
        let due: Vec<Waiting> = waiting
            .extract_if(.., |each| each.node == node && each.after == after && each.left == 0)
            .collect();
        drop(waiting);
        for each in due {
            (each.surprise)(&mut lock(&self.world));
        }
    }
}

impl ManagementRead for HookedManagement {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        self.management.read_platform(scope).await
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        self.happen(node, false);
        let activity = self.management.read_activity(node).await;
        self.happen(node, true);
        activity
    }
}

impl ManagementWrite for HookedManagement {
    async fn set_maintenance(&self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        self.management.set_maintenance(node, on, reason).await
    }

    async fn set_static_nat(&self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        self.management.set_static_nat(node, address).await
    }
}

impl LicenceRead for HookedManagement {
    async fn read_licences(&self) -> Result<Option<Licences>, Fault> {
        self.management.read_licences().await
    }
}

impl OverflowStart for HookedManagement {
    async fn read_cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        self.management.read_cloud_instances().await
    }

    async fn start_overflow_node(&self, instance: &InstanceId) -> Result<(), Fault> {
        self.management.start_overflow_node(instance).await
    }
}

impl NodeRead for HookedManagement {
    async fn read_nodes_at(&self, addresses: &[Ipv4Addr]) -> Result<Vec<Node>, Fault> {
        self.management.read_nodes_at(addresses).await
    }

    async fn read_locations(&self) -> Result<Vec<Location>, Fault> {
        self.management.read_locations().await
    }

    async fn read_node_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NodeHistoryLine>, Fault> {
        self.management.read_node_events(from, until).await
    }
}
