//! A ledger that cannot be reached or refuses says which table, why, and what to do; and no secret.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{NOW, SetClock, at, event, ledger_at, world};
use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::ledger::{CycleRecord, NodeRecord};
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_engine::ports::{Lease, LeaseError, LedgerRead, LedgerWrite};

fn clock() -> Arc<SetClock> {
    Arc::new(SetClock(Mutex::new(at(NOW))))
}

/// A server that gives the n-th answer to the n-th request, the last one for ever, and counts.
async fn server(answers: Vec<(u16, &'static str)>) -> (DynamoLedger, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let app = Router::new().fallback(move || {
        let n = seen.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let (status, body) = answers[n];
        async move { (StatusCode::from_u16(status).unwrap(), body).into_response() }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (ledger_at(&endpoint, "t", clock()), count)
}

fn assert_no_secret(fault: &Fault) {
    let text = format!("{fault:?} {fault}");
    for secret in ["wJalrXUtnFEMI-secret", "session-token-secret"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_missing_table_says_what_to_do() {
    let world = world().await;
    let ledger = ledger_at(&world.endpoint, "nowhere", clock());
    let fault = ledger.read_ledger(at(NOW)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.detail, "table nowhere does not exist in this region and account");
    assert_eq!(fault.remedy, "deploy the stack or set SPILLWAY_TABLE");
    let lease = Lease { owner: "one".to_owned(), token: 1 };
    for error in [
        ledger.take_lease(&CycleRecord::default(), "one", at(NOW)).await.unwrap_err(),
        ledger.put_nodes(&lease, &[("i-1".into(), NodeRecord::default())]).await.unwrap_err(),
    ] {
        assert!(matches!(&error, LeaseError::Fault(fault) if fault.kind == FaultKind::NotFound), "{error:?}");
    }
    assert_eq!(ledger.append_events(&[event("e", NOW)]).await.unwrap_err().kind, FaultKind::NotFound);
}

#[tokio::test]
async fn a_dead_endpoint_is_unreachable_and_known_soon() {
    let began = Instant::now();
    let fault = ledger_at("http://127.0.0.1:1", "t", clock()).read_ledger(at(NOW)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable, "{fault}");
    assert!(!fault.remedy.is_empty());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_no_secret(&fault);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_a_timeout_within_eight_seconds() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let ledger = ledger_at(&format!("http://{}", listener.local_addr().unwrap()), "t", clock());
    let began = Instant::now();
    let fault = ledger.read_ledger(at(NOW)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    drop(listener);
}

#[tokio::test]
async fn refusals_have_kinds_and_name_the_missing_right() {
    for (status, body, kind) in [
        (
            400,
            r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#,
            FaultKind::Forbidden,
        ),
        (400, r#"{"__type":"x#UnrecognizedClientException","message":"bad token"}"#, FaultKind::Unauthorized),
        (400, r#"{"__type":"x#ExpiredTokenException","message":"late"}"#, FaultKind::Unauthorized),
        (
            400,
            r#"{"__type":"x#ProvisionedThroughputExceededException","message":"slow"}"#,
            FaultKind::Throttled,
        ),
        (500, r#"{"__type":"x#InternalServerError","message":"oops"}"#, FaultKind::Server),
        (400, r#"{"__type":"x#ValidationException","message":"wrong"}"#, FaultKind::Rejected),
        (200, "<html>proxy</html>", FaultKind::Malformed),
    ] {
        let (ledger, _) = server(vec![(status, body)]).await;
        let fault = ledger.read_ledger(at(NOW)).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
        if kind == FaultKind::Forbidden {
            assert_eq!(fault.remedy, "allow dynamodb:Query on table t in the role that runs this");
        }
        assert_no_secret(&fault);
    }
}

#[tokio::test]
async fn a_throttled_read_is_retried_by_the_transport() {
    let (ledger, count) = server(vec![
        (400, r#"{"__type":"x#ThrottlingException","message":"slow"}"#),
        (200, r#"{"Items":[],"Count":0}"#),
    ])
    .await;
    ledger.read_ledger(at(NOW)).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

const CONFLICT: &str = r#"{"__type":"x#TransactionCanceledException","Message":"cancelled",
    "CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict","Message":"ongoing"}]}"#;

#[tokio::test]
async fn a_conflict_with_another_transaction_is_a_lost_lease() {
    let (ledger, _) = server(vec![(400, CONFLICT)]).await;
    let lease = Lease { owner: "one".to_owned(), token: 1 };
    let records = [("i-1".into(), NodeRecord::default())];
    assert_eq!(ledger.put_nodes(&lease, &records).await, Err(LeaseError::Lost));
    let (ledger, _) =
        server(vec![(400, r#"{"__type":"x#TransactionConflictException","message":"ongoing"}"#)]).await;
    assert_eq!(ledger.take_lease(&CycleRecord::default(), "one", at(NOW)).await, Err(LeaseError::Lost));
    let throttled = r#"{"__type":"x#TransactionCanceledException","Message":"cancelled",
        "CancellationReasons":[{"Code":"ThrottlingError","Message":"slow"},{"Code":"None"}]}"#;
    let (ledger, _) = server(vec![(400, throttled)]).await;
    let error = ledger.put_nodes(&lease, &records).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Fault(fault) if fault.kind == FaultKind::Throttled), "{error:?}");
}

#[tokio::test]
async fn events_in_conflict_are_sent_again_and_given_up_in_the_end() {
    let (ledger, count) = server(vec![(400, CONFLICT), (400, CONFLICT), (200, "{}")]).await;
    ledger.append_events(&[event("a", NOW), event("b", NOW)]).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let (ledger, _) = server(vec![(400, CONFLICT)]).await;
    let fault = ledger.append_events(&[event("a", NOW), event("b", NOW)]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled);
    assert!(fault.detail.starts_with("2 items could not be written to table t"), "{fault}");
}

#[tokio::test]
async fn an_event_that_dynamodb_refuses_is_not_sent_again() {
    let refused = r#"{"__type":"x#TransactionCanceledException","Message":"cancelled",
        "CancellationReasons":[{"Code":"ValidationError","Message":"key too long"}]}"#;
    let (ledger, count) = server(vec![(400, refused)]).await;
    let fault = ledger.append_events(&[event("a", NOW)]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Rejected);
    assert!(fault.detail.contains("key too long"), "{fault}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_credentials_is_said_as_such() {
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::from_static("eu-west-1"))
        .build();
    let settings = LedgerSettings {
        table: "t".to_owned(),
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        history_days: 1,
    };
    let fault = DynamoLedger::connect(&config, settings, clock()).read_ledger(at(NOW)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unauthorized, "{fault}");
    assert!(fault.detail.contains("no usable AWS credentials"), "{fault}");
}
