//! `StartInstances` and `StopInstances`: one answer for each instance, no retries by the SDK.

use spillway_core::fault::{Refusal, RefusalKind};
use spillway_ec2::AwsFleet;
use spillway_engine::ports::{FleetWrite, OrderResults};

use crate::ec2::{FakeEc2, SECRET, SESSION, accepted, config, error, orders, settings};

fn refused(results: &OrderResults) -> Vec<(&str, &Refusal)> {
    results.iter().filter_map(|(id, result)| Some((id.as_str(), result.as_ref().err()?))).collect()
}

#[tokio::test]
async fn a_start_and_a_stop_are_one_request_for_up_to_fifty() {
    let ec2 = FakeEc2::serve(|request, _| accepted(request)).await;
    let fleet = ec2.fleet();
    let started = fleet.start_instances(&orders(50)).await;
    let stopped = fleet.stop_instances(&orders(51)).await;
    assert_eq!((started.len(), stopped.len()), (50, 51));
    assert!(started.iter().chain(&stopped).all(|(_, result)| result.is_ok()));
    let seen = ec2.seen();
    let actions: Vec<_> = seen.iter().map(|seen| seen.body.split('&').next().unwrap()).collect();
    assert_eq!(actions, ["Action=StartInstances", "Action=StopInstances", "Action=StopInstances"]);
    assert!(seen.iter().all(|seen| !seen.body.contains("Force") && !seen.body.contains("Hibernate")));
    assert!(fleet.start_instances(&[]).await.is_empty());
}

#[tokio::test]
async fn every_code_is_typed_and_none_is_asked_for_again_by_the_sdk() {
    for (status, code, kind) in [
        (500, "InsufficientInstanceCapacity", RefusalKind::InstanceCapacity),
        (400, "InsufficientHostCapacity", RefusalKind::HostCapacity),
        (400, "IncorrectInstanceState", RefusalKind::WrongState),
        (400, "InstanceLimitExceeded", RefusalKind::Quota),
        (400, "VcpuLimitExceeded", RefusalKind::Quota),
        (503, "RequestLimitExceeded", RefusalKind::Throttled),
        (400, "Throttling", RefusalKind::Throttled),
        (403, "UnauthorizedOperation", RefusalKind::Unauthorized),
        (401, "AuthFailure", RefusalKind::Unauthorized),
        (400, "OperationNotPermitted", RefusalKind::NotPermitted),
        (400, "InvalidInstanceID.NotFound", RefusalKind::NoSuchInstance),
        (400, "InvalidInstanceID.Malformed", RefusalKind::NoSuchInstance),
        (503, "Unavailable", RefusalKind::NotAttempted),
        (500, "InternalError", RefusalKind::Other),
        (400, "SomethingNew", RefusalKind::Other),
    ] {
        let ec2 = FakeEc2::serve(move |_, _| error(status, code, "because")).await;
        let results = ec2.fleet().start_instances(&orders(1)).await;
        let expected = Refusal { kind, code: code.to_owned(), message: "because".to_owned() };
        assert_eq!(results, [(orders(1)[0].instance.clone(), Err(expected))]);
        assert_eq!(ec2.seen().len(), 1, "{code} was asked for again");
    }
}

#[tokio::test]
async fn an_unknown_id_is_dropped_and_the_rest_sent_again() {
    let all = orders(10);
    let unknown = all[3].instance.as_str().to_owned();
    let bad = unknown.clone();
    let ec2 = FakeEc2::serve(move |request, _| {
        if request.ids().contains(&bad) {
            error(400, "InvalidInstanceID.NotFound", &format!("The instance ID '{bad}' does not exist"))
        } else {
            accepted(request)
        }
    })
    .await;
    let results = ec2.fleet().start_instances(&all).await;
    assert_eq!(results.len(), 10);
    let refused = refused(&results);
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].0, refused[0].1.kind), (unknown.as_str(), RefusalKind::NoSuchInstance));
    assert_eq!(ec2.seen().iter().map(|seen| seen.ids().len()).collect::<Vec<_>>(), [10, 9]);
}

#[tokio::test]
async fn throttling_leaves_the_rest_to_the_next_cycle() {
    let ec2 = FakeEc2::serve(|request, before| {
        if before == 0 {
            accepted(request)
        } else {
            error(503, "RequestLimitExceeded", "Request limit exceeded.")
        }
    })
    .await;
    let results = ec2.fleet().start_instances(&orders(120)).await;
    assert_eq!(results.len(), 120);
    assert_eq!(ec2.seen().len(), 2);
    let refused = refused(&results);
    let count = |kind| refused.iter().filter(|(_, refusal)| refusal.kind == kind).count();
    assert_eq!((count(RefusalKind::Throttled), count(RefusalKind::NotAttempted)), (50, 20));
    assert!(refused.iter().all(|(_, refusal)| !refusal.kind.is_the_instances()));
}

#[tokio::test]
async fn a_dead_network_is_no_instances_fault_and_shows_no_secret() {
    let fleet = AwsFleet::connect(&config(), settings("http://127.0.0.1:1")).unwrap();
    let results = fleet.start_instances(&orders(60)).await;
    assert_eq!(results.len(), 60);
    for (_, refusal) in refused(&results) {
        assert_eq!(refusal.kind, RefusalKind::NotAttempted);
        assert_eq!(refusal.code, "Unreachable");
        assert!(!format!("{refusal:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_refused_signature_does_not_repeat_the_session_token() {
    let message =
        format!("The Canonical String for this request should have been 'x-amz-security-token:{SESSION}'");
    let ec2 = FakeEc2::serve(move |_, _| error(403, "SignatureDoesNotMatch", &message)).await;
    let results = ec2.fleet().stop_instances(&orders(2)).await;
    assert_eq!(ec2.seen().len(), 1, "every instance would be refused alike");
    for (_, refusal) in refused(&results) {
        assert_eq!(refusal.kind, RefusalKind::Unauthorized);
        assert!(!format!("{refusal:?}").contains(SESSION), "{refusal:?}");
    }
}

#[tokio::test]
async fn an_ec2_in_trouble_is_left_alone_after_three_and_few_instances_back_off() {
    let ec2 = FakeEc2::serve(|_, _| error(500, "InternalError", "An internal error has occurred")).await;
    let results = ec2.fleet().start_instances(&orders(50)).await;
    assert_eq!(results.len(), 50);
    assert!(ec2.seen().len() <= 10, "{} requests", ec2.seen().len());
    let blamed = refused(&results).iter().filter(|(_, refusal)| refusal.kind.is_the_instances()).count();
    assert_eq!(blamed, 3);
}
