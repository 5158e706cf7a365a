//! What an operator does to instances and addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::InstanceType;
use spillway_core::ids::InstanceId;
use spillway_core::observation::InstanceDetail;
use spillway_core::observation::{Instance, InstanceState};
use spillway_ec2::Operator;
use spillway_engine::ports::OperatorFleet;

use crate::{IMAGE, client, config, moto};

async fn launch(client: &Client) -> InstanceId {
    let reservation = client
        .run_instances()
        .image_id(IMAGE)
        .instance_type(InstanceType::C52xlarge)
        .min_count(1)
        .max_count(1)
        .send()
        .await
        .unwrap();
    InstanceId::new(reservation.instances()[0].instance_id().unwrap())
}

async fn read(operator: &Operator, id: &InstanceId) -> InstanceDetail {
    operator.read_instance(id).await.unwrap().unwrap()
}

async fn until(operator: &Operator, id: &InstanceId, state: InstanceState) -> Instance {
    for _ in 0..100 {
        let instance = read(operator, id).await.instance;
        if instance.state == state {
            return instance;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{id} does not become {state:?}");
}

#[tokio::test]
async fn an_untagged_instance_is_found_tagged_changed_and_terminated() {
    let Some(endpoint) = moto() else { return };
    let client = client(&endpoint);
    let operator = Operator::connect(&config(), &[], &[], Some(&endpoint)).unwrap();
    let id = launch(&client).await;
    let instance = until(&operator, &id, InstanceState::Running).await;
    let address = instance.private_ip.unwrap();
    assert!(instance.tags.is_empty());
    let found = operator.find_instances(address).await.unwrap();
    assert!(found.iter().any(|each| each.instance.id == id));
    assert!(operator.find_instances(Ipv4Addr::new(192, 0, 2, 1)).await.unwrap().is_empty());
    let elsewhere = Operator::connect(&config(), &[], &["vpc-other".to_owned()], Some(&endpoint)).unwrap();
    assert!(elsewhere.find_instances(address).await.unwrap().is_empty());
    assert_eq!(operator.read_instance(&"i-0123456789abcdef0".into()).await, Ok(None));

    for (kind, offered) in [("c5.4xlarge", true), ("c5.17xlarge", false), ("c5.*", false)] {
        let found = operator.is_offered(&instance, &kind.into()).await.unwrap();
        assert_eq!(found, offered, "{kind} in {}", instance.zone);
    }
    operator.set_tag(&instance, "pexip-cloud", Some("mgr")).await.unwrap();
    assert_eq!(read(&operator, &id).await.instance.tags.get("pexip-cloud").unwrap(), "mgr");
    operator.set_tag(&instance, "pexip-cloud", None).await.unwrap();
    operator.set_tag(&instance, "pexip-cloud", None).await.unwrap();
    assert!(read(&operator, &id).await.instance.tags.is_empty());

    client.stop_instances().instance_ids(id.as_str()).send().await.unwrap();
    until(&operator, &id, InstanceState::Stopped).await;
    operator.set_instance_type(&instance, &"c5.4xlarge".into()).await.unwrap();
    assert_eq!(read(&operator, &id).await.instance.instance_type.as_str(), "c5.4xlarge");
    operator.enable_ena(&instance).await.unwrap();
    operator.start_instance(&instance).await.unwrap();
    operator.start_instance(&instance).await.unwrap();
    until(&operator, &id, InstanceState::Running).await;
    operator.terminate_instance(&instance).await.unwrap();
    until(&operator, &id, InstanceState::Terminated).await;
    assert!(!operator.find_instances(address).await.unwrap().iter().any(|each| each.instance.id == id));
}

#[tokio::test]
async fn an_elastic_ip_is_allocated_with_its_tags_and_never_taken_from_another() {
    let Some(endpoint) = moto() else { return };
    let client = client(&endpoint);
    let operator = Operator::connect(&config(), &[], &[], Some(&endpoint)).unwrap();
    let (first, second) = (launch(&client).await, launch(&client).await);
    let owner = until(&operator, &first, InstanceState::Running).await;
    let other = until(&operator, &second, InstanceState::Running).await;
    let tags = BTreeMap::from([
        ("pexip-cloud".to_owned(), "mgr".to_owned()),
        ("spillway-instance".to_owned(), first.to_string()),
    ]);
    let allocation = operator.allocate_address(&owner, &tags).await.unwrap();
    let of = |all: Vec<spillway_core::observation::ElasticAddress>| {
        all.into_iter().find(|each| each.allocation == allocation).unwrap()
    };
    let free = of(operator.read_addresses(&owner).await.unwrap());
    assert_eq!((free.instance, free.elsewhere, &free.tags), (None, false, &tags));
    operator.tag_address(&owner, &allocation, "Name", "burst-1").await.unwrap();
    operator.associate_address(&owner, None, &allocation).await.unwrap();
    let taken = of(operator.read_addresses(&owner).await.unwrap());
    assert_eq!(taken.instance.as_ref(), Some(&first));
    assert_eq!(taken.tags.get("Name").unwrap(), "burst-1");
    assert_eq!(read(&operator, &first).await.instance.public_ip, Some(taken.address));
    let refused = operator.associate_address(&other, None, &allocation).await.unwrap_err();
    assert!(refused.detail.contains("Resource.AlreadyAssociated"), "{refused}");
    assert_eq!(of(operator.read_addresses(&owner).await.unwrap()).instance, Some(first));
}
