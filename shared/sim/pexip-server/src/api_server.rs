//! One request, one answer: faults, path, method, credentials, rate, then the resource. Everything happens under the
//! model's lock and without waiting; what needs the network (delays, broken connections) is told to the caller.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::accept::wanted;
use super::auth::{identify, setting};
use super::fault::FaultKind;
use super::oauth::{Grants, TokenRules};
use super::options::{Audience, ServeOptions};
use super::reply::{Format, Reply};
use super::request::{Answer, Request};
use super::resources::{Call, respond};
use super::route::{Resolution, Route, collapse, resolve};
use super::row_store::RowStore;
use super::schema::{Method, Resource};
use super::tables::ConfigTables;
use super::text::parameters;
use spillway_pexip_model::{Family, Model};

/// The model as the API server shares it with whoever else drives the world.
pub type SharedModel = Arc<Mutex<dyn Model>>;

/// What the API server remembers between requests.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) tables: ConfigTables,
    pub(super) removed: BTreeSet<(&'static str, String)>,
    pub(super) grants: Grants,
    recent: VecDeque<Timestamp>,
    ec2_reachable: bool,
}

/// The API server of one Management Node.
pub(super) struct ApiServer {
    pub(super) model: SharedModel,
    pub(super) memory: Mutex<Memory>,
    pub(super) options: ServeOptions,
    pub(super) audiences: Vec<String>,
    pub(super) started: Timestamp,
}

const WINDOW: SignedDuration = SignedDuration::from_secs(60);

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ApiServer {
    pub(super) fn new(model: SharedModel, options: ServeOptions, audiences: Vec<String>) -> Self {
        let started = lock(&model).now();
        let memory = Mutex::new(Memory { ec2_reachable: true, ..Memory::default() });
        Self { model, memory, options, audiences, started }
    }

    /// Lets the model's clock move on, and tells it whether EC2 is within reach.
    pub(super) fn tick(&self) {
        let mut model = lock(&self.model);
        let now = model.now();
        self.reach(&mut *model, &mut lock(&self.memory), now);
    }

    fn seconds(&self, now: Timestamp) -> f64 {
        now.duration_since(self.started).as_secs_f64()
    }

    fn reach(&self, model: &mut dyn Model, memory: &mut Memory, now: Timestamp) {
        let reachable = !self.options.faults.ec2_unreachable(self.seconds(now));
        if reachable != memory.ec2_reachable {
            memory.ec2_reachable = reachable;
            model.set_ec2_reachable(reachable);
        }
    }

    /// Runs something with access to all rows.
    pub(super) fn with_rows<T>(&self, work: impl FnOnce(&mut RowStore<'_>, &mut Grants) -> T) -> T {
        let mut model = lock(&self.model);
        let mut memory = lock(&self.memory);
        let Memory { tables, removed, grants, .. } = &mut *memory;
        work(&mut RowStore::new(&mut *model, tables, removed, false), grants)
    }

    /// Answers a request.
    pub(super) fn answer(&self, request: &Request<'_>) -> Answer {
        let mut model = lock(&self.model);
        let mut memory = lock(&self.memory);
        let now = model.now();
        self.reach(&mut *model, &mut memory, now);
        let path = collapse(request.path);
        let struck = self.options.faults.strike(request.method, path, self.seconds(now));
        let has = |kind: &FaultKind| struck.contains(kind);
        let delay_ms =
            struck.iter().map(|kind| if let FaultKind::Slow { delay_ms } = kind { *delay_ms } else { 0 });
        let mut answer = Answer {
            reply: Reply::empty(200),
            format: Format::Json,
            now,
            delay_ms: delay_ms.max().unwrap_or(0),
            truncated: has(&FaultKind::Truncated),
            reset: has(&FaultKind::Reset),
        };
        answer.reply = match broken(&struck, path) {
            Some(reply) => reply,
            None => self.routed(request, path, &mut *model, &mut memory, now, &struck),
        };
        answer.format = wanted(&parameters(request.query), request.accept);
        answer
    }

    fn routed(
        &self,
        request: &Request<'_>,
        path: &str,
        model: &mut dyn Model,
        memory: &mut Memory,
        now: Timestamp,
        struck: &[FaultKind],
    ) -> Reply {
        let route = match resolve(path) {
            Resolution::Missing => return Reply::no_such_path(),
            Resolution::NeedsSlash => {
                let query =
                    if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
                return Reply::empty(301).with("location", format!("{path}/{query}"));
            }
            Resolution::Found(route) => route,
        };
        let (allowed, family, name) = permitted(&route);
        if request.method == "OPTIONS" {
            return Reply::methods(200, allowed);
        }
        let Some(method) = allowed.iter().copied().find(|method| method.word() == request.method) else {
            return Reply::methods(405, allowed);
        };
        let Memory { tables, removed, grants, recent, .. } = memory;
        let hide_media_load = struck.contains(&FaultKind::NullMediaLoad);
        let mut store = RowStore::new(model, tables, removed, hide_media_load);
        if matches!(route, Route::Token) {
            return self.token(request, &mut store, grants, now, struck);
        }
        let expired = struck.contains(&FaultKind::ExpiredToken);
        let accounts = &self.options.accounts;
        let principal = match identify(&mut store, accounts, grants, request.authorization, expired) {
            Ok(principal) => principal,
            Err(reply) => return reply,
        };
        if let Some(wait) = self.over_rate(recent, now) {
            return Reply::empty(429).with("retry-after", wait.to_string());
        }
        let all_perms = setting(&mut store, "api_oauth2_allow_all_perms") == true;
        if !principal.allows(family, name, method, all_perms) {
            let error = serde_json::json!({"error": "You do not have permission to perform this action."});
            return Reply::data(self.options.forbidden_status, error);
        }
        respond(&mut store, grants, &self.options, &Call { route, method, path, request, now })
    }

    /// Counts a request; gives the seconds to wait when there were too many.
    fn over_rate(&self, recent: &mut VecDeque<Timestamp>, now: Timestamp) -> Option<i64> {
        let limit = self.options.rate_limit?;
        while recent.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            recent.pop_front();
        }
        if recent.len() < limit {
            recent.push_back(now);
            return None;
        }
        let oldest = recent.front().copied().unwrap_or(now);
        Some((WINDOW - now.duration_since(oldest)).as_secs().max(0) + 1)
    }

    fn token(
        &self,
        request: &Request<'_>,
        store: &mut RowStore<'_>,
        grants: &mut Grants,
        now: Timestamp,
        struck: &[FaultKind],
    ) -> Reply {
        let lifetime = setting(store, "api_oauth2_expiration").as_i64().unwrap_or(3600);
        let rules = TokenRules {
            audiences: self.audiences.clone(),
            now,
            lifetime,
            wrong_audience: struck.contains(&FaultKind::WrongAudience),
            expired: struck.contains(&FaultKind::ExpiredAssertion),
        };
        let clients = store.tables.rows("oauth2_client");
        let known =
            |id: &str| clients.iter().any(|row| row.get("client_id").and_then(Value::as_str) == Some(id));
        grants.token(&String::from_utf8_lossy(request.body), &rules, &known)
    }
}

