//! What Spillway meets in the demo: the simulated Management Node over real HTTP with the real client, an embedded
//! DynamoDB over HTTP under the real ledger, and a simulated EC2. Everything listens on loopback, on free ports.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use dynoxide::storage_backend::Clock as DatabaseClock;
use spillway_core::ids::InstanceId;
use spillway_core::outcome::CycleReport;
use spillway_core::policy::{ForecastPolicy, Policy};
use spillway_core::prewarm::{Prewarmed, Tick};
use spillway_core::reconcile::ReconcileReport;
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::learning;
use spillway_engine::ports::Ports;
use spillway_engine::ports::{Clock as _, ForecastWrite as _};
use spillway_engine::reconcile::Reconcile;
use spillway_pexip::{Auth, HttpManagement, ManagementSettings, Tls};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::day::{Day, TAG_VALUE};
use super::history::Learned;
use super::policy::Policy as DayPolicy;
use super::travel::TravelTime;
use spillway_harness::intercept::Intercepted;
use spillway_harness::ports::{SimClock, SimFleet};
use spillway_pexip_server::{ManagementServer, Running, ServeOptions};
use spillway_world::{SharedWorld, lock};

/// How long a function may run, on the world's clock.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(45);
const TABLE: &str = "spillway-demo";

type Fleet = Intercepted<SimFleet, TravelTime>;
type Management = Intercepted<HttpManagement, TravelTime>;
type Ledger = Intercepted<DynamoLedger, TravelTime>;
type EnvironmentPorts<'a> = Ports<'a, (Fleet, Management, Ledger, SimClock)>;

/// A stack and everything around it.
pub(super) struct Environment {
    world: SharedWorld,
    policy: Policy,
    fleet: Fleet,
    management: Management,
    ledger: Ledger,
    clock: SimClock,
    /// What the warm evaluator remembers.
    memory: LeaseMemory,
    /// What the warm evaluator knows of the platform's days.
    days: learning::Memory,
    invocations: u64,
    server: Running,
    database: JoinHandle<()>,
}

impl Environment {
    /// The stack of a day under a policy. Where the forecast is off nothing is learned either.
    pub(super) async fn of(day: &Day, policy: DayPolicy, learned: Learned) -> Result<Self> {
        let forecast =
            if policy == DayPolicy::Spillway { ForecastPolicy::default() } else { ForecastPolicy::off() };
        Self::set(day.platform(policy).build_shared()?, learned, forecast).await
    }

    /// Starts the servers around a world that somebody else advances.
    async fn set(world: SharedWorld, learned: Learned, forecast: ForecastPolicy) -> Result<Self> {
        let options = ServeOptions::default();
        let account = options.accounts.first().context("the simulated Management Node has no account")?;
        let auth = Auth::Basic { username: account.name.clone(), password: account.password.clone() };
        let server = ManagementServer::start(world.clone(), options).await?;
        let settings = ManagementSettings::new(&[&server.base_url], auth, Tls::PublicCas)?;
        let clock = SimClock::new(Arc::clone(&world));
        let management = HttpManagement::with_clock(settings, Arc::new(clock.clone()))?;

        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("cannot listen on 127.0.0.1 for the database")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        // The database forgets by the world's clock: by our own, last year's trace would have expired already.
        let database = dynoxide::Database::memory_with_clock(Arc::new(WorldClock(Arc::clone(&world))))
            .map_err(|error| anyhow!("cannot open a database in memory: {error}"))?;
        let database = tokio::spawn(dynoxide::server::serve_on(listener, database));
        let settings =
            LedgerSettings { table: TABLE.to_owned(), endpoint: Some(endpoint), history_days: 400 };
        let ledger = DynamoLedger::connect(&account_of_nobody(), settings, Arc::new(clock.clone()));
        ledger.create_table().await?;
        Box::pin(ledger.put_days(&learned.days)).await?;
        Box::pin(ledger.put_profiles(&learned.profiles)).await?;
        // Threshold and minimum lifetime are the Management Node's own: the same that Pexip's rule would use.
        let policy = Policy { forecast, ..Policy::with_defaults(TAG_VALUE) };
        let mut days = learning::Memory::default();
        Box::pin(days.recall(&policy, &ledger)).await?;

        let travel = TravelTime::new(Arc::clone(&world));
        let fleet = SimFleet::new(Arc::clone(&world), TAG_VALUE);
        Ok(Self {
            policy,
            days,
            fleet: Intercepted::new(fleet, travel.clone()),
            management: Intercepted::new(management, travel.clone()),
            ledger: Intercepted::new(ledger, travel),
            clock,
            memory: LeaseMemory::default(),
            invocations: 0,
            server,
            database,
            world,
        })
    }

