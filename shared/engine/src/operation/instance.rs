//! The steps on EC2: tags, type, ENA, Elastic IP, the end.

use super::{Memory, Stopped, Worker};
use crate::operation::OperationSystems;
use crate::ports::OperatorFleet;
use spillway_core::assess::ALLOCATION_TAG;
use spillway_core::operation::INSTANCE_TAG;
use spillway_core::operation::{Seen, Step};
use spillway_core::safety::TAG_KEY;

impl<S: OperationSystems, O: OperatorFleet> Worker<'_, S, O> {
    /// Carries out a step on EC2; gives what it waits for, where it is not done at once.
    pub(super) async fn change_instance(
        &self,
        step: &Step,
        memory: &mut Memory,
        seen: &Seen,
    ) -> Result<Option<String>, Stopped> {
        let instance = &Self::detail(seen)?.instance;
        let operator = self.operator;
        let said = match step {
            Step::Tag => {
                operator.set_tag(instance, TAG_KEY, Some(&self.policy.tag_value)).await?;
                format!("tagged {TAG_KEY}={}", self.policy.tag_value)
            }
            Step::Untag => {
                operator.set_tag(instance, TAG_KEY, None).await?;
                format!("the tag {TAG_KEY} removed")
            }
            Step::EnableEna => {
                operator.enable_ena(instance).await?;
                "ENA support added".to_owned()
            }
            Step::Resize { kind } => {
                operator.set_instance_type(instance, kind).await?;
                format!("instance type {} changed to {kind}", instance.instance_type)
            }
            Step::Terminate => {
                operator.terminate_instance(instance).await?;
                "instance terminated".to_owned()
            }
            Step::Allocate => {
                if let Some(allocation) = &memory.allocated {
                    return Ok(Some(format!("{allocation} is allocated, and not listed yet")));
                }
                // With its tags from the beginning, it is found again whatever happens next.
                let tags = [
                    (TAG_KEY.to_owned(), self.policy.tag_value.clone()),
                    (INSTANCE_TAG.to_owned(), instance.id.to_string()),
                    ("Name".to_owned(), self.subject.name.to_string()),
                ];
                let allocation = operator.allocate_address(instance, &tags.into()).await?;
                let said = format!("Elastic IP {allocation} allocated");
                memory.allocated = Some(allocation);
                said
            }
            Step::TagAddress { allocation } => {
                operator.tag_address(instance, allocation, TAG_KEY, &self.policy.tag_value).await?;
                format!("{allocation} tagged as the platform's")
            }
            Step::TagInstance { allocation: Some(allocation) } => {
                operator.set_tag(instance, ALLOCATION_TAG, Some(allocation.as_str())).await?;
                format!("tagged {ALLOCATION_TAG}={allocation}")
            }
            Step::Associate { allocation: Some(allocation) } => {
                if seen.is_up()
                    && let Some(why) = self.busy(seen).await?
                {
                    (memory.drained, memory.idle_at) = (false, None);
                    return Ok(Some(why));
                }
                let at = instance.one_of_several(self.node(seen)?.address);
                operator.associate_address(instance, at, allocation).await?;
                format!("{allocation} associated")
            }
            Step::TagInstance { allocation: None } | Step::Associate { allocation: None } => {
                return Ok(Some("the Elastic IP is not listed yet".to_owned()));
            }
            _ => return Ok(None),
        };
        self.operated(seen, step.word(), said).await?;
        Ok(None)
    }
}
