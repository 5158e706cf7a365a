//! What the API says about itself: the map at each root, and `schema/` under each resource. Schema-driven clients
//! start here, so it is made from the same tables that requests are checked against.

use serde_json::{Map, Value, json};

use super::{Field, Kind, Method, Resource};

/// The map of a root: resource name to the addresses of its list and its schema.
pub fn root<'a>(base: &str, resources: impl Iterator<Item = &'a Resource>) -> Value {
    let entries = resources.map(|resource| {
        let list = format!("{base}{}/", resource.name);
        let schema = format!("{list}schema/");
        (resource.name.to_owned(), json!({"list_endpoint": list, "schema": schema}))
    });
    Value::Object(entries.collect())
}

fn words(methods: &[Method]) -> Vec<String> {
    methods.iter().map(|method| method.word().to_ascii_lowercase()).collect()
}

/// A name as a sentence, for the fields whose table says no more.
fn spelled(name: &str) -> String {
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

fn field_entry(field: &Field) -> Value {
    let help = if field.help.is_empty() { spelled(field.name) } else { field.help.to_owned() };
    let mut entry = Map::new();
    entry.insert("type".into(), json!(field.type_word()));
    entry.insert("nullable".into(), json!(field.null));
    entry.insert("blank".into(), json!(field.blank));
    entry.insert("readonly".into(), json!(field.readonly));
    entry.insert("unique".into(), json!(field.unique));
    entry.insert("help_text".into(), json!(help));
    if let Some(default) = field.default_value() {
        entry.insert("default".into(), default);
    }
    match field.kind {
        Kind::ToOne(_) => drop(entry.insert("related_type".into(), json!("to_one"))),
        Kind::ToMany(_) => drop(entry.insert("related_type".into(), json!("to_many"))),
        _ => {}
    }
    if !field.choices.is_empty() {
        entry.insert("valid_choices".into(), json!(field.choices));
    }
    Value::Object(entry)
}

/// The schema of a resource. `filtering` is 1 where all lookups are allowed on the field and 2 where they reach across
/// the relation too; `filtering` and `ordering` are left out when empty.
pub fn resource_schema(resource: &Resource, default_limit: u64) -> Value {
    let fields: Map<String, Value> =
        resource.fields.iter().map(|field| (field.name.to_owned(), field_entry(field))).collect();
    let mut schema = Map::new();
    schema.insert("allowed_list_http_methods".into(), json!(words(resource.list)));
    schema.insert("allowed_detail_http_methods".into(), json!(words(resource.detail)));
    schema.insert("default_format".into(), json!("application/json"));
    schema.insert("default_limit".into(), json!(default_limit));
    schema.insert("fields".into(), Value::Object(fields));
    let filtering: Map<String, Value> = resource
        .fields
        .iter()
        .filter(|field| field.filter)
        .map(|field| {
            let related = matches!(field.kind, Kind::ToOne(_) | Kind::ToMany(_));
            (field.name.to_owned(), json!(if related { 2 } else { 1 }))
        })
        .collect();
    if !filtering.is_empty() {
        schema.insert("filtering".into(), Value::Object(filtering));
    }
    let ordering: Vec<&str> =
        resource.fields.iter().filter(|field| field.sortable()).map(|field| field.name).collect();
    if !ordering.is_empty() && resource.list.contains(&Method::Get) {
        schema.insert("ordering".into(), json!(ordering));
    }
    Value::Object(schema)
}
