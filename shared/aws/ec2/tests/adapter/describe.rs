//! `DescribeInstances`: all pages, all regions, only what is ours.

use spillway_core::fault::FaultKind;
use spillway_core::observation::InstanceState;
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::FleetRead;

use crate::ec2::{FakeEc2, SECRET, SESSION, config, error, settings};

fn instance(id: &str, state: &str, tag: &str) -> String {
    format!(
        "<item><reservationId>r-1</reservationId><instancesSet><item><instanceId>{id}</instanceId>\
         <instanceState><code>16</code><name>{state}</name></instanceState><instanceType>c5.2xlarge</instanceType>\
         <launchTime>2026-03-02T08:59:58.000Z</launchTime><placement><availabilityZone>eu-west-1b</availabilityZone>\
         </placement><privateIpAddress>10.44.0.7</privateIpAddress><ipAddress>203.0.113.9</ipAddress>\
         <vpcId>vpc-1</vpcId><stateReason><code>Client.UserInitiatedShutdown</code>\
         <message>Client.UserInitiatedShutdown: User initiated shutdown</message></stateReason>\
         <tagSet><item><key>pexip-cloud</key><value>{tag}</value></item><item><key>Name</key><value>node-7</value></item>\
         </tagSet></item></instancesSet></item>"
    )
}

fn page(reservations: &str, next: &str) -> (u16, String) {
    (
        200,
        format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
             <reservationSet>{reservations}</reservationSet><nextToken>{next}</nextToken></DescribeInstancesResponse>"
        ),
    )
}

#[tokio::test]
async fn every_page_is_read_and_every_field() {
    let ec2 = FakeEc2::serve(|request, _| {
        if request.body.contains("NextToken=second") {
            page(&instance("i-2", "terminated", "mgr.example.com"), "")
        } else {
            page(&instance("i-1", "stopped", "mgr.example.com"), "second")
        }
    })
    .await;
    let fleet = ec2.fleet().read_fleet().await.unwrap();
    assert_eq!(fleet.instances.len(), 2);
    let first = &fleet.instances[0];
    assert_eq!((first.id.as_str(), first.name.as_str()), ("i-1", "node-7"));
    assert_eq!((first.region.as_str(), first.zone.as_str()), ("eu-west-1", "eu-west-1b"));
    assert_eq!((first.vpc.as_str(), first.instance_type.as_str()), ("vpc-1", "c5.2xlarge"));
    assert_eq!(first.state, InstanceState::Stopped);
    assert_eq!(first.state_reason, "Client.UserInitiatedShutdown: User initiated shutdown");
    assert_eq!(first.launched_at, Some("2026-03-02T08:59:58Z".parse().unwrap()));
    assert_eq!(first.private_ip, Some([10, 44, 0, 7].into()));
    assert_eq!(first.public_ip, Some([203, 0, 113, 9].into()));
    assert_eq!(first.tags.len(), 2);
    assert_eq!(fleet.instances[1].state, InstanceState::Terminated);

    let body = &ec2.seen()[0].body;
    for part in [
        "Action=DescribeInstances",
        "MaxResults=1000",
        "Filter.1.Name=tag%3Apexip-cloud",
        "Filter.1.Value.1=mgr.example.com",
    ] {
        assert!(body.contains(part), "{body}");
    }
    assert!(!body.contains("vpc-id"), "{body}");
}

#[tokio::test]
async fn what_is_not_ours_does_not_exist_even_if_it_is_in_the_answer() {
    let ec2 = FakeEc2::serve(|_, _| {
        page(
            &(instance("i-1", "running", "other.example.com")
                + &instance("i-2", "running", "mgr.example.com")),
            "",
        )
    })
    .await;
    let ids = |fleet: spillway_core::observation::Fleet| {
        fleet.instances.iter().map(|instance| instance.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(ec2.fleet().read_fleet().await.unwrap()), ["i-2"]);

    let elsewhere =
        FleetSettings { vpcs: vec!["vpc-9".to_owned(), "vpc-8".to_owned()], ..settings(&ec2.endpoint) };
    let fleet = AwsFleet::connect(&config(), elsewhere).unwrap();
    assert!(ids(fleet.read_fleet().await.unwrap()).is_empty());
    let body = &ec2.seen()[1].body;
    assert!(body.contains("Filter.2.Name=vpc-id&Filter.2.Value.1=vpc-9&Filter.2.Value.2=vpc-8"), "{body}");
}

#[tokio::test]
async fn a_region_that_fails_is_named_with_its_remedy_and_hides_no_other() {
    let ec2 = FakeEc2::serve(|request, _| {
        if request.region == "eu-north-1" {
            error(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
        } else {
            page(&instance("i-1", "running", "mgr.example.com"), "")
        }
    })
    .await;
    let regions = vec!["eu-west-1".to_owned(), "eu-north-1".to_owned()];
    let fleet = AwsFleet::connect(&config(), FleetSettings { regions, ..settings(&ec2.endpoint) }).unwrap();
    let reading = fleet.read_fleet().await.unwrap();
    assert_eq!(reading.instances.len(), 1, "the other region");
    let fault = &reading.unreadable[0].fault;
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert_eq!(fault.remedy, "allow ec2:DescribeInstances on region eu-north-1 in the role that runs this");
}

#[tokio::test]
async fn a_throttled_read_is_retried_by_the_transport() {
    let ec2 =
        FakeEc2::serve(
            |_, before| {
                if before == 0 { error(503, "RequestLimitExceeded", "slow") } else { page("", "") }
            },
        )
        .await;
    assert!(ec2.fleet().read_fleet().await.unwrap().instances.is_empty());
    assert_eq!(ec2.seen().len(), 2);
}

#[tokio::test]
async fn failures_have_kinds_and_no_secrets() {
    for (status, body, kind) in [
        (200, "<html>proxy</html>".to_owned(), FaultKind::Malformed),
        (401, error(401, "AuthFailure", "AWS was not able to validate").1, FaultKind::Unauthorized),
        (500, error(500, "InternalError", "oops").1, FaultKind::Server),
    ] {
        let ec2 = FakeEc2::serve(move |_, _| (status, body.clone())).await;
        let fault = ec2.fleet().read_fleet().await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
    }
    let fleet = AwsFleet::connect(&config(), settings("http://127.0.0.1:1")).unwrap();
    let fault = fleet.read_fleet().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable, "{fault}");
    let text = format!("{fault:?} {fleet:?}");
    assert!(!text.contains(SECRET) && !text.contains(SESSION), "{text}");
}
