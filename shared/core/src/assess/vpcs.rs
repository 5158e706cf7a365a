//! Whether instances stand in more VPCs than the policy can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::observation::{Instance, InstanceState};
use crate::policy::Policy;

/// The VPCs of a region in which instances stand in more than one, while the policy names none. They are joined with nodes
/// by private address, and the same address in another VPC is another machine: a second platform's, where the tag value
/// is the same. Regions have a VPC each.
pub(crate) fn several_vpcs(policy: &Policy, instances: &[Instance]) -> Option<Vec<String>> {
    if !policy.vpcs.is_empty() {
        return None;
    }
    let mut regions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for instance in instances {
        // A terminated one has lost its VPC.
        let gone = matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated);
        if !gone && !instance.vpc.is_empty() {
            regions.entry(&instance.region).or_default().insert(&instance.vpc);
        }
    }
    let several = regions.into_values().find(|vpcs| vpcs.len() > 1)?;
    Some(several.into_iter().map(str::to_owned).collect())
}
