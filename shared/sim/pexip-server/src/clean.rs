//! Bodies made into rows: types, lengths, choices, uniqueness and references are checked against the schema. Fields
//! that do not exist or that only the server sets are ignored, as the framework does; nothing is changed here.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value, json};

use super::address::{key_of, reference_key, uri_of};
use super::reply::Reply;
use super::row_store::{RowStore, conceal};
use super::schema::{self, Field, Kind, Resource, Target};
use super::text::parse_time;
use spillway_pexip_model::{ChangeError, Row};

/// Why a body was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 404, empty.
    NotFound,
    /// 404 with a message, as when a URI in a list leads nowhere.
    Nowhere,
    /// 400 keyed by resource name, then by field.
    Fields(&'static str, Vec<(String, String)>),
    /// 400 `{"error": …}`.
    Plain(String),
}

impl Refusal {
    /// What the model said, in the API's words.
    pub(super) fn from_model(resource: &Resource, error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::NotFound,
            ChangeError::Invalid(fields) => Self::Fields(resource.name, fields),
            ChangeError::Refused(message) => Self::Plain(message),
        }
    }

    /// The answer.
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::NotFound => Reply::empty(404),
            Self::Nowhere => Reply::fault(404),
            Self::Plain(message) => Reply::bad(message),
            Self::Fields(resource, fields) => {
                let mut messages: Map<String, Value> = Map::new();
                for (field, message) in fields {
                    let entry = messages.entry(field).or_insert_with(|| json!([]));
                    if let Value::Array(list) = entry {
                        list.push(json!(message));
                    }
                }
                Reply::data(400, json!({resource: messages}))
            }
        }
    }
}

/// Makes a whole row, defaults filled in, or (with `existing`) just the fields that a body names.
pub(super) fn clean(
    store: &mut RowStore<'_>,
    resource: &'static Resource,
    body: &Row,
    existing: Option<&Row>,
) -> Result<Row, Refusal> {
    let mut row = Row::new();
    let mut wrong = Vec::new();
    for field in resource.fields.iter().filter(|field| !field.readonly) {
        let given = body.get(field.name);
        if field.name == "id" && (existing.is_some() || given.is_none_or(|id| id.is_null() || id == "")) {
            // The number of a row that is there stays; a new one without a number gets the next.
            continue;
        }
        let Some(value) = given else {
            if existing.is_none() {
                if field.required() && !matches!(field.kind, Kind::ToOne(_)) {
                    wrong.push((field.name.to_owned(), "This field is required.".to_owned()));
                    continue;
                }
                if field.required() {
                    let message = "field has no data and doesn't allow a default or null value.";
                    return Err(Refusal::Plain(format!("The '{}' {message}", field.name)));
                }
                row.insert(field.name.to_owned(), field.absent_value());
            }
            continue;
        };
        match value_of(store, field, value)? {
            Ok(value) => {
                let kept = existing.and_then(|row| row.get(field.name));
                // A client that writes back the opaque form of a secret changes nothing.
                if field.secret && kept.is_some_and(|kept| conceal(kept) == value) {
                    continue;
                }
                row.insert(field.name.to_owned(), value);
            }
            Err(message) => wrong.push((field.name.to_owned(), message)),
        }
    }
    let own = existing.map(|row| key_of(resource, row));
    for field in resource.fields.iter().filter(|field| field.unique) {
        let Some(value) = row.get(field.name) else { continue };
        if store.is_taken(resource, field.name, value, own.as_deref()) {
            let label = resource.label;
            let name = field.name.replace('_', " ");
            wrong.push((field.name.to_owned(), format!("{label} with this {name} already exists.")));
        }
    }
    if wrong.is_empty() { Ok(row) } else { Err(Refusal::Fields(resource.name, wrong)) }
}

type Checked = Result<Value, String>;

fn value_of(store: &mut RowStore<'_>, field: &Field, value: &Value) -> Result<Checked, Refusal> {
    match field.kind {
        Kind::ToOne(target) => match value {
            Value::Null if field.null => Ok(Ok(Value::Null)),
            Value::Null => Err(Refusal::Plain(format!(
                "The '{}' field has no data and doesn't allow a default or null value.",
                field.name
            ))),
            reference => resolve(store, field, target, reference).map(Ok),
        },
        Kind::ToMany(target) => match value {
            Value::Null => Ok(Ok(json!([]))),
            Value::Array(items) => {
                let items = items.iter().filter(|item| !item.is_null());
                items
                    .map(|item| resolve(store, field, target, item))
                    .collect::<Result<_, _>>()
                    .map(Value::Array)
                    .map(Ok)
            }
            _ => Ok(Err("Enter a list of values.".into())),
        },
        _ => Ok(scalar(field, value)),
    }
}

