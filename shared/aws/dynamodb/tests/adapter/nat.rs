//! The reconciler's items: their own versions, no lease, and a history in which nothing is twice.

use std::net::Ipv4Addr;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::reconcile::{NatRecord, NatWrite, SeenRun};
use spillway_engine::ports::{LedgerRead, LedgerWrite, NatLedger};

use crate::common::{NOW, TABLE, World, at, event, world};

fn id() -> InstanceId {
    "i-0a1".into()
}

fn write(record: NatRecord, event: Option<Event>) -> NatWrite {
    NatWrite { instance: id(), record, event }
}

async fn record_of(world: &World) -> NatRecord {
    world.ledger.read_nat(at(NOW)).await.unwrap().records[&id()].clone()
}

async fn events_of(world: &World) -> Vec<Event> {
    world.ledger.read_events(Timestamp::MIN, Timestamp::MAX).await.unwrap()
}

/// Items of the history, counted where they lie.
async fn event_items(world: &World) -> usize {
    let items = world.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    items.iter().filter(|item| item["pk"].as_s().unwrap().starts_with("EVENT#")).count()
}

#[tokio::test]
async fn a_record_survives_the_table_and_the_cycles_do_not_see_it() {
    let world = world().await;
    let record = NatRecord {
        node: Some("burst-1".into()),
        wanted: Some(Ipv4Addr::new(203, 0, 113, 9)),
        seen: None,
        since: Some(at("2026-03-02T08:50:12Z")),
        set_at: Some(at("2026-03-02T08:50:13.5Z")),
        run: Some(SeenRun { launched_at: at("2026-03-02T08:49:58Z"), start_told: true, closed: false }),
        ..NatRecord::default()
    };
    world.ledger.write_nat(&[write(record.clone(), None)], &[]).await.unwrap();
    assert_eq!(record_of(&world).await, NatRecord { version: 1, ..record });
    let state = world.ledger.read_nat(at(NOW)).await.unwrap();
    assert_eq!(state.ledger, world.ledger.read_ledger(at(NOW)).await.unwrap());
    assert!(state.ledger.nodes.is_empty());
}

#[tokio::test]
async fn of_two_passes_over_one_instance_one_writes_and_tells() {
    let world = world().await;
    world.ledger.write_nat(&[write(NatRecord::default(), None)], &[]).await.unwrap();
    let before = record_of(&world).await;
    let changed = |id: &str, last: u8| {
        let wanted = Some(Ipv4Addr::new(203, 0, 113, last));
        write(NatRecord { wanted, ..before.clone() }, Some(event(id, "2026-03-02T08:50:00Z")))
    };
    let other = NatWrite { instance: "i-0b2".into(), record: NatRecord::default(), event: None };
    world.ledger.write_nat(&[changed("first", 1)], &[]).await.unwrap();
    // The second one read the same version. Its record and its line are left out; the other instance's is written.
    world.ledger.write_nat(&[changed("second", 2), other], &[]).await.unwrap();
    assert_eq!(record_of(&world).await.wanted, Some(Ipv4Addr::new(203, 0, 113, 1)));
    assert_eq!(record_of(&world).await.version, 2);
    assert_eq!(events_of(&world).await.iter().map(|each| each.id.as_str()).collect::<Vec<_>>(), ["first"]);
    assert_eq!(world.ledger.read_nat(at(NOW)).await.unwrap().records.len(), 2);
}

#[tokio::test]
async fn a_start_seen_by_two_functions_is_one_item_and_names_whoever_is_known() {
    let launched = at("2026-03-02T08:49:58Z");
    let seen = |by: Actor, reason: &str| Event {
        id: Event::id_of_seen(&id(), Some(launched), EventKind::StartSeen),
        at: launched,
        kind: EventKind::StartSeen,
        by,
        reason: reason.to_owned(),
        ..event("", NOW)
    };
    let (cycle, pass) = (seen(Actor::Unknown, "found running"), seen(Actor::Pexip, "its history has it"));
    for cycle_first in [true, false] {
        let world = world().await;
        for turn in [cycle_first, !cycle_first, cycle_first, !cycle_first] {
            if turn {
                world.ledger.append_events(std::slice::from_ref(&cycle)).await.unwrap();
            } else {
                world.ledger.write_nat(&[], std::slice::from_ref(&pass)).await.unwrap();
            }
        }
        assert_eq!(events_of(&world).await, std::slice::from_ref(&pass), "the cycle first: {cycle_first}");
        assert_eq!(event_items(&world).await, 1);
    }
}

#[tokio::test]
async fn many_records_and_their_history_go_in_few_transactions() {
    let world = world().await;
    let writes: Vec<NatWrite> = (0..250)
        .map(|n| NatWrite {
            instance: InstanceId::new(format!("i-{n}")),
            record: NatRecord { node: Some("n".into()), ..NatRecord::default() },
            event: Some(event(&format!("change-{n}"), "2026-03-02T08:50:00Z")),
        })
        .collect();
    world.ledger.write_nat(&writes, &[event("run", "2026-03-02T08:50:00Z")]).await.unwrap();
    assert_eq!(world.ledger.read_nat(at(NOW)).await.unwrap().records.len(), 250);
    assert_eq!(event_items(&world).await, 251);
    world.ledger.write_nat(&[], &[]).await.unwrap();
}

#[tokio::test]
async fn what_is_gone_is_forgotten_after_a_month() {
    let world = world().await;
    world
        .ledger
        .write_nat(&[write(NatRecord { gone: true, ..NatRecord::default() }, None)], &[])
        .await
        .unwrap();
    let month = at(NOW) + SignedDuration::from_hours(24 * 30);
    let count = async |now| world.ledger.read_nat(now).await.unwrap().records.len();
    assert_eq!(count(month - SignedDuration::from_secs(1)).await, 1);
    assert_eq!(count(month).await, 0);
    let items = world.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    assert_eq!(items[0]["expires_at"], AttributeValue::N(month.as_second().to_string()));
    assert_eq!(items[0]["sk"], AttributeValue::S("NAT#i-0a1".to_owned()));
}