    /// One invocation of the evaluator.
    pub(super) async fn evaluate(&mut self) -> CycleReport {
        let owner = self.owner("evaluator");
        let mut memory = std::mem::take(&mut self.memory);
        // On the heap: the whole of a cycle with its clients is a large future.
        let report = Box::pin(self.cycle(owner).run(&mut memory)).await;
        self.memory = memory;
        report
    }

    /// The night after a day: it is closed and learned from, as the evaluator does it.
    pub(super) async fn learn(&mut self) -> Result<()> {
        Box::pin(self.days.learn(&self.policy, self.ledger.inner(), self.clock.now())).await?;
        Ok(())
    }

    /// One invocation of the pre-warm.
    pub(super) async fn prewarm(&mut self, tick: &Tick) -> Prewarmed {
        let owner = self.owner("prewarm");
        // A function that runs once a day was never warm.
        let mut memory = LeaseMemory::default();
        Box::pin(spillway_engine::prewarm::run(&self.cycle(owner), tick, &mut memory)).await
    }

    /// One invocation of the reconciler, for instances that EC2 says have changed.
    pub(super) async fn reconcile(&self, instances: &[InstanceId]) -> ReconcileReport {
        let reconcile = Reconcile { ports: self.ports(), policy: &self.policy, deadline: self.deadline() };
        Box::pin(reconcile.instances(instances)).await
    }

    fn owner(&mut self, function: &str) -> String {
        self.invocations += 1;
        format!("{function}-{}", self.invocations)
    }

    fn deadline(&self) -> Duration {
        self.clock.monotonic() + FUNCTION_TIMEOUT
    }

    fn ports(&self) -> EnvironmentPorts<'_> {
        Ports::of(&self.fleet, &self.management, &self.ledger, &self.clock)
    }

    fn cycle(&self, owner: String) -> Cycle<'_, (Fleet, Management, Ledger, SimClock)> {
        Cycle {
            ports: self.ports(),
            policy: &self.policy,
            owner,
            deadline: self.deadline(),
            profiles: Some(self.days.profiles()),
        }
    }

    /// What is outside, for somebody who looks at it and whose looking takes no time.
    pub(super) fn outside(&self) -> (SimFleet, HttpManagement, DynamoLedger, SimClock) {
        let Self { fleet, management, ledger, clock, .. } = self;
        (fleet.inner().clone(), management.inner().clone(), ledger.inner().clone(), clock.clone())
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn world(&self) -> &SharedWorld {
        &self.world
    }

    /// Stops the servers.
    pub(super) async fn clear(self) {
        self.server.stop().await;
        self.database.abort();
    }
}

/// The embedded database checks no signature, but the SDK wants to make one.
fn account_of_nobody() -> SdkConfig {
    let nobody = Credentials::new("demo", "demo", None, None, "demo");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(nobody))
        .build()
}

struct WorldClock(SharedWorld);

impl DatabaseClock for WorldClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(lock(&self.0).now().as_second()).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        lock(&self.0).now().as_millisecond() as f64 / 1_000.0
    }
}
