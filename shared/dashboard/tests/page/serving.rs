//! What is served, and what happens while something is down.

use spillway_dashboard::{PageAction, ServeSettings};

use crate::source::{MadeUp, Page, at, blind, data, down, empty, london};

#[tokio::test]
async fn the_page_names_no_other_server_and_has_no_script_of_its_own() {
    let page = Page::of(empty()).await;
    let html = page.get("/").await.body;
    assert!(html.starts_with("<!doctype html>"));
    for (path, kind) in
        [("/page.css", "text/css"), ("/page.js", "text/javascript"), ("/icon.svg", "image/svg+xml")]
    {
        assert!(html.contains(path), "{path}");
        assert!(page.get(path).await.head.contains(kind), "{path}");
    }
    let script = page.get("/page.js").await.body;
    for text in [&html, &script, &page.get("/page.css").await.body] {
        assert!(!text.replace("http://www.w3.org/", "").contains("://"), "an address");
    }
    assert!(!html.contains("style=") && !html.contains("<style"), "a style of its own");
    assert!(!html.contains(" on") || !html.contains("onclick"), "an event handler in the markup");
    for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
        assert!(!script.contains(sink), "{sink}");
    }
}

#[tokio::test]
async fn a_refresh_is_one_request_and_pages_share_a_reading() {
    let source = MadeUp::showing(data(london()));
    let page = Page::with(source.clone(), ServeSettings::default()).await;
    let reply = page.get("/api/page").await.json();
    assert_eq!(reply["every_ms"], 15_000);
    assert_eq!(reply["data"]["platform"], "acme");
    assert_eq!(reply["data"]["principal"][0][1], 7);
    page.get("/api/page").await;
    assert_eq!(source.0.lock().unwrap().reads, 1);
}

#[tokio::test]
async fn what_was_read_last_is_shown_with_its_age_while_nothing_can_be_read() {
    let page = Page::of(london()).await;
    assert_eq!(page.get("/api/page").await.json()["unread"], serde_json::Value::Null);
    page.source.set(Err(down()));
    let reply = page.get("/api/page").await.json();
    assert_eq!(reply["unread"]["what"], "settings (SSM): no route to SSM");
    assert_eq!(reply["unread"]["remedy"], "look at the network");
    assert_eq!(reply["data"]["principal"][0][1], 7);
    assert!(reply["age_s"].is_u64());
    page.source.set(Ok(data(empty())));
    assert_eq!(page.get("/api/page").await.json()["unread"], serde_json::Value::Null);
}

#[tokio::test]
async fn without_the_management_node_the_locations_are_those_read_last() {
    let page = Page::of(london()).await;
    assert_eq!(page.get("/api/page").await.json()["data"]["locations_age"], 0);
    let mut later = blind();
    later.at = at() + jiff::SignedDuration::from_mins(2);
    page.source.set(Ok(data(later)));
    for _ in 0..2 {
        let reply = page.get("/api/page").await.json();
        assert_eq!(reply["data"]["locations_age"], 120);
        assert_eq!(reply["data"]["principal"][0][1], 7);
        assert_eq!(reply["data"]["trouble"][0]["what"], "Management Node: no answer");
    }
}

