//! A small model made of tables, and a server over it, for the tests of the Management API. The world is
//! not needed to check how the API speaks; this holds rows, keeps a clock that a test sets, and believes what it is
//! told.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![expect(clippy::expect_used, reason = "these are parts of tests, though not tests themselves")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use spillway_pexip_model::{Change, ChangeError, Family, Model, Row};
use spillway_pexip_server::{ManagementServer, Running, ServeOptions};

/// Rows by family and resource; the configuration here can be changed.
pub(crate) struct Tables {
    pub(crate) now: Timestamp,
    pub(crate) rows: BTreeMap<(Family, &'static str), Vec<Row>>,
    pub(crate) ec2_reachable: bool,
    pub(crate) changes: u64,
    /// How often all rows of a resource were asked for.
    pub(crate) lists: u64,
}

pub(crate) fn row(value: Value) -> Row {
    if let Value::Object(fields) = value { fields } else { Row::new() }
}

pub(crate) const LOCATION: &str = "/api/admin/configuration/v1/system_location/";

/// Two locations and `nodes` nodes; every third node is in the second location.
pub(crate) fn platform(nodes: usize) -> Tables {
    let location = |id: usize| if id.is_multiple_of(3) { 2 } else { 1 };
    let name = |id: usize| if id.is_multiple_of(3) { "Overflow" } else { "Oslo" };
    let configured = (1..=nodes).map(|id| {
        row(json!({"id": id, "name": format!("node{id:03}"), "hostname": format!("node{id:03}"), "domain": "example.com",
            "address": format!("10.0.{}.{}", id / 250, id % 250), "netmask": "255.255.0.0", "gateway": "10.0.0.254",
            "system_location": format!("{LOCATION}{}/", location(id)), "static_nat_address": null,
            "snmp_authentication_password": "a secret word"}))
    });
    let status = (1..=nodes).map(|id| {
        let updated = if id.is_multiple_of(2) { "2026-05-04T00:03:47" } else { "2026-05-04T00:03:47.848612" };
        row(json!({"id": id, "configuration_id": id, "name": format!("node{id:03}"), "system_location": name(id),
            "sync_status": "SYNCED", "media_load": id % 100, "max_hd_calls": 17, "maintenance_mode": false,
            "last_updated": if id == 1 { Value::Null } else { json!(updated) }, "version": "40 (1.0.0)"}))
    });
    let locations = [("Oslo", 1), ("Overflow", 2)];
    let conferences = (1..=5).map(|id| {
        row(json!({"id": format!("00000000-0000-0000-0000-00000000000{id}"), "name": format!("room{id}"),
            "start_time": format!("2026-05-04T0{id}:00:00"), "end_time": format!("2026-05-04T0{id}:30:00.5"),
            "duration": 1800, "participants": [], "participant_count": 0}))
    });
    let mut rows = BTreeMap::new();
    rows.insert((Family::Configuration, "worker_vm"), configured.collect());
    rows.insert((Family::Status, "worker_vm"), status.collect());
    rows.insert(
        (Family::Configuration, "system_location"),
        locations.map(|(name, id)| row(json!({"id": id, "name": name, "dns_servers": []}))).to_vec(),
    );
    rows.insert(
        (Family::Status, "system_location"),
        locations.map(|(name, id)| row(json!({"id": id, "name": name, "media_load": 12.5}))).to_vec(),
    );
    rows.insert((Family::History, "conference"), conferences.collect());
    rows.insert(
        (Family::Status, "cloud_node"),
        vec![row(json!({"cloud_instance_id": "i-0abc", "cloud_instance_state": "stopped"}))],
    );
    let now = "2026-05-04T00:04:00Z".parse().expect("a time");
    Tables { now, rows, ec2_reachable: true, changes: 0, lists: 0 }
}

impl Tables {
    fn table(&mut self, resource: &str) -> Result<&mut Vec<Row>, ChangeError> {
        let found = self
            .rows
            .iter_mut()
            .find(|((family, name), _)| *family == Family::Configuration && *name == resource);
        found.map(|(_, rows)| rows).ok_or(ChangeError::NotFound)
    }
}

fn numbered(row: &Row, id: u64) -> bool {
    row.get("id").and_then(Value::as_u64) == Some(id)
}

impl Model for Tables {
    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn holds(&self, family: Family, resource: &str) -> bool {
        self.rows.keys().any(|(known, name)| *known == family && *name == resource)
    }

