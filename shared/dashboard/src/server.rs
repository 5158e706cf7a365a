//! The server: a page, its style and its script, one JSON value for each refresh, the history, and two steps to act:
//! what would be done is shown, and only what was shown can be carried out.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use spillway_core::fault::Fault;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::action::PageAction;
use crate::guard::{Guard, HEADERS};
use crate::pending::Pending;
use crate::source::{PageData, PageSource};
use crate::wire;
use spillway_view::clip;

const INDEX: &str = include_str!("assets/index.html");
const STYLE: &str = include_str!("assets/page.css");
/// One script to the browser, which knows of no module; a file for each idea. The last one starts it.
const SCRIPT: &str = concat!(
    include_str!("assets/page/base.js"),
    include_str!("assets/page/table.js"),
    include_str!("assets/page/now.js"),
    include_str!("assets/page/nodes.js"),
    include_str!("assets/page/load.js"),
    include_str!("assets/page/lanes.js"),
    include_str!("assets/page/history.js"),
    include_str!("assets/page/actions.js"),
    include_str!("assets/page/refresh.js"),
);
const ICON: &str = include_str!("assets/icon.svg");

/// The guide: *The status page dynamically updates every 15 seconds.*
const EVERY: Duration = Duration::from_secs(15);

/// Nothing that the page sends is longer.
const LONGEST_BODY: usize = 4_096;

/// Names and sentences that are shown are cut here; the command line has them whole. Nobody reads further in a cell.
const LONGEST_SHOWN: usize = 400;

/// The longest history that is fetched at once.
const LONGEST_HISTORY_HOURS: i64 = 31 * 24;

/// How the page is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeSettings {
    /// The port; 0: any that is free.
    pub port: u16,
    /// How often the page asks. A simulated day passes faster than a real one.
    pub every: Duration,
    /// The time zone that is shown; none: the browser's.
    pub zone: Option<String>,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self { port: 0, every: EVERY, zone: None }
    }
}

/// A page that is being served.
#[derive(Debug)]
pub struct Served {
    /// The address to open, with the token of this start. It is as good as a password while the page is served.
    pub url: String,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

impl Served {
    /// Until the server ends.
    ///
    /// # Errors
    /// What ended it.
    pub async fn ended(self) -> io::Result<()> {
        self.task.await.map_err(io::Error::other)?
    }

    /// Ends the server.
    pub fn stop(self) {
        self.task.abort();
    }
}

struct Shared<S> {
    source: S,
    guard: Guard,
    pending: Pending,
    settings: ServeSettings,
    /// One reading at a time; several pages share it.
    read: Mutex<Readings>,
    /// One action at a time: the second would only be told that the first has the lease.
    acting: Mutex<()>,
}

/// What was read last, and what went wrong since.
#[derive(Default)]
struct Readings {
    good: Option<(Instant, PageData)>,
    tried: Option<Instant>,
    fault: Option<Fault>,
}

/// Serves the page on this machine alone, until it is stopped.
///
/// # Errors
/// The port is taken.
pub async fn serve<S: PageSource>(source: S, settings: ServeSettings) -> io::Result<Served> {
    // IPv4 alone: what answers to `localhost` on ::1 with this port could be somebody else.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
    let port = listener.local_addr()?.port();
    // Two version 4 UUIDs: 244 bits from the operating system.
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let url = format!("http://127.0.0.1:{port}/#{token}");
    let shared = Arc::new(Shared {
        source,
        guard: Guard::new(port, token),
        pending: Pending::default(),
        settings,
        read: Mutex::default(),
        acting: Mutex::default(),
    });
    let router = router(shared);
    let task = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Served { url, task })
}

fn router<S: PageSource>(shared: Arc<Shared<S>>) -> Router {
    let file = |kind: &'static str, text: &'static str| get(async move || ([(CONTENT_TYPE, kind)], text));
    Router::new()
        .route("/", file("text/html; charset=utf-8", INDEX))
        .route("/page.css", file("text/css; charset=utf-8", STYLE))
        .route("/page.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route("/icon.svg", file("image/svg+xml", ICON))
        .route("/api/page", get(page::<S>))
        .route("/api/history", get(history::<S>))
        .route("/api/preview", post(preview::<S>))
        .route("/api/act", post(act::<S>))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), keep::<S>))
        .with_state(shared)
}

