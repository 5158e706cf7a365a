//! Elastic IPs, and two platforms in one account.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{DomainType, InstanceType, ResourceType, Tag, TagSpecification};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::InstanceState;
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::{AddressRead, AddressWrite, FleetRead, InstanceScope};

use crate::{IMAGE, REGION, client, config, moto};

fn fleet(endpoint: &str, tag_value: &str, vpcs: &[&str]) -> AwsFleet {
    let settings = FleetSettings {
        tag_value: tag_value.to_owned(),
        regions: vec![REGION.to_owned()],
        vpcs: vpcs.iter().map(|vpc| (*vpc).to_owned()).collect(),
        endpoint: Some(endpoint.to_owned()),
        time_for_orders: FleetSettings::TIME_FOR_ORDERS,
    };
    AwsFleet::connect(&config(), settings).unwrap()
}

fn tags(kind: ResourceType, tag_value: Option<&str>) -> TagSpecification {
    let name = Tag::builder().key("Name").value("burst-1").build();
    let ours = tag_value.map(|value| Tag::builder().key("pexip-cloud").value(value).build());
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some([Some(name), ours].into_iter().flatten().collect()))
        .build()
}

/// A VPC of its own with the same addresses as every other one here, and its subnet.
async fn network(client: &Client) -> (String, String) {
    let vpc = client.create_vpc().cidr_block("10.44.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc().unwrap().vpc_id().unwrap().to_owned();
    let subnet = client.create_subnet().vpc_id(&vpc).cidr_block("10.44.0.0/16").send().await.unwrap();
    (vpc, subnet.subnet().unwrap().subnet_id().unwrap().to_owned())
}

async fn launch(client: &Client, subnet: &str, address: &str, tag_value: Option<&str>) -> InstanceId {
    let reservation = client
        .run_instances()
        .image_id(IMAGE)
        .instance_type(InstanceType::C52xlarge)
        .min_count(1)
        .max_count(1)
        .subnet_id(subnet)
        .private_ip_address(address)
        .tag_specifications(tags(ResourceType::Instance, tag_value))
        .send()
        .await
        .unwrap();
    InstanceId::new(reservation.instances()[0].instance_id().unwrap())
}

#[tokio::test]
async fn an_elastic_ip_is_associated_seen_and_never_taken() {
    let Some(endpoint) = moto() else { return };
    let client = client(&endpoint);
    let tag_value = format!("mgr.addresses.example-{}", std::process::id());
    let (vpc, subnet) = network(&client).await;
    let first = launch(&client, &subnet, "10.44.0.7", Some(&tag_value)).await;
    let second = launch(&client, &subnet, "10.44.0.8", Some(&tag_value)).await;
    let allocated = client
        .allocate_address()
        .domain(DomainType::Vpc)
        .tag_specifications(tags(ResourceType::ElasticIp, Some(&tag_value)))
        .send()
        .await
        .unwrap();
    let allocation = AllocationId::new(allocated.allocation_id().unwrap());
    let fleet = fleet(&endpoint, &tag_value, &[&vpc]);
    let asked = [allocation.clone(), AllocationId::new("eipalloc-0badbadbadbad0000")];

    let free = fleet.read_addresses(REGION, &asked).await.unwrap();
    let [elastic] = free.as_slice() else { panic!("one of the two is there: {free:?}") };
    assert_eq!((elastic.instance.clone(), elastic.elsewhere), (None, false));
    assert_eq!(elastic.tags.get("pexip-cloud"), Some(&tag_value));

    fleet.associate_address(REGION, &first, None, &allocation).await.unwrap();
    fleet.associate_address(REGION, &first, None, &allocation).await.unwrap();
    let taken = fleet.read_addresses(REGION, &asked).await.unwrap();
    assert_eq!(taken[0].instance.as_ref(), Some(&first));
    let seen = fleet.read_instances(InstanceScope::Ids(std::slice::from_ref(&first)), false).await.unwrap();
    assert_eq!(seen[0].public_ip, Some(elastic.address));

    let refusal = fleet.associate_address(REGION, &second, None, &allocation).await.unwrap_err();
    assert_eq!(refusal.code, "Resource.AlreadyAssociated", "{refusal}");
    let still = fleet.read_addresses(REGION, &asked).await.unwrap();
    assert_eq!(still[0].instance, Some(first));
}

#[tokio::test]
async fn two_platforms_with_the_same_names_and_addresses_never_see_each_other() {
    let Some(endpoint) = moto() else { return };
    let client = client(&endpoint);
    // The worst case: both Management Nodes show `unknown`, so only the VPC tells them apart.
    let shared = format!("unknown-{}", std::process::id());
    let (ours, our_subnet) = network(&client).await;
    let (theirs, their_subnet) = network(&client).await;
    let mut instances = Vec::new();
    for subnet in [&our_subnet, &their_subnet] {
        instances.push(launch(&client, subnet, "10.44.0.7", Some(&shared)).await);
        instances.push(launch(&client, subnet, "10.44.0.9", None).await);
    }
    let [our_burst, our_always_on, their_burst, their_always_on] = instances.as_slice() else {
        panic!("four instances")
    };
    let everybody: Vec<InstanceId> = instances.clone();
    let address = ["10.44.0.7".parse().unwrap(), "10.44.0.9".parse().unwrap()];
    for (vpc, burst, always_on) in
        [(&ours, our_burst, our_always_on), (&theirs, their_burst, their_always_on)]
    {
        let fleet = fleet(&endpoint, &shared, &[vpc]);
        for scope in
            [InstanceScope::All, InstanceScope::Ids(&everybody), InstanceScope::PrivateAddresses(&address)]
        {
            let found = fleet.read_instances(scope, false).await.unwrap();
            assert_eq!(found.iter().map(|each| &each.id).collect::<Vec<_>>(), [burst], "{scope:?}");
            let mut all: Vec<_> = fleet.read_instances(scope, true).await.unwrap();
            all.retain(|each| each.state == InstanceState::Running);
            let mut expected = vec![burst, always_on];
            expected.sort();
            assert_eq!(all.iter().map(|each| &each.id).collect::<Vec<_>>(), expected, "{scope:?}");
        }
        assert_eq!(fleet.read_fleet().await.unwrap().instances.len(), 1);
    }
}
