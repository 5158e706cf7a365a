//! What EC2 shows.

use std::collections::BTreeSet;

use spillway_core::ids::InstanceType;
use spillway_core::observation::Fleet;
use spillway_core::policy::Policy;

use crate::check::Check;

pub(crate) fn instances(policy: &Policy, fleet: &Fleet) -> Check {
    const WHAT: &str = "EC2";
    let regions: BTreeSet<&str> = fleet.instances.iter().map(|instance| instance.region.as_str()).collect();
    let regions: Vec<&str> = regions.into_iter().collect();
    match fleet.instances.len() {
        0 => Check::bad(
            WHAT,
            format!("0 instances match: none has the tag pexip-cloud = {}", policy.tag_value),
            "tag the instances, or correct tag_value, regions and vpcs in the policy".to_owned(),
        ),
        number => Check::good(
            WHAT,
            format!(
                "{number} instances with the tag pexip-cloud = {} in {}",
                policy.tag_value,
                regions.join(", ")
            ),
        ),
    }
}

pub(crate) fn types(policy: &Policy, fleet: &Fleet) -> Option<Check> {
    if policy.price_per_hour.is_empty() {
        return None;
    }
    let without: BTreeSet<&InstanceType> = fleet
        .instances
        .iter()
        .map(|instance| &instance.instance_type)
        .filter(|kind| !policy.price_per_hour.contains_key(*kind))
        .collect();
    let names: Vec<&str> = without.iter().map(|kind| kind.as_str()).collect();
    (!names.is_empty()).then(|| {
        Check::warn(
            "prices",
            format!("no price for {}", names.join(", ")),
            "add it to price_per_hour in the policy".to_owned(),
        )
    })
}
