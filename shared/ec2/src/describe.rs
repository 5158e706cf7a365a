//! Finding the fleet: `DescribeInstances` by tag, every page. The filters are EC2's; what comes back is checked
//! again here, since a filter's value may hold wildcards and an instance that is not ours must not exist for us.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Reservation};
use spillway_aws::{Call, fault_of};
use spillway_core::fault::{Fault, System};
use spillway_core::observation::Instance;

use crate::instance::instance_from;

/// The tag's key (guide: *Configuring dynamic bursting to the AWS cloud*).
pub(crate) const TAG: &str = "pexip-cloud";

/// The most EC2 gives in one page.
const PAGE: i32 = 1_000;

/// Which instances are the platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ownership {
    pub(crate) tag_value: String,
    /// Empty: any.
    pub(crate) vpcs: Vec<String>,
}

impl Ownership {
    /// A terminated instance has no VPC any more, and nothing is ever done to it.
    fn holds(&self, instance: &Instance) -> bool {
        instance.tags.get(TAG) == Some(&self.tag_value)
            && (self.vpcs.is_empty() || self.vpcs.contains(&instance.vpc))
    }
}

/// All instances of one region that are the platform's.
pub(crate) async fn describe(
    client: Client,
    region: String,
    owned: Ownership,
) -> Result<Vec<Instance>, Fault> {
    let mut instances = Vec::new();
    let mut next = None;
    loop {
        let by_tag = Filter::builder().name(format!("tag:{TAG}")).values(literal(&owned.tag_value)).build();
        let mut request =
            client.describe_instances().filters(by_tag).max_results(PAGE).set_next_token(next.take());
        if !owned.vpcs.is_empty() {
            let by_vpc = Filter::builder().name("vpc-id").set_values(Some(owned.vpcs.clone())).build();
            request = request.filters(by_vpc);
        }
        let page = request.send().await.map_err(|error| {
            let resource = format!("region {region}");
            let call = Call { system: System::Ec2, action: "ec2:DescribeInstances", resource: &resource };
            fault_of(call, &error)
        })?;
        let found = page.reservations().iter().flat_map(Reservation::instances);
        let ours = found.filter_map(|described| instance_from(&region, described));
        instances.extend(ours.filter(|instance| owned.holds(instance)));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(instances);
        }
    }
}

/// A filter's value with its wildcards taken literally.
fn literal(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '*' | '?' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_tag_value_are_literal() {
        assert_eq!(literal("mgr.example.com"), "mgr.example.com");
        assert_eq!(literal(r"a*b?c\d"), r"a\*b\?c\\d");
    }
}
