//! Rows of the configuration for the length of one request: by key, by values that no two of them may share, and by what they
//! refer to. Each resource is read once and kept up with the changes, so that a bulk change of thousands of rows does not read all
//! of them again for each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::address::key_of;
use super::schema::{Field, Kind, Resource};
use spillway_pexip_model::Row;

/// A field of a row that refers to another row: resource, number, name of the field.
type Referrer = (&'static str, u64, &'static str);

#[derive(Default)]
struct Table {
    rows: HashMap<String, Row>,
    /// Keys by number.
    keys: HashMap<u64, String>,
    /// Keys by field and value, of fields that no two rows may share.
    values: HashMap<(&'static str, String), BTreeSet<String>>,
}

/// What has been read so far.
#[derive(Default)]
pub(super) struct Index {
    tables: HashMap<&'static str, Table>,
    referrers: BTreeMap<String, BTreeSet<Referrer>>,
}

impl Index {
    /// Whether a resource was read.
    pub(super) fn holds(&self, resource: &Resource) -> bool {
        self.tables.contains_key(resource.name)
    }

    /// Takes in all rows of a resource.
    pub(super) fn read(&mut self, resource: &'static Resource, rows: Vec<Row>) {
        self.tables.insert(resource.name, Table::default());
        for row in rows {
            self.put(resource, row);
        }
    }

    /// A row by what stands in its address.
    pub(super) fn row(&self, resource: &Resource, key: &str) -> Option<&Row> {
        self.tables.get(resource.name)?.rows.get(key)
    }

    /// Whether another row than `own` has this value.
    pub(super) fn is_taken(
        &self,
        resource: &Resource,
        field: &'static str,
        value: &Value,
        own: Option<&str>,
    ) -> bool {
        let table = self.tables.get(resource.name);
        let keys = table.and_then(|table| table.values.get(&(field, value.to_string())));
        keys.is_some_and(|keys| keys.iter().any(|key| Some(key.as_str()) != own))
    }

    /// The fields of rows read so far that refer to an address.
    pub(super) fn referrers(&self, uri: &str) -> Vec<Referrer> {
        self.referrers.get(uri).into_iter().flatten().copied().collect()
    }

    /// A row is new, or another than it was. One of a resource that was not read is left out: it will be read with the others.
    pub(super) fn put(&mut self, resource: &'static Resource, row: Row) {
        let number = number(&row);
        if let Some(number) = number {
            self.remove(resource, number);
        }
        let Some(table) = self.tables.get_mut(resource.name) else { return };
        let key = key_of(resource, &row);
        for field in resource.fields.iter().filter(|field| field.unique) {
            if let Some(value) = row.get(field.name) {
                table.values.entry((field.name, value.to_string())).or_default().insert(key.clone());
            }
        }
        if let Some(number) = number {
            table.keys.insert(number, key.clone());
            for (field, uri) in references(resource, &row) {
                self.referrers.entry(uri.to_owned()).or_default().insert((resource.name, number, field));
            }
        }
        table.rows.entry(key).or_insert(row);
    }

    /// A row is gone.
    pub(super) fn remove(&mut self, resource: &'static Resource, number: u64) {
        let Some(table) = self.tables.get_mut(resource.name) else { return };
        let Some(key) = table.keys.remove(&number) else { return };
        let Some(row) = table.rows.remove(&key) else { return };
        for field in resource.fields.iter().filter(|field| field.unique) {
            let value = row.get(field.name).map(ToString::to_string);
            if let Some(keys) = value.and_then(|value| table.values.get_mut(&(field.name, value))) {
                keys.remove(&key);
            }
        }
        for (field, uri) in references(resource, &row) {
            if let Some(from) = self.referrers.get_mut(uri) {
                from.remove(&(resource.name, number, field));
            }
        }
    }
}

fn number(row: &Row) -> Option<u64> {
    row.get("id").and_then(Value::as_u64)
}

/// The fields that refer to other rows and can be changed.
pub(super) fn reference_fields(resource: &'static Resource) -> impl Iterator<Item = &'static Field> {
    let refers = |field: &&Field| matches!(field.kind, Kind::ToOne(_) | Kind::ToMany(_)) && !field.readonly;
    resource.fields.iter().filter(refers)
}

/// What a row refers to: field and address.
fn references<'a>(
    resource: &'static Resource,
    row: &'a Row,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    reference_fields(resource).flat_map(|field| {
        let items = match row.get(field.name) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        items.iter().filter_map(Value::as_str).map(|uri| (field.name, uri))
    })
}
