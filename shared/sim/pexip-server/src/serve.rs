//! The server: binds, hands each request to the API server, carries out the delays and broken connections it asks for, and
//! stops when told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::api_server::{ApiServer, SharedModel, audiences};
use super::connection::{Incoming, Sabotage};
use super::fault::Faults;
use super::log::RequestLog;
use super::options::{Rights, ServeOptions};
use super::request::Request;
use super::schema;
use super::tls;
use spillway_pexip_model::{Family, Row};

/// Largest body that is read.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Starts simulated Management Nodes.
#[derive(Debug)]
pub struct ManagementServer;

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What a client is given as the Management Node's address.
    pub base_url: String,
    /// The CA's certificate, when HTTPS.
    pub ca_pem: Option<String>,
    /// What clients asked for.
    pub log: RequestLog,
    /// What goes wrong.
    pub faults: Faults,
    api: Arc<Handle>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

struct Handle(ApiServer);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiServer")
    }
}

/// A client of the OAuth2 kind, with its private key.
#[derive(Debug)]
pub struct IssuedClient {
    /// Its identifier: `iss` and `sub` of its assertions.
    pub client_id: String,
    /// Its private key in the form of `ServeOptions::key_form`.
    pub private_key: secrecy::SecretString,
}

#[derive(Clone)]
struct Shared {
    api: Arc<Handle>,
    log: RequestLog,
}

impl ManagementServer {
    /// Serves a model.
    pub async fn start(model: SharedModel, options: ServeOptions) -> anyhow::Result<Running> {
        let listener = TcpListener::bind(options.listen).await.with_context(|| {
            format!("cannot listen on {}: choose another address or port", options.listen)
        })?;
        let addr = listener.local_addr()?;
        let mut names = options.names.clone();
        let own = addr.ip().to_string();
        if !addr.ip().is_unspecified() && !names.contains(&own) {
            names.push(own);
        }
        let (acceptor, ca_pem) = if options.https {
            let (acceptor, pem) = tls::acceptor(&names)?;
            if let Some(path) = &options.ca_out {
                std::fs::write(path, &pem)
                    .with_context(|| format!("cannot write the CA to {}", path.display()))?;
            }
            (Some(acceptor), Some(pem))
        } else {
            (None, None)
        };
        let scheme = if options.https { "https" } else { "http" };
        let base_url = if addr.ip().is_unspecified() {
            format!("{scheme}://{}:{}", names.first().map_or("localhost", String::as_str), addr.port())
        } else {
            format!("{scheme}://{addr}")
        };
        let audiences = audiences(&names, addr.port(), options.audience, options.https);
        let (log, faults) = (RequestLog::default(), options.faults.clone());
        let patience = options.read_timeout;
        let api = Arc::new(Handle(ApiServer::new(model, options, audiences)));
        let shared = Shared { api: api.clone(), log: log.clone() };
        let app = Router::new().fallback(handle).with_state(shared);
        let service = app.into_make_service_with_connect_info::<Sabotage>();
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = Incoming::open(listener, acceptor, patience)?;
        let task = tokio::spawn(async move {
            let wait = async move { drop(stopped.await) };
            // The listener never fails; see `Incoming::accept`.
            let _ = axum::serve(incoming, service).with_graceful_shutdown(wait).await;
        });
        Ok(Running { addr, base_url, ca_pem, log, faults, api, stop: Some(stop), task })
    }
}

impl Running {
    /// Stops: no new connections, requests under way get a second to end.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if tokio::time::timeout(Duration::from_secs(1), &mut self.task).await.is_err() {
            self.task.abort();
        }
    }

    /// Lets the model advance although nobody asks, and takes timed faults to it.
    pub fn tick(&self) {
        self.api.0.tick();
    }

    /// Adds a row to the server's own tables, such as a DNS server; gives its number.
    pub fn insert(&self, resource: &str, fields: Row) -> u64 {
        self.api.0.with_rows(|store, _| store.tables.insert(resource, fields))
    }

    /// Changes fields of a singleton of the server's own tables, such as `authentication`.
    pub fn set(&self, resource: &str, fields: Row) {
        let change = spillway_pexip_model::Change::Update { resource: resource.to_owned(), id: 1, fields };
        // There is always a row 1 of a singleton; of anything else this is a no-op.
        let _ = self.api.0.with_rows(|store, _| store.tables.change(change));
    }

    /// Creates an OAuth2 client as an administrator would.
    pub fn issue_client(
        &self,
        name: &str,
        client_id: Option<String>,
        rights: Rights,
    ) -> anyhow::Result<IssuedClient> {
        let form = self.api.0.options.key_form;
        self.api.0.with_rows(|store, grants| {
            let made = grants.enrol(client_id, form).map_err(anyhow::Error::msg)?;
            let role = match rights {
                Rights::ReadWrite => 1,
                Rights::ReadOnly => 2,
                Rights::None => store
                    .tables
                    .insert("role", fields(&[("name", json!("None")), ("permissions", json!([]))])),
            };
            let role = format!("{}{role}/", schema::list_uri(Family::Configuration, "role"));
            let row =
                [("client_name", json!(name)), ("client_id", json!(made.client_id)), ("role", json!(role))];
            store.tables.insert("oauth2_client", fields(&row));
            Ok(IssuedClient { client_id: made.client_id, private_key: made.private_key.into() })
        })
    }
}

fn fields(pairs: &[(&str, Value)]) -> Row {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn handle(
    State(shared): State<Shared>,
    ConnectInfo(sabotage): ConnectInfo<Sabotage>,
    request: HttpRequest,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let instead = text(HeaderName::from_static("x-http-method-override")).map(str::to_ascii_uppercase);
    let method = instead.unwrap_or_else(|| parts.method.as_str().to_owned());
    let query = parts.uri.query().unwrap_or_default();
    let path = parts.uri.path();
    let noted = shared.log.begin(&method, path, &super::text::parameters(query));
    let patience = shared.api.0.options.read_timeout;
    let Ok(body) = tokio::time::timeout(patience, to_bytes(body, MOST_BYTES)).await else {
        let mut response = plain(StatusCode::REQUEST_TIMEOUT);
        put(response.headers_mut(), header::CONNECTION, "close");
        return response;
    };
    let Ok(body) = body else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let request = Request {
        method: &method,
        path,
        query,
        authorization: text(header::AUTHORIZATION),
        accept: text(header::ACCEPT),
        content_type: text(header::CONTENT_TYPE),
        body: &body,
    };
    let answer = shared.api.0.answer(&request);
    if answer.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
    }
    if answer.reset {
        sabotage.reset();
    } else {
        noted.answered(answer.reply.status);
        if answer.truncated {
            sabotage.truncate();
        }
    }
    let (kind, bytes) = answer.reply.wire(answer.format);
    let mut response =
        plain(StatusCode::from_u16(answer.reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    *response.body_mut() = Body::from(bytes);
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        put(headers, header::CONTENT_TYPE, kind);
    }
    put(headers, header::DATE, &httpdate::fmt_http_date(SystemTime::from(answer.now)));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    for (name, value) in &answer.reply.headers {
        put(headers, HeaderName::from_static(name), value);
    }
    response
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
