//! The wiring: settings, clients, one cycle. What is kept between invocations of a warm function: connections,
//! tokens, settings for five minutes, and what was seen of the lease.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use aws_config::{BehaviorVersion, SdkConfig};
use jiff::Timestamp;
use spillway_core::cycle::{Cycle, LeaseMemory, Ports};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::outcome::CycleReport;
use spillway_core::policy::Policy;
use spillway_core::ports::Clock;
use spillway_core::report::Gate;
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_pexip::{HttpManagement, SystemClock};
use spillway_ssm::{PlatformSettings, SettingsSource, SsmSettings};
use tokio::sync::Mutex;

use crate::environment::Environment;

/// What became of an invocation.
pub(crate) enum Evaluated {
    /// A cycle ran.
    Ran(Box<CycleReport>),
    /// There are no settings to run it with. Nothing was touched.
    NoSettings {
        /// Why.
        fault: Fault,
        /// When.
        at: Timestamp,
    },
}

/// The function, warm.
pub(crate) struct Evaluator {
    environment: Environment,
    config: SdkConfig,
    clock: Arc<SystemClock>,
    settings: SsmSettings,
    warm: Mutex<Warm>,
}

#[derive(Default)]
struct Warm {
    lease: LeaseMemory,
    clients: Option<Arc<Clients>>,
}

struct Clients {
    settings: Arc<PlatformSettings>,
    fleet: AwsFleet,
    management: HttpManagement,
    ledger: DynamoLedger,
}

impl Evaluator {
    /// Reads the AWS configuration. Nothing is connected yet, so that a function with wrong settings starts and
    /// says what is wrong with them.
    pub(crate) async fn start(environment: Environment) -> Result<Self> {
        let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let clock = Arc::new(SystemClock::new());
        let source = SettingsSource { platform: environment.platform.clone(), endpoint: None };
        let settings = SsmSettings::connect(&config, source, Arc::<SystemClock>::clone(&clock))
            // Not as a fault: where the function cannot start, its log is all there is, so it has the remedy too.
            .map_err(|error| anyhow!("{error}: {}", error.remedy()))?;
        Ok(Self { environment, config, clock, settings, warm: Mutex::new(Warm::default()) })
    }

    pub(crate) fn platform(&self) -> &str {
        &self.environment.platform
    }

    /// One cycle; a second one with settings read anew where the Management Node refused the credentials.
    pub(crate) async fn evaluate(&self, request: &str) -> Evaluated {
        // Lambda never runs two invocations in one process at once; the lock costs nothing.
        let mut warm = self.warm.lock().await;
        let deadline = self.clock.monotonic() + self.environment.timeout;
        // Lambda gives a repeated event its old request id; an owner of the lease is one invocation.
        let owner = format!("{request}-{}", self.clock.now());
        let report = match self.cycle(&mut warm, &owner, deadline).await {
            Ok(report) => report,
            Err(fault) => return Evaluated::NoSettings { fault, at: self.clock.now() },
        };
        if !credentials_refused(&report) {
            return Evaluated::Ran(Box::new(report));
        }
        self.settings.invalidate().await;
        let before = warm.clients.take();
        match self.cycle(&mut warm, &format!("{owner}-again"), deadline).await {
            Ok(report) => Evaluated::Ran(Box::new(report)),
            Err(fault) => {
                warm.clients = before;
                Evaluated::NoSettings { fault, at: self.clock.now() }
            }
        }
    }

    async fn cycle(
        &self,
        warm: &mut Warm,
        owner: &str,
        deadline: std::time::Duration,
    ) -> Result<CycleReport, Fault> {
        let settings = self.settings.read().await?;
        if let Some(stale) = &settings.stale {
            tracing::warn!(error = %stale, "settings could not be read again; the last ones are used");
        }
        let clients = match warm.clients.take().filter(|clients| Arc::ptr_eq(&clients.settings, &settings)) {
            Some(clients) => clients,
            None => Arc::new(self.connect(settings)?),
        };
        warm.clients = Some(Arc::clone(&clients));
        let ports = Ports {
            fleet: &clients.fleet,
            management: &clients.management,
            ledger: &clients.ledger,
            clock: self.clock.as_ref(),
        };
        let policy = &clients.settings.policy;
        let cycle = Cycle { ports, policy, owner: owner.to_owned(), deadline };
        // The largest future by far: on the heap it is moved once.
        Ok(Box::pin(cycle.run(&mut warm.lease)).await)
    }

    fn connect(&self, settings: Arc<PlatformSettings>) -> Result<Clients, Fault> {
        let Policy { tag_value, regions, vpcs, history_days, .. } = &settings.policy;
        let fleet = FleetSettings {
            tag_value: tag_value.clone(),
            regions: regions.clone(),
            vpcs: vpcs.clone(),
            endpoint: None,
            time_for_orders: FleetSettings::TIME_FOR_ORDERS,
        };
        let ledger = LedgerSettings {
            table: self.environment.table.clone(),
            endpoint: None,
            history_days: u16::try_from(*history_days).unwrap_or(u16::MAX),
        };
        let management = HttpManagement::new(settings.management.clone()).map_err(|error| {
            Fault::new(System::Settings, FaultKind::Setting, error.to_string())
                .with_remedy(error.remedy.clone())
        })?;
        let clock: Arc<dyn Clock> = Arc::<SystemClock>::clone(&self.clock);
        Ok(Clients {
            fleet: AwsFleet::connect(&self.config, fleet)?,
            ledger: DynamoLedger::connect(&self.config, ledger, clock),
            management,
            settings,
        })
    }
}

fn credentials_refused(report: &CycleReport) -> bool {
    matches!(report.gate(), Some(Gate::PlatformUnreadable { kind: FaultKind::Unauthorized, .. }))
}
