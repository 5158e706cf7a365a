//! What each kind of address does for each method, once the request is let in: the success codes and bodies of the
//! API, down to the empty ones.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::address::{key_of, uri_of};
use super::clean::Refusal;
use super::oauth::Grants;
use super::options::ServeOptions;
use super::page::Page;
use super::provision;
use super::query::{MISMATCH, breaks, filters, order};
use super::reply::Reply;
use super::request::Request;
use super::route::Route;
use super::row_store::RowStore;
use super::schema::{self, Key, Method, Resource, Target};
use super::streams::streams;
use super::text::{naive, parameters};
use super::write::{BulkRefusal, Undo, bulk, create, delete, existing, update};
use spillway_pexip_model::{ChangeError, Family, Row};

/// A request that was let in.
pub(super) struct Call<'a> {
    pub(super) route: Route,
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) request: &'a Request<'a>,
    pub(super) now: Timestamp,
}

/// Answers it.
pub(super) fn respond(
    store: &mut RowStore<'_>,
    grants: &mut Grants,
    options: &ServeOptions,
    call: &Call<'_>,
) -> Reply {
    match &call.route {
        Route::Root(family) => Reply::data(200, schema::root(call.path, schema::resources(*family))),
        Route::CommandRoot(group) => Reply::data(200, schema::root(call.path, group.actions.iter())),
        Route::Schema(_, resource) => {
            Reply::data(200, schema::resource_schema(resource, options.default_limit))
        }
        Route::Set(family, resource, keys) => several(store, *family, resource, keys),
        Route::Sub(family, resource, key, sub) => {
            beneath(store, options, call, (*family, resource), key, sub)
        }
        Route::Command(group, action) => command(store, options, call, group.name, action),
        Route::Token => Reply::empty(404),
        Route::List(_, resource)
            if matches!(call.method, Method::Get | Method::Delete)
                && breaks(resource, &parameters(call.request.query)) =>
        {
            Reply::fault(500)
        }
        Route::List(family, resource) => match call.method {
            Method::Get => list(store, options, call, *family, resource),
            _ => changed(store, |store, undo| change_list(store, undo, grants, options, call, resource)),
        },
        Route::Detail(family, resource, key) => match (call.method, family) {
            (Method::Get, _) => match store.find(*family, resource, key) {
                Some(row) => Reply::object(200, store.render(*family, resource, &row)),
                None => nothing_at(resource, key),
            },
            (_, Family::History) => match store.find(*family, resource, key) {
                Some(row) => {
                    store.removed.insert((resource.name, key_of(resource, &row)));
                    Reply::no_content()
                }
                None => Reply::empty(404),
            },
            _ => changed(store, |store, undo| change_one(store, undo, call, resource, key)),
        },
    }
}

/// 404, empty; with a message where the key cannot be one.
fn nothing_at(resource: &Resource, key: &str) -> Reply {
    let numbered = matches!(resource.key, Key::Id | Key::Hidden);
    if numbered && key.parse::<i64>().is_err() { Reply::fault(404) } else { Reply::empty(404) }
}

