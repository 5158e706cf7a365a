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
    /// A terminated instance has no VPC any more, and nothing is ever done to it: it is only of interest to whoever asks for
    /// it by id.
    fn holds(&self, instance: &Instance, wanted: &Wanted) -> bool {
        let tagged = match instance.tags.get(TAG) {
            Some(value) => *value == self.tag_value,
            // Without the tag the VPC is all there is to go by.
            None => wanted.always_on && self.vpcs.contains(&instance.vpc),
        };
        let gone = instance.vpc.is_empty() && wanted.by_id();
        tagged && (self.vpcs.is_empty() || self.vpcs.contains(&instance.vpc) || gone)
    }
}

/// Which of them, as EC2's filters say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Filter on instance ids or private addresses: its name and values. `None`: all.
    pub(crate) only: Option<(&'static str, Vec<String>)>,
    /// Also instances without any such tag in the named VPCs.
    pub(crate) always_on: bool,
}

impl Wanted {
    /// All that carry the tag.
    pub(crate) const FLEET: Self = Self { only: None, always_on: false };

    fn by_id(&self) -> bool {
        self.only.as_ref().is_some_and(|(name, _)| *name == BY_ID)
    }
}

/// EC2's filter on instance ids.
pub(crate) const BY_ID: &str = "instance-id";

/// EC2's filter on private addresses.
pub(crate) const BY_PRIVATE_ADDRESS: &str = "private-ip-address";

/// The most values EC2 takes in one filter.
const FILTER_VALUES: usize = 200;

/// The instances of one region that are the platform's, as far as they are wanted.
pub(crate) async fn describe(
    client: Client,
    region: String,
    owned: Ownership,
    wanted: Wanted,
) -> Result<Vec<Instance>, Fault> {
    let mut filters = Vec::new();
    if !wanted.always_on {
        filters.push(Filter::builder().name(format!("tag:{TAG}")).values(literal(&owned.tag_value)).build());
    }
    // A terminated instance has no VPC any more: whoever asks for one by id learns of it.
    if !owned.vpcs.is_empty() && !wanted.by_id() {
        filters.push(Filter::builder().name("vpc-id").set_values(Some(owned.vpcs.clone())).build());
    }
    let Some((name, values)) = &wanted.only else {
        return pages(&client, &region, filters, |instance| owned.holds(instance, &wanted)).await;
    };
    let mut instances = Vec::new();
    for some in values.chunks(FILTER_VALUES) {
        let mut filters = filters.clone();
        filters.push(Filter::builder().name(*name).set_values(Some(some.to_vec())).build());
        instances.extend(pages(&client, &region, filters, |instance| owned.holds(instance, &wanted)).await?);
    }
    Ok(instances)
}

async fn pages(
    client: &Client,
    region: &str,
    filters: Vec<Filter>,
    ours: impl Fn(&Instance) -> bool,
) -> Result<Vec<Instance>, Fault> {
    let mut instances = Vec::new();
    let mut next = None;
    loop {
        let request = client
            .describe_instances()
            .set_filters(Some(filters.clone()))
            .max_results(PAGE)
            .set_next_token(next.take());
        let page = request.send().await.map_err(|error| {
            let resource = format!("region {region}");
            let call = Call { system: System::Ec2, action: "ec2:DescribeInstances", resource: &resource };
            fault_of(call, &error)
        })?;
        let found = page.reservations().iter().flat_map(Reservation::instances);
        instances
            .extend(found.filter_map(|described| instance_from(region, described)).filter(|each| ours(each)));
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
