//! A Parameter Store of a few parameters that can be changed, broken, and counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use spillway_engine::ports::Clock;
use spillway_ssm::{SettingsSource, SsmSettings};

pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI-secret";

#[derive(Default)]
pub(crate) struct State {
    /// Type and value by whole name.
    pub(crate) parameters: BTreeMap<String, (&'static str, String)>,
    /// Status and error code of every answer, while set.
    pub(crate) failing: Option<(u16, &'static str)>,
    pub(crate) requests: Vec<Value>,
}

#[derive(Default)]
pub(crate) struct SetClock(pub(crate) Mutex<Duration>);

impl Clock for SetClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct World {
    pub(crate) settings: SsmSettings,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<SetClock>,
}

impl World {
    pub(crate) fn put(&self, parameter: &str, kind: &'static str, value: &str) {
        let name = format!("/spillway/prod/{parameter}");
        self.state.lock().unwrap().parameters.insert(name, (kind, value.to_owned()));
    }

    pub(crate) fn remove(&self, parameter: &str) {
        self.state.lock().unwrap().parameters.remove(&format!("/spillway/prod/{parameter}"));
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests.len()
    }

    pub(crate) fn pass(&self, minutes: u64) {
        *self.clock.0.lock().unwrap() += Duration::from_mins(minutes);
    }

    pub(crate) fn fail(&self, failing: Option<(u16, &'static str)>) {
        self.state.lock().unwrap().failing = failing;
    }
}

pub(crate) fn config() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AK", SECRET_KEY, None, None, "test",
        )))
        .build()
}

pub(crate) fn source(endpoint: &str) -> SettingsSource {
    SettingsSource { platform: "prod".to_owned(), endpoint: Some(endpoint.to_owned()) }
}

/// A platform that is set up well.
pub(crate) async fn world() -> World {
    let state: Arc<Mutex<State>> = Arc::default();
    let shared = Arc::clone(&state);
    let app = Router::new().fallback(move |body: String| {
        let answer = answer(&mut shared.lock().unwrap(), &body);
        async move { answer }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let clock = Arc::new(SetClock::default());
    let settings = SsmSettings::connect(&config(), source(&endpoint), Arc::clone(&clock) as _).unwrap();
    let world = World { settings, state, clock };
    world.put("policy", "String", r#"{"tag_value":"mgr.example.com","threshold":7}"#);
    world.put(
        "management",
        "String",
        r#"{"addresses":["https://mgr.example.com"],"authentication":"basic"}"#,
    );
    let credentials = json!({ "username": "spillway", "password": PASSWORD });
    world.put("credentials", "SecureString", &credentials.to_string());
    world
}

fn answer(state: &mut State, body: &str) -> (StatusCode, String) {
    let request: Value = serde_json::from_str(body).unwrap();
    state.requests.push(request.clone());
    if let Some((status, code)) = state.failing {
        let text = json!({ "__type": code, "message": "because" }).to_string();
        return (StatusCode::from_u16(status).unwrap(), text);
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in request["Names"].as_array().unwrap() {
        match state.parameters.get(name.as_str().unwrap()) {
            Some((kind, value)) => {
                found.push(json!({ "Name": name, "Type": kind, "Value": value, "Version": 1 }));
            }
            None => missing.push(name),
        }
    }
    (StatusCode::OK, json!({ "Parameters": found, "InvalidParameters": missing }).to_string())
}
