//! Whole lists: pages, links, order, duplicates, lists that move while they are read.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_pexip::Problem;

use crate::support::{Answer, Server, client, list, page};

fn nodes(n: usize) -> Vec<Value> {
    (0..n)
        .map(|n| json!({"cloud_instance_id": format!("i-{n:05}"), "resource_uri": format!("/api/admin/status/v1/cloud_node/i-{n:05}/")}))
        .collect()
}

/// The ids of the cloud nodes as the client reads them from a server that answers that list so.
async fn read(
    script: impl Fn(&str, usize) -> Answer + Send + Sync + 'static,
) -> (Result<Vec<String>, Problem>, Vec<String>) {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |seen| match seen.resource().as_str() {
        "status/cloud_node" => script(&seen.query, asked.fetch_add(1, Ordering::SeqCst)),
        _ => list(&[]),
    })
    .await;
    let cloud = client(&server).read_cloud().await;
    let ids = cloud.map(|cloud| cloud.nodes.iter().map(|node| node.instance.to_string()).collect());
    let queries = server
        .seen()
        .iter()
        .filter(|seen| seen.resource() == "status/cloud_node")
        .map(|seen| seen.query.clone())
        .collect();
    (ids.map_err(|error| error.problem), queries)
}

fn envelope(objects: &[Value], next: Option<&str>, total: usize) -> Answer {
    Answer::json(&json!({"meta": {"next": next, "total_count": total}, "objects": objects}))
}

#[tokio::test]
async fn pages_of_500_are_followed_to_the_end() {
    let all = nodes(1203);
    let server = Server::start(move |seen| match seen.resource().as_str() {
        "status/cloud_node" => page(seen, &all, 10_000),
        _ => list(&[]),
    })
    .await;
    assert_eq!(client(&server).read_cloud().await.unwrap().nodes.len(), 1203);
    let queries: Vec<String> = server
        .seen()
        .iter()
        .filter(|seen| seen.path.contains("cloud_node"))
        .map(|seen| seen.query.clone())
        .collect();
    assert_eq!(queries, ["limit=500", "limit=500&offset=500", "limit=500&offset=1000"]);
    assert!(server.seen().iter().all(|seen| seen.path.ends_with('/')), "every path ends with a slash");
}

#[tokio::test]
async fn a_server_that_cuts_the_limit_to_20_is_followed_too() {
    let all = nodes(43);
    let server = Server::start(move |seen| match seen.resource().as_str() {
        "status/cloud_node" => page(seen, &all, 20),
        _ => list(&[]),
    })
    .await;
    assert_eq!(client(&server).read_cloud().await.unwrap().nodes.len(), 43);
}

