//! Only one cycle at a time changes the world, and one that lost the lease changes nothing.

use crate::common::{NOW, at, world};
use spillway_core::ids::{HdCalls, InstanceId};
use spillway_core::ledger::{CycleRecord, Digest, LastRefusal, Ledger, LocationLoad, NodeRecord};
use spillway_core::outlook::{Forecasts, RecentDemand};
use spillway_engine::ports::{Lease, LeaseError, LedgerRead, LedgerWrite};
use spillway_forecast::Recent;

fn digest(summary: &str) -> Digest {
    Digest {
        at: at(NOW),
        outcome: Some(spillway_core::ledger::Outcome::Acted),
        summary: summary.to_owned(),
        last_good: Some(at(NOW)),
        address: "mgr.example".to_owned(),
        address_changed_at: None,
        bursting_enabled: Some((false, at(NOW))),
        last_refusal: Some(LastRefusal { at: at(NOW), what: "start of i-1: sold out".to_owned() }),
        upgrade_since: Some(at(NOW)),
        recent: RecentDemand::from([("London".into(), Recent::default().with(at(NOW), 12.5))]),
        expected: Forecasts::new(),
        expected_at: Some(at(NOW)),
    }
}

fn records(range: std::ops::Range<u32>) -> Vec<(InstanceId, NodeRecord)> {
    range
        .map(|n| {
            let record = NodeRecord { capacity: Some(HdCalls(n)), ..NodeRecord::default() };
            (InstanceId::new(format!("i-{n:04}")), record)
        })
        .collect()
}

