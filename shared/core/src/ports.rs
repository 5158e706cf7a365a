//! The outside world as the cycle needs it. Reading and writing are apart, so that whoever is given only the
//! reading half cannot change anything. Adapters implement these and nothing else; the simulated world does too.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

use crate::fault::{Fault, Refusal};
use crate::ids::{AllocationId, HoldId, InstanceId, InstanceType, LocationId, NodeId};
use crate::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use crate::observation::{Certificate, Fleet, Instance, Location, Node, NodeActivity, Platform};
use crate::reconcile::{NatState, NatWrite, NodeHistoryLine};

/// Time.
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// A clock that never goes back, from an arbitrary start; for leases and deadlines.
    fn monotonic(&self) -> Duration;
}

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

/// How much of the platform to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformScope {
    /// Also read the conference shards (asked for while overflow nodes run).
    pub shards: bool,
}

/// Reads the Management Node.
pub trait ManagementRead: Send + Sync {
    /// Global bursting settings, locations, nodes and their status, and the Management Node's version: five
    /// lists, one more with shards.
    fn read_platform(&self, scope: PlatformScope) -> impl Future<Output = Result<Platform, Fault>> + Send;
    /// Everything that can keep one node busy: three requests.
    fn read_activity(&self, node: Ipv4Addr) -> impl Future<Output = Result<NodeActivity, Fault>> + Send;
}

/// Reads the platform for whoever only looks, where what changes seldom is known from the ledger.
pub trait PlatformRefresh: ManagementRead {
    /// Nodes and their status, joined with what is known: two lists, one more with shards. A Management Node that does not
    /// answer any more at the known address is looked for, and everything is read.
    fn refresh_platform(
        &self,
        known: &KnownPlatform,
        scope: PlatformScope,
    ) -> impl Future<Output = Result<Platform, Fault>> + Send;
}

/// Reads TLS certificates.
pub trait CertificateRead: Send + Sync {
    /// All of which the end is known; none where the release has no such list. One request.
    fn read_certificates(&self) -> impl Future<Output = Result<Vec<Certificate>, Fault>> + Send;
}

