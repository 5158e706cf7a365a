//! History and load: append only, without the lease, so that what a cycle did is recorded even after it lost the
//! lease. The first writer of an event wins; the same event again, from a repeated or a concurrent cycle, is
//! dropped and never replaces what was there, except where it names an actor and the first one could not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spillway_core::fault::Fault;
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{Actor, Event, LocationLoad};

use crate::group::{Group, Write};
use crate::item::{Item, attribute_of, decode, encode, is_expired};
use crate::keys::{Key, days, event_partition, event_range, load_minute, load_partition, months};
use crate::ledger::DynamoLedger;
use crate::state::text;
use crate::values::incomplete;

/// EC2's encoded authorization messages run to kilobytes; the first sentences say what was refused.
const LONGEST_REASON: usize = 2_000;

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
        let mut groups = Vec::new();
        for event in events {
            let write = self.event_write(event)?;
            if keys.insert(write.key.clone()) {
                groups.push(Group::one(write));
            }
        }
        self.write_groups(groups).await
    }

    /// The write of one event. The first one stays, except that one that names an actor completes one that does not.
    pub(crate) fn event_write(&self, event: &Event) -> Result<Write, Fault> {
        let key = Key::event(event.at, &event.id);
        let item = encode(key.clone(), &shortened(event), Some(self.kept_until(event.at)))?;
        let put = Put::builder().table_name(self.table()).set_item(Some(item));
        let put = if event.by == Actor::Unknown {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("attribute_not_exists(pk) OR #by = :unknown")
                .expression_attribute_names("#by", "by")
                .expression_attribute_values(":unknown", attribute_of(&Actor::Unknown)?)
        };
        let put = put.build().map_err(|error| incomplete(&error))?;
        Ok(Write { key, item: TransactWriteItem::builder().put(put).build() })
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

fn shortened(event: &Event) -> Event {
    let mut event = event.clone();
    if let Some((end, _)) = event.reason.char_indices().nth(LONGEST_REASON) {
        event.reason.truncate(end);
        event.reason.push('…');
    }
    event
}