#[tokio::test]
async fn a_lease_is_taken_worked_under_and_given_back() {
    let world = world().await;
    let ledger = &world.ledger;
    let empty = ledger.read_ledger(at(NOW)).await.unwrap();
    assert_eq!(empty, Ledger::default());

    let lease = ledger.take_lease(&empty.cycle, "one", at(NOW)).await.unwrap();
    assert_eq!(lease, Lease { owner: "one".to_owned(), token: 1 });
    let held = ledger.read_ledger(at(NOW)).await.unwrap().cycle;
    assert_eq!(held.owner.as_deref(), Some("one"));
    assert_eq!(held.taken_at, Some(at(NOW)));

    ledger.put_nodes(&lease, &records(0..2)).await.unwrap();
    ledger.finish(&lease, &digest("nothing to do")).await.unwrap();
    let after = ledger.read_ledger(at(NOW)).await.unwrap();
    assert_eq!(after.cycle.owner, None);
    assert_eq!(after.cycle.token, 1);
    assert_eq!(after.cycle.digest, Some(digest("nothing to do")));
    assert_eq!(after.nodes[&InstanceId::new("i-0001")].capacity, Some(HdCalls(1)));
    assert_eq!(after.nodes[&InstanceId::new("i-0001")].version, 1);

    let next = ledger.take_lease(&after.cycle, "two", at(NOW)).await.unwrap();
    assert_eq!(next.token, 2);
    let kept = ledger.read_ledger(at(NOW)).await.unwrap().cycle.digest;
    assert_eq!(kept, Some(digest("nothing to do")), "taking the lease keeps the digest");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_race_for_the_lease_one_gets_it() {
    let world = world().await;
    for round in 0..5 {
        let seen = world.ledger.read_ledger(at(NOW)).await.unwrap().cycle;
        let racers: Vec<_> = (0..8)
            .map(|n| {
                let (ledger, seen) = (world.ledger.clone(), seen.clone());
                tokio::spawn(async move { ledger.take_lease(&seen, &format!("owner-{n}"), at(NOW)).await })
            })
            .collect();
        let mut won = Vec::new();
        for racer in racers {
            match racer.await.unwrap() {
                Ok(lease) => won.push(lease),
                Err(error) => assert_eq!(error, LeaseError::Lost),
            }
        }
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        let cycle = world.ledger.read_ledger(at(NOW)).await.unwrap().cycle;
        assert_eq!(cycle.owner.as_deref(), Some(won[0].owner.as_str()));
    }
}

#[tokio::test]
async fn a_swap_whose_answer_was_lost_is_recognised_as_ours() {
    let world = world().await;
    let seen = CycleRecord::default();
    let lease = world.ledger.take_lease(&seen, "one", at(NOW)).await.unwrap();
    // What the transport does when the answer is lost: the same request again.
    assert_eq!(world.ledger.take_lease(&seen, "one", at(NOW)).await, Ok(lease.clone()));
    assert_eq!(world.ledger.take_lease(&seen, "two", at(NOW)).await, Err(LeaseError::Lost));
    world.ledger.finish(&lease, &digest("x")).await.unwrap();
    assert_eq!(world.ledger.finish(&lease, &digest("x")).await, Ok(()));
    assert_eq!(world.ledger.finish(&lease, &digest("other")).await, Err(LeaseError::Lost));
}

#[tokio::test]
async fn a_lost_lease_writes_nothing() {
    let world = world().await;
    let ledger = &world.ledger;
    let old = ledger.take_lease(&CycleRecord::default(), "one", at(NOW)).await.unwrap();
    let seen = ledger.read_ledger(at(NOW)).await.unwrap().cycle;
    let new = ledger.take_lease(&seen, "two", at(NOW)).await.unwrap();

    assert_eq!(ledger.put_nodes(&old, &records(0..3)).await, Err(LeaseError::Lost));
    assert_eq!(ledger.finish(&old, &digest("late")).await, Err(LeaseError::Lost));
    let state = ledger.read_ledger(at(NOW)).await.unwrap();
    assert!(state.nodes.is_empty());
    assert_eq!(state.cycle.owner.as_deref(), Some("two"));

    ledger.finish(&new, &digest("done")).await.unwrap();
    assert_eq!(ledger.put_nodes(&new, &records(0..3)).await, Err(LeaseError::Lost), "given back is lost too");
    let forged = Lease { owner: "three".to_owned(), token: new.token };
    assert_eq!(ledger.put_nodes(&forged, &records(0..3)).await, Err(LeaseError::Lost));
}

#[tokio::test]
async fn a_record_that_changed_since_it_was_read_is_not_replaced() {
    let world = world().await;
    let ledger = &world.ledger;
    let lease = ledger.take_lease(&CycleRecord::default(), "one", at(NOW)).await.unwrap();
    ledger.put_nodes(&lease, &records(0..1)).await.unwrap();
    assert_eq!(
        ledger.put_nodes(&lease, &records(0..2)).await,
        Err(LeaseError::Lost),
        "0 means not there yet"
    );
    let read = ledger.read_ledger(at(NOW)).await.unwrap().nodes;
    assert_eq!(read.len(), 1, "one conflict and nothing is written");

    let mut again: Vec<_> = read.into_iter().collect();
    again[0].1.failed_starts = 3;
    ledger.put_nodes(&lease, &again).await.unwrap();
    let read = ledger.read_ledger(at(NOW)).await.unwrap().nodes;
    assert_eq!(read[&again[0].0].version, 2);
    assert_eq!(ledger.put_nodes(&lease, &again).await, Err(LeaseError::Lost), "version 1 is gone");
    let unknown = NodeRecord { version: 4, ..NodeRecord::default() };
    assert_eq!(ledger.put_nodes(&lease, &[("i-x".into(), unknown)]).await, Err(LeaseError::Lost));
}

#[tokio::test]
async fn a_hundred_and_fifty_records_are_written_and_read_over_several_pages() {
    let world = world().await;
    let ledger = &world.ledger;
    let lease = ledger.take_lease(&CycleRecord::default(), "one", at(NOW)).await.unwrap();
    let mut many = records(0..150);
    for (_, record) in &mut many {
        // Past DynamoDB's megabyte per page.
        record.name = Some("n".repeat(10_000).as_str().into());
    }
    ledger.put_nodes(&lease, &many).await.unwrap();
    let read = ledger.read_ledger(at(NOW)).await.unwrap();
    assert_eq!(read.nodes.len(), 150);
    assert_eq!(read.cycle.token, 1);
    ledger.put_nodes(&lease, &read.nodes.into_iter().collect::<Vec<_>>()).await.unwrap();
    let read = ledger.read_ledger(at(NOW)).await.unwrap();
    assert!(read.nodes.values().all(|record| record.version == 2));
    ledger.put_nodes(&lease, &[]).await.unwrap();
}

#[tokio::test]
async fn a_digest_stays_small() {
    let world = world().await;
    let lease = world.ledger.take_lease(&CycleRecord::default(), "one", at(NOW)).await.unwrap();
    world.ledger.finish(&lease, &digest(&"é".repeat(100_000))).await.unwrap();
    let summary = world.ledger.read_ledger(at(NOW)).await.unwrap().cycle.digest.unwrap().summary;
    assert_eq!(summary.chars().count(), 2_001);
    assert!(summary.ends_with("é…"));
}

#[tokio::test]
async fn a_cycle_that_changed_nothing_is_closed_in_one_write_unless_another_came_first() {
    let world = world().await;
    let ledger = &world.ledger;
    let load = [LocationLoad { location: "HQ".into(), free: HdCalls(3), max: HdCalls(80) }];
    let fresh = CycleRecord::default();
    ledger.close_idle(&fresh, &digest("no_op"), at(NOW), &load).await.unwrap();
    let seen = ledger.read_ledger(at(NOW)).await.unwrap().cycle;
    assert_eq!((seen.token, seen.owner.clone()), (1, None));
    assert_eq!(seen.digest, Some(digest("no_op")));

    assert_eq!(ledger.close_idle(&fresh, &digest("late"), at(NOW), &load).await, Err(LeaseError::Lost));
    let lease = ledger.take_lease(&seen, "one", at(NOW)).await.unwrap();
    assert_eq!(ledger.close_idle(&seen, &digest("late"), at(NOW), &[]).await, Err(LeaseError::Lost));
    ledger.finish(&lease, &digest("done")).await.unwrap();
    let after = ledger.read_ledger(at(NOW)).await.unwrap().cycle;
    assert_eq!(after.digest, Some(digest("done")));
}
