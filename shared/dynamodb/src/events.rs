//! History and load: append only, without the lease, so that what a cycle did is recorded even after it lost the
//! lease. The first writer of an event wins; the same event again, from a repeated or a concurrent cycle, is
//! dropped and never replaces what was there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::ledger::{Event, LocationLoad};
use spillway_core::ports::MinuteOfLoad;

use crate::fault::table_fault;
use crate::item::{Item, decode, encode, is_expired};
use crate::keys::{Key, days, event_partition, event_range, load_minute, load_partition, months};
use crate::ledger::DynamoLedger;
use crate::nodes::incomplete;
use crate::state::text;

/// DynamoDB's limit for one transaction.
const EVENTS_PER_WRITE: usize = 100;
/// Each round drops the events that are already there; another cycle writing the same ones at the same moment
/// costs a round. Four rounds take under half a second.
const ROUNDS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// EC2's encoded authorization messages run to kilobytes; the first sentences say what was refused.
const LONGEST_REASON: usize = 2_000;

const ACTION: &str = "dynamodb:PutItem";

/// The item of one minute: a map, since a location is there once.
#[derive(Serialize, Deserialize)]
struct LoadItem {
    at: Timestamp,
    locations: BTreeMap<LocationName, Capacity>,
}

#[derive(Serialize, Deserialize)]
struct Capacity {
    free: HdCalls,
    max: HdCalls,
}

impl DynamoLedger {
    pub(crate) async fn append_history(&self, events: &[Event]) -> Result<(), Fault> {
        let mut keys = BTreeSet::new();
        let mut items = Vec::new();
        for event in events {
            let key = Key::event(event.at, &event.id);
            if keys.insert(key.clone()) {
                items.push(encode(key, &shortened(event), Some(self.kept_until(event.at)))?);
            }
        }
        for chunk in items.chunks(EVENTS_PER_WRITE) {
            self.append_chunk(chunk.to_vec()).await?;
        }
        Ok(())
    }

    async fn append_chunk(&self, mut items: Vec<Item>) -> Result<(), Fault> {
        let mut pause = FIRST_PAUSE;
        for round in 1..=ROUNDS {
            items = self.append_round(items).await?;
            if items.is_empty() {
                return Ok(());
            }
            if round < ROUNDS {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        Err(Fault::new(
            System::Ledger,
            FaultKind::Throttled,
            format!(
                "{} events could not be written to table {}: others write to it",
                items.len(),
                self.table()
            ),
        ))
    }

    /// Writes the events if none of them is there; else says which are still missing.
    async fn append_round(&self, items: Vec<Item>) -> Result<Vec<Item>, Fault> {
        let mut writes = Vec::new();
        for item in &items {
            let put = Put::builder()
                .table_name(self.table())
                .set_item(Some(item.clone()))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(|error| incomplete(&error))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        let result = self.client().transact_write_items().set_transact_items(Some(writes)).send().await;
        let Err(error) = result else { return Ok(Vec::new()) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(table_fault(self.table(), ACTION, &error));
        };
        let reasons = cancelled.cancellation_reasons();
        if let Some(reason) = reasons.iter().find(|reason| is_final(reason.code().unwrap_or_default())) {
            let code = reason.code().unwrap_or_default();
            let message = reason.message().unwrap_or_default();
            let detail = format!("an event was refused by table {}: {code}: {message}", self.table());
            return Err(Fault::new(System::Ledger, FaultKind::Rejected, detail));
        }
        let there = |index: usize| {
            reasons.get(index).and_then(|reason| reason.code()) == Some("ConditionalCheckFailed")
        };
        Ok(items.into_iter().enumerate().filter(|(index, _)| !there(*index)).map(|(_, item)| item).collect())
    }

    /// Events from an instant (inclusive) until another (exclusive), oldest first. An event that was written
    /// under two instants is given once, as first seen.
    pub(crate) async fn read_history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        let now = self.now();
        // Bounds the number of months: what is older than the history is expired, what is of tomorrow has not
        // been written yet.
        let first = from.max(self.kept_since(now));
        let last = until.min(now.saturating_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now));
        if first > last {
            return Ok(Vec::new());
        }
        let (least, greatest) = event_range(first, last);
        let mut events: Vec<Event> = Vec::new();
        for month in months(first, last) {
            let values = HashMap::from([
                (":pk".to_owned(), text(event_partition(month))),
                (":least".to_owned(), text(&least)),
                (":greatest".to_owned(), text(&greatest)),
            ]);
            for item in self.query("pk = :pk AND sk BETWEEN :least AND :greatest", values).await? {
                if !is_expired(&item, now) {
                    events.push(decode(item)?);
                }
            }
        }
        events.retain(|event| from <= event.at && event.at < until);
        events.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let mut seen = BTreeSet::new();
        events.retain(|event| seen.insert(event.id.clone()));
        Ok(events)
    }

    /// A minute in which no location was read is no item: nothing is to be learnt from it.
    pub(crate) async fn put_minute_of_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<(), Fault> {
        match self.minute_of_load(at, load)? {
            Some(item) => self.put(item).await,
            None => Ok(()),
        }
    }

    /// The item of one minute's load; `None` where there is none.
    pub(crate) fn minute_of_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<Option<Item>, Fault> {
        if load.is_empty() {
            return Ok(None);
        }
        let locations = load
            .iter()
            .map(|LocationLoad { location, free, max }| {
                (location.clone(), Capacity { free: *free, max: *max })
            })
            .collect();
        Ok(Some(encode(Key::load(at), &LoadItem { at, locations }, Some(self.kept_until(at)))?))
    }

    /// The load from an instant (inclusive) until another (exclusive), oldest first: one query for each day.
    pub(crate) async fn read_minutes_of_load(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<MinuteOfLoad>, Fault> {
        let now = self.now();
        let first = from.max(self.kept_since(now));
        let last = until.min(now.saturating_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now));
        if first > last {
            return Ok(Vec::new());
        }
        let mut minutes = Vec::new();
        for day in days(first, last) {
            let values = HashMap::from([
                (":pk".to_owned(), text(load_partition(day))),
                (":least".to_owned(), text(load_minute(first))),
                (":greatest".to_owned(), text(load_minute(last))),
            ]);
            for item in self.query("pk = :pk AND sk BETWEEN :least AND :greatest", values).await? {
                if is_expired(&item, now) {
                    continue;
                }
                let LoadItem { at, locations } = decode(item)?;
                let load = |(location, Capacity { free, max })| LocationLoad { location, free, max };
                minutes.push(MinuteOfLoad { at, locations: locations.into_iter().map(load).collect() });
            }
        }
        minutes.retain(|minute| from <= minute.at && minute.at < until);
        Ok(minutes)
    }
}

/// Whether sending the same write again cannot help.
fn is_final(code: &str) -> bool {
    !matches!(
        code,
        "" | "None"
            | "ConditionalCheckFailed"
            | "TransactionConflict"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
    )
}

fn shortened(event: &Event) -> Event {
    let mut event = event.clone();
    if let Some((end, _)) = event.reason.char_indices().nth(LONGEST_REASON) {
        event.reason.truncate(end);
        event.reason.push('…');
    }
    event
}
