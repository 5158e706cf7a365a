//! Changes of the configuration: create, change, remove, one by one or in bulk. A bulk change is all or
//! nothing: what was done is undone, newest first, when a later part is refused.

use serde_json::{Value, json};

use super::address::{reference_key, uri_of};
use super::certificate::derive;
use super::clean::{Refusal, clean};
use super::row_store::RowStore;
use super::schema::{Field, Kind, Method, Resource, Target};
use spillway_pexip_model::{Change, Family, Row};

const CONFIGURATION: Family = Family::Configuration;

/// Steps back from changes already made.
#[derive(Default)]
pub(super) struct Undo(Vec<(&'static Resource, Change)>);

impl Undo {
    /// Takes everything back.
    pub(super) fn run(self, store: &mut RowStore<'_>) {
        for (resource, change) in self.0.into_iter().rev() {
            // A change that was possible can be taken back; if the model disagrees there is nobody left to tell.
            let _ = store.change(resource, change);
        }
    }
}

fn number(row: &Row) -> Result<u64, Refusal> {
    row.get("id").and_then(Value::as_u64).ok_or(Refusal::NotFound)
}

/// A row that is there, or 404.
pub(super) fn existing(
    store: &mut RowStore<'_>,
    resource: &'static Resource,
    key: &str,
) -> Result<Row, Refusal> {
    store.find(CONFIGURATION, resource, key).ok_or(Refusal::NotFound)
}

/// Creates a row; gives it as stored.
pub(super) fn create(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    resource: &'static Resource,
    body: &Row,
    extra: Row,
) -> Result<Row, Refusal> {
    let mut row = clean(store, resource, body, None)?;
    row.extend(extra);
    derive(resource, &mut row);
    strip(resource, &mut row);
    let change = Change::Create { resource: resource.name.into(), row: row.clone() };
    let id = store.change(resource, change).map_err(|error| Refusal::from_model(resource, error))?;
    undo.0.push((resource, Change::Delete { resource: resource.name.into(), id }));
    Ok(store.numbered(resource, id).unwrap_or_else(|| {
        row.insert("id".into(), json!(id));
        row
    }))
}

/// Changes the fields that a body names.
pub(super) fn update(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    resource: &'static Resource,
    row: &Row,
    body: &Row,
) -> Result<(), Refusal> {
    let fields = clean(store, resource, body, Some(row))?;
    set(store, undo, resource, row, fields)
}

fn set(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    resource: &'static Resource,
    row: &Row,
    mut fields: Row,
) -> Result<(), Refusal> {
    derive(resource, &mut fields);
    strip(resource, &mut fields);
    let id = number(row)?;
    let before = |name: &String| {
        let absent = || resource.field(name).map_or(Value::Null, Field::absent_value);
        (name.clone(), row.get(name).cloned().unwrap_or_else(absent))
    };
    let old: Row = fields.keys().map(before).collect();
    let change = Change::Update { resource: resource.name.into(), id, fields };
    store.change(resource, change).map_err(|error| Refusal::from_model(resource, error))?;
    undo.0.push((resource, Change::Update { resource: resource.name.into(), id, fields: old }));
    Ok(())
}

/// Removes a row. Rows that may do without it lose their reference; one that may not keeps it from being removed.
pub(super) fn delete(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    resource: &'static Resource,
    row: &Row,
) -> Result<(), Refusal> {
    let id = number(row)?;
    let uri = json!(uri_of(CONFIGURATION, resource, row));
    let referrers = store.referrers(resource, id);
    if let Some((other, _, field)) =
        referrers.iter().find(|(_, _, field)| matches!(field.kind, Kind::ToOne(_)) && !field.null)
    {
        return Err(Refusal::Plain(format!(
            "Cannot delete {} {uri}: it is the '{}' of a {}.",
            resource.label, field.name, other.label
        )));
    }
    for (other, number, field) in referrers {
        let Some(row) = store.find(CONFIGURATION, other, &number.to_string()) else { continue };
        let value = match row.get(field.name) {
            Some(Value::Array(items)) => items.iter().filter(|item| **item != uri).cloned().collect(),
            _ => Value::Null,
        };
        set(store, undo, other, &row, Row::from_iter([(field.name.to_owned(), value)]))?;
    }
    let change = Change::Delete { resource: resource.name.into(), id };
    store.change(resource, change).map_err(|error| Refusal::from_model(resource, error))?;
    // Put back, it keeps its number: others refer to it.
    let mut row = row.clone();
    row.remove("resource_uri");
    undo.0.push((resource, Change::Create { resource: resource.name.into(), row }));
    Ok(())
}

/// What is not shown again is for the node, not for the store.
fn strip(resource: &Resource, row: &mut Row) {
    row.retain(|name, _| resource.field(name).is_none_or(|field| !field.write_only && !field.forgotten));
}

/// A bulk change: `objects` are changed or created, `deleted_objects` removed.
pub(super) fn bulk(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    resource: &'static Resource,
    body: &Row,
) -> Result<(), BulkRefusal> {
    let missing = || Refusal::Plain("Invalid data sent: missing 'objects'".into());
    let objects = body.get("objects").and_then(Value::as_array).ok_or_else(missing)?;
    if !objects.is_empty() && !resource.detail.contains(&Method::Put) {
        return Err(BulkRefusal::NotAllowed);
    }
    for object in objects {
        let object =
            object.as_object().ok_or_else(|| Refusal::Plain("Invalid data sent: not an object.".into()))?;
        match object.get("resource_uri") {
            None => drop(create(store, undo, resource, object, Row::new())?),
            Some(uri) => match at(store, resource, uri)? {
                Some(row) => update(store, undo, resource, &row, object)?,
                None => drop(create(store, undo, resource, object, Row::new())?),
            },
        }
    }
    let deleted = body.get("deleted_objects").and_then(Value::as_array);
    for uri in deleted.into_iter().flatten() {
        if !resource.detail.contains(&Method::Delete) {
            return Err(BulkRefusal::NotAllowed);
        }
        let row = at(store, resource, uri)?.ok_or(Refusal::Nowhere)?;
        delete(store, undo, resource, &row)?;
    }
    Ok(())
}

/// The row at a URI of this resource; a URI of another one leads nowhere.
fn at(store: &mut RowStore<'_>, resource: &'static Resource, uri: &Value) -> Result<Option<Row>, Refusal> {
    let target = Target { family: CONFIGURATION, resource: resource.name };
    let key = reference_key(target, uri).ok_or(Refusal::Nowhere)?;
    Ok(store.find(CONFIGURATION, resource, &key))
}

/// Why a bulk change was refused.
#[derive(Debug)]
pub(super) enum BulkRefusal {
    /// The resource has no PUT (or DELETE), which bulk changes are made of: 405.
    NotAllowed,
    /// As for a single change.
    Refused(Refusal),
}

impl From<Refusal> for BulkRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
