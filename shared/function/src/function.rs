//! The wiring: settings and clients. What is kept between invocations of a warm function: connections, tokens, and
//! settings for five minutes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use aws_config::{BehaviorVersion, SdkConfig};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::policy::Policy;
use spillway_core::ports::Clock;
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_pexip::{HttpManagement, SystemClock};
use spillway_ssm::{PlatformSettings, SettingsSource, SsmSettings};
use tokio::sync::Mutex;

use crate::environment::Environment;

/// A function, warm.
#[derive(Debug)]
pub struct Function {
    environment: Environment,
    config: SdkConfig,
    clock: Arc<SystemClock>,
    settings: SsmSettings,
    clients: Mutex<Option<Arc<Clients>>>,
    /// Requests to the Management Node at the same time; `None`: as the client has it.
    in_flight: Option<usize>,
}

/// The outside world of the stack's platform.
#[derive(Debug)]
pub struct Clients {
    /// The settings they were made from.
    pub settings: Arc<PlatformSettings>,
    /// EC2.
    pub fleet: AwsFleet,
    /// The Management Node.
    pub management: HttpManagement,
    /// The ledger.
    pub ledger: DynamoLedger,
}

impl Function {
    /// Reads the AWS configuration. Nothing is connected yet, so that a function with wrong settings starts and
    /// says what is wrong with them.
    ///
    /// # Errors
    /// A region that Spillway does not work in.
    pub async fn start(environment: Environment) -> Result<Self> {
        let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let clock = Arc::new(SystemClock::new());
        let source = SettingsSource { platform: environment.platform.clone(), endpoint: None };
        let settings = SsmSettings::connect(&config, source, Arc::<SystemClock>::clone(&clock))
            // Not as a fault: where the function cannot start, its log is all there is, so it has the remedy too.
            .map_err(|error| anyhow!("{error}: {}", error.remedy()))?;
        Ok(Self { environment, config, clock, settings, clients: Mutex::new(None), in_flight: None })
    }

    /// The same with so many requests to the Management Node at once: for a function of which several run at a time.
    #[must_use]
    pub fn with_requests_in_flight(self, in_flight: usize) -> Self {
        Self { in_flight: Some(in_flight), ..self }
    }

    /// The platform's name.
    pub fn platform(&self) -> &str {
        &self.environment.platform
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<SystemClock> {
        &self.clock
    }

    /// When an invocation that begins now is killed, on the monotonic clock.
    pub fn deadline(&self) -> Duration {
        self.clock.monotonic() + self.environment.timeout
    }

    /// The clients. The same ones as long as the settings are.
    ///
    /// # Errors
    /// Settings that are missing or wrong.
    pub async fn clients(&self) -> Result<Arc<Clients>, Fault> {
        let settings = self.settings.read().await?;
        if let Some(stale) = &settings.stale {
            tracing::warn!(error = %stale, "settings could not be read again; the last ones are used");
        }
        let mut kept = self.clients.lock().await;
        if let Some(clients) = kept.as_ref().filter(|clients| Arc::ptr_eq(&clients.settings, &settings)) {
            return Ok(Arc::clone(clients));
        }
        let clients = Arc::new(self.connect(settings)?);
        *kept = Some(Arc::clone(&clients));
        Ok(clients)
    }

    /// Reads the settings anew next time: the Management Node refused the credentials.
    pub async fn forget_settings(&self) {
        self.settings.invalidate().await;
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
        let mut management = settings.management.clone();
        management.in_flight = self.in_flight.unwrap_or(management.in_flight);
        let management = HttpManagement::new(management).map_err(|error| {
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
