//! The ports behind an interceptor: each call is named, goes in, and comes out.

use std::future::Future;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::fault::{Fault, FaultKind, Refusal, RefusalKind};
use spillway_core::ids::{AllocationId, HoldId, InstanceId, NodeId};
use spillway_core::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{ElasticAddress, Licences};
use spillway_core::observation::{Fleet, Instance, InterfaceAddress, Location, Node, NodeActivity, Platform};
use spillway_core::reconcile::{NatState, NatWrite, NodeHistoryLine};
use spillway_engine::ports::{
    AddressRead, AddressWrite, FleetRead, FleetWrite, InstanceOrder, InstanceScope, Lease, LeaseError,
    LedgerRead, LedgerWrite, LicenceRead, ManagementRead, ManagementWrite, NatLedger, NodeRead, OrderResults,
    OverflowStart,
};

use super::{Answer, Call, Intercepted, Interceptor};

impl<P: Sync, I: Interceptor> Intercepted<P, I> {
    async fn through<T, E: From<Fault>>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        self.interceptor.before(&call).await?;
        let result = effect.await;
        self.interceptor.after(&call, result.is_ok()).await?;
        result
    }

    async fn order(
        &self,
        call: Call<'_>,
        orders: &[InstanceOrder],
        effect: impl Future<Output = OrderResults> + Send,
    ) -> OrderResults {
        if let Err(fault) = self.interceptor.before(&call).await {
            return all_refused(orders, &fault);
        }
        let results = effect.await;
        match self.interceptor.after(&call, results.iter().any(|(_, result)| result.is_ok())).await {
            Ok(()) => results,
            Err(fault) => all_refused(orders, &fault),
        }
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

impl<P: FleetRead, I: Interceptor> FleetRead for Intercepted<P, I> {
    async fn read_fleet(&self) -> Result<Fleet, Fault> {
        let mut fleet = self.through(Call::ReadFleet, self.port.read_fleet()).await?;
        self.interceptor.answered(Answer::Fleet(&mut fleet));
        Ok(fleet)
    }
}

impl<P: FleetWrite, I: Interceptor> FleetWrite for Intercepted<P, I> {
    async fn start_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        let order = self.order(Call::StartInstances(orders), orders, self.port.start_instances(orders));
        let mut results = order.await;
        self.interceptor.answered(Answer::Starts(&mut results));
        results
    }

    async fn stop_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        let order = self.order(Call::StopInstances(orders), orders, self.port.stop_instances(orders));
        let mut results = order.await;
        self.interceptor.answered(Answer::Stops(&mut results));
        results
    }
}

impl<P: ManagementRead, I: Interceptor> ManagementRead for Intercepted<P, I> {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        let mut platform = self.through(Call::ReadPlatform, self.port.read_platform(scope)).await?;
        self.interceptor.answered(Answer::Platform(&mut platform));
        Ok(platform)
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        let mut activity = self.through(Call::ReadActivity(node), self.port.read_activity(node)).await?;
        self.interceptor.answered(Answer::Activity(&mut activity));
        Ok(activity)
    }
}

impl<P: ManagementWrite, I: Interceptor> ManagementWrite for Intercepted<P, I> {
    async fn set_maintenance(&self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        self.through(Call::SetMaintenance, self.port.set_maintenance(node, on, reason)).await
    }

    async fn set_static_nat(&self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        self.through(Call::SetStaticNat, self.port.set_static_nat(node, address)).await
    }
}

impl<P: LicenceRead, I: Interceptor> LicenceRead for Intercepted<P, I> {
    async fn read_licences(&self) -> Result<Option<Licences>, Fault> {
        self.through(Call::ReadLicences, self.port.read_licences()).await
    }
}

impl<P: OverflowStart, I: Interceptor> OverflowStart for Intercepted<P, I> {
    async fn read_cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        self.through(Call::ReadCloudInstances, self.port.read_cloud_instances()).await
    }

    async fn start_overflow_node(&self, instance: &InstanceId) -> Result<(), Fault> {
        self.through(Call::StartOverflowNode, self.port.start_overflow_node(instance)).await
    }
}

impl<P: LedgerRead, I: Interceptor> LedgerRead for Intercepted<P, I> {
    async fn read_ledger(&self, now: Timestamp) -> Result<Ledger, Fault> {
        let mut ledger = self.through(Call::ReadLedger, self.port.read_ledger(now)).await?;
        self.interceptor.answered(Answer::Ledger(&mut ledger));
        Ok(ledger)
    }

