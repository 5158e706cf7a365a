//! The simulated Management Node as the management port, in process and typed: for scenarios and the lab, where
//! thousands of cycles are played. Served over HTTP, the same world meets the real client.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use spillway_core::fault::Fault;
use spillway_core::ids::{InstanceId, LocationId, NodeId};
use spillway_core::ledger::KnownPlatform;
use spillway_core::observation::Licences;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{Certificate, NodeActivity, Platform};
use spillway_engine::ports::{
    CertificateRead, ConfigurationWrite, LicenceRead, ManagementRead, ManagementWrite, OverflowStart,
    PlatformRefresh,
};

use spillway_world::{SharedWorld, later, lock};

/// The Management Node of a world.
#[derive(Clone)]
pub struct SimManagement {
    pub(super) world: SharedWorld,
    /// Clones share it.
    lies: Arc<Mutex<Lies>>,
}

/// What the Management Node does not say as it is.
#[derive(Debug, Clone, Copy, Default)]
struct Lies {
    /// Its clock is ahead of EC2's by this much.
    ahead: SignedDuration,
    /// No conference shard is listed.
    no_shards: bool,
}

impl SimManagement {
    /// The Management Node of a world.
    pub fn new(world: SharedWorld) -> Self {
        Self { world, lies: Arc::default() }
    }

    /// Its clock is ahead of EC2's from now on, or behind: with it, when nodes reported.
    pub fn set_ahead(&self, ahead: SignedDuration) {
        self.lies().ahead = ahead;
    }

    /// Its list of conference shards is empty from now on, whatever runs; or true again.
    pub fn hide_shards(&self, hidden: bool) {
        self.lies().no_shards = hidden;
    }

    fn lies(&self) -> MutexGuard<'_, Lies> {
        self.lies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The platform as this Management Node shows it.
    fn shown(&self, mut platform: Platform) -> Platform {
        let Lies { ahead, no_shards } = *self.lies();
        if no_shards && let Some(shards) = &mut platform.shards {
            shards.clear();
        }
        if !ahead.is_zero() {
            platform.server_time = later(platform.server_time, ahead);
            for status in platform.nodes.iter_mut().filter_map(|node| node.status.as_mut()) {
                status.last_updated = status.last_updated.map(|at| later(at, ahead));
            }
        }
        platform
    }
}

impl ManagementRead for SimManagement {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        let platform = lock(&self.world).platform(scope)?;
        Ok(self.shown(platform))
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        lock(&self.world).activity(node)
    }
}

impl PlatformRefresh for SimManagement {
    async fn refresh_platform(&self, known: &KnownPlatform, scope: PlatformScope) -> Result<Platform, Fault> {
        let read = self.read_platform(scope).await?;
        let KnownPlatform { address, version, upgrading, bursting, locations } = known.clone();
        Ok(Platform { address, version, upgrading, bursting, locations, ..read })
    }
}

impl CertificateRead for SimManagement {
    /// The world has none: they are the served Management Node's.
    async fn read_certificates(&self) -> Result<Vec<Certificate>, Fault> {
        Ok(Vec::new())
    }
}

impl ManagementWrite for SimManagement {
    async fn set_maintenance(&self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        lock(&self.world).set_maintenance(node, on, reason)
    }

    async fn set_static_nat(&self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        lock(&self.world).set_static_nat(node, address)
    }
}

impl ConfigurationWrite for SimManagement {
    async fn set_location(&self, node: NodeId, location: LocationId) -> Result<(), Fault> {
        lock(&self.world).set_location(node, location)
    }

    async fn set_distributed_database(&self, node: NodeId, on: bool) -> Result<(), Fault> {
        lock(&self.world).set_distributed_database(node, on)
    }

    async fn delete_node(&self, node: NodeId) -> Result<(), Fault> {
        lock(&self.world).delete_worker(node)
    }
}

impl LicenceRead for SimManagement {
    async fn read_licences(&self) -> Result<Option<Licences>, Fault> {
        lock(&self.world).licences()
    }
}

impl OverflowStart for SimManagement {
    async fn read_cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        lock(&self.world).cloud_instances()
    }

    async fn start_overflow_node(&self, instance: &InstanceId) -> Result<(), Fault> {
        lock(&self.world).start_overflow_node(instance)
    }
}
