//! The past is read once.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{Actor, Event, EventKind, Ledger};
use spillway_dashboard::Memory;
use spillway_engine::ports::{LedgerRead, LoadRead};

use crate::source::{at, down};

/// An event and a minute of load every ten minutes, and a note of what was asked for.
#[derive(Default)]
struct Past {
    asked: Mutex<Vec<(Timestamp, Timestamp)>>,
    down: Mutex<bool>,
}

fn ticks(from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = from.as_second().div_euclid(600) + i64::from(from.as_second() % 600 != 0);
    (first..).map(|tick| Timestamp::from_second(tick * 600).unwrap()).take_while(move |at| *at < until)
}

impl LedgerRead for Past {
    async fn read_ledger(&self, _: Timestamp) -> Result<Ledger, Fault> {
        Ok(Ledger::default())
    }

    async fn read_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        if *self.down.lock().unwrap() {
            return Err(down());
        }
        self.asked.lock().unwrap().push((from, until));
        let event = |at: Timestamp| Event {
            id: at.to_string(),
            at,
            kind: EventKind::Ready,
            instance: None,
            node: None,
            location: None,
            by: Actor::Spillway,
            reason: String::new(),
        };
        Ok(ticks(from, until).map(event).collect())
    }
}

impl LoadRead for Past {
    async fn read_load(&self, from: Timestamp, until: Timestamp) -> Result<Vec<MinuteOfLoad>, Fault> {
        Ok(ticks(from, until).map(|at| MinuteOfLoad { at, locations: Vec::new() }).collect())
    }
}

#[tokio::test]
async fn a_refresh_reads_the_last_minutes_only_and_forgets_what_leaves_the_chart() {
    let (past, mut memory) = (Past::default(), Memory::default());
    memory.refresh(&past, at()).await.unwrap();
    let later = at() + SignedDuration::from_secs(15);
    memory.refresh(&past, later).await.unwrap();
    let spans: Vec<i64> = past
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|(from, until)| until.duration_since(*from).as_secs())
        .collect();
    assert_eq!(spans, [6 * 3_600 + 120, 300 + 15 + 120]);
    assert_eq!((memory.events().len(), memory.load().len()), (37, 37));
    memory.refresh(&past, at() + SignedDuration::from_hours(5)).await.unwrap();
    assert_eq!(memory.events().len(), 36);
    assert!(memory.events()[0].at >= at() - SignedDuration::from_hours(1));
    assert_eq!(memory.last_event(), memory.events().last().map(|event| event.at));
}

#[tokio::test]
async fn what_was_read_stays_while_the_ledger_is_down_and_the_gap_is_read_afterwards() {
    let (past, mut memory) = (Past::default(), Memory::default());
    memory.refresh(&past, at()).await.unwrap();
    *past.down.lock().unwrap() = true;
    memory.refresh(&past, at() + SignedDuration::from_mins(20)).await.unwrap_err();
    assert_eq!(memory.events().len(), 36);
    *past.down.lock().unwrap() = false;
    memory.refresh(&past, at() + SignedDuration::from_mins(40)).await.unwrap();
    assert_eq!(memory.load().len(), 36);
    let minutes: Vec<_> =
        memory.load().windows(2).map(|pair| pair[1].at.duration_since(pair[0].at)).collect();
    assert!(minutes.iter().all(|gap| *gap == SignedDuration::from_mins(10)), "{minutes:?}");
}
