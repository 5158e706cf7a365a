//! Holds and requests are put by anyone; what is expired, foreign or from a newer version is treated as such.

use crate::common::{NOW, TABLE, World, at, world};
use aws_sdk_dynamodb::types::AttributeValue;
use spillway_core::fault::FaultKind;
use spillway_core::ids::{HdCalls, LocationId};
use spillway_core::ledger::{
    Actor, Hold, HoldAmount, HoldScope, KnownPlatform, Ledger, OperatorCommand, Request,
};
use spillway_core::observation::{BurstingSettings, Location};
use spillway_engine::ports::{LedgerRead, LedgerWrite};

fn hold(id: &str, until: &str) -> Hold {
    Hold {
        id: id.into(),
        scope: HoldScope::Location("Oslo AWS".into()),
        amount: HoldAmount::HdCalls(HdCalls(40)),
        from: at("2026-03-02T08:00:00Z"),
        until: at(until),
        by: Actor::Person("eve".to_owned()),
        reason: "town hall".to_owned(),
        spike_at: Some(at("2026-03-02T08:10:00Z")),
        asked: Some(HoldAmount::AllNodes),
    }
}

fn request(id: &str, when: &str, command: OperatorCommand) -> Request {
    Request { id: id.to_owned(), by: Actor::Unknown, at: at(when), reason: String::new(), command }
}

async fn put_raw(world: &World, sk: &str, attributes: &[(&str, AttributeValue)]) {
    let mut put = world
        .client
        .put_item()
        .table_name(TABLE)
        .item("pk", AttributeValue::S("STATE".to_owned()))
        .item("sk", AttributeValue::S(sk.to_owned()));
    for (name, value) in attributes {
        put = put.item(*name, value.clone());
    }
    put.send().await.unwrap();
}

#[tokio::test]
async fn holds_are_put_replaced_and_removed() {
    let world = world().await;
    let ledger = &world.ledger;
    ledger.put_hold(&hold("weekday#2026-03-02T08:00Z", "2026-03-02T10:00:00Z")).await.unwrap();
    ledger.put_hold(&hold("other", "2026-03-02T11:00:00Z")).await.unwrap();
    let replaced =
        Hold { amount: HoldAmount::AllNodes, scope: HoldScope::All, ..hold("other", "2026-03-02T12:00:00Z") };
    ledger.put_hold(&replaced).await.unwrap();
    let holds = ledger.read_ledger(at(NOW)).await.unwrap().holds;
    assert_eq!(holds.len(), 2);
    assert!(holds.contains(&replaced), "{holds:?}");
    ledger.remove_hold(&"other".into()).await.unwrap();
    ledger.remove_hold(&"other".into()).await.unwrap();
    let holds = ledger.read_ledger(at(NOW)).await.unwrap().holds;
    assert_eq!(holds, [hold("weekday#2026-03-02T08:00Z", "2026-03-02T10:00:00Z")]);
}

#[tokio::test]
async fn what_is_known_of_the_platform_comes_back_and_is_replaced() {
    let world = world().await;
    let bursting = BurstingSettings { enabled: false, threshold: HdCalls(5), min_lifetime_minutes: 50 };
    let location = Location {
        id: LocationId(3),
        name: "Oslo".into(),
        overflow_location1: Some(LocationId(4)),
        overflow_location2: None,
        transcoding_location: None,
    };
    let mut known = KnownPlatform {
        address: "https://mgr.example.com".to_owned(),
        version: "38 (77000.0.0)".to_owned(),
        upgrading: true,
        bursting,
        locations: vec![location],
    };
    for version in ["38", "39"] {
        version.clone_into(&mut known.version);
        world.ledger.put_platform(&known).await.unwrap();
        assert_eq!(world.ledger.read_ledger(at(NOW)).await.unwrap().platform.as_ref(), Some(&known));
    }
}