/// The audiences that a node with these base addresses and names accepts.
pub(super) fn audiences(names: &[String], port: u16, rule: Audience, https: bool) -> Vec<String> {
    let mut made = Vec::new();
    for name in names {
        let host = if name.contains(':') { format!("[{name}]") } else { name.clone() };
        // Behind a proxy that speaks HTTPS, plain HTTP is known by either.
        for scheme in if https { &["https"][..] } else { &["https", "http"] } {
            made.push(format!("{scheme}://{host}/oauth/token/"));
            made.push(format!("{scheme}://{host}:{port}/oauth/token/"));
        }
        if rule == Audience::TokenUrlOrName {
            made.push(name.clone());
            made.push(format!("{host}:{port}"));
        }
    }
    made
}

/// The answer that a fault gives in place of the right one.
fn broken(struck: &[FaultKind], path: &str) -> Option<Reply> {
    struck.iter().find_map(|kind| match kind {
        FaultKind::Unauthorized if path != "/oauth/token/" => {
            Some(Reply::empty(401).with("www-authenticate", "Basic realm=\"Management API\""))
        }
        FaultKind::TooManyRequests { retry_after } => {
            let reply = Reply::empty(429);
            Some(match retry_after {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            })
        }
        FaultKind::Unavailable => {
            let text = "The Management Node is starting. Please try again later.";
            Some(Reply::page(503, "503 Service Unavailable", text))
        }
        FaultKind::Status { code: 500 } => Some(Reply::fault(500)),
        FaultKind::Status { code } => {
            Some(Reply::page(*code, "Error", "The request could not be processed."))
        }
        _ => None,
    })
}

/// The methods of a route, its family (none for commands) and its resource.
fn permitted(route: &Route) -> (&'static [Method], Option<Family>, &'static str) {
    const GET: &[Method] = &[Method::Get];
    const POST: &[Method] = &[Method::Post];
    let of = |resource: &'static Resource| resource.name;
    match route {
        Route::Root(family) => (GET, Some(*family), ""),
        Route::CommandRoot(_) => (GET, None, ""),
        Route::Schema(family, resource) => (GET, *family, of(resource)),
        Route::List(family, resource) => (resource.list, Some(*family), of(resource)),
        Route::Detail(family, resource, _) => (resource.detail, Some(*family), of(resource)),
        Route::Set(family, resource, _) | Route::Sub(family, resource, _, _) => {
            (GET, Some(*family), of(resource))
        }
        Route::Command(_, action) => (POST, None, of(action)),
        Route::Token => (POST, None, ""),
    }
}