#[tokio::test]
async fn a_list_without_meta_or_with_odd_meta_is_one_page() {
    for meta in [
        json!(null),
        json!({}),
        json!({"next": null, "total_count": null}),
        json!({"next": "", "total_count": "2"}),
    ] {
        let (ids, _) = read(move |_, _| Answer::json(&json!({"meta": meta, "objects": nodes(2)}))).await;
        assert_eq!(ids.unwrap().len(), 2);
    }
    let (ids, _) = read(|_, _| Answer::json(&json!({"objects": nodes(2)}))).await;
    assert_eq!(ids.unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_no_list_makes_no_sense() {
    for (body, what) in [
        ("{}", "another shape"),
        ("[]", "another shape"),
        (r#"{"objects": [null]}"#, "another shape"),
        (r#"{"objects": ["#, "cut off"),
        ("", "empty"),
        ("<!doctype html><p>Sign in", "HTML"),
        ("plain", "not JSON"),
    ] {
        let (ids, queries) = read(move |_, _| Answer::new(200, body)).await;
        let problem = ids.unwrap_err();
        assert!(matches!(&problem, Problem::Malformed(said) if said.contains(what)), "{body}: {problem}");
        assert_eq!(queries.len(), 3, "asked again, as it may pass: {body}");
    }
}

#[tokio::test]
async fn a_next_link_that_leads_elsewhere_is_an_error_and_is_not_followed() {
    let elsewhere = Server::start(|_| list(&[])).await;
    let port = elsewhere.address.rsplit(':').next().unwrap().to_owned();
    for (next, what) in [
        (format!("http://localhost:{port}/api/admin/status/v1/cloud_node/?offset=2"), "another host"),
        (format!("//localhost:{port}/api/admin/status/v1/cloud_node/?offset=2"), "another host"),
        ("https://evil.example.com/api/admin/status/v1/cloud_node/?offset=2".to_owned(), "another host"),
        ("/api/admin/configuration/v1/global/1/?offset=2".to_owned(), "another list"),
        ("/api/admin/status/v1/cloud_node/".to_owned(), "first page"),
        ("https://[".to_owned(), "not a link"),
    ] {
        let shown = next.clone();
        let (ids, queries) = read(move |_, _| envelope(&nodes(2), Some(&next), 4)).await;
        let problem = ids.unwrap_err();
        assert!(matches!(&problem, Problem::Malformed(said) if said.contains(what)), "{shown}: {problem}");
        assert_eq!(queries.len(), 1, "{shown}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn next_links_in_a_circle_and_without_end_are_errors() {
    let circle = |query: &str, _| {
        let offset = if query.contains("offset=2") { 4 } else { 2 };
        envelope(&nodes(2), Some(&format!("/api/admin/status/v1/cloud_node/?offset={offset}")), 6)
    };
    let (ids, queries) = read(circle).await;
    assert!(matches!(ids.unwrap_err(), Problem::Malformed(said) if said.contains("circle")));
    assert_eq!(queries, ["limit=500", "offset=2", "offset=4"]);

    let (ids, queries) =
        read(|_, n| envelope(&[], Some(&format!("/api/admin/status/v1/cloud_node/?offset={}", n + 1)), 0))
            .await;
    assert!(matches!(ids.unwrap_err(), Problem::Malformed(said) if said.contains("200 pages")));
    assert_eq!(queries.len(), 200);
}

#[tokio::test]
async fn rows_seen_twice_count_once() {
    let (ids, _) = read(|query, _| {
        let all = nodes(5);
        if query.contains("offset") {
            envelope(&all[2..], None, 5)
        } else {
            envelope(&all[..3], Some("/api/admin/status/v1/cloud_node/?limit=500&offset=3"), 5)
        }
    })
    .await;
    assert_eq!(ids.unwrap(), ["i-00000", "i-00001", "i-00002", "i-00003", "i-00004"]);
}

#[tokio::test]
async fn a_list_that_moved_is_read_again_and_nothing_is_taken_for_absent() {
    // Row 0 goes away between the pages, so that row 2 slips from the second page to the first and is not seen.
    let (ids, queries) = read(|query, n| {
        let all = nodes(4);
        match (query.contains("offset"), n) {
            (false, 0) => envelope(&all[..2], Some("/api/admin/status/v1/cloud_node/?limit=500&offset=2"), 4),
            (false, _) => {
                envelope(&all[1..3], Some("/api/admin/status/v1/cloud_node/?limit=500&offset=2"), 3)
            }
            (true, _) => envelope(&all[3..], None, 3),
        }
    })
    .await;
    let mut ids = ids.unwrap();
    ids.sort();
    assert_eq!(ids, ["i-00000", "i-00001", "i-00002", "i-00003"]);
    assert_eq!(queries.len(), 4);
}

#[tokio::test]
async fn fewer_rows_than_total_count_are_not_a_list() {
    let (ids, queries) = read(|_, _| envelope(&nodes(20), None, 43)).await;
    assert!(matches!(ids.unwrap_err(), Problem::Malformed(said) if said.contains("23 rows fewer")));
    assert_eq!(queries.len(), 2, "read again once");
    let (ids, _) = read(|_, n| envelope(&nodes(if n == 0 { 20 } else { 43 }), None, 43)).await;
    assert_eq!(ids.unwrap().len(), 43, "the second reading may be whole");
}

#[tokio::test]
async fn an_order_that_is_refused_is_left_out_from_then_on() {
    let event = |at: &str| json!({"time_changed": at, "event_type": "odd", "resource_uri": at});
    let server = Server::start(move |seen| {
        if seen.query.contains("order_by") {
            return Answer::new(400, r#"{"error": "No matching 'time_changed' field for ordering on."}"#);
        }
        // The filters are ignored too: everything comes back, in any order.
        list(&[
            event("2026-11-22T10:00:09"),
            event("2026-11-22T09:59:59.999999"),
            event("2026-11-22T10:00:00"),
            event("2026-11-22T10:00:10"),
            json!({"time_changed": null}),
        ])
    })
    .await;
    let client = client(&server);
    let (from, until): (Timestamp, Timestamp) =
        ("2026-11-22T10:00:00Z".parse().unwrap(), "2026-11-22T10:00:10Z".parse().unwrap());
    for _ in 0..2 {
        let events = client.read_node_history(from, until).await.unwrap();
        let times: Vec<String> = events.iter().map(|event| event.at.to_string()).collect();
        assert_eq!(
            times,
            ["2026-11-22T10:00:00Z", "2026-11-22T10:00:09Z"],
            "filtered and sorted on our side"
        );
    }
    let queries: Vec<String> = server.seen().iter().map(|seen| seen.query.clone()).collect();
    let filters = "time_changed__gte=2026-11-22T10%3A00%3A00&time_changed__lt=2026-11-22T10%3A00%3A11";
    assert_eq!(
        queries,
        [
            format!("{filters}&order_by=time_changed&limit=500"),
            format!("{filters}&limit=500"),
            format!("{filters}&limit=500"),
        ]
    );
}

#[tokio::test]
async fn an_answer_larger_than_the_bound_is_not_read_to_its_end() {
    let server = Server::start(|_| Answer::new(200, "x".repeat(3000))).await;
    let mut settings =
        crate::support::settings(&[&server.address], crate::support::basic(), spillway_pexip::Tls::PublicCas);
    settings.max_answer = 2000;
    let error = spillway_pexip::HttpManagement::new(settings).unwrap().read_licensing().await.unwrap_err();
    assert!(error.to_string().contains("larger than 2000 bytes"), "{error}");
}
