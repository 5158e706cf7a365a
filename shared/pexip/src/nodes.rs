//! Single nodes, where the whole platform would be too much: what the reconciler asks for a handful of instances.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use spillway_core::fault::Fault;
use spillway_core::observation::{Location, Node};
use spillway_core::reconcile::NodeHistoryLine;
use spillway_engine::ports::NodeRead;

use crate::error::ManagementError;
use crate::management::HttpManagement;
use crate::platform::{configured_node, location};
use crate::resources;
use crate::rows::{SystemLocation, WorkerVmConfiguration};

impl HttpManagement {
    async fn nodes_at(&self, addresses: &[Ipv4Addr]) -> Result<Vec<Node>, ManagementError> {
        let target = self.target().await?;
        let mut nodes: Vec<Node> = Vec::new();
        // One filter takes one value; two requests are in flight at the most anyway.
        for address in addresses {
            let list = resources::worker_vm_configuration_at(*address);
            let rows = self.list::<WorkerVmConfiguration>(target, list).await?.rows;
            let found = rows.into_iter().filter_map(configured_node);
            // A server that does not know the filter gives all nodes.
            nodes.extend(found.filter(|node| node.address == *address));
        }
        nodes.sort_by_key(|node| node.id);
        nodes.dedup_by_key(|node| node.id);
        Ok(nodes)
    }

    async fn locations(&self) -> Result<Vec<Location>, ManagementError> {
        let target = self.target().await?;
        let listing = self.list::<SystemLocation>(target, resources::system_location()).await?;
        Ok(listing.rows.into_iter().filter_map(location).collect())
    }
}

impl NodeRead for HttpManagement {
    async fn read_nodes_at(&self, addresses: &[Ipv4Addr]) -> Result<Vec<Node>, Fault> {
        Ok(self.observe(self.nodes_at(addresses).await)?)
    }

    async fn read_locations(&self) -> Result<Vec<Location>, Fault> {
        Ok(self.observe(self.locations().await)?)
    }

    async fn read_node_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NodeHistoryLine>, Fault> {
        let events = self.read_node_history(from, until).await?;
        let line = |event: crate::NodeStatusEvent| NodeHistoryLine {
            at: event.at,
            node: event.node,
            name: event.node_name,
            words: NodeHistoryLine::words(&[&event.event_type, &event.state, &event.context, &event.details]),
        };
        Ok(events.into_iter().map(line).collect())
    }
}
