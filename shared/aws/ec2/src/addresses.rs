//! Elastic IPs: described by allocation, associated with an instance that asks for one. `AllowReassociation` is always false:
//! without it EC2 itself refuses to take an address from another instance, whatever we had read a moment before.

use std::net::Ipv4Addr;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::operation::associate_address::builders::AssociateAddressFluentBuilder;
use aws_sdk_ec2::types::{Address, Filter};
use spillway_aws::{Call, fault_of};
use spillway_core::fault::{Fault, Refusal, System};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::{ElasticAddress, InterfaceAddress};

use crate::power::RegionTransport;

/// The most values EC2 takes in one filter.
const FILTER_VALUES: usize = 200;

/// Elastic IPs of one region by allocation; one that is not there is left out, which is why it is a filter: asked for
/// by id, one that is missing would fail the others.
pub(crate) async fn describe_addresses(
    client: &Client,
    region: &str,
    allocations: &[AllocationId],
) -> Result<Vec<ElasticAddress>, Fault> {
    let mut found = Vec::new();
    for some in allocations.chunks(FILTER_VALUES) {
        let values = some.iter().map(|allocation| allocation.as_str().to_owned()).collect();
        let by_id = Filter::builder().name("allocation-id").set_values(Some(values)).build();
        let answer = client.describe_addresses().filters(by_id).send().await.map_err(|error| {
            let resource = format!("region {region}");
            fault_of(
                Call { system: System::Ec2, action: "ec2:DescribeAddresses", resource: &resource },
                &error,
            )
        })?;
        let elastic = answer.addresses().iter().filter_map(elastic_from);
        found.extend(elastic.filter(|elastic| some.contains(&elastic.allocation)));
    }
    Ok(found)
}

/// `None` for a row without an allocation or an address, which EC2 does not send.
pub(crate) fn elastic_from(address: &Address) -> Option<ElasticAddress> {
    let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    let instance = text(address.instance_id()).map(InstanceId::new);
    let held = instance.is_some()
        || text(address.network_interface_id()).is_some()
        || text(address.association_id()).is_some();
    Some(ElasticAddress {
        allocation: AllocationId::new(address.allocation_id()?),
        address: address.public_ip()?.parse::<Ipv4Addr>().ok()?,
        elsewhere: held && instance.is_none(),
        private: text(address.private_ip_address()).and_then(|private| private.parse().ok()),
        instance,
        tags: address
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
            .collect(),
    })
}

/// Never taken from another. EC2 refuses the id of an instance that has several interfaces: *specify an interface ID for the
/// operation instead*. With several private addresses on one it would take the primary one, which may not be the node's.
pub(crate) fn association(
    client: &Client,
    instance: &InstanceId,
    at: Option<&InterfaceAddress>,
    allocation: &AllocationId,
) -> AssociateAddressFluentBuilder {
    let request = client.associate_address().allocation_id(allocation.as_str()).allow_reassociation(false);
    match at {
        Some(at) => request.network_interface_id(&at.interface).private_ip_address(at.private.to_string()),
        None => request.instance_id(instance.as_str()),
    }
}

/// One request, no retries: what became of one that was not answered, the next pass sees.
pub(crate) async fn associate(
    transport: &RegionTransport,
    instance: &InstanceId,
    at: Option<&InterfaceAddress>,
    allocation: &AllocationId,
) -> Result<(), Refusal> {
    let once = aws_sdk_ec2::Config::builder().retry_config(RetryConfig::disabled());
    let request = association(&transport.client, instance, at, allocation);
    let result = request.customize().config_override(once).send().await;
    result.map(drop).map_err(|error| transport.error("ec2:AssociateAddress", &error).refusal())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;

    fn address() -> aws_sdk_ec2::types::builders::AddressBuilder {
        Address::builder().allocation_id("eipalloc-0a1").public_ip("34.248.0.1")
    }

    #[test]
    fn what_has_an_address_is_told_apart_and_an_empty_field_is_none() {
        let free = elastic_from(&address().instance_id("").build()).unwrap();
        assert_eq!((free.instance, free.elsewhere, free.tags.len()), (None, false, 0));
        let tag = Tag::builder().key("pexip-cloud").value("mgr").build();
        let ours =
            elastic_from(&address().instance_id("i-1").network_interface_id("eni-1").tags(tag).build());
        let ours = ours.unwrap();
        assert_eq!((ours.instance, ours.elsewhere), (Some("i-1".into()), false));
        assert_eq!(ours.tags.get("pexip-cloud").map(String::as_str), Some("mgr"));
        assert!(elastic_from(&address().network_interface_id("eni-nat").build()).unwrap().elsewhere);
        assert!(elastic_from(&Address::builder().public_ip("34.248.0.1").build()).is_none());
    }
}
