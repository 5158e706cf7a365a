//! Some instances by id or private address, Elastic IPs by allocation, and an association that takes nothing from anybody.

use std::net::Ipv4Addr;

use spillway_core::fault::{FaultKind, RefusalKind};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::InterfaceAddress;
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::{AddressRead, AddressWrite, InstanceScope};

use crate::ec2::{FakeEc2, config, error, settings};

const NS: &str = "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"";

fn instance(id: &str, vpc: &str, tag: Option<&str>) -> String {
    let tag = tag.map_or_else(String::new, |tag| {
        format!("<tagSet><item><key>pexip-cloud</key><value>{tag}</value></item></tagSet>")
    });
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState>\
         <privateIpAddress>10.44.0.7</privateIpAddress><ipAddress>203.0.113.9</ipAddress><vpcId>{vpc}</vpcId>{tag}\
         </item></instancesSet></item>"
    )
}

fn instances(all: &[String]) -> (u16, String) {
    let set = all.concat();
    (
        200,
        format!(
            "<DescribeInstancesResponse {NS}><reservationSet>{set}</reservationSet></DescribeInstancesResponse>"
        ),
    )
}

fn in_vpc(ec2: &FakeEc2) -> AwsFleet {
    let settings = FleetSettings { vpcs: vec!["vpc-1".to_owned()], ..settings(&ec2.endpoint) };
    AwsFleet::connect(&config(), settings).unwrap()
}

fn ids(found: &[spillway_core::observation::Instance]) -> Vec<&str> {
    found.iter().map(|instance| instance.id.as_str()).collect()
}

#[tokio::test]
async fn instances_are_asked_for_by_id_and_only_ours_are_given() {
    let ours = "mgr.example.com";
    let ec2 = FakeEc2::serve(move |_, _| {
        instances(&[
            instance("i-1", "vpc-1", Some(ours)),
            instance("i-2", "vpc-1", Some("another")),
            instance("i-3", "vpc-2", Some(ours)),
            instance("i-4", "", Some(ours)),
            instance("i-5", "vpc-1", None),
        ])
    })
    .await;
    let asked: Vec<InstanceId> = ["i-1", "i-2", "i-3", "i-4", "i-5"].map(InstanceId::from).to_vec();
    let found = in_vpc(&ec2).read_instances(InstanceScope::Ids(&asked), false).await.unwrap();
    assert_eq!(ids(&found), ["i-1", "i-4"], "one without a VPC is terminated");
    let body = &ec2.seen()[0].body;
    for part in ["Filter.1.Name=tag%3Apexip-cloud", "Name=instance-id", "Value.5=i-5"] {
        assert!(body.contains(part), "{body}");
    }
    assert!(!body.contains("vpc-id"), "{body}");

    let found = in_vpc(&ec2).read_instances(InstanceScope::Ids(&asked), true).await.unwrap();
    assert_eq!(ids(&found), ["i-1", "i-4", "i-5"], "an always-on node has no tag");
    assert!(!ec2.seen()[1].body.contains("tag%3A"), "{}", ec2.seen()[1].body);
    let found = ec2.fleet().read_instances(InstanceScope::All, true).await.unwrap();
    assert!(!ids(&found).contains(&"i-5"), "without VPCs nothing untagged is ours");
}

#[tokio::test]
async fn instances_are_asked_for_by_private_address_and_nothing_is_asked_for_nothing() {
    let ec2 = FakeEc2::serve(|_, _| instances(&[instance("i-1", "vpc-1", Some("mgr.example.com"))])).await;
    let addresses = [Ipv4Addr::new(10, 44, 0, 7)];
    let found =
        in_vpc(&ec2).read_instances(InstanceScope::PrivateAddresses(&addresses), false).await.unwrap();
    assert_eq!(ids(&found), ["i-1"]);
    let body = &ec2.seen()[0].body;
    assert!(
        body.contains("private-ip-address") && body.contains("10.44.0.7") && body.contains("vpc-id"),
        "{body}"
    );
    assert!(ec2.fleet().read_instances(InstanceScope::Ids(&[]), false).await.unwrap().is_empty());
    assert_eq!(ec2.seen().len(), 1);
}

#[tokio::test]
async fn a_filter_takes_two_hundred_values() {
    let ec2 = FakeEc2::serve(|_, _| instances(&[])).await;
    let asked: Vec<InstanceId> = (0..450).map(|n| InstanceId::new(format!("i-{n}"))).collect();
    ec2.fleet().read_instances(InstanceScope::Ids(&asked), false).await.unwrap();
    assert_eq!(ec2.seen().len(), 3);
}

