//! Where Spillway works: GovCloud, several regions, not China.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use spillway_core::fault::{FaultKind, RefusalKind};
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::{FleetRead, FleetWrite, InstanceOrder};

use crate::ec2::{FakeEc2, accepted, config, error, orders, settings};

/// Notes where each request would go, and sends none.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<Vec<String>>>);

impl HttpConnector for Addresses {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(request.uri().to_owned());
        HttpConnectorFuture::ready(Err(ConnectorError::user("not sent".into())))
    }
}

fn in_regions(regions: &[&str]) -> FleetSettings {
    let regions = regions.iter().map(|&region| region.to_owned()).collect();
    FleetSettings { regions, endpoint: None, ..settings("") }
}

#[tokio::test]
async fn each_region_has_its_own_address_govcloud_too() {
    let addresses = Addresses::default();
    let connector = SharedHttpConnector::new(addresses.clone());
    let config = config().into_builder().http_client(http_client_fn(move |_, _| connector.clone())).build();
    for region in ["us-gov-west-1", "us-gov-east-1", "eu-west-1"] {
        let fleet = AwsFleet::connect(&config, in_regions(&[region])).unwrap();
        fleet.read_fleet().await.unwrap_err();
    }
    let mut seen = addresses.0.lock().unwrap().clone();
    seen.dedup();
    assert_eq!(
        seen,
        [
            "https://ec2.us-gov-west-1.amazonaws.com/",
            "https://ec2.us-gov-east-1.amazonaws.com/",
            "https://ec2.eu-west-1.amazonaws.com/",
        ]
    );
}

#[test]
fn china_is_refused_with_the_guides_reason() {
    for regions in [&["cn-north-1"][..], &["eu-west-1", "cn-northwest-1"]] {
        let fault = AwsFleet::connect(&config(), in_regions(regions)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Setting);
        assert!(fault.detail.contains("We do not support AWS deployments in China"), "{fault}");
        assert!(fault.detail.contains("cn-north"), "{fault}");
    }
    let home = config().into_builder().region(aws_config::Region::from_static("cn-north-1")).build();
    assert!(AwsFleet::connect(&home, in_regions(&[])).is_err(), "the home region counts too");
}

#[test]
fn no_region_is_a_setting_to_make() {
    let nowhere = aws_config::SdkConfig::builder().build();
    let fault = AwsFleet::connect(&nowhere, in_regions(&[])).unwrap_err();
    assert_eq!(
        (fault.kind, fault.remedy.as_str()),
        (FaultKind::Setting, "set AWS_REGION, or `regions` in the policy")
    );
}

#[tokio::test]
async fn orders_go_to_their_regions_and_to_no_other() {
    let ec2 = FakeEc2::serve(|request, _| accepted(request)).await;
    let regions = vec!["eu-west-1".to_owned(), "us-gov-west-1".to_owned()];
    let fleet = AwsFleet::connect(&config(), FleetSettings { regions, ..settings(&ec2.endpoint) }).unwrap();
    let all: Vec<_> = orders(3)
        .into_iter()
        .zip(["eu-west-1", "us-gov-west-1", "ap-south-1"])
        .map(|(order, region)| InstanceOrder { region: region.to_owned(), ..order })
        .collect();
    let results = fleet.start_instances(&all).await;
    assert_eq!(results.len(), 3);
    let mut sent: Vec<_> = ec2.seen().iter().map(|seen| (seen.region.clone(), seen.ids())).collect();
    sent.sort();
    let expected: Vec<_> =
        all[..2].iter().map(|order| (order.region.clone(), vec![order.instance.to_string()])).collect();
    assert_eq!(sent, expected);
    let elsewhere = results.iter().find(|(id, _)| *id == all[2].instance).unwrap();
    assert_eq!(elsewhere.1.as_ref().unwrap_err().kind, RefusalKind::NotAttempted);
}

/// One region answers, and one refuses, as where an account has not opted in.
#[derive(Debug)]
struct OneRefuses;

impl HttpConnector for OneRefuses {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, text) = if request.uri().contains("ap-southeast-3") {
            error(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
        } else {
            (200, "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>".to_owned())
        };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), text.into())))
    }
}

#[tokio::test]
async fn a_region_that_refuses_is_named_and_the_others_are_read() {
    let connector = SharedHttpConnector::new(OneRefuses);
    let config = config().into_builder().http_client(http_client_fn(move |_, _| connector.clone())).build();
    let both = AwsFleet::connect(&config, in_regions(&["eu-west-1", "ap-southeast-3"])).unwrap();
    let fleet = both.read_fleet().await.unwrap();
    let named: Vec<&str> = fleet.unreadable.iter().map(|each| each.region.as_str()).collect();
    assert_eq!(named, ["ap-southeast-3"]);
    assert!(fleet.unreadable[0].fault.detail.contains("AuthFailure"), "{}", fleet.unreadable[0].fault);
    let alone = AwsFleet::connect(&config, in_regions(&["ap-southeast-3"])).unwrap();
    alone.read_fleet().await.unwrap_err();
}