/// Changes Conferencing Nodes on the Management Node.
pub trait ManagementWrite: ManagementRead {
    /// Sets or clears maintenance mode. The reason is stored with it and marks it as ours.
    fn set_maintenance(
        &self,
        node: NodeId,
        on: bool,
        reason: &str,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Sets or clears the static NAT address.
    fn set_static_nat(
        &self,
        node: NodeId,
        address: Option<Ipv4Addr>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Changes what a Conferencing Node is. Only an operator's command has this: each of these disturbs calls or takes the
/// node away.
pub trait ConfigurationWrite: ManagementWrite {
    /// Moves a node to another system location. The Management Node disconnects every call on it and restarts it.
    fn set_location(
        &self,
        node: NodeId,
        location: LocationId,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Lets a node take part in the distributed database, or not. Not to be toggled often, and on one node at a time.
    fn set_distributed_database(
        &self,
        node: NodeId,
        on: bool,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Deletes one node; one that is not there is fine.
    fn delete_node(&self, node: NodeId) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// One instance as an operator sees it, tagged or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceDetail {
    /// The instance.
    pub instance: Instance,
    /// Whether it has ENA support.
    pub ena: bool,
    /// `dedicated`, `host` or `default` (guide: overflow nodes run as dedicated instances).
    pub tenancy: String,
}

/// An Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticAddress {
    /// Its allocation.
    pub allocation: AllocationId,
    /// The address.
    pub address: Ipv4Addr,
    /// Whose it is now.
    pub instance: Option<InstanceId>,
    /// Whether something that is no instance has it: a NAT gateway, an interface.
    pub elsewhere: bool,
    /// All tags.
    pub tags: BTreeMap<String, String>,
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
    /// Gives an Elastic IP to the instance; never takes it from another.
    fn associate_address(
        &self,
        instance: &Instance,
        allocation: &AllocationId,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Port licences: what limits the calls of a platform whatever its nodes carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Licences {
    /// `port_count`: in use.
    pub ports_used: u64,
    /// `port_total`: all there are.
    pub ports_total: u64,
}

impl Licences {
    /// Calls that can still be taken.
    pub fn left(self) -> u64 {
        self.ports_total.saturating_sub(self.ports_used)
    }
}

/// Reads licences.
pub trait LicenceRead: Send + Sync {
    /// Licences in use; `None` where the release does not say, which is not "none left".
    fn read_licences(&self) -> impl Future<Output = Result<Option<Licences>, Fault>> + Send;
}

/// Has Pexip start an overflow node (guide: *Manually starting an overflow node*): the only way in `assist` mode. There
/// is no command that stops one.
pub trait OverflowStart: Send + Sync {
    /// The instances that Pexip's own bursting lists (`cloud_node`), by the provider's id, which is what the start
    /// command takes; nothing while it is off.
    fn read_cloud_instances(&self) -> impl Future<Output = Result<Vec<InstanceId>, Fault>> + Send;
    /// `start_cloudnode`. Whether an unanswered command was carried out is for the next reading to show.
    fn start_overflow_node(&self, instance: &InstanceId) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Proof of holding the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who.
    pub owner: String,
    /// The number every write under the lease carries.
    pub token: u64,
}

/// Why a write under the lease did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has the lease, or changed the item first.
    #[error("another cycle has the lease")]
    Lost,
    /// The ledger failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Reads the ledger.
pub trait LedgerRead: Send + Sync {
    /// The whole state, expired items left out: one query.
    fn read_ledger(&self, now: Timestamp) -> impl Future<Output = Result<Ledger, Fault>> + Send;
    /// History between two instants, oldest first.
    fn read_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<Event>, Fault>> + Send;
}

/// The load of one minute, as a cycle saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteOfLoad {
    /// When.
    pub at: Timestamp,
    /// Free and greatest HD capacity of each location.
    pub locations: Vec<LocationLoad>,
}

/// Reads the load that cycles have recorded. No function needs it; a chart does, and whoever learns from load.
pub trait LoadRead: Send + Sync {
    /// The load of each recorded minute from one instant (included) to another (excluded), oldest first.
    fn read_load(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<MinuteOfLoad>, Fault>> + Send;
}

/// Writes the ledger.
pub trait LedgerWrite: LedgerRead {
    /// Takes the lease if the `CYCLE` item still has the token that was seen. The rule of when to try is the
    /// cycle's; the ledger only swaps.
    fn take_lease(
        &self,
        seen: &CycleRecord,
        owner: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Lease, LeaseError>> + Send;
    /// Writes node records, all under the lease; each must still have the version it carries (0: not there yet),
    /// and is stored with the next version.
    fn put_nodes(
        &self,
        lease: &Lease,
        records: &[(InstanceId, NodeRecord)],
    ) -> impl Future<Output = Result<(), LeaseError>> + Send;
    /// Gives the lease back and stores the digest, one write.
    fn finish(&self, lease: &Lease, digest: &Digest) -> impl Future<Output = Result<(), LeaseError>> + Send;
    /// Ends a cycle that had nothing to change, in one write: if the `CYCLE` item still has the token that was
    /// seen, the token moves on, the lease is free, the digest is stored, and so is the load of the minute.
    fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> impl Future<Output = Result<(), LeaseError>> + Send;
    /// Appends history, without the lease. A repeated id is the same item.
    fn append_events(&self, events: &[Event]) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores the load of one minute, without the lease.
    fn put_load(
        &self,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores what changes seldom at the Management Node, without the lease.
    fn put_platform(&self, platform: &KnownPlatform) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores a hold; the same id replaces.
    fn put_hold(&self, hold: &Hold) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes a hold; one that is not there is fine.
    fn remove_hold(&self, id: &HoldId) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores a request.
    fn put_request(&self, request: &Request) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes a request that was met; one that is not there is fine.
    fn remove_request(&self, id: &str) -> impl Future<Output = Result<(), Fault>> + Send;
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
    /// Associates an Elastic IP with an instance, and never takes it from another.
    fn associate_address(
        &self,
        region: &str,
        instance: &InstanceId,
        allocation: &AllocationId,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}

/// Reads single nodes from the Management Node, where reading the platform would be too much.
pub trait NodeRead: Send + Sync {
    /// The configuration of the nodes with these private addresses, without what they report. One request each.
    fn read_nodes_at(&self, addresses: &[Ipv4Addr]) -> impl Future<Output = Result<Vec<Node>, Fault>> + Send;
    /// All system locations. One request.
    fn read_locations(&self) -> impl Future<Output = Result<Vec<Location>, Fault>> + Send;
    /// The Conferencing Node history from one instant (included) to another (excluded), oldest first. One request.
    fn read_node_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<NodeHistoryLine>, Fault>> + Send;
}

/// The ledger as the reconciler uses it, without the lease.
pub trait NatLedger: Send + Sync {
    /// The whole state and the reconciler's own items, expired items left out: one query.
    fn read_nat(&self, now: Timestamp) -> impl Future<Output = Result<NatState, Fault>> + Send;
    /// Writes records and history. A record is written if it still has the version it carries (0: not there yet), with
    /// the next version, together with its event or not at all; one that somebody else changed in between is left as it
    /// is. What was seen is appended, and a repeated event is the same item.
    fn write_nat(
        &self,
        writes: &[NatWrite],
        seen: &[Event],
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}
