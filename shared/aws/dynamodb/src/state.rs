//! The `STATE` partition: read whole, in one consistent query, and the items that anyone may put there without
//! the lease. A kind of item that is not known here is somebody else's (the reconciler's) and is left out.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Hold, KnownPlatform, Ledger, OperatorCommand, Request};

use crate::fault::table_fault;
use crate::item::{Item, decode, encode, is_expired, key_attributes, sort_key};
use crate::keys::{CYCLE, HOLD, Key, NODE, PLATFORM, REQUEST, STATE};
use crate::ledger::DynamoLedger;

/// A hold stays a day after its end, for whoever asks why nodes were up this morning.
const HOLD_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// A command that no cycle met within a day is dropped: a node that stops because of yesterday's forgotten command
/// would surprise everybody.
const REQUEST_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// A pause runs until its end, and as long as the longest pause may last: a short one that took the place of a long one
/// must not be gone first, or the long one would be in force again.
const PAUSE_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

impl DynamoLedger {
    pub(crate) async fn read_state(&self, now: Timestamp) -> Result<Ledger, Fault> {
        let mut ledger = Ledger::default();
        for item in self.query("pk = :pk", HashMap::from([(":pk".to_owned(), text(STATE))])).await? {
            if !is_expired(&item, now) {
                take_item(&mut ledger, item)?;
            }
        }
        in_order(&mut ledger);
        Ok(ledger)
    }

    pub(crate) async fn put_free_hold(&self, hold: &Hold) -> Result<(), Fault> {
        let gone_at = later(hold.until, HOLD_KEPT);
        self.put(encode(Key::hold(&hold.id), hold, Some(gone_at))?).await
    }

    pub(crate) async fn put_known_platform(&self, platform: &KnownPlatform) -> Result<(), Fault> {
        self.put(encode(Key::platform(), platform, None)?).await
    }

    pub(crate) async fn put_free_request(&self, request: &Request) -> Result<(), Fault> {
        let gone_at = match &request.command {
            OperatorCommand::Pause { until } => later(request.at, PAUSE_KEPT).max(*until),
            OperatorCommand::Stop(_)
            | OperatorCommand::Retire(_)
            | OperatorCommand::Reinstate(_)
            | OperatorCommand::Release(_) => later(request.at, REQUEST_KEPT),
        };
        self.put(encode(Key::request(&request.id), request, Some(gone_at))?).await
    }

    /// All items under a key condition, every page, read consistently: what another function wrote a moment ago
    /// is there.
    pub(crate) async fn query(
        &self,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client()
                .query()
                .table_name(self.table())
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .consistent_read(true)
                .set_exclusive_start_key(next)
                .send()
                .await
                .map_err(|error| table_fault(self.table(), "dynamodb:Query", &error))?;
            items.extend(page.items.unwrap_or_default());
            next = page.last_evaluated_key.filter(|key| !key.is_empty());
            if next.is_none() {
                return Ok(items);
            }
        }
    }

    pub(crate) async fn put(&self, item: Item) -> Result<(), Fault> {
        self.client()
            .put_item()
            .table_name(self.table())
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| table_fault(self.table(), "dynamodb:PutItem", &error))?;
        Ok(())
    }

    pub(crate) async fn delete(&self, key: Key) -> Result<(), Fault> {
        self.client()
            .delete_item()
            .table_name(self.table())
            .set_key(Some(key_attributes(key)))
            .send()
            .await
            .map_err(|error| table_fault(self.table(), "dynamodb:DeleteItem", &error))?;
        Ok(())
    }
}

/// Puts an item of the `STATE` partition where it belongs.
///
/// A hold that cannot be read is left out with a warning: one that somebody spoiled would otherwise stop every cycle, and
/// without it the rules still start what is needed. So is what is known of the platform, which the next good cycle
/// writes anew. A request may be a pause: one that cannot be read is not acted against. Nodes and the cycle's own item
/// say what was ordered, and whose turn it is.
pub(crate) fn take_item(ledger: &mut Ledger, item: Item) -> Result<(), Fault> {
    let sk = sort_key(&item).to_owned();
    if sk == CYCLE {
        ledger.cycle = decode(item)?;
    } else if sk == PLATFORM {
        ledger.platform = readable(item);
    } else if let Some(id) = sk.strip_prefix(NODE) {
        ledger.nodes.insert(InstanceId::new(id), decode(item)?);
    } else if sk.starts_with(HOLD) {
        ledger.holds.extend(readable::<Hold>(item));
    } else if sk.starts_with(REQUEST) {
        ledger.requests.push(decode(item)?);
    }
    Ok(())
}

fn readable<T: DeserializeOwned>(item: Item) -> Option<T> {
    decode(item)
        .map_err(|error| tracing::warn!(%error, "an item of the table is left out: correct or delete it"))
        .ok()
}

/// Requests are read in the order of asking.
pub(crate) fn in_order(ledger: &mut Ledger) {
    ledger.requests.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
