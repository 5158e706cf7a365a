//! What an operator's commands change in the configuration of one Conferencing Node: its system location, whether it
//! takes part in the distributed database, and whether it is there at all. No function uses this.

use serde_json::json;
use spillway_core::fault::Fault;
use spillway_core::ids::{LocationId, NodeId};
use spillway_engine::ports::ConfigurationWrite;

use crate::error::{ManagementError, Problem};
use crate::management::HttpManagement;
use crate::path::{ApiPath, Family, ObjectPath};
use crate::transport::Call;

impl HttpManagement {
    /// Deletes one node. Sent again after an unanswered try it finds nothing, which is what was wanted.
    async fn remove_node(&self, node: NodeId) -> Result<(), ManagementError> {
        let target = self.target().await?;
        let object = ObjectPath::worker_vm(node.0);
        match self.transport().send(target, Call::remove(&object), |_| Ok(())).await {
            Err(ManagementError { problem: Problem::NotFound(_), .. }) => Ok(()),
            ended => ended,
        }
    }
}

impl ConfigurationWrite for HttpManagement {
    async fn set_location(&self, node: NodeId, location: LocationId) -> Result<(), Fault> {
        // Configuration refers by URI.
        let uri = ApiPath::detail(Family::Configuration, "system_location", location.0);
        let fields = json!({ "system_location": uri.as_str() });
        Ok(self.observe(self.patch_node(node, fields).await)?)
    }

    async fn set_distributed_database(&self, node: NodeId, on: bool) -> Result<(), Fault> {
        let fields = json!({ "enable_distributed_database": on });
        Ok(self.observe(self.patch_node(node, fields).await)?)
    }

    async fn delete_node(&self, node: NodeId) -> Result<(), Fault> {
        Ok(self.observe(self.remove_node(node).await)?)
    }
}
