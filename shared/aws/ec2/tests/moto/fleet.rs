//! Instances are found by their tag, started and stopped, in batches of which one bad instance blocks no other.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use spillway_core::fault::RefusalKind;
use spillway_core::observation::{Instance, InstanceState};
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::{FleetRead, FleetWrite, InstanceOrder};

use crate::{IMAGE, REGION, client, config, moto};

const TAG_VALUE: &str = "mgr.spillway-ec2.example";

async fn launch(client: &Client, tag_value: &str) -> String {
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Instance)
        .tags(Tag::builder().key("pexip-cloud").value(tag_value).build())
        .tags(Tag::builder().key("Name").value("node").build())
        .build();
    let reservation = client
        .run_instances()
        .image_id(IMAGE)
        .instance_type(InstanceType::C52xlarge)
        .min_count(1)
        .max_count(1)
        .tag_specifications(tags)
        .send()
        .await
        .unwrap();
    reservation.instances()[0].instance_id().unwrap().to_owned()
}

fn orders(instances: &[Instance]) -> Vec<InstanceOrder> {
    instances
        .iter()
        .map(|instance| InstanceOrder {
            instance: instance.id.clone(),
            region: instance.region.clone(),
            zone: instance.zone.clone(),
            instance_type: instance.instance_type.clone(),
        })
        .collect()
}

#[tokio::test]
async fn instances_are_found_stopped_and_started_and_an_unknown_one_blocks_none() {
    let Some(endpoint) = moto() else { return };
    let client = client(&endpoint);
    // A tag value of this run, so that it can be repeated against the same server.
    let tag_value = format!("{TAG_VALUE}-{}", std::process::id());
    let mut ours = Vec::new();
    for _ in 0..9 {
        ours.push(launch(&client, &tag_value).await);
    }
    let stranger = launch(&client, "other.example").await;
    let settings = FleetSettings {
        tag_value,
        regions: vec![REGION.to_owned()],
        vpcs: Vec::new(),
        endpoint: Some(endpoint),
        time_for_orders: FleetSettings::TIME_FOR_ORDERS,
    };
    let fleet = AwsFleet::connect(&config(), settings).unwrap();

    let before = fleet.read_fleet().await.unwrap().instances;
    ours.sort();
    assert_eq!(before.iter().map(|instance| instance.id.to_string()).collect::<Vec<_>>(), ours);
    assert!(
        before.iter().all(|instance| instance.state == InstanceState::Running && instance.name == "node")
    );
    assert!(before.iter().all(|instance| instance.private_ip.is_some() && instance.public_ip.is_some()));
    assert!(
        before.iter().all(|instance| instance.zone.starts_with(REGION) && instance.vpc.starts_with("vpc-"))
    );

    let stopped = fleet.stop_instances(&orders(&before)).await;
    assert!(stopped.iter().all(|(_, result)| result.is_ok()), "{stopped:?}");
    let off = fleet.read_fleet().await.unwrap().instances;
    assert!(off.iter().all(|instance| instance.state == InstanceState::Stopped), "{off:?}");

    let mut ten = orders(&before);
    ten.push(InstanceOrder { instance: "i-0123456789abcdef0".into(), ..ten[0].clone() });
    let started = fleet.start_instances(&ten).await;
    assert_eq!(started.len(), 10);
    for (id, result) in &started {
        match result {
            Ok(()) => assert_ne!(id.as_str(), "i-0123456789abcdef0"),
            Err(refusal) => {
                assert_eq!(id.as_str(), "i-0123456789abcdef0");
                assert_eq!(refusal.kind, RefusalKind::NoSuchInstance, "{refusal}");
            }
        }
    }
    let after = fleet.read_fleet().await.unwrap().instances;
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(is.state, InstanceState::Running);
        assert_eq!(is.private_ip, was.private_ip);
        assert_ne!(is.public_ip, was.public_ip, "a dynamic public address changes at every start");
    }
    // Starting what already runs succeeds.
    assert!(fleet.start_instances(&orders(&after)).await.iter().all(|(_, result)| result.is_ok()));
    assert!(!after.iter().any(|instance| instance.id.as_str() == stranger));
}
