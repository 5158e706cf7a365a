//! Rows, wherever they are: in the world's model or in the server's own tables, read and changed the same way, and
//! rendered as the API shows them. References between rows are followed here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::schema::{self, Field, Key, Kind, Resource, Target};
use super::streams::streams;
use super::tables::ConfigTables;
use super::text;
use spillway_pexip_model::{Change, ChangeError, Family, Model, Row};

/// Access to all rows for the length of one request.
pub(super) struct RowStore<'a> {
    pub(super) model: &'a mut dyn Model,
    pub(super) tables: &'a mut ConfigTables,
    /// History records that a client removed.
    pub(super) removed: &'a mut BTreeSet<(&'static str, String)>,
    /// Status says that the media load is not known.
    pub(super) hide_media_load: bool,
}

/// A version for the Management Node when the model does not say.
const VERSION: &str = "40 (83411.0.0)";

impl RowStore<'_> {
    /// All rows of a resource.
    pub(super) fn rows(&mut self, family: Family, resource: &Resource) -> Vec<Row> {
        if self.model.holds(family, resource.name) {
            let mut rows = self.model.rows(family, resource.name);
            if family == Family::History && !self.removed.is_empty() {
                rows.retain(|row| !self.removed.contains(&(resource.name, key_of(resource, row))));
            }
            return rows;
        }
        match (family, resource.name) {
            (Family::Configuration, name) => self.tables.rows(name),
            (Family::Status, "licensing") => {
                vec![Row::from_iter([("id".into(), json!(1)), ("port_total".into(), json!(1000))])]
            }
            (Family::Status, "management_vm") => {
                let now = text::naive(self.model.now());
                let fields = json!({"id": 1, "configuration_id": 1, "name": "manager", "primary": true,
                    "sync_status": "SYNCED", "last_updated": now, "last_attempted_contact": now, "version": VERSION});
                fields.as_object().cloned().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// One row by what stands in its address.
    pub(super) fn find(&mut self, family: Family, resource: &Resource, key: &str) -> Option<Row> {
        self.rows(family, resource).into_iter().find(|row| key_of(resource, row) == key)
    }

    /// Carries out a validated change of the configuration.
    pub(super) fn change(&mut self, resource: &Resource, change: Change) -> Result<u64, ChangeError> {
        if self.model.holds(Family::Configuration, resource.name) {
            self.model.change(change)
        } else {
            self.tables.change(change)
        }
    }

    /// The row that a URI (or an object with one) refers to.
    pub(super) fn follow(&mut self, target: Target, reference: &Value) -> Option<Row> {
        let key = reference_key(target, reference)?;
        let resource = schema::resource(target.family, target.resource)?;
        self.find(target.family, resource, &key)
    }

    /// A row as the API shows it.
    pub(super) fn render(&mut self, family: Family, resource: &Resource, row: &Row) -> Value {
        let mut shown = Map::new();
        for field in resource.fields {
            if field.write_only {
                continue;
            }
            let value = match (field.kind, row.get(field.name)) {
                _ if field.name == "resource_uri" => json!(uri_of(family, resource, row)),
                (_, None) if field.name == "media_streams" => Value::Array(streams(row)),
                (_, None) => field.absent_value(),
                (_, Some(value)) if field.secret => conceal(value),
                (Kind::ToMany(target), Some(Value::Array(items))) => self.render_many(field, target, items),
                (_, Some(value)) => value.clone(),
            };
            let hidden = self.hide_media_load && family == Family::Status && field.name == "media_load";
            shown.insert(field.name.to_owned(), if hidden { Value::Null } else { value });
        }
        Value::Object(shown)
    }

    fn render_many(&mut self, field: &Field, target: Target, items: &[Value]) -> Value {
        if !field.nested || items.is_empty() {
            return Value::Array(items.to_vec());
        }
        let Some(resource) = schema::resource(target.family, target.resource) else { return json!([]) };
        let rows: Vec<Row> = items.iter().filter_map(|item| self.follow(target, item)).collect();
        rows.iter().map(|row| self.render(target.family, resource, row)).collect()
    }

    /// Which rows refer to a row: resource, number and field of each.
    pub(super) fn referrers(
        &mut self,
        target: &Resource,
        id: u64,
    ) -> Vec<(&'static Resource, u64, &'static Field)> {
        let wanted = json!(format!("{}{id}/", schema::list_uri(Family::Configuration, target.name)));
        let mut found = Vec::new();
        for resource in schema::resources(Family::Configuration) {
            let points = |field: &&Field| match field.kind {
                Kind::ToOne(to) | Kind::ToMany(to) => to.resource == target.name && !field.readonly,
                _ => false,
            };
            let fields: Vec<&'static Field> = resource.fields.iter().filter(points).collect();
            if fields.is_empty() {
                continue;
            }
            for row in self.rows(Family::Configuration, resource) {
                for field in &fields {
                    let refers = match row.get(field.name) {
                        Some(Value::Array(items)) => items.contains(&wanted),
                        Some(value) => *value == wanted,
                        None => false,
                    };
                    if let (true, Some(number)) = (refers, row.get("id").and_then(Value::as_u64)) {
                        found.push((resource, number, *field));
                    }
                }
            }
        }
        found
    }
}

/// What stands in a row's address.
pub(super) fn key_of(resource: &Resource, row: &Row) -> String {
    if let Some(last) = row.get("resource_uri").and_then(Value::as_str).and_then(last_segment) {
        return last.to_owned();
    }
    let name = match resource.key {
        Key::Named(name) => name,
        Key::Id | Key::Uuid | Key::Hidden => "id",
    };
    match row.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// A row's address.
pub(super) fn uri_of(family: Family, resource: &Resource, row: &Row) -> String {
    match row.get("resource_uri").and_then(Value::as_str) {
        Some(uri) => uri.to_owned(),
        None => format!("{}{}/", schema::list_uri(family, resource.name), key_of(resource, row)),
    }
}

fn last_segment(uri: &str) -> Option<&str> {
    uri.trim_end_matches('/').rsplit('/').next().filter(|last| !last.is_empty())
}

/// The key in a URI (path or absolute) of the right resource, or in an object that carries its URI.
pub(super) fn reference_key(target: Target, reference: &Value) -> Option<String> {
    let uri = reference.as_str().or_else(|| reference.get("resource_uri").and_then(Value::as_str))?;
    let list = schema::list_uri(target.family, target.resource);
    let rest = &uri[uri.find(&list)? + list.len()..];
    let key = rest.strip_suffix('/')?;
    if key.is_empty() || key.contains('/') { None } else { Some(key.to_owned()) }
}

/// A stored secret as the API shows it: opaque, the same each time, of no use to whoever reads it.
pub(super) fn conceal(value: &Value) -> Value {
    match value.as_str() {
        None | Some("") => value.clone(),
        Some(secret) => {
            json!(format!("$~!1${}", Uuid::new_v5(&Uuid::NAMESPACE_OID, secret.as_bytes()).simple()))
        }
    }
}