    async fn read_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        self.through(Call::ReadEvents, self.port.read_events(from, until)).await
    }
}

impl<P: LedgerWrite, I: Interceptor> LedgerWrite for Intercepted<P, I> {
    async fn take_lease(&self, seen: &CycleRecord, owner: &str, now: Timestamp) -> Result<Lease, LeaseError> {
        self.through(Call::TakeLease, self.port.take_lease(seen, owner, now)).await
    }

    async fn put_nodes(&self, lease: &Lease, records: &[(InstanceId, NodeRecord)]) -> Result<(), LeaseError> {
        self.through(Call::PutNodes, self.port.put_nodes(lease, records)).await
    }

    async fn finish(&self, lease: &Lease, digest: &Digest) -> Result<(), LeaseError> {
        self.through(Call::Finish, self.port.finish(lease, digest)).await
    }

    async fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> Result<(), LeaseError> {
        self.through(Call::CloseIdle, self.port.close_idle(seen, digest, at, load)).await
    }

    async fn append_events(&self, events: &[Event]) -> Result<(), Fault> {
        self.through(Call::AppendEvents, self.port.append_events(events)).await
    }

    async fn put_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<(), Fault> {
        self.through(Call::PutLoad, self.port.put_load(at, load)).await
    }

    async fn put_platform(&self, platform: &KnownPlatform) -> Result<(), Fault> {
        self.through(Call::PutPlatform, self.port.put_platform(platform)).await
    }

    async fn put_hold(&self, hold: &Hold) -> Result<(), Fault> {
        self.through(Call::PutHold, self.port.put_hold(hold)).await
    }

    async fn remove_hold(&self, id: &HoldId) -> Result<(), Fault> {
        self.through(Call::RemoveHold, self.port.remove_hold(id)).await
    }

    async fn put_request(&self, request: &Request) -> Result<(), Fault> {
        self.through(Call::PutRequest, self.port.put_request(request)).await
    }

    async fn remove_request(&self, id: &str) -> Result<(), Fault> {
        self.through(Call::RemoveRequest, self.port.remove_request(id)).await
    }
}

impl<P: AddressRead, I: Interceptor> AddressRead for Intercepted<P, I> {
    async fn read_instances(
        &self,
        scope: InstanceScope<'_>,
        always_on: bool,
    ) -> Result<Vec<Instance>, Fault> {
        self.through(Call::ReadInstances, self.port.read_instances(scope, always_on)).await
    }

    async fn read_addresses(
        &self,
        region: &str,
        allocations: &[AllocationId],
    ) -> Result<Vec<ElasticAddress>, Fault> {
        self.through(Call::ReadAddresses, self.port.read_addresses(region, allocations)).await
    }
}

impl<P: AddressWrite, I: Interceptor> AddressWrite for Intercepted<P, I> {
    async fn associate_address(
        &self,
        region: &str,
        instance: &InstanceId,
        at: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> Result<(), Refusal> {
        let call = Call::AssociateAddress { instance, allocation };
        let interceptor = &self.interceptor;
        interceptor.before(&call).await.map_err(|fault| refusal_of(&fault))?;
        let result = self.port.associate_address(region, instance, at, allocation).await;
        interceptor.after(&call, result.is_ok()).await.map_err(|fault| refusal_of(&fault))?;
        result
    }
}

impl<P: NodeRead, I: Interceptor> NodeRead for Intercepted<P, I> {
    async fn read_nodes_at(&self, addresses: &[Ipv4Addr]) -> Result<Vec<Node>, Fault> {
        self.through(Call::ReadNodesAt, self.port.read_nodes_at(addresses)).await
    }

    async fn read_locations(&self) -> Result<Vec<Location>, Fault> {
        self.through(Call::ReadLocations, self.port.read_locations()).await
    }

    async fn read_node_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NodeHistoryLine>, Fault> {
        self.through(Call::ReadNodeEvents, self.port.read_node_events(from, until)).await
    }
}

impl<P: NatLedger, I: Interceptor> NatLedger for Intercepted<P, I> {
    async fn read_nat(&self, now: Timestamp) -> Result<NatState, Fault> {
        self.through(Call::ReadNat, self.port.read_nat(now)).await
    }

    async fn write_nat(&self, writes: &[NatWrite], seen: &[Event]) -> Result<(), Fault> {
        self.through(Call::WriteNat, self.port.write_nat(writes, seen)).await
    }
}