/// The door: nothing behind it sees a request that the guard refuses, and everything that leaves carries the headers.
async fn keep<S: PageSource>(
    State(shared): State<Arc<Shared<S>>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let checked = shared.guard.check(request.method(), request.uri().path(), request.headers());
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(refused) => wrong(refused.status(), refused.sentence()),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

async fn page<S: PageSource>(State(shared): State<Arc<Shared<S>>>) -> Response {
    let settings = &shared.settings;
    let mut read = shared.read.lock().await;
    // Pages that ask at the same time get the same reading.
    let fresh = settings.every / 2;
    if read.tried.is_none_or(|at| at.elapsed() >= fresh) {
        match shared.source.read().await {
            Ok(mut data) => {
                if let Some((_, before)) = &read.good {
                    wire::keep_locations(&mut data, before);
                }
                read.good = Some((Instant::now(), data));
                read.fault = None;
            }
            Err(fault) => read.fault = Some(fault),
        }
        read.tried = Some(Instant::now());
    }
    let age = read.good.as_ref().map(|(at, _)| at.elapsed().as_secs());
    ok(json!({
        "every_ms": settings.every.as_millis(),
        "zone": settings.zone,
        "age_s": age,
        "unread": read.fault.as_ref().map(|fault| json!({"what": fault.to_string(), "remedy": fault.remedy})),
        "data": read.good.as_ref().map(|(_, data)| wire::pack(data)),
    }))
}

async fn history<S: PageSource>(State(shared): State<Arc<Shared<S>>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let hours =
        query.split('&').find_map(|pair| pair.strip_prefix("hours=")).and_then(|text| text.parse().ok());
    let Some(hours) = hours.filter(|hours| (1..=LONGEST_HISTORY_HOURS).contains(hours)) else {
        return wrong(StatusCode::BAD_REQUEST, "hours must be 1 to 744");
    };
    let now = shared.source.now();
    let from = now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(now);
    let until = now.saturating_add(SignedDuration::from_mins(2)).unwrap_or(now);
    match shared.source.history(from, until).await {
        Ok(events) => ok(wire::pack_history(&events)),
        Err(fault) => faulty(&fault),
    }
}

async fn preview<S: PageSource>(State(shared): State<Arc<Shared<S>>>, body: Bytes) -> Response {
    let action: PageAction = match serde_json::from_slice(&body) {
        Ok(action) => action,
        Err(error) => return wrong(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if let Some(mistake) = action.mistake() {
        return wrong(StatusCode::BAD_REQUEST, &mistake);
    }
    match shared.source.preview(&action).await {
        Ok(preview) => {
            let id = preview.refused.is_none().then(|| shared.pending.keep(action));
            ok(json!({"id": id, "plan": preview.plan, "refused": preview.refused}))
        }
        Err(fault) => faulty(&fault),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Yes {
    id: String,
}

async fn act<S: PageSource>(State(shared): State<Arc<Shared<S>>>, body: Bytes) -> Response {
    let Ok(Yes { id }) = serde_json::from_slice(&body) else {
        return wrong(StatusCode::BAD_REQUEST, "the request does not name a plan");
    };
    let Some(action) = shared.pending.take(&id) else {
        return wrong(
            StatusCode::CONFLICT,
            "this plan was carried out already, or is too old: close this and press the button again",
        );
    };
    let _one = shared.acting.lock().await;
    match shared.source.act(&action).await {
        Ok(answer) => {
            // What is shown next has to show it.
            shared.read.lock().await.tried = None;
            ok(json!({"done": answer.done, "lines": answer.lines}))
        }
        Err(fault) => faulty(&fault),
    }
}

fn ok(value: Value) -> Response {
    answer(StatusCode::OK, value)
}

fn wrong(status: StatusCode, message: &str) -> Response {
    answer(status, json!({"error": message}))
}

fn faulty(fault: &Fault) -> Response {
    answer(StatusCode::BAD_GATEWAY, json!({"error": fault.to_string(), "remedy": fault.remedy}))
}

/// The one way out. Markup is the page's own to refuse, but a browser obeys direction marks in plain text: a name could
/// turn round the sentence in which an operator is asked what to stop.
fn answer(status: StatusCode, mut value: Value) -> Response {
    make_showable(&mut value);
    (status, [(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn make_showable(value: &mut Value) {
    match value {
        Value::String(text) => *text = clip(text, LONGEST_SHOWN),
        Value::Array(all) => all.iter_mut().for_each(make_showable),
        Value::Object(all) => all.values_mut().for_each(make_showable),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
