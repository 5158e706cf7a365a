//! What is repeated, how often and how fast; what is not; how many requests are in flight.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use spillway_core::fault::FaultKind;
use spillway_core::ids::{InstanceId, NodeId};
use spillway_core::observation::PlatformScope;
use spillway_engine::ports::{ManagementRead, ManagementWrite};
use spillway_pexip::{HttpManagement, Problem, RetryPolicy, Tls};

use crate::support::{Answer, Server, basic, client, list, platform, raw_server, settings};

/// A server whose n-th answer is the n-th given, the last one for all that follow.
async fn answering(answers: Vec<Answer>) -> Server {
    let next = AtomicUsize::new(0);
    Server::start(move |_| {
        let n = next.fetch_add(1, Ordering::SeqCst);
        answers.get(n).or(answers.last()).unwrap().clone()
    })
    .await
}

fn fine() -> Answer {
    list(&[])
}

#[tokio::test]
async fn reads_are_repeated_when_the_failure_may_pass() {
    for status in [429, 500, 502, 503, 504] {
        let failing = Answer::html(status, "Busy");
        let server = answering(vec![failing.clone(), failing.clone(), fine()]).await;
        assert!(client(&server).read_licensing().await.is_ok(), "{status}");
        assert_eq!(server.seen().len(), 3, "{status}");
        let server = answering(vec![failing]).await;
        let error = client(&server).read_licensing().await.unwrap_err();
        assert_eq!(server.seen().len(), 3, "{status}: three attempts and no more");
        assert!(error.to_string().contains(&format!("({status}: an HTML page, \"Busy\")")), "{error}");
    }
}

