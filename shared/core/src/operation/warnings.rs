//! What an operator should know before he says yes to an operation that is possible.

use std::collections::BTreeSet;

use super::instance_type::is_advised_against;
use super::step::{Operation, Seen, Subject};
use crate::observation::NodeRole;
use crate::policy::Policy;

/// What an operator should know before he says yes.
pub fn warnings(policy: &Policy, operation: &Operation, subject: &Subject, seen: &Seen) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(text);
    match operation {
        Operation::ToOverflow { location } => {
            let target = seen.platform.locations.iter().find(|each| each.name == *location);
            let id = target.map(|each| each.id);
            let tagged: BTreeSet<_> =
                seen.ledger.nodes.values().filter_map(|record| record.name.as_ref()).collect();
            let mixed = seen.platform.nodes.iter().any(|node| {
                Some(node.location) == id
                    && node.name != subject.name
                    && (node.distributed_database || node.role == NodeRole::Proxying)
                    && !tagged.contains(&node.name)
            });
            if mixed {
                warn(format!(
                    "{location} holds always-on or proxying nodes: the guide recommends not to mix them with bursting nodes"
                ));
            }
            let primary =
                seen.platform.locations.iter().any(|each| id.is_some() && each.overflow_location1 == id);
            if !primary {
                warn(format!(
                    "{location} is nobody's primary overflow location: its nodes are not started for need"
                ));
            }
        }
        Operation::ToAlwaysOn { location } => {
            let id = seen.platform.locations.iter().find(|each| each.name == *location).map(|each| each.id);
            let bursting = seen.ledger.nodes.values().any(|record| {
                record.location.as_ref().map(|(id, _)| *id) == id
                    && record.name.as_ref() != Some(&subject.name)
            });
            if bursting {
                warn(format!(
                    "{location} holds bursting nodes: the guide says to move the node to another location"
                ));
            }
        }
        Operation::Resize { kind, .. } => {
            if seen.offered.is_none()
                && seen.detail.as_ref().is_some_and(|detail| detail.instance.instance_type != *kind)
            {
                warn(format!(
                    "whether EC2 offers {kind} in the instance's zone is not known: allow ec2:DescribeInstanceTypeOfferings in the \
                     identity you run this with, or check it first"
                ));
            }
            if is_advised_against(kind) {
                warn(format!(
                    "{kind} has 36 vCPU or more: the guide recommends not to use such c4 or c5 instances"
                ));
            }
            warn("the capacity of a larger instance does not grow in proportion (guide)".to_owned());
        }
        Operation::Remove { terminate } => {
            warn(
                "the node is deleted from the Management Node: to have it back it must be deployed anew"
                    .to_owned(),
            );
            if !terminate && seen.is_up() && !seen.is_tagged(&policy.tag_value) {
                warn("its instance goes on running, and costing, without --terminate".to_owned());
            }
        }
        Operation::Address { .. } => {
            warn("an Elastic IP costs money also while the instance is stopped".to_owned());
        }
        Operation::Retire | Operation::Reinstate | Operation::EnableEna { .. } => {}
    }
    warnings
}
