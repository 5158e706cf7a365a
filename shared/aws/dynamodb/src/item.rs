//! Items: a record's own fields as attributes, between the four that every item has (`pk`, `sk`, `schema`, and
//! `expires_at` where it may go). Absent options are absent attributes, so that the console shows no `NULL`s.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use spillway_core::ledger::SCHEMA_VERSION;

use crate::keys::{Key, PK, SK};

/// Version of the item's shape.
pub(crate) const SCHEMA: &str = "schema";
/// The table's TTL attribute, epoch seconds.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// Attributes by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Why an item could not be read or made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ItemError {
    #[error(
        "item {at} was written by a newer Spillway (schema {found}, this one reads up to {SCHEMA_VERSION})"
    )]
    Newer { at: String, found: u64 },
    #[error("item {at} cannot be read: {why}")]
    Unreadable { at: String, why: String },
    #[error("a record cannot be stored: {0}")]
    Unstorable(String),
}

/// A record as an item.
pub(crate) fn encode<T: Serialize>(
    key: Key,
    record: &T,
    expires_at: Option<Timestamp>,
) -> Result<Item, ItemError> {
    let value = serde_json::to_value(record).map_err(|error| ItemError::Unstorable(error.to_string()))?;
    let Value::Object(fields) = value else {
        return Err(ItemError::Unstorable("it is not made of named fields".to_owned()));
    };
    let mut item = attributes(fields);
    item.insert(PK.to_owned(), AttributeValue::S(key.pk));
    item.insert(SK.to_owned(), AttributeValue::S(key.sk));
    item.insert(SCHEMA.to_owned(), schema());
    if let Some(at) = expires_at {
        item.insert(EXPIRES_AT.to_owned(), AttributeValue::N(at.as_second().to_string()));
    }
    Ok(item)
}

/// The record in an item. Attributes it does not know are left alone: an older version wrote them, or a person.
pub(crate) fn decode<T: DeserializeOwned>(item: Item) -> Result<T, ItemError> {
    let at = place_of(&item);
    let found = item.get(SCHEMA).and_then(number).and_then(|n| n.as_u64()).unwrap_or(0);
    if found > u64::from(SCHEMA_VERSION) {
        return Err(ItemError::Newer { at, found });
    }
    let fields: Map<String, Value> = item
        .into_iter()
        .filter(|(name, _)| ![PK, SK, SCHEMA, EXPIRES_AT].contains(&name.as_str()))
        .map(|(name, value)| json(value).map(|value| (name, value)))
        .collect::<Result<_, _>>()
        .map_err(|why| ItemError::Unreadable { at: at.clone(), why })?;
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| ItemError::Unreadable { at, why: error.to_string() })
}

/// Any serialisable value as one attribute.
pub(crate) fn attribute_of<T: Serialize>(value: &T) -> Result<AttributeValue, ItemError> {
    serde_json::to_value(value).map(attribute).map_err(|error| ItemError::Unstorable(error.to_string()))
}

/// Our schema version as an attribute.
pub(crate) fn schema() -> AttributeValue {
    AttributeValue::N(SCHEMA_VERSION.to_string())
}

/// The key of an item as attributes.
pub(crate) fn key_attributes(key: Key) -> Item {
    Item::from([(PK.to_owned(), AttributeValue::S(key.pk)), (SK.to_owned(), AttributeValue::S(key.sk))])
}

/// The item's sort key.
pub(crate) fn sort_key(item: &Item) -> &str {
    item.get(SK).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// Whether the item is past its time. DynamoDB removes it within days; until then readers ignore it.
pub(crate) fn is_expired(item: &Item, now: Timestamp) -> bool {
    let at = item.get(EXPIRES_AT).and_then(number).and_then(|n| n.as_i64());
    at.is_some_and(|at| at <= now.as_second())
}

fn place_of(item: &Item) -> String {
    let pk = item.get(PK).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    format!("{pk}/{}", sort_key(item))
}

fn attributes(fields: Map<String, Value>) -> Item {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name, attribute(value)))
        .collect()
}

fn attribute(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Number(value) => AttributeValue::N(value.to_string()),
        Value::String(value) => AttributeValue::S(value),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(attribute).collect()),
        Value::Object(fields) => AttributeValue::M(attributes(fields)),
    }
}

fn number(value: &AttributeValue) -> Option<Number> {
    serde_json::from_str(value.as_n().ok()?).ok()
}

