//! A DynamoDB in memory behind its own HTTP server, and the ledger over it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_engine::ports::Clock;
use tokio::net::TcpListener;

pub(crate) const TABLE: &str = "spillway-test";
pub(crate) const NOW: &str = "2026-03-02T09:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A clock that is set by hand.
pub(crate) struct SetClock(pub(crate) Mutex<Timestamp>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

pub(crate) fn config() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI-secret",
            Some("session-token-secret".to_owned()),
            None,
            "test",
        )))
        .build()
}

pub(crate) fn ledger_at(endpoint: &str, table: &str, clock: Arc<SetClock>) -> DynamoLedger {
    let settings =
        LedgerSettings { table: table.to_owned(), endpoint: Some(endpoint.to_owned()), history_days: 400 };
    DynamoLedger::connect(&config(), settings, clock)
}

pub(crate) struct World {
    pub(crate) ledger: DynamoLedger,
    pub(crate) client: Client,
    pub(crate) endpoint: String,
    pub(crate) clock: Arc<SetClock>,
}

/// A table as the stack would make it.
pub(crate) async fn world() -> World {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let clock = Arc::new(SetClock(Mutex::new(at(NOW))));
    let ledger = ledger_at(&endpoint, TABLE, Arc::clone(&clock));
    ledger.create_table().await.unwrap();
    let client =
        Client::from_conf(aws_sdk_dynamodb::config::Builder::from(&config()).endpoint_url(&endpoint).build());
    World { ledger, client, endpoint, clock }
}

pub(crate) fn event(id: &str, when: &str) -> Event {
    Event {
        id: id.to_owned(),
        at: at(when),
        kind: EventKind::Start,
        instance: Some("i-1".into()),
        node: None,
        location: Some("Oslo AWS".into()),
        by: Actor::Spillway,
        reason: "room is below the threshold".to_owned(),
    }
}
