//! EC2: starting and stopping, addresses, and what an operator may change.

use spillway_core::fault::{Fault, Refusal};
use spillway_core::ids::{AllocationId, InstanceId, InstanceType};
use spillway_core::observation::{ElasticAddress, InstanceDetail};
use spillway_core::observation::{Fleet, Instance, InterfaceAddress};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::Ipv4Addr;

/// Reads EC2.
pub trait FleetRead: Send + Sync {
    /// All instances with the platform's tag in the policy's regions and VPCs. Any region that fails makes the
    /// reading fail: half a fleet is not a fleet.
    fn read_fleet(&self) -> impl Future<Output = Result<Fleet, Fault>> + Send;
}

/// One instance to start or stop, with what batches are made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceOrder {
    /// Instance.
    pub instance: InstanceId,
    /// Region.
    pub region: String,
    /// Zone.
    pub zone: String,
    /// Type.
    pub instance_type: InstanceType,
}

/// What became of each order, in any order; every order has exactly one entry.
pub type OrderResults = Vec<(InstanceId, Result<(), Refusal>)>;

/// Starts and stops instances. Never creates, terminates or tags one.
pub trait FleetWrite: FleetRead {
    /// Starts instances; one that fails never blocks the others. Starting a running instance succeeds.
    fn start_instances(&self, orders: &[InstanceOrder]) -> impl Future<Output = OrderResults> + Send;
    /// Stops instances, likewise.
    fn stop_instances(&self, orders: &[InstanceOrder]) -> impl Future<Output = OrderResults> + Send;
}

/// EC2 with an operator's own rights. No function has this: it tags, changes and terminates instances, and it sees
/// those that do not carry the tag. It does not stop any: there is one way to stop a node, and that is a drain.
pub trait OperatorFleet: Send + Sync {
    /// The instances with a private address in the policy's regions and VPCs, terminated ones left out.
    fn find_instances(
        &self,
        address: Ipv4Addr,
    ) -> impl Future<Output = Result<Vec<InstanceDetail>, Fault>> + Send;
    /// One instance; `None` when EC2 knows none by this id. A terminated one is shown as such for a while.
    fn read_instance(
        &self,
        id: &InstanceId,
    ) -> impl Future<Output = Result<Option<InstanceDetail>, Fault>> + Send;
    /// Starts an instance that does not carry the tag: one on its way to be always on. A running one is fine.
    fn start_instance(&self, instance: &Instance) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Sets a tag of an instance, or removes it.
    fn set_tag(
        &self,
        instance: &Instance,
        key: &str,
        value: Option<&str>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Changes the type of a stopped instance.
    fn set_instance_type(
        &self,
        instance: &Instance,
        kind: &InstanceType,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Whether EC2 offers a type in the instance's zone.
    fn is_offered(
        &self,
        instance: &Instance,
        kind: &InstanceType,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;
    /// Adds ENA support to a stopped instance.
    fn enable_ena(&self, instance: &Instance) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Terminates an instance. There is no way back.
    fn terminate_instance(&self, instance: &Instance) -> impl Future<Output = Result<(), Fault>> + Send;
    /// The Elastic IPs of the instance's region.
    fn read_addresses(
        &self,
        instance: &Instance,
    ) -> impl Future<Output = Result<Vec<ElasticAddress>, Fault>> + Send;
    /// Allocates an Elastic IP in the instance's region, with these tags from the beginning.
    fn allocate_address(
        &self,
        instance: &Instance,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<AllocationId, Fault>> + Send;
    /// Sets a tag of an Elastic IP.
    fn tag_address(
        &self,
        instance: &Instance,
        allocation: &AllocationId,
        key: &str,
        value: &str,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Gives an Elastic IP to the instance, or to one of its private addresses where it has several; never takes it from
    /// another.
    fn associate_address(
        &self,
        instance: &Instance,
        at: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Which instances to describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceScope<'a> {
    /// All.
    All,
    /// These. One that is not there is left out; one that was terminated has lost its VPC and is given all the same.
    Ids(&'a [InstanceId]),
    /// Those that have one of these private addresses.
    PrivateAddresses(&'a [Ipv4Addr]),
}

/// Reads public addresses from EC2.
pub trait AddressRead: Send + Sync {
    /// Instances with the platform's tag, in the policy's regions and VPCs; with `always_on` also those without any such
    /// tag in the policy's VPCs. One request per region, and pages.
    fn read_instances(
        &self,
        scope: InstanceScope<'_>,
        always_on: bool,
    ) -> impl Future<Output = Result<Vec<Instance>, Fault>> + Send;
    /// Elastic IPs of a region by allocation. One that is not there is left out. One request.
    fn read_addresses(
        &self,
        region: &str,
        allocations: &[AllocationId],
    ) -> impl Future<Output = Result<Vec<ElasticAddress>, Fault>> + Send;
}

/// Associates Elastic IPs. Never allocates, releases, tags or disassociates one.
pub trait AddressWrite: AddressRead {
    /// Associates an Elastic IP with an instance, or with one of its private addresses where it has several; never takes
    /// it from another.
    fn associate_address(
        &self,
        region: &str,
        instance: &InstanceId,
        at: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}
