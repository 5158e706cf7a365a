//! Licences, and what Pexip's own bursting does when it is asked.

use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::InstanceId;
use spillway_core::observation::Licences;

use crate::load_model::CallKind;
use spillway_pexip_model::{ChangeError, Row};

use crate::state::World;

/// Ports and audio licences of a platform that nobody gave any (guess: more than enough).
pub(crate) const LICENCES: u64 = 10_000;

impl World {
    /// How many port licences, and as many audio licences, there are; `None`: the release does not say.
    pub fn set_licences(&mut self, total: Option<u64>) {
        self.management.licences = total;
    }

    /// Licences in use: one per leg.
    pub(crate) fn licences_used(&self, audio: bool) -> u64 {
        self.calls
            .values()
            .filter(|call| (call.media.kind == CallKind::Audio) == audio)
            .map(|call| u64::from(call.legs))
            .sum()
    }

    /// Port licences, as the Management Node shows them.
    pub fn licences(&self) -> Result<Option<Licences>, Fault> {
        self.management_answers()?;
        let ports_used = self.licences_used(false);
        Ok(self.management.licences.map(|ports_total| Licences { ports_used, ports_total }))
    }

    /// The overflow nodes that Pexip's own bursting lists; nothing while it is off.
    pub fn cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        self.management_answers()?;
        if !self.management.bursting.enabled {
            return Ok(Vec::new());
        }
        let ours = self.instances.iter().filter(|instance| self.is_overflow_instance(instance));
        Ok(ours.map(|instance| instance.id.clone()).collect())
    }

    /// The start command, typed.
    pub fn start_overflow_node(&mut self, instance: &InstanceId) -> Result<(), Fault> {
        self.management_answers()?;
        let mut body = Row::new();
        body.insert("instance_id".to_owned(), instance.as_str().into());
        let refuse =
            |kind, why: String| Fault::new(System::ManagementNode, kind, format!("start_cloudnode: {why}"));
        match self.apply_command("platform", "start_cloudnode", &body) {
            Ok(_) => Ok(()),
            Err(ChangeError::Refused(why)) => Err(refuse(FaultKind::Rejected, why)),
            Err(other) => Err(refuse(FaultKind::NotFound, format!("{other:?}"))),
        }
    }
}