    fn row(&mut self, resource: &str, id: u64) -> Option<Row> {
        self.table(resource).ok()?.iter().find(|row| numbered(row, id)).cloned()
    }

    fn rows(&mut self, family: Family, resource: &str) -> Vec<Row> {
        self.lists += 1;
        let found = self.rows.iter().find(|((known, name), _)| *known == family && *name == resource);
        let mut rows = found.map(|(_, rows)| rows.clone()).unwrap_or_default();
        if !self.ec2_reachable && resource == "cloud_node" {
            for row in &mut rows {
                row.insert("cloud_instance_state".into(), json!("unknown"));
            }
        }
        rows
    }

    fn change(&mut self, change: Change) -> Result<u64, ChangeError> {
        self.changes += 1;
        match change {
            Change::Create { resource, mut row } => {
                let table = self.table(&resource)?;
                let next =
                    table.iter().filter_map(|row| row.get("id").and_then(Value::as_u64)).max().unwrap_or(0)
                        + 1;
                let id = row.get("id").and_then(Value::as_u64).unwrap_or(next);
                row.insert("id".into(), json!(id));
                table.push(row);
                Ok(id)
            }
            Change::Update { resource, id, fields } => {
                if fields.get("description") == Some(&json!("refuse me")) {
                    return Err(ChangeError::Refused("the model refused".into()));
                }
                let table = self.table(&resource)?;
                let row = table.iter_mut().find(|row| numbered(row, id)).ok_or(ChangeError::NotFound)?;
                row.extend(fields);
                Ok(id)
            }
            Change::Delete { resource, id } => {
                let table = self.table(&resource)?;
                let before = table.len();
                table.retain(|row| !numbered(row, id));
                if table.len() < before { Ok(id) } else { Err(ChangeError::NotFound) }
            }
        }
    }

    fn command(&mut self, group: &str, action: &str, body: &Row) -> Result<Value, ChangeError> {
        match (group, action, body.get("instance_id").and_then(Value::as_str)) {
            ("platform", "start_cloudnode", Some("i-0abc")) => Ok(Value::Null),
            ("platform", "start_cloudnode", _) => Err(ChangeError::NotFound),
            _ => Err(ChangeError::Refused(format!("{group}/{action} is not simulated"))),
        }
    }

    fn set_ec2_reachable(&mut self, reachable: bool) {
        self.ec2_reachable = reachable;
    }
}

/// A server over tables, and a client of it.
pub(crate) struct Bench {
    pub(crate) server: Running,
    pub(crate) tables: Arc<Mutex<Tables>>,
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) async fn new(nodes: usize) -> Self {
        Self::with(nodes, ServeOptions::default()).await
    }

    pub(crate) async fn with(nodes: usize, options: ServeOptions) -> Self {
        let tables = Arc::new(Mutex::new(platform(nodes)));
        let server = ManagementServer::start(tables.clone(), options).await.expect("the server starts");
        let mut builder = Client::builder().redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &server.ca_pem {
            let ca = reqwest::Certificate::from_pem(pem.as_bytes()).expect("the CA is PEM");
            builder = builder.tls_certs_only([ca]);
        }
        Self { server, tables, client: builder.build().expect("a client") }
    }

    /// A request without credentials.
    pub(crate) fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, format!("{}{path}", self.server.base_url))
    }

    /// A request as `admin`.
    pub(crate) fn ask(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).basic_auth("admin", Some("admin"))
    }

    pub(crate) async fn send(&self, method: &str, path: &str) -> Response {
        self.ask(method, path).send().await.expect("an answer")
    }

    pub(crate) async fn body(&self, method: &str, path: &str, body: Value) -> Response {
        self.ask(method, path).json(&body).send().await.expect("an answer")
    }

    /// GET that must succeed, as JSON.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.send("GET", path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), "application/json", "{path}");
        response.json().await.expect("JSON")
    }

    /// How often the server asked for all rows of a resource.
    pub(crate) fn lists(&self) -> u64 {
        self.tables.lock().expect("not poisoned").lists
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.tables.lock().expect("not poisoned").now += SignedDuration::from_secs(seconds);
    }
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Status and body as text.
pub(crate) async fn outcome(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.expect("a whole body"))
}

/// The values of a field in a list.
pub(crate) fn column(list: &Value, field: &str) -> Vec<Value> {
    list["objects"].as_array().expect("objects").iter().map(|object| object[field].clone()).collect()
}
