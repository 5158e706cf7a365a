//! A server that answers what a test tells it to, and remembers what it was asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};
use spillway_pexip::{Auth, HttpManagement, ManagementSettings, RetryPolicy, Timing, Tls};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The last two parts of the path, such as `status/worker_vm`.
    pub(crate) fn resource(&self) -> String {
        let parts: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["api", "admin", family, "v1", rest @ ..] => format!("{family}/{}", rest.join("/")),
            _ => self.path.clone(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), delay: Duration::ZERO }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::new(200, value.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        let page = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body></body></html>");
        Self::new(status, page).header("content-type", "text/html")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Script = Box<dyn Fn(&Seen) -> Answer + Send + Sync>;

struct Log {
    script: Script,
    seen: Mutex<Vec<Seen>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: String,
    log: Arc<Log>,
}

impl Server {
    /// Answers over HTTP on 127.0.0.1.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST, script).await
    }

    pub(crate) async fn start_on(
        ip: Ipv4Addr,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (log, router) = prepare(script);
        let listener = tokio::net::TcpListener::bind(SocketAddr::new(IpAddr::V4(ip), 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, log }
    }

    /// Answers over HTTPS with a given certificate, under the name `localhost`.
    pub(crate) fn start_tls(
        config: rustls::ServerConfig,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (log, router) = prepare(script);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let config = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(config));
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        tokio::spawn(server.serve(router.into_make_service()));
        Self { address, log }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.seen.lock().unwrap().clone()
    }

    /// What was asked for, in order.
    pub(crate) fn resources(&self) -> Vec<String> {
        self.seen().iter().map(Seen::resource).collect()
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.log.most_in_flight.load(Ordering::SeqCst)
    }
}