fn json(value: AttributeValue) -> Result<Value, String> {
    Ok(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(value) => Value::Bool(value),
        AttributeValue::S(value) => Value::String(value),
        AttributeValue::N(text) => {
            Value::Number(serde_json::from_str(&text).map_err(|_| format!("`{text}` is not a number"))?)
        }
        AttributeValue::L(values) => Value::Array(values.into_iter().map(json).collect::<Result<_, _>>()?),
        AttributeValue::M(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| Ok((name, json(value)?)))
                .collect::<Result<_, String>>()?,
        ),
        _ => {
            return Err("it has an attribute of a set or binary type, which Spillway never writes".to_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use spillway_core::ids::{HdCalls, LocationId};
    use spillway_core::ledger::{Actor, Digest, Drain, DrainKind, GivenUpDrain, NodeRecord};

    use super::*;

    fn full_record() -> NodeRecord {
        let at: Timestamp = "2026-03-02T08:51:00.123456789Z".parse().unwrap();
        NodeRecord {
            version: 7,
            run: serde_json::from_value(serde_json::json!({
                "started_at": at, "by": { "person": "arn:aws:sts::1:assumed-role/ops/eve" },
                "reason": "", "launched_at": at,
            }))
            .unwrap(),
            drain: Some(Drain {
                kind: DrainKind::Auto,
                began_at: at,
                by: Actor::Spillway,
                reason: "\"quoted\" – ünïcode".to_owned(),
                maintenance_seen_at: None,
                idle_at: Some(at),
                stop_ordered_at: None,
                calls_overridden: false,
                ordered_at: None,
                refused_stops: 0,
                refusal: None,
            }),
            idle_since: None,
            capacity: Some(HdCalls(17)),
            name: Some("node-1".into()),
            location: Some((LocationId(3), "Oslo AWS".into())),
            foreign_maintenance: true,
            failed_starts: 2,
            back_off_until: Some(at),
            retired: false,
            drain_vetoed: true,
            vetoed_at: Some(at),
            no_calls_since: Some(at),
            clearing_since: None,
            given_up: Some(GivenUpDrain {
                at,
                times: 2,
                until: at,
                cause: "EC2 refuses to stop it".to_owned(),
                stop_refused: true,
            }),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let record = full_record();
        let item = encode(Key::node(&"i-1".into()), &record, None).unwrap();
        assert_eq!(decode::<NodeRecord>(item).unwrap(), record);
        let digest = Digest {
            at: record.back_off_until.unwrap(),
            outcome: Some(spillway_core::ledger::Outcome::Acted),
            summary: String::new(),
            last_good: None,
            address: String::new(),
            address_changed_at: None,
            bursting_enabled: Some((false, record.back_off_until.unwrap())),
            last_refusal: None,
            upgrade_since: None,
            recent: spillway_core::outlook::RecentDemand::new(),
            expected: spillway_core::outlook::Forecasts::new(),
            expected_at: None,
        };
        let map = BTreeMap::from([("digest", &digest)]);
        let back: BTreeMap<String, Digest> = decode(encode(Key::cycle(), &map, None).unwrap()).unwrap();
        assert_eq!(back["digest"], digest);
    }

    #[test]
    fn fields_are_attributes_of_native_types() {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let item = encode(Key::node(&"i-1".into()), &full_record(), Some(at)).unwrap();
        assert_eq!(item["version"], AttributeValue::N("7".to_owned()));
        assert_eq!(item["foreign_maintenance"], AttributeValue::Bool(true));
        assert_eq!(item["schema"], AttributeValue::N("1".to_owned()));
        assert_eq!(item["expires_at"], AttributeValue::N("1800000000".to_owned()));
        assert!(item["run"].as_m().unwrap().contains_key("started_at"));
        assert!(!item.contains_key("idle_since"), "an absent option is an absent attribute");
    }

    #[test]
    fn a_newer_schema_is_refused_and_an_older_or_missing_one_read() {
        let mut item = encode(Key::node(&"i-1".into()), &NodeRecord::default(), None).unwrap();
        item.insert(SCHEMA.to_owned(), AttributeValue::N("2".to_owned()));
        let error = decode::<NodeRecord>(item.clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "item STATE/NODE#i-1 was written by a newer Spillway (schema 2, this one reads up to 1)"
        );
        for older in [Some("0"), None] {
            item.remove(SCHEMA);
            item.extend(older.map(|text| (SCHEMA.to_owned(), AttributeValue::N(text.to_owned()))));
            item.insert("left_by_a_person".to_owned(), AttributeValue::S("note".to_owned()));
            assert_eq!(decode::<NodeRecord>(item.clone()).unwrap(), NodeRecord::default());
        }
    }

    #[test]
    fn an_unreadable_item_is_named() {
        let mut item = encode(Key::node(&"i-1".into()), &NodeRecord::default(), None).unwrap();
        item.insert("failed_starts".to_owned(), AttributeValue::S("many".to_owned()));
        let error = decode::<NodeRecord>(item).unwrap_err().to_string();
        assert!(error.starts_with("item STATE/NODE#i-1 cannot be read: invalid type"), "{error}");
    }

    #[test]
    fn an_item_expires_at_its_second() {
        let at = Timestamp::from_second(1_000).unwrap();
        let item = encode(Key::cycle(), &NodeRecord::default(), Some(at)).unwrap();
        assert!(!is_expired(&item, Timestamp::from_second(999).unwrap()));
        assert!(is_expired(&item, at));
        assert!(!is_expired(&Item::new(), at));
    }
}
