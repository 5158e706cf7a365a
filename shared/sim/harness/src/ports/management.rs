//! The simulated Management Node as the management port, in process and typed: for scenarios and the lab, where
//! thousands of cycles are played. Served over HTTP, the same world meets the real client.

use std::net::Ipv4Addr;

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

use spillway_world::{SharedWorld, lock};

/// The Management Node of a world.
#[derive(Clone)]
pub struct SimManagement {
    pub(super) world: SharedWorld,
}

impl SimManagement {
    /// The Management Node of a world.
    pub fn new(world: SharedWorld) -> Self {
        Self { world }
    }
}

impl ManagementRead for SimManagement {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        lock(&self.world).platform(scope)
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        lock(&self.world).activity(node)
    }
}

impl PlatformRefresh for SimManagement {
    async fn refresh_platform(&self, known: &KnownPlatform, scope: PlatformScope) -> Result<Platform, Fault> {
        let read = lock(&self.world).platform(scope)?;
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