fn prepare(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> (Arc<Log>, Router) {
    let log = Arc::new(Log {
        script: Box::new(script),
        seen: Mutex::default(),
        in_flight: AtomicUsize::new(0),
        most_in_flight: AtomicUsize::new(0),
    });
    (Arc::clone(&log), Router::new().fallback(answer).with_state(log))
}

async fn answer(State(log): State<Arc<Log>>, request: Request) -> Response<Body> {
    let now = log.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    log.most_in_flight.fetch_max(now, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    log.seen.lock().unwrap().push(seen.clone());
    let answer = (log.script)(&seen);
    tokio::time::sleep(answer.delay).await;
    log.in_flight.fetch_sub(1, Ordering::SeqCst);
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// An address whose connections get raw bytes and are closed: the first connection the first bytes, and so on, the last
/// ones for all that follow. Nothing at all makes the kernel reset the connection, as the request was not read.
pub(crate) async fn raw_server(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let n = counter.fetch_add(1, Ordering::SeqCst);
            let bytes = answers.get(n).or(answers.last()).cloned().unwrap_or_default();
            if bytes.is_empty() {
                let _ = stream.read(&mut [0; 16]).await;
                continue;
            }
            let _ = stream.read(&mut [0; 8192]).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    });
    (address, asked)
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A list as the API envelopes it, in one page.
pub(crate) fn list(objects: &[Value]) -> Answer {
    Answer::json(&json!({
        "meta": {"limit": 500, "next": null, "offset": 0, "previous": null, "total_count": objects.len()},
        "objects": objects,
    }))
}

/// A page of a long list, cut by the request's own `limit` and `offset`, with `next` as the server writes it.
pub(crate) fn page(seen: &Seen, objects: &[Value], most: usize) -> Answer {
    let number = |name: &str| {
        seen.query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .and_then(|value| value.parse::<usize>().ok())
    };
    let limit = number("limit").unwrap_or(20).min(most);
    let offset = number("offset").unwrap_or(0);
    let end = (offset + limit).min(objects.len());
    let mut others: Vec<&str> = seen.query.split('&').filter(|pair| !pair.is_empty()).collect();
    others.retain(|pair| !pair.starts_with("limit=") && !pair.starts_with("offset="));
    let paging = format!("limit={limit}&offset={end}");
    others.push(&paging);
    let next = (end < objects.len()).then(|| format!("{}?{}", seen.path, others.join("&")));
    Answer::json(&json!({
        "meta": {"limit": limit, "next": next, "offset": offset, "previous": null, "total_count": objects.len()},
        "objects": &objects[offset.min(end)..end],
    }))
}

pub(crate) const PASSWORD: &str = "tr0ub4dor&3 \"quoted\"";

pub(crate) fn basic() -> Auth {
    Auth::Basic { username: "spillway".into(), password: PASSWORD.into() }
}

/// Settings that make tests fast: repeats at once, short waits.
pub(crate) fn settings(addresses: &[&str], auth: Auth, tls: Tls) -> ManagementSettings {
    let mut settings = ManagementSettings::new(addresses, auth, tls).unwrap();
    settings.retry = RetryPolicy {
        attempts: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        jitter: 0.5,
    };
    settings.timing = Timing {
        connect: Duration::from_secs(1),
        request: Duration::from_secs(3),
        operation: Duration::from_secs(5),
        between_changes: Duration::from_millis(1),
    };
    settings
}

/// A client with basic authentication.
pub(crate) fn client(server: &Server) -> HttpManagement {
    HttpManagement::new(settings(&[&server.address], basic(), Tls::PublicCas)).unwrap()
}

/// A platform of two locations: one always-on node, one overflow node.
pub(crate) fn platform(seen: &Seen) -> Answer {
    match seen.resource().as_str() {
        "configuration/worker_vm" => list(&[
            json!({"id": 1, "name": "on1", "address": "10.0.0.1", "system_location": "/api/admin/configuration/v1/system_location/1/",
                   "node_type": "CONFERENCING", "maintenance_mode": false, "maintenance_mode_reason": "", "static_nat_address": null,
                   "enable_distributed_database": true, "resource_uri": "/api/admin/configuration/v1/worker_vm/1/"}),
            json!({"id": 2, "name": "burst1", "address": "10.0.1.1", "system_location": "/api/admin/configuration/v1/system_location/2/",
                   "node_type": "CONFERENCING", "maintenance_mode": true, "maintenance_mode_reason": "spillway: drain",
                   "static_nat_address": "198.51.100.7", "enable_distributed_database": false,
                   "resource_uri": "/api/admin/configuration/v1/worker_vm/2/"}),
        ]),
        "status/worker_vm" => list(&[
            json!({"id": 1, "configuration_id": 1, "name": "on1", "system_location": "Oslo", "sync_status": "SYNCED",
                   "last_updated": "2026-11-22T10:00:01.848612", "maintenance_mode": false, "media_load": 37, "max_hd_calls": 17,
                   "max_media_tokens": 68, "media_tokens_used": 25, "upgrade_status": "IDLE", "version": "38 (77000.0.0)",
                   "resource_uri": "/api/admin/status/v1/worker_vm/1/"}),
        ]).header("date", "Sun, 22 Nov 2026 10:00:05 GMT"),
        "configuration/system_location" => list(&[
            json!({"id": 1, "name": "Oslo", "overflow_location1": "/api/admin/configuration/v1/system_location/2/",
                   "overflow_location2": null, "transcoding_location": null, "resource_uri": "/api/admin/configuration/v1/system_location/1/"}),
            json!({"id": 2, "name": "Oslo overflow", "resource_uri": "/api/admin/configuration/v1/system_location/2/"}),
        ]),
        "configuration/global/1" => Answer::json(&json!({
            "bursting_enabled": false, "bursting_threshold": 5, "bursting_min_lifetime": 50, "cloud_provider": "AWS",
            "aws_access_key": "AKIAIOSFODNN7EXAMPLE", "aws_secret_key": "$~!1stored"})),
        "status/management_vm" => list(&[json!({"id": 1, "configuration_id": 1, "name": "mgr", "primary": true,
            "upgrade_status": "IDLE", "version": "38 (77000.0.0)", "resource_uri": "/api/admin/status/v1/management_vm/1/"})]),
        "status/conference_shard" => list(&[json!({"id": "a", "node": "10.0.1.1", "conference": "standup",
            "resource_uri": "/api/admin/status/v1/conference_shard/a/"})]),
        _ if seen.method != "GET" => Answer::new(202, ""),
        _ => list(&[]),
    }
}