#[tokio::test]
async fn nothing_at_all_is_said_to_be_nothing() {
    let source = MadeUp::showing(data(empty()));
    source.set(Err(down()));
    let reply = Page::serving(source).await.get("/api/page").await.json();
    assert_eq!((&reply["data"], &reply["age_s"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

#[tokio::test]
async fn a_plan_is_shown_and_carried_out_once() {
    let page = Page::of(empty()).await;
    let asked = r#"{"do":"start","instance":"i-1","hold_minutes":60,"reason":"a talk"}"#;
    let shown = page.post("/api/preview", asked).await.json();
    assert_eq!(shown["plan"][0], "Start i-1");
    assert!(page.source.done().is_empty());
    let yes = format!(r#"{{"id":{}}}"#, shown["id"]);
    let answer = page.post("/api/act", &yes).await.json();
    assert_eq!((&answer["done"], &answer["lines"][0]), (&true.into(), &"started".into()));
    assert_eq!(page.post("/api/act", &yes).await.status, 409);
    assert_eq!(page.post("/api/act", r#"{"id":"made up"}"#).await.status, 409);
    let reason = "a talk".to_owned();
    assert_eq!(page.source.done(), [PageAction::Start { instance: "i-1".into(), hold_minutes: 60, reason }]);
}

#[tokio::test]
async fn what_is_refused_cannot_be_confirmed() {
    let page = Page::of(empty()).await;
    let reply = page.post("/api/preview", r#"{"do":"stop","instance":"i-retired","reason":""}"#).await.json();
    assert_eq!((&reply["id"], &reply["refused"]), (&serde_json::Value::Null, &"it is retired".into()));
}

#[tokio::test]
async fn history_comes_as_it_was_written() {
    let page = Page::of(empty()).await;
    let event = &page.get("/api/history?hours=24").await.json()["events"][0];
    assert_eq!((&event["kind"], &event["by"]), (&"start".into(), &"user/anna".into()));
    assert_eq!(event["why"], "<b>a talk</b>");
}

/// Names, reasons and errors with what a browser obeys in plain text, or without an end.
#[tokio::test]
async fn nothing_that_turns_text_round_or_has_no_end_reaches_the_page() {
    use spillway_core::ledger::{Actor, HoldAmount, HoldScope};
    let hostile = format!("\u{202e}\u{2066}\u{1b}[31m{}", "x".repeat(10_000));
    let mut status = london();
    status.platform.clone_from(&hostile);
    status.principal[0].name = hostile.as_str().into();
    status.overflow[0].why = vec![hostile.clone()];
    status.next = vec![hostile.clone()];
    status.holds.push(spillway_view::HoldLine {
        id: spillway_core::ids::HoldId::new(&hostile),
        scope: HoldScope::Location(hostile.as_str().into()),
        amount: HoldAmount::AllNodes,
        from: at(),
        until: at(),
        spike_at: None,
        current: true,
        by: Actor::Person(hostile.clone()),
        reason: hostile.clone(),
    });
    status.issues.push(spillway_view::IssueLine {
        about: hostile.clone(),
        what: hostile.clone(),
        remedy: hostile.clone(),
    });
    let page = Page::of(status).await;
    let shown = page.get("/api/page").await.body;
    assert!(shown.contains(&"x".repeat(300)), "{shown}");
    let mut fault = down();
    fault.remedy.clone_from(&hostile);
    page.source.set(Err(fault));
    let failed = page.get("/api/page").await.body;
    let asked = format!(r#"{{"do":"start","instance":"{}","hold_minutes":60,"reason":""}}"#, "\u{202e}i-1");
    let asked = page.post("/api/preview", &asked).await.body;
    assert!(asked.contains("Start i-1"), "{asked}");
    for body in [&shown, &failed, &asked] {
        assert!(!body.contains(spillway_view::is_unseen) && !body.contains("\\u"), "{body:.2000}");
        assert!(!body.contains(&"x".repeat(401)), "{}", body.len());
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
}

/// The page adds seconds to the whole second of the reading.
#[tokio::test]
async fn the_ends_of_a_hold_are_those_of_the_hold_whatever_fraction_of_a_second_it_is_read_at() {
    use spillway_core::ledger::{Actor, HoldAmount, HoldScope};
    let mut status = empty();
    status.at = "2026-03-02T08:56:01.7Z".parse().unwrap();
    status.holds.push(spillway_view::HoldLine {
        id: spillway_core::ids::HoldId::new("weekday-morning"),
        scope: HoldScope::All,
        amount: HoldAmount::AllNodes,
        from: "2026-03-02T08:50:00Z".parse().unwrap(),
        until: "2026-03-02T10:00:00Z".parse().unwrap(),
        spike_at: None,
        current: true,
        by: Actor::Spillway,
        reason: String::new(),
    });
    let data = Page::of(status).await.get("/api/page").await.json()["data"].clone();
    let second = |key: &str| data["at"].as_i64().unwrap() + data["holds"][0][key].as_i64().unwrap();
    let shown = |key: &str| jiff::Timestamp::from_second(second(key)).unwrap().to_string();
    assert_eq!(shown("from"), "2026-03-02T08:50:00Z");
    assert_eq!(shown("until"), "2026-03-02T10:00:00Z");
}