fn address(allocation: &str, fields: &str) -> String {
    format!("<item><publicIp>34.248.0.1</publicIp><allocationId>{allocation}</allocationId>{fields}</item>")
}

fn addresses(all: &[String]) -> (u16, String) {
    let set = all.concat();
    (
        200,
        format!(
            "<DescribeAddressesResponse {NS}><addressesSet>{set}</addressesSet></DescribeAddressesResponse>"
        ),
    )
}

#[tokio::test]
async fn elastic_ips_are_asked_for_by_allocation_and_one_that_is_missing_is_left_out() {
    let ec2 = FakeEc2::serve(|_, _| {
        addresses(&[
            address("eipalloc-1", "<instanceId>i-1</instanceId><tagSet><item><key>pexip-cloud</key><value>mgr</value></item></tagSet>"),
            address("eipalloc-2", "<networkInterfaceId>eni-nat</networkInterfaceId>"),
            address("eipalloc-9", ""),
        ])
    })
    .await;
    let asked = ["eipalloc-1", "eipalloc-2", "eipalloc-3"].map(AllocationId::from);
    let found = ec2.fleet().read_addresses("eu-west-1", &asked).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].instance.clone(), found[0].elsewhere), (Some("i-1".into()), false));
    assert_eq!(found[0].tags.get("pexip-cloud").map(String::as_str), Some("mgr"));
    assert_eq!((found[1].instance.clone(), found[1].elsewhere), (None, true));
    let body = &ec2.seen()[0].body;
    assert!(body.contains("Filter.1.Name=allocation-id") && !body.contains("AllocationId.1"), "{body}");
    assert!(ec2.fleet().read_addresses("eu-north-1", &asked).await.unwrap().is_empty());
    assert_eq!(ec2.seen().len(), 1, "a region that is not the policy's is not asked");
}

#[tokio::test]
async fn an_association_never_takes_and_is_sent_once() {
    let ec2 = FakeEc2::serve(|_, _| {
        (200, format!("<AssociateAddressResponse {NS}><associationId>eipassoc-1</associationId></AssociateAddressResponse>"))
    })
    .await;
    ec2.fleet().associate_address("eu-west-1", &"i-1".into(), None, &"eipalloc-1".into()).await.unwrap();
    let body = &ec2.seen()[0].body;
    for part in
        ["Action=AssociateAddress", "AllocationId=eipalloc-1", "InstanceId=i-1", "AllowReassociation=false"]
    {
        assert!(body.contains(part), "{body}");
    }
    let at = InterfaceAddress { interface: "eni-2".to_owned(), private: [10, 0, 2, 66].into(), public: None };
    ec2.fleet().associate_address("eu-west-1", &"i-1".into(), Some(&at), &"eipalloc-1".into()).await.unwrap();
    let body = &ec2.seen()[1].body;
    for part in ["NetworkInterfaceId=eni-2", "PrivateIpAddress=10.0.2.66", "AllowReassociation=false"] {
        assert!(body.contains(part), "{body}");
    }
    assert!(!body.contains("InstanceId"), "with several interfaces EC2 refuses an instance's id: {body}");
    let table = [
        (400, "Resource.AlreadyAssociated", RefusalKind::Other),
        (400, "InvalidAllocationID.NotFound", RefusalKind::Other),
        (403, "UnauthorizedOperation", RefusalKind::Unauthorized),
        (503, "RequestLimitExceeded", RefusalKind::Throttled),
        (400, "InvalidInstanceID.NotFound", RefusalKind::NoSuchInstance),
    ];
    for (status, code, kind) in table {
        let ec2 = FakeEc2::serve(move |_, _| error(status, code, "no")).await;
        let refusal =
            ec2.fleet().associate_address("eu-west-1", &"i-1".into(), None, &"eipalloc-1".into()).await;
        let refusal = refusal.unwrap_err();
        assert_eq!((refusal.kind, refusal.code.as_str()), (kind, code));
        assert_eq!(ec2.seen().len(), 1, "{code}");
    }
    let elsewhere =
        ec2.fleet().associate_address("eu-north-1", &"i-1".into(), None, &"eipalloc-1".into()).await;
    assert_eq!(elsewhere.unwrap_err().code, "UnknownRegion");
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let ec2 = FakeEc2::serve(|_, _| error(403, "UnauthorizedOperation", "no")).await;
    let fault = ec2.fleet().read_addresses("eu-west-1", &["eipalloc-1".into()]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(fault.remedy.contains("ec2:DescribeAddresses"), "{}", fault.remedy);
}
