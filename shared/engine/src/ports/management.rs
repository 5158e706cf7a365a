//! The Management Node: reading it, and the few things that are changed there.

use jiff::Timestamp;
use spillway_core::fault::Fault;
use spillway_core::ids::{InstanceId, LocationId, NodeId};
use spillway_core::ledger::KnownPlatform;
use spillway_core::observation::Licences;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{Certificate, Location, Node, NodeActivity, Platform};
use spillway_core::reconcile::NodeHistoryLine;
use std::future::Future;
use std::net::Ipv4Addr;

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
