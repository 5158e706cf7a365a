//! The simulated EC2 as the fleet port: what the role of a stack may see and do, and nothing else. An instance
//! without the platform's tag can neither be seen nor touched, as with the real role.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::observation::Fleet;
use spillway_engine::ports::{FleetRead, FleetWrite, InstanceOrder, OrderResults};

use spillway_world::{FleetScope, SharedWorld, lock};

/// The fleet of one platform. Clones share what goes wrong.
#[derive(Clone)]
pub struct SimFleet {
    pub(super) world: SharedWorld,
    pub(super) scope: FleetScope,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl SimFleet {
    /// The instances with this tag value in the default region, any VPC.
    pub fn new(world: SharedWorld, tag_value: &str) -> Self {
        Self::in_scope(
            world,
            FleetScope { tag_value: tag_value.to_owned(), regions: vec!["eu-west-1".to_owned()], vpcs: None },
        )
    }

    /// The instances of a scope.
    pub fn in_scope(world: SharedWorld, scope: FleetScope) -> Self {
        Self { world, scope, fault: Arc::default() }
    }

    /// Only these VPCs.
    #[must_use]
    pub fn in_vpcs(mut self, vpcs: &[&str]) -> Self {
        self.scope.vpcs = Some(vpcs.iter().map(|vpc| (*vpc).to_owned()).collect::<BTreeSet<_>>());
        self
    }

    /// The scope that is seen.
    pub fn scope(&self) -> &FleetScope {
        &self.scope
    }

    /// Every read fails so.
    #[must_use]
    pub fn failing(self, fault: Fault) -> Self {
        self.set_fault(Some(fault));
        self
    }

    /// Every read fails so, until it is given `None`.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub(super) fn readable(&self) -> Result<(), Fault> {
        match &*self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    fn ids(orders: &[InstanceOrder]) -> Vec<InstanceId> {
        orders.iter().map(|order| order.instance.clone()).collect()
    }
}

impl FleetRead for SimFleet {
    async fn read_fleet(&self) -> Result<Fleet, Fault> {
        self.readable()?;
        Ok(lock(&self.world).fleet(&self.scope))
    }
}

impl FleetWrite for SimFleet {
    async fn start_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        lock(&self.world).start_as(&Self::ids(orders), &self.scope.tag_value)
    }

    async fn stop_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        lock(&self.world).stop_as(&Self::ids(orders), &self.scope.tag_value)
    }
}
