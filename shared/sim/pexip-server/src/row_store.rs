//! Rows, wherever they are: in the world's model or in the server's own tables, read and changed the same way, and
//! rendered as the API shows them. References between rows are followed here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::address::{key_of, reference_key, uri_of};
use super::index::{Index, reference_fields};
use super::schema::{self, Field, Kind, Resource, Target};
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
    index: Index,
}

/// A version for the Management Node when the model does not say.
const VERSION: &str = "40 (83411.0.0)";

impl<'a> RowStore<'a> {
    /// All rows, as they are at the beginning of a request.
    pub(super) fn new(
        model: &'a mut dyn Model,
        tables: &'a mut ConfigTables,
        removed: &'a mut BTreeSet<(&'static str, String)>,
        hide_media_load: bool,
    ) -> Self {
        Self { model, tables, removed, hide_media_load, index: Index::default() }
    }

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
    pub(super) fn find(&mut self, family: Family, resource: &'static Resource, key: &str) -> Option<Row> {
        if family == Family::Configuration {
            // One object by its number needs no list. An index that is there already is as quick.
            if let Ok(id) = key.parse()
                && !self.index.holds(resource)
                && let Some(row) = self.numbered(resource, id)
                && key_of(resource, &row) == key
            {
                return Some(row);
            }
            return self.indexed(resource).row(resource, key).cloned();
        }
        self.rows(family, resource).into_iter().find(|row| key_of(resource, row) == key)
    }

    /// Carries out a validated change of the configuration.
    pub(super) fn change(&mut self, resource: &'static Resource, change: Change) -> Result<u64, ChangeError> {
        let removed = matches!(change, Change::Delete { .. });
        let id = if self.model.holds(Family::Configuration, resource.name) {
            self.model.change(change)
        } else {
            self.tables.change(change)
        }?;
        if self.index.holds(resource) {
            match self.numbered(resource, id).filter(|_| !removed) {
                Some(row) => self.index.put(resource, row),
                None => self.index.remove(resource, id),
            }
        }
        Ok(id)
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
        let points = |field: &Field| match field.kind {
            Kind::ToOne(to) | Kind::ToMany(to) => to.resource == target.name,
            _ => false,
        };
        for resource in schema::resources(Family::Configuration) {
            if reference_fields(resource).any(points) {
                self.indexed(resource);
            }
        }
        let found =
            self.index.referrers(&format!("{}{id}/", schema::list_uri(Family::Configuration, target.name)));
        let named = |(resource, number, field): (&'static str, u64, &'static str)| {
            let resource = schema::resource(Family::Configuration, resource)?;
            Some((resource, number, resource.field(field)?))
        };
        found.into_iter().filter_map(named).collect()
    }

    /// Whether another row than the one with the key `own` has this value in a field.
    pub(super) fn is_taken(
        &mut self,
        resource: &'static Resource,
        field: &'static str,
        value: &Value,
        own: Option<&str>,
    ) -> bool {
        self.indexed(resource).is_taken(resource, field, value, own)
    }

    /// A row of the configuration by its number.
    pub(super) fn numbered(&mut self, resource: &Resource, id: u64) -> Option<Row> {
        if self.model.holds(Family::Configuration, resource.name) {
            self.model.row(resource.name, id)
        } else {
            self.tables.row(resource.name, id).cloned()
        }
    }

    /// The index, with a resource in it.
    fn indexed(&mut self, resource: &'static Resource) -> &Index {
        if !self.index.holds(resource) {
            let rows = self.rows(Family::Configuration, resource);
            self.index.read(resource, rows);
        }
        &self.index
    }
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