#[tokio::test]
async fn requests_come_oldest_first_and_go_when_met() {
    let world = world().await;
    let ledger = &world.ledger;
    let late = request("a", "2026-03-02T08:30:00Z", OperatorCommand::Stop("i-1".into()));
    let early =
        request("b", "2026-03-02T08:20:00Z", OperatorCommand::Pause { until: at("2026-03-09T00:00:00Z") });
    let also =
        request("c", "2026-03-02T08:30:00Z", OperatorCommand::Pause { until: at("2026-03-02T09:00:00Z") });
    for request in [&late, &early, &also] {
        ledger.put_request(request).await.unwrap();
    }
    let read = ledger.read_ledger(at(NOW)).await.unwrap().requests;
    assert_eq!(read, [early.clone(), late, also.clone()]);
    let tomorrow = ledger.read_ledger(at("2026-03-03T09:00:00Z")).await.unwrap().requests;
    assert_eq!(
        tomorrow,
        [early, also],
        "a command is dropped after a day, a pause outlives those whose place it took, over or not"
    );
    let before_its_end = ledger.read_ledger(at("2026-03-08T23:59:00Z")).await.unwrap();
    assert_eq!(before_its_end.pause(at("2026-03-08T23:59:00Z")), None, "the longer one does not come back");
    ledger.remove_request("c").await.unwrap();
    let longer = ledger.read_ledger(at("2026-03-08T23:59:00Z")).await.unwrap();
    let until = longer.pause(at("2026-03-08T23:59:00Z")).map(|pause| pause.until);
    assert_eq!(until, Some(at("2026-03-09T00:00:00Z")), "a pause runs until its end");
    ledger.remove_request("b").await.unwrap();
    ledger.remove_request("nobody").await.unwrap();
    assert!(ledger.read_ledger(at("2026-03-03T09:00:00Z")).await.unwrap().requests.is_empty());
}

#[tokio::test]
async fn expired_items_are_ignored_before_dynamodb_removes_them() {
    let world = world().await;
    world.ledger.put_hold(&hold("h", "2026-03-02T10:00:00Z")).await.unwrap();
    let count = async |now| world.ledger.read_ledger(at(now)).await.unwrap().holds.len();
    assert_eq!(count("2026-03-03T09:59:59Z").await, 1, "kept a day after its end");
    assert_eq!(count("2026-03-03T10:00:00Z").await, 0);
}

#[tokio::test]
async fn items_of_the_reconciler_and_of_kinds_to_come_are_left_out() {
    let world = world().await;
    put_raw(&world, "NAT#i-1", &[("wanted", AttributeValue::S("203.0.113.9".to_owned()))]).await;
    put_raw(&world, "SOMETHING#1", &[("schema", AttributeValue::N("9".to_owned()))]).await;
    assert_eq!(world.ledger.read_ledger(at(NOW)).await.unwrap(), Ledger::default());
}

#[tokio::test]
async fn an_item_of_a_newer_version_stops_the_reader_with_a_remedy() {
    let world = world().await;
    put_raw(&world, "NODE#i-1", &[("schema", AttributeValue::N("2".to_owned()))]).await;
    let fault = world.ledger.read_ledger(at(NOW)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Malformed);
    assert!(fault.detail.contains("STATE/NODE#i-1 was written by a newer Spillway"), "{fault}");
    assert!(fault.remedy.contains("deploy the newer version"), "{}", fault.remedy);
}

#[tokio::test]
async fn an_item_of_an_older_version_is_read() {
    let world = world().await;
    put_raw(&world, "NODE#i-1", &[("failed_starts", AttributeValue::N("2".to_owned()))]).await;
    let nodes = world.ledger.read_ledger(at(NOW)).await.unwrap().nodes;
    assert_eq!(nodes[&"i-1".into()].failed_starts, 2);
}

#[tokio::test]
async fn an_unreadable_hold_or_platform_is_left_out_and_an_unreadable_request_is_not() {
    let world = world().await;
    let newer = [("schema", AttributeValue::N("2".to_owned()))];
    let spoilt = [("amount", AttributeValue::S("most".to_owned()))];
    put_raw(&world, "HOLD#newer", &newer).await;
    put_raw(&world, "HOLD#spoilt", &spoilt).await;
    put_raw(&world, "PLATFORM", &spoilt).await;
    let good = hold("good", "2026-03-02T10:00:00Z");
    world.ledger.put_hold(&good).await.unwrap();
    let ledger = world.ledger.read_ledger(at(NOW)).await.unwrap();
    assert_eq!((ledger.holds, ledger.platform), (vec![good], None));
    // It may be a pause.
    for attributes in [&newer, &spoilt] {
        put_raw(&world, "REQUEST#r", attributes).await;
        let fault = world.ledger.read_ledger(at(NOW)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed);
        assert!(fault.detail.contains("STATE/REQUEST#r"), "{fault}");
    }
}
