//! One wrapper for all ports, through which every call goes twice: before its effect and after it. What happens
//! at the gate (nothing, a fault, never coming back) is the gate's business; the wrapped port never knows.

use std::future::Future;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::fault::{Fault, FaultKind, Refusal, RefusalKind, System};
use spillway_core::ids::{AllocationId, HoldId, InstanceId, NodeId};
use spillway_core::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use spillway_core::observation::{Fleet, Instance, Location, Node, NodeActivity, Platform};
use spillway_core::ports::{
    AddressRead, AddressWrite, ElasticAddress, FleetRead, FleetWrite, InstanceOrder, InstanceScope, Lease,
    LeaseError, LedgerRead, LedgerWrite, LicenceRead, Licences, ManagementRead, ManagementWrite, NatLedger,
    NodeRead, OrderResults, OverflowStart, PlatformScope,
};
use spillway_core::reconcile::{NatState, NatWrite, NodeHistoryLine};

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
fn refusal_of(fault: &Fault) -> Refusal {
    let kind = match fault.kind {
        FaultKind::Throttled => RefusalKind::Throttled,
        FaultKind::Unauthorized | FaultKind::Forbidden => RefusalKind::Unauthorized,
        _ => RefusalKind::Other,
    };
    Refusal { kind, code: "RequestFailed".to_owned(), message: fault.to_string() }
}

fn all_refused(orders: &[InstanceOrder], fault: &Fault) -> OrderResults {
    let refusal = refusal_of(fault);
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

    async fn put_platform(&self, platform: &KnownPlatform) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.put_platform(platform).await;
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

impl<P: AddressRead, G: Gate> AddressRead for Gated<P, G> {
    async fn read_instances(
        &self,
        scope: InstanceScope<'_>,
        always_on: bool,
    ) -> Result<Vec<Instance>, Fault> {
        self.gate.enter(EC2).await?;
        let read = self.port.read_instances(scope, always_on).await;
        self.gate.leave(EC2).await?;
        read
    }

    async fn read_addresses(
        &self,
        region: &str,
        allocations: &[AllocationId],
    ) -> Result<Vec<ElasticAddress>, Fault> {
        self.gate.enter(EC2).await?;
        let read = self.port.read_addresses(region, allocations).await;
        self.gate.leave(EC2).await?;
        read
    }
}

impl<P: AddressWrite, G: Gate> AddressWrite for Gated<P, G> {
    async fn associate_address(
        &self,
        region: &str,
        instance: &InstanceId,
        allocation: &AllocationId,
    ) -> Result<(), Refusal> {
        self.gate.enter(EC2).await.map_err(|fault| refusal_of(&fault))?;
        let done = self.port.associate_address(region, instance, allocation).await;
        self.gate.leave(EC2).await.map_err(|fault| refusal_of(&fault))?;
        done
    }
}

impl<P: NodeRead, G: Gate> NodeRead for Gated<P, G> {
    async fn read_nodes_at(&self, addresses: &[Ipv4Addr]) -> Result<Vec<Node>, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_nodes_at(addresses).await;
        self.gate.leave(PEXIP).await?;
        read
    }

    async fn read_locations(&self) -> Result<Vec<Location>, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_locations().await;
        self.gate.leave(PEXIP).await?;
        read
    }

    async fn read_node_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NodeHistoryLine>, Fault> {
        self.gate.enter(PEXIP).await?;
        let read = self.port.read_node_events(from, until).await;
        self.gate.leave(PEXIP).await?;
        read
    }
}

impl<P: NatLedger, G: Gate> NatLedger for Gated<P, G> {
    async fn read_nat(&self, now: Timestamp) -> Result<NatState, Fault> {
        self.gate.enter(LEDGER).await?;
        let read = self.port.read_nat(now).await;
        self.gate.leave(LEDGER).await?;
        read
    }

    async fn write_nat(&self, writes: &[NatWrite], seen: &[Event]) -> Result<(), Fault> {
        self.gate.enter(LEDGER).await?;
        let done = self.port.write_nat(writes, seen).await;
        self.gate.leave(LEDGER).await?;
        done
    }
}