/// Runs a change; takes back what it did when it is refused half way.
fn changed(
    store: &mut RowStore<'_>,
    work: impl FnOnce(&mut RowStore<'_>, &mut Undo) -> Result<Reply, Refusal>,
) -> Reply {
    let mut undo = Undo::default();
    match work(store, &mut undo) {
        Ok(reply) => {
            if reply.status >= 400 {
                undo.run(store);
            }
            reply
        }
        Err(refusal) => {
            undo.run(store);
            refusal.reply()
        }
    }
}

fn list(
    store: &mut RowStore<'_>,
    options: &ServeOptions,
    call: &Call<'_>,
    family: Family,
    resource: &'static Resource,
) -> Reply {
    let query = parameters(call.request.query);
    let mut work = || -> Result<Value, String> {
        let rows = selected(store, family, resource, &query)?;
        let page = Page::read(&query, options.default_limit, options.max_limit)?;
        let objects: Vec<Value> =
            page.cut(&rows).iter().map(|row| store.render(family, resource, row)).collect();
        Ok(json!({"meta": page.meta(call.path, &query, rows.len()), "objects": objects}))
    };
    work().map_or_else(Reply::bad, |value| Reply::data(200, value))
}

/// The rows that a query selects, in its order.
fn selected(
    store: &mut RowStore<'_>,
    family: Family,
    resource: &'static Resource,
    query: &[(String, String)],
) -> Result<Vec<Row>, String> {
    let filters = filters(store, resource, query)?;
    let mut rows = store.rows(family, resource);
    if !filters.is_empty() {
        rows.retain(|row| filters.iter().all(|filter| filter.admits(row)));
    }
    order(store, resource, query, &mut rows)?;
    Ok(rows)
}

fn several(store: &mut RowStore<'_>, family: Family, resource: &'static Resource, keys: &[String]) -> Reply {
    let rows = store.rows(family, resource);
    let (mut objects, mut missing) = (Vec::new(), Vec::new());
    for key in keys {
        match rows.iter().find(|row| key_of(resource, row) == *key) {
            Some(row) => objects.push(store.render(family, resource, row)),
            None => missing.push(key),
        }
    }
    let mut reply = json!({"objects": objects});
    if !missing.is_empty() {
        reply["not_found"] = json!(missing);
    }
    Reply::data(200, reply)
}

fn beneath(
    store: &mut RowStore<'_>,
    options: &ServeOptions,
    call: &Call<'_>,
    (family, resource): (Family, &'static Resource),
    key: &str,
    sub: &str,
) -> Reply {
    let Some(row) = store.find(family, resource, key) else { return Reply::empty(404) };
    if sub == "statistics" {
        let load = if store.hide_media_load { None } else { row.get("media_load").and_then(Value::as_f64) };
        return Reply::data(200, json!({"media_load": load, "resource_uri": call.path}));
    }
    let streams = streams(&row);
    let query = parameters(call.request.query);
    match Page::read(&query, options.default_limit, options.max_limit) {
        Ok(page) => {
            let meta = page.meta(call.path, &query, streams.len());
            Reply::data(200, json!({"meta": meta, "objects": page.cut(&streams)}))
        }
        Err(message) => Reply::bad(message),
    }
}

/// The body as an object. A missing content type means JSON; another one is refused.
fn body(call: &Call<'_>) -> Result<Result<Row, Refusal>, Reply> {
    let kind = call.request.content_type.and_then(|kind| kind.split(';').next()).map(str::trim);
    let json = kind.is_none_or(|kind| kind.is_empty() || kind.eq_ignore_ascii_case("application/json"));
    if !json {
        return Err(Reply::fault(415));
    }
    Ok(match serde_json::from_slice(call.request.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Refusal::Plain("Request is not a JSON object.".into())),
        Err(_) => Err(Refusal::Plain("Request is not valid JSON.".into())),
    })
}

fn change_list(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    grants: &mut Grants,
    options: &ServeOptions,
    call: &Call<'_>,
    resource: &'static Resource,
) -> Result<Reply, Refusal> {
    let configuration = Family::Configuration;
    if call.method == Method::Delete {
        let query = parameters(call.request.query);
        let rows = selected(store, configuration, resource, &query).map_err(Refusal::Plain)?;
        for row in rows {
            delete(store, undo, resource, &row)?;
        }
        return Ok(Reply::no_content());
    }
    let body = match body(call) {
        Ok(body) => body?,
        Err(reply) => return Ok(reply),
    };
    match call.method {
        Method::Patch => match bulk(store, undo, resource, &body) {
            Ok(()) => Ok(Reply::empty(202)),
            Err(BulkRefusal::NotAllowed) => Ok(Reply::methods(405, resource.list)),
            Err(BulkRefusal::Refused(refusal)) => Err(refusal),
        },
        Method::Put => {
            let missing = || Refusal::Plain("Invalid data sent: missing 'objects'".into());
            let objects = body.get("objects").and_then(Value::as_array).ok_or_else(missing)?;
            for row in store.rows(configuration, resource) {
                delete(store, undo, resource, &row)?;
            }
            for object in objects.iter().filter_map(Value::as_object) {
                create(store, undo, resource, object, Row::new())?;
            }
            Ok(Reply::no_content())
        }
        _ => post(store, undo, grants, options, call, resource, &body),
    }
}

fn post(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    grants: &mut Grants,
    options: &ServeOptions,
    call: &Call<'_>,
    resource: &'static Resource,
    body: &Row,
) -> Result<Reply, Refusal> {
    let configuration = Family::Configuration;
    let mut extra = Row::new();
    let mut private_key = None;
    match resource.name {
        "system_syncpoint" => drop(extra.insert("creation_time".into(), json!(naive(call.now)))),
        "event_sink" => drop(extra.insert("updated_at".into(), json!(naive(call.now)))),
        "licence" => drop(extra.insert("fulfillment_id".into(), json!(Uuid::new_v4().to_string()))),
        "oauth2_client" => {
            let made = grants.enrol(None, options.key_form).map_err(Refusal::Plain)?;
            extra.insert("client_id".into(), json!(made.client_id));
            private_key = Some(made.private_key);
        }
        _ => {}
    }
    let row = create(store, undo, resource, body, extra)?;
    let location = uri_of(configuration, resource, &row);
    let reply = match (resource.name, private_key) {
        ("worker_vm", _) => {
            let target = Target { family: configuration, resource: "system_location" };
            let place = row.get("system_location").cloned().and_then(|uri| store.follow(target, &uri));
            let place = place.as_ref().and_then(|place| place.get("name")).and_then(Value::as_str);
            Reply::text(201, options.document_type.clone(), provision::document(&row, place))
        }
        (_, Some(key)) => {
            let mut shown = store.render(configuration, resource, &row);
            shown["private_key_jwt"] = json!(key);
            Reply::object(201, shown)
        }
        _ => Reply::empty(201),
    };
    Ok(reply.with("location", location))
}

fn change_one(
    store: &mut RowStore<'_>,
    undo: &mut Undo,
    call: &Call<'_>,
    resource: &'static Resource,
    key: &str,
) -> Result<Reply, Refusal> {
    match call.method {
        // Allowed by some resources, done by none.
        Method::Post => return Ok(Reply::empty(501)),
        Method::Delete => {
            let Ok(row) = existing(store, resource, key) else { return Ok(nothing_at(resource, key)) };
            delete(store, undo, resource, &row)?;
            return Ok(Reply::no_content());
        }
        _ => {}
    }
    let found = existing(store, resource, key);
    let body = match body(call) {
        Ok(body) => body,
        Err(reply) => return Ok(reply),
    };
    match (call.method, found) {
        (Method::Put, Ok(row)) => {
            // What a body leaves out keeps its value, as in a PATCH.
            update(store, undo, resource, &row, &body?)?;
            Ok(Reply::no_content())
        }
        (Method::Put, Err(_)) => {
            let number: Option<u64> = key.parse().ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| Refusal::Plain(MISMATCH.into()))?;
            let own = Row::from_iter([("id".to_owned(), json!(number))]);
            let row = create(store, undo, resource, &body?, own)?;
            Ok(Reply::empty(201).with("location", uri_of(Family::Configuration, resource, &row)))
        }
        (_, Err(_)) => Ok(nothing_at(resource, key)),
        (_, Ok(row)) => {
            update(store, undo, resource, &row, &body?)?;
            Ok(Reply::empty(202))
        }
    }
}

