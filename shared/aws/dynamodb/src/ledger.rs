//! The adapter: a client, a table's name, a clock. Each method of the ports is one call on the table (pages and
//! batches aside); the work is in the module named after what is written.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ids::{HoldId, InstanceId};
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use spillway_core::outlook::{Days, Profiles};
use spillway_core::reconcile::{NatState, NatWrite};
use spillway_engine::ports::{
    Clock, ForecastRead, ForecastWrite, Lease, LeaseError, LedgerRead, LedgerWrite, LoadRead, NatLedger,
};

/// Where the ledger is and how long it keeps history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerSettings {
    /// The table's name.
    pub table: String,
    /// Another address than the region's own: a DynamoDB of one's own. `None` leaves it to the SDK, which takes
    /// `AWS_ENDPOINT_URL_DYNAMODB` from the environment.
    pub endpoint: Option<String>,
    /// How long events and load are kept (policy key `history_days`).
    pub history_days: u16,
}

/// The ledger in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
    history: SignedDuration,
    clock: SharedClock,
}

#[derive(Clone)]
struct SharedClock(Arc<dyn Clock>);

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl DynamoLedger {
    /// A ledger over the account and region of the configuration. Connects at the first call. The clock decides
    /// which history is expired, so that a simulated world keeps its own time.
    pub fn connect(config: &SdkConfig, settings: LedgerSettings, clock: Arc<dyn Clock>) -> Self {
        let LedgerSettings { table, endpoint, history_days } = settings;
        // Every write here is conditional, carries a token, or may be repeated: retries are safe.
        let config = aws_sdk_dynamodb::config::Builder::from(config)
            .timeout_config(spillway_aws::timeouts())
            .retry_config(spillway_aws::read_retries());
        let config = match endpoint {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        Self {
            client: Client::from_conf(config.build()),
            table,
            history: SignedDuration::from_hours(24 * i64::from(history_days)),
            clock: SharedClock(clock),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.0.now()
    }

    /// When something of the history that happened at an instant may go.
    pub(crate) fn kept_until(&self, at: Timestamp) -> Timestamp {
        at.saturating_add(self.history).unwrap_or(Timestamp::MAX)
    }

    /// The oldest instant of which history is still kept.
    pub(crate) fn kept_since(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.history).unwrap_or(Timestamp::MIN)
    }
}

impl LedgerRead for DynamoLedger {
    async fn read_ledger(&self, now: Timestamp) -> Result<Ledger, Fault> {
        self.read_state(now).await
    }

    async fn read_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        self.read_history(from, until).await
    }
}

impl LoadRead for DynamoLedger {
    async fn read_load(&self, from: Timestamp, until: Timestamp) -> Result<Vec<MinuteOfLoad>, Fault> {
        self.read_minutes_of_load(from, until).await
    }
}

impl ForecastRead for DynamoLedger {
    async fn read_profiles(&self) -> Result<Profiles, Fault> {
        self.read_stored_profiles().await
    }
}

impl ForecastWrite for DynamoLedger {
    async fn read_days(&self, since: Date) -> Result<Days, Fault> {
        self.read_stored_days(since).await
    }

    async fn put_days(&self, days: &Days) -> Result<(), Fault> {
        self.put_stored_days(days).await
    }

    async fn put_profiles(&self, profiles: &Profiles) -> Result<(), Fault> {
        self.put_stored_profiles(profiles).await
    }
}

impl NatLedger for DynamoLedger {
    async fn read_nat(&self, now: Timestamp) -> Result<NatState, Fault> {
        self.read_nat_state(now).await
    }

    async fn write_nat(&self, writes: &[NatWrite], seen: &[Event]) -> Result<(), Fault> {
        self.write_nat_records(writes, seen).await
    }
}

impl LedgerWrite for DynamoLedger {
    async fn take_lease(&self, seen: &CycleRecord, owner: &str, now: Timestamp) -> Result<Lease, LeaseError> {
        self.swap_lease(seen, owner, now).await
    }

    async fn put_nodes(&self, lease: &Lease, records: &[(InstanceId, NodeRecord)]) -> Result<(), LeaseError> {
        self.put_node_records(lease, records).await
    }

    async fn finish(&self, lease: &Lease, digest: &Digest) -> Result<(), LeaseError> {
        self.give_lease_back(lease, digest).await
    }

    async fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> Result<(), LeaseError> {
        self.close_without_lease(seen, digest, at, load).await
    }

    async fn append_events(&self, events: &[Event]) -> Result<(), Fault> {
        self.append_history(events).await
    }

    async fn put_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<(), Fault> {
        self.put_minute_of_load(at, load).await
    }

    async fn put_platform(&self, platform: &KnownPlatform) -> Result<(), Fault> {
        self.put_known_platform(platform).await
    }

    async fn put_hold(&self, hold: &Hold) -> Result<(), Fault> {
        self.put_free_hold(hold).await
    }

    async fn remove_hold(&self, id: &HoldId) -> Result<(), Fault> {
        self.delete(crate::keys::Key::hold(id)).await
    }

    async fn put_request(&self, request: &Request) -> Result<(), Fault> {
        self.put_free_request(request).await
    }

    async fn remove_request(&self, id: &str) -> Result<(), Fault> {
        self.delete(crate::keys::Key::request(id)).await
    }
}