#[tokio::test]
async fn reads_are_not_repeated_when_the_refusal_is_final() {
    for (status, kind) in [
        (301, FaultKind::Setting),
        (400, FaultKind::Rejected),
        (401, FaultKind::Unauthorized),
        (403, FaultKind::Forbidden),
        (405, FaultKind::Rejected),
        (415, FaultKind::Rejected),
        (501, FaultKind::Server),
    ] {
        let server =
            answering(vec![Answer::new(status, "no").header("location", "https://x.example.com/?t=1")]).await;
        let error = client(&server).read_licensing().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_cut_off_and_a_reset_answer_are_asked_for_again() {
    let whole = r#"{"meta": {"next": null}, "objects": []}"#;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", whole.len());
    let good = format!("{head}{whole}");
    let cut = format!("{head}{}", &whole[..20]);
    for first in [cut.clone(), String::new(), "HTTP/1.1 200 OK\r\ncontent-le".to_owned()] {
        let (address, asked) = raw_server(vec![first.clone(), good.clone()]).await;
        let client = HttpManagement::new(settings(&[&address], basic(), Tls::PublicCas)).unwrap();
        assert!(client.read_licensing().await.is_ok(), "{first:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
    for (always, kind) in [(cut, FaultKind::Malformed), (String::new(), FaultKind::Unreachable)] {
        let (address, asked) = raw_server(vec![always]).await;
        let client = HttpManagement::new(settings(&[&address], basic(), Tls::PublicCas)).unwrap();
        let error = client.read_licensing().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn a_command_is_sent_once_whatever_happens() {
    let instance = InstanceId::from("i-0abc");
    for status in [429, 500, 503] {
        let server = answering(vec![Answer::new(status, ""), Answer::new(202, "")]).await;
        assert!(client(&server).start_cloudnode(&instance).await.is_err(), "{status}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
    let (address, asked) = raw_server(vec![String::new()]).await;
    let client = HttpManagement::new(settings(&[&address], basic(), Tls::PublicCas)).unwrap();
    assert!(client.start_cloudnode(&instance).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_patch_sets_values_and_so_is_repeated() {
    let server = answering(vec![Answer::new(503, ""), Answer::new(202, "")]).await;
    client(&server).set_static_nat(NodeId(2), Some(Ipv4Addr::new(198, 51, 100, 7))).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn retry_after_is_waited_for_within_the_deadline() {
    let server = answering(vec![Answer::new(429, "").header("retry-after", "1"), fine()]).await;
    let began = Instant::now();
    assert!(client(&server).read_licensing().await.is_ok());
    assert!(began.elapsed() >= Duration::from_secs(1));

    for header in ["60", "18446744073709551615", "Thu, 31 Dec 2099 23:59:59 GMT"] {
        let server = answering(vec![Answer::new(429, "").header("retry-after", header), fine()]).await;
        let began = Instant::now();
        let error = client(&server).read_licensing().await.unwrap_err();
        assert!(matches!(error.problem, Problem::Throttled { retry_after: Some(_), .. }), "{error}");
        assert_eq!(server.seen().len(), 1, "{header}: longer than the deadline is not waited for");
        assert!(began.elapsed() < Duration::from_millis(900));
    }
}

#[tokio::test]
async fn a_request_and_an_operation_have_their_deadlines() {
    let slow = || fine().after(Duration::from_secs(5));
    let server = answering(vec![slow(), fine()]).await;
    let mut quick = settings(&[&server.address], basic(), Tls::PublicCas);
    quick.timing.request = Duration::from_millis(100);
    assert!(
        HttpManagement::new(quick.clone()).unwrap().read_licensing().await.is_ok(),
        "the second answer is in time"
    );

    let server = answering(vec![slow()]).await;
    let mut quick = settings(&[&server.address], basic(), Tls::PublicCas);
    quick.timing.request = Duration::from_millis(100);
    let error = HttpManagement::new(quick.clone()).unwrap().read_licensing().await.unwrap_err();
    assert_eq!(error.problem, Problem::Timeout(Duration::from_millis(100)));
    assert_eq!(server.seen().len(), 3);

    quick.timing.operation = Duration::from_millis(250);
    quick.timing.request = Duration::from_secs(4);
    let began = Instant::now();
    let fault =
        HttpManagement::new(quick).unwrap().read_platform(PlatformScope { shards: true }).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(1), "the operation ends at its deadline");
}

#[tokio::test]
async fn at_most_two_requests_are_in_flight() {
    let server = Server::start(|seen| platform(seen).after(Duration::from_millis(30))).await;
    let client = client(&server);
    let (a, b, c) = tokio::join!(
        client.read_platform(PlatformScope { shards: true }),
        client.read_activity(Ipv4Addr::new(10, 0, 1, 1)),
        client.set_static_nat(NodeId(2), None),
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.most_in_flight(), 2);
    assert_eq!(server.seen().len(), 6 + 3 + 1);
}

#[tokio::test]
async fn where_a_function_runs_twice_at_once_each_has_one_request_in_flight() {
    let server = Server::start(|seen| platform(seen).after(Duration::from_millis(20))).await;
    let mut one = settings(&[&server.address], basic(), Tls::PublicCas);
    one.in_flight = 1;
    HttpManagement::new(one).unwrap().read_platform(PlatformScope { shards: true }).await.unwrap();
    assert_eq!(server.most_in_flight(), 1);
}

#[tokio::test]
async fn a_wait_holds_nobody_else_up() {
    // Both places are taken by requests that fail and wait; a third request gets through meanwhile.
    let server = Server::start(|seen| match seen.resource().as_str() {
        "status/licensing" => Answer::new(503, ""),
        _ => list(&[]),
    })
    .await;
    let mut patient = settings(&[&server.address], basic(), Tls::PublicCas);
    patient.retry = RetryPolicy {
        attempts: 2,
        first_wait: Duration::from_millis(400),
        longest_wait: Duration::from_millis(400),
        jitter: 0.0,
    };
    let client = HttpManagement::new(patient).unwrap();
    let began = Instant::now();
    let waiting = async { tokio::join!(client.read_licensing(), client.read_licensing()) };
    let passing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.read_cloud().await.unwrap();
        began.elapsed()
    };
    let (_, passed_after) = tokio::join!(waiting, passing);
    assert!(passed_after < Duration::from_millis(390), "{passed_after:?}");
}