/// The address of the row that a reference means.
fn resolve(
    store: &mut RowStore<'_>,
    field: &Field,
    target: Target,
    reference: &Value,
) -> Result<Value, Refusal> {
    let uri = reference.as_str().or_else(|| reference.get("resource_uri").and_then(Value::as_str));
    let Some(uri) = uri else {
        return Err(Refusal::Plain(format!(
            "The '{}' field was given data that was not a URI, not a dictionary-alike and does not have a 'pk' \
             attribute: {reference}.",
            field.name
        )));
    };
    let resource = schema::resource(target.family, target.resource);
    let found = reference_key(target, reference)
        .zip(resource)
        .and_then(|(key, resource)| store.find(target.family, resource, &key).map(|row| (resource, row)));
    match found {
        Some((resource, row)) => Ok(json!(uri_of(target.family, resource, &row))),
        None => Err(Refusal::Plain(format!(
            "Could not find the provided {} object via resource URI '{uri}'.",
            target.resource
        ))),
    }
}

fn scalar(field: &Field, value: &Value) -> Checked {
    let address = matches!(field.kind, Kind::Ipv4 | Kind::Ipv6 | Kind::DateTime | Kind::Int | Kind::Float);
    match value {
        Value::Null if field.null => return Ok(Value::Null),
        Value::Null => return Err("This field cannot be null.".into()),
        Value::String(text) if text.is_empty() && address && field.null => return Ok(Value::Null),
        _ => {}
    }
    match field.kind {
        Kind::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::Number(number) if number.as_i64() == Some(0) => Ok(json!(false)),
            Value::Number(number) if number.as_i64() == Some(1) => Ok(json!(true)),
            Value::String(text) => match text.as_str() {
                "true" | "True" | "1" => Ok(json!(true)),
                "false" | "False" | "0" => Ok(json!(false)),
                _ => Err(format!("'{text}' value must be either True or False.")),
            },
            other => Err(format!("'{other}' value must be either True or False.")),
        },
        Kind::Int => {
            let number = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            let number = number.ok_or("Enter a whole number.")?;
            match field.range {
                Some((low, _)) if number < low => {
                    Err(format!("Ensure this value is greater than or equal to {low}."))
                }
                Some((_, high)) if number > high => {
                    Err(format!("Ensure this value is less than or equal to {high}."))
                }
                _ => Ok(json!(number)),
            }
        }
        Kind::Float => value.as_f64().map(|number| json!(number)).ok_or_else(|| "Enter a number.".into()),
        Kind::DateTime => match value.as_str().and_then(parse_time) {
            Some(instant) => Ok(json!(super::text::naive(instant))),
            None => Err("Enter a valid date/time.".into()),
        },
        Kind::Ipv4 => match value.as_str().map(str::parse::<Ipv4Addr>) {
            Some(Ok(address)) => Ok(json!(address)),
            _ => Err("Enter a valid IPv4 address.".into()),
        },
        Kind::Ipv6 => match value.as_str().map(str::parse::<Ipv6Addr>) {
            Some(Ok(address)) => Ok(json!(address)),
            _ => Err("Enter a valid IPv6 address.".into()),
        },
        Kind::List if value.is_array() => Ok(value.clone()),
        Kind::List => Err("Enter a list of values.".into()),
        Kind::Dict if value.is_object() => Ok(value.clone()),
        Kind::Dict => Err("Enter an object.".into()),
        Kind::Text | Kind::ToOne(_) | Kind::ToMany(_) => words(field, value),
    }
}

fn words(field: &Field, value: &Value) -> Checked {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err("Enter text.".into()),
    };
    let length = text.chars().count();
    if text.is_empty() {
        return if field.blank || field.null { Ok(json!("")) } else { Err("This field is required.".into()) };
    }
    if field.max > 0 && length > field.max {
        return Err(format!("Ensure this value has at most {} characters (it has {length}).", field.max));
    }
    match field.range {
        Some((low, _)) if (length as i64) < low => {
            return Err(format!("Ensure this value has at least {low} characters (it has {length})."));
        }
        _ => {}
    }
    if !field.choices.is_empty() && !field.choices.contains(&text.as_str()) {
        return Err(format!("Select a valid choice. {text} is not one of the available choices."));
    }
    Ok(json!(text))
}