fn command(
    store: &mut RowStore<'_>,
    options: &ServeOptions,
    call: &Call<'_>,
    group: &str,
    action: &'static Resource,
) -> Reply {
    let body = match body(call) {
        Err(reply) => return reply,
        Ok(_) if call.request.body.is_empty() => Row::new(),
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return refusal.reply(),
    };
    if let Some(field) = action.fields.iter().find(|field| field.required() && !body.contains_key(field.name))
    {
        let message = "field has no data and doesn't allow a default or null value.";
        return Reply::bad(format!("The '{}' {message}", field.name));
    }
    for (field, name) in [("conference_id", "conference"), ("participant_id", "participant")] {
        let named = body.get(field).and_then(Value::as_str).filter(|_| group == name);
        let status = schema::resource(Family::Status, name);
        if let (Some(id), Some(resource)) = (named, status)
            && store.find(Family::Status, resource, id).is_none()
        {
            return Reply::data(404, json!({"error": format!("There is no {name} with the id '{id}'.")}));
        }
    }
    match store.model.command(group, action.name, &body) {
        Ok(data) => Reply::data(options.command_status, json!({"data": data, "status": "success"})),
        Err(ChangeError::NotFound) => {
            Reply::data(404, json!({"error": format!("{group} {}: no such object", action.name)}))
        }
        Err(error) => Refusal::from_model(action, error).reply(),
    }
}
