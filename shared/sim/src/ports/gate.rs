//! One wrapper for all ports, through which every call goes twice: before its effect and after it. What happens
//! at the gate (nothing, a fault, never coming back) is the gate's business; the wrapped port never knows.

use std::future::Future;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::fault::{Fault, FaultKind, Refusal, RefusalKind, System};
use spillway_core::ids::{HoldId, InstanceId, NodeId};
use spillway_core::ledger::{CycleRecord, Digest, Event, Hold, Ledger, LocationLoad, NodeRecord, Request};
use spillway_core::observation::{Fleet, NodeActivity, Platform};
use spillway_core::ports::{
    FleetRead, FleetWrite, InstanceOrder, Lease, LeaseError, LedgerRead, LedgerWrite, LicenceRead, Licences,
    ManagementRead, ManagementWrite, OrderResults, OverflowStart, PlatformScope,
};

/// What a port call meets on its way in and out.
pub trait Gate: Send + Sync {
    /// Before the effect; a fault keeps the effect from happening.
    fn enter(&self, system: System) -> impl Future<Output = Result<(), Fault>> + Send;
    /// After the effect; a fault hides that it happened.
    fn leave(&self, system: System) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A port behind a gate.
#[derive(Debug, Clone)]
pub struct Gated<P, G> {
    pub(super) port: P,
    pub(super) gate: G,
}

impl<P, G> Gated<P, G> {
    /// Puts a port behind a gate.
    pub fn new(port: P, gate: G) -> Self {
        Self { port, gate }
    }

    /// The port itself.
    pub fn inner(&self) -> &P {
        &self.port
    }
}

const EC2: System = System::Ec2;
const PEXIP: System = System::ManagementNode;
const LEDGER: System = System::Ledger;

impl<P: FleetRead, G: Gate> FleetRead for Gated<P, G> {
    async fn read_fleet(&self) -> Result<Fleet, Fault> {
        self.gate.enter(EC2).await?;
        let read = self.port.read_fleet().await;
        self.gate.leave(EC2).await?;
        read
    }
}

/// What EC2's orders give when the request itself failed.
fn all_refused(orders: &[InstanceOrder], fault: &Fault) -> OrderResults {
    let kind = match fault.kind {
        FaultKind::Throttled => RefusalKind::Throttled,
        FaultKind::Unauthorized | FaultKind::Forbidden => RefusalKind::Unauthorized,
        _ => RefusalKind::Other,
    };
    let refusal = Refusal { kind, code: "RequestFailed".to_owned(), message: fault.to_string() };
    orders.iter().map(|order| (order.instance.clone(), Err(refusal.clone()))).collect()
}

impl<P: FleetWrite, G: Gate> FleetWrite for Gated<P, G> {
    async fn start_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        if let Err(fault) = self.gate.enter(EC2).await {
            return all_refused(orders, &fault);
        }
        let results = self.port.start_instances(orders).await;
        match self.gate.leave(EC2).await {
            Ok(()) => results,
            Err(fault) => all_refused(orders, &fault),
        }
    }

    async fn stop_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        if let Err(fault) = self.gate.enter(EC2).await {
            return all_refused(orders, &fault);
        }
        let results = self.port.stop_instances(orders).await;
        match self.gate.leave(EC2).await {
            Ok(()) => results,
            Err(fault) => all_refused(orders, &fault),
        }
    }
}

impl<P: ManagementRead, G: Gate> ManagementRead for Gated<P, G> {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_platform(scope).await;
        self.gate.leave(PEXIP).await?;
        read
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_activity(node).await;
        self.gate.leave(PEXIP).await?;
        read
    }
}

impl<P: ManagementWrite, G: Gate> ManagementWrite for Gated<P, G> {
    async fn set_maintenance(&self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        self.gate.enter(PEXIP).await?;
        let done = self.port.set_maintenance(node, on, reason).await;
        self.gate.leave(PEXIP).await?;
        done
    }

    async fn set_static_nat(&self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        self.gate.enter(PEXIP).await?;
        let done = self.port.set_static_nat(node, address).await;
        self.gate.leave(PEXIP).await?;
        done
    }
}

impl<P: LicenceRead, G: Gate> LicenceRead for Gated<P, G> {
    async fn read_licences(&self) -> Result<Option<Licences>, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_licences().await;
        self.gate.leave(PEXIP).await?;
        read
    }
}

impl<P: OverflowStart, G: Gate> OverflowStart for Gated<P, G> {
    async fn read_cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_cloud_instances().await;
        self.gate.leave(PEXIP).await?;
        read
    }

    async fn start_overflow_node(&self, instance: &InstanceId) -> Result<(), Fault> {
        self.gate.enter(PEXIP).await?;
        let done = self.port.start_overflow_node(instance).await;
        self.gate.leave(PEXIP).await?;
        done
    }
}

impl<P: LedgerRead, G: Gate> LedgerRead for Gated<P, G> {
    async fn read_ledger(&self, now: Timestamp) -> Result<Ledger, Fault> {
        self.gate.enter(LEDGER).await?;
        let read = self.port.read_ledger(now).await;
        self.gate.leave(LEDGER).await?;
        read
    }

    async fn read_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        self.gate.enter(LEDGER).await?;
        let read = self.port.read_events(from, until).await;
        self.gate.leave(LEDGER).await?;
        read
    }
}

impl<P: LedgerWrite, G: Gate> LedgerWrite for Gated<P, G> {
    async fn take_lease(&self, seen: &CycleRecord, owner: &str, now: Timestamp) -> Result<Lease, LeaseError> {
        self.gate.enter(LEDGER).await?;
        let lease = self.port.take_lease(seen, owner, now).await;
        self.gate.leave(LEDGER).await?;
        lease
    }

    async fn put_nodes(&self, lease: &Lease, records: &[(InstanceId, NodeRecord)]) -> Result<(), LeaseError> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.put_nodes(lease, records).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn finish(&self, lease: &Lease, digest: &Digest) -> Result<(), LeaseError> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.finish(lease, digest).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> Result<(), LeaseError> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.close_idle(seen, digest, at, load).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn append_events(&self, events: &[Event]) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.append_events(events).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn put_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.put_load(at, load).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn put_hold(&self, hold: &Hold) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.put_hold(hold).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn remove_hold(&self, id: &HoldId) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.remove_hold(id).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn put_request(&self, request: &Request) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.put_request(request).await;
        self.gate.leave(LEDGER).await?;
        done
    }

    async fn remove_request(&self, id: &str) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.remove_request(id).await;
        self.gate.leave(LEDGER).await?;
        done
    }
}
