//! Commands that the platform carries out.

use serde_json::{Value, json};
use spillway_core::ids::InstanceId;

use spillway_pexip_model::{ChangeError, Row};

use crate::ec2::Order;
use crate::state::World;
use crate::state::instance::Initiator;

impl World {
    /// `platform/start_cloudnode`: Pexip starts an overflow node because somebody asked.
    pub(crate) fn apply_command(
        &mut self,
        group: &str,
        action: &str,
        body: &Row,
    ) -> Result<Value, ChangeError> {
        if (group, action) != ("platform", "start_cloudnode") {
            return Err(ChangeError::Refused(format!(
                "The simulated platform does not carry out {group}/{action}"
            )));
        }
        let wanted = match body.get("instance_id") {
            Some(Value::String(id)) => id.as_str(),
            other => {
                let given = other.unwrap_or(&Value::Null);
                let message = format!("The instance id is {given}; it is text, such as i-0123456789abcdef0");
                return Err(ChangeError::Invalid(vec![("instance_id".to_owned(), message)]));
            }
        };
        if !self.management.bursting.enabled {
            return Err(ChangeError::Refused("Cloud bursting is not enabled".to_owned()));
        }
        if !self.ec2.reachable_for_pexip {
            return Err(ChangeError::Refused("Cannot reach the cloud provider".to_owned()));
        }
        let id = InstanceId::new(wanted);
        let instance = self.by_instance.get(&id).and_then(|ix| self.instances.get(*ix));
        let Some(instance) = instance.filter(|i| self.is_overflow_instance(i)) else {
            return Err(ChangeError::Refused(format!(
                "There is no cloud node with the instance id '{wanted}'"
            )));
        };
        if instance.is_up() {
            return Err(ChangeError::Refused(format!("The cloud node '{wanted}' is already running")));
        }
        self.history.reason = Some("Started manually".to_owned());
        let results = self.order(Order::Start, &[id], Initiator::Pexip, None);
        self.history.reason = None;
        match results.into_iter().find_map(|(_, result)| result.err()) {
            Some(refusal) => Err(ChangeError::Refused(refusal.to_string())),
            None => Ok(json!({"instance_id": wanted})),
        }
    }
}
