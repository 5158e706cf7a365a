//! The addresses of rows: what stands in them, and what a reference to a row means.

use serde_json::Value;

use super::schema::{self, Key, Resource, Target};
use spillway_pexip_model::{Family, Row};

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
