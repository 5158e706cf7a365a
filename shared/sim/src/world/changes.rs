//! Changes to the configuration, as the Management Node takes them: stored at once, on the nodes a minute later.

use std::net::Ipv4Addr;

use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::NodeId;

use super::World;
use super::node::NodeIx;

impl World {
    /// Sets or clears maintenance mode on the Management Node, as a client would.
    pub fn set_maintenance(&mut self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        let ix = self.writable_node(node)?;
        self.configure_node(ix, |settings| {
            settings.maintenance = on;
            reason.clone_into(&mut settings.maintenance_reason);
        });
        Ok(())
    }

    /// Sets or clears the static NAT address on the Management Node, as a client would.
    pub fn set_static_nat(&mut self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        let ix = self.writable_node(node)?;
        self.configure_node(ix, |settings| settings.static_nat = address);
        Ok(())
    }

    fn writable_node(&self, id: NodeId) -> Result<NodeIx, Fault> {
        self.management_answers()?;
        self.node_by_id(id.0).ok_or_else(|| {
            Fault::new(System::ManagementNode, FaultKind::NotFound, format!("there is no worker_vm {id}"))
        })
    }

    pub(crate) fn node_by_id(&self, id: u64) -> Option<NodeIx> {
        let ix = usize::try_from(id.checked_sub(1)?).ok()?;
        self.nodes.get(ix).filter(|node| !node.deleted).map(|_| ix)
    }
}
