//! History is append only, in order, and ends when it expires.

use std::collections::HashMap;

use crate::common::{NOW, TABLE, at, event, world};
use aws_sdk_dynamodb::types::AttributeValue;
use spillway_core::ids::HdCalls;
use spillway_core::ids::LocationName;
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{Event, LocationLoad};
use spillway_core::outlook::{Days, Profiles};
use spillway_engine::ports::{ForecastRead, ForecastWrite};
use spillway_engine::ports::{LedgerRead, LedgerWrite, LoadRead};
use spillway_forecast::{Day, FitOptions};

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

#[tokio::test]
async fn events_come_back_in_order_across_months() {
    let world = world().await;
    let ledger = &world.ledger;
    let events = [
        event("c", "2026-03-02T08:00:00.5Z"),
        event("a", "2026-01-31T23:59:59.999Z"),
        event("b", "2026-02-01T00:00:00Z"),
        event("d", "2026-03-02T08:00:00.5Z"),
    ];
    ledger.append_events(&events).await.unwrap();
    let all = ledger.read_events(at("2026-01-01T00:00:00Z"), at("2026-04-01T00:00:00Z")).await.unwrap();
    assert_eq!(ids(&all), ["a", "b", "c", "d"]);
    assert_eq!(all[2], events[0]);
    let some = ledger.read_events(at("2026-02-01T00:00:00Z"), at("2026-03-02T08:00:00.5Z")).await.unwrap();
    assert_eq!(ids(&some), ["b"], "from is inclusive, until is not");
    let ever = ledger.read_events(jiff::Timestamp::MIN, jiff::Timestamp::MAX).await.unwrap();
    assert_eq!(ever.len(), 4);
    let none = ledger.read_events(at("2026-03-02T09:00:00Z"), at("2026-03-02T08:00:00Z")).await.unwrap();
    assert!(none.is_empty());
    ledger.append_events(&[]).await.unwrap();
}

#[tokio::test]
async fn a_repeated_event_is_the_same_item_and_the_first_writer_wins() {
    let world = world().await;
    let ledger = &world.ledger;
    let first = event("2026-03-02T08:00:00Z/i-1/start", "2026-03-02T08:00:00Z");
    ledger.append_events(&[first.clone(), first.clone()]).await.unwrap();
    let other = Event { reason: "something else".to_owned(), ..first.clone() };
    let new = event("new", "2026-03-02T08:00:00Z");
    let later = Event { at: at("2026-03-02T08:01:00Z"), ..first.clone() };
    ledger.append_events(&[other, new.clone(), later]).await.unwrap();
    let read = ledger.read_events(at("2026-03-01T00:00:00Z"), at(NOW)).await.unwrap();
    assert_eq!(read, [first, new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_cycles_lose_no_event() {
    let world = world().await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let ledger = world.ledger.clone();
            tokio::spawn(async move {
                // A third of the events are everybody's.
                let events: Vec<_> = (0..120)
                    .map(|n| {
                        let id = if n % 3 == 0 { format!("all-{n}") } else { format!("{writer}-{n}") };
                        event(&id, "2026-03-02T08:00:00Z")
                    })
                    .collect();
                ledger.append_events(&events).await
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let read = world.ledger.read_events(at("2026-03-02T00:00:00Z"), at(NOW)).await.unwrap();
    assert_eq!(read.len(), 40 + 4 * 80);
}

#[tokio::test]
async fn expired_events_are_ignored() {
    let world = world().await;
    world.ledger.append_events(&[event("old", "2026-03-01T00:00:00Z")]).await.unwrap();
    let read =
        async || world.ledger.read_events(jiff::Timestamp::MIN, jiff::Timestamp::MAX).await.unwrap().len();
    assert_eq!(read().await, 1);
    *world.clock.0.lock().unwrap() = at("2027-04-05T00:00:00Z") - jiff::SignedDuration::from_secs(1);
    assert_eq!(read().await, 1);
    *world.clock.0.lock().unwrap() = at("2027-04-05T00:00:00Z");
    assert_eq!(read().await, 0, "400 days later");
}

#[tokio::test]
async fn a_long_reason_is_cut() {
    let world = world().await;
    let wordy = Event { reason: "x".repeat(500_000), ..event("w", "2026-03-02T08:00:00Z") };
    world.ledger.append_events(&[wordy]).await.unwrap();
    let read = world.ledger.read_events(at("2026-03-02T00:00:00Z"), at(NOW)).await.unwrap();
    assert_eq!(read[0].reason.chars().count(), 2_001);
}

#[tokio::test]
async fn load_is_one_item_a_minute_with_a_map_of_locations() {
    let world = world().await;
    let load = |free| {
        vec![
            LocationLoad { location: "Oslo".into(), free: HdCalls(free), max: HdCalls(34) },
            LocationLoad { location: "Oslo AWS".into(), free: HdCalls(17), max: HdCalls(17) },
        ]
    };
    world.ledger.put_load(at("2026-03-02T09:07:02Z"), &load(3)).await.unwrap();
    world.ledger.put_load(at("2026-03-02T09:07:40Z"), &load(5)).await.unwrap();
    world.ledger.put_load(at("2026-03-02T09:08:00Z"), &[]).await.unwrap();
    let items = world.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 1);
    let read = world.ledger.read_load(at("2026-03-02T09:07:00Z"), at("2026-03-02T09:08:00Z")).await.unwrap();
    let mut stored = load(5);
    stored.sort_by(|a, b| a.location.cmp(&b.location));
    assert_eq!(read, [MinuteOfLoad { at: at("2026-03-02T09:07:40Z"), locations: stored }]);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let n = |value: &str| AttributeValue::N(value.to_owned());
    assert_eq!(items[0]["pk"], text("LOAD#2026-03-02"));
    assert_eq!(items[0]["sk"], text("2026-03-02T09:07Z"));
    assert_eq!(items[0]["expires_at"], n("1807002460"));
    let oslo = HashMap::from([("free".to_owned(), n("5")), ("max".to_owned(), n("34"))]);
    assert_eq!(items[0]["locations"].as_m().unwrap()["Oslo"], AttributeValue::M(oslo));
}

#[tokio::test]
async fn days_and_profiles_are_stored_and_read() {
    let world = world().await;
    let ledger = &world.ledger;
    let london: LocationName = "London # 1".into();
    let mut day = Day::empty(at(NOW).to_zoned(jiff::tz::TimeZone::UTC).date());
    for minute in 0..spillway_forecast::MINUTES {
        day.see(minute, 12.5);
    }
    let days = Days::from([(london.clone(), vec![day.clone()])]);
    ledger.put_days(&days).await.unwrap();
    ledger.put_days(&days).await.unwrap();
    assert_eq!(ledger.read_days(day.date).await.unwrap(), days);
    assert!(ledger.read_days(day.date.tomorrow().unwrap()).await.unwrap().is_empty());
    assert!(ledger.read_profiles().await.unwrap().is_empty());
    let profile = spillway_forecast::fit(&[day], &FitOptions::default()).unwrap();
    ledger.put_profiles(&Profiles::from([(london.clone(), profile)])).await.unwrap();
    let read = ledger.read_profiles().await.unwrap();
    assert_eq!(read.keys().collect::<Vec<_>>(), [&london]);
}
