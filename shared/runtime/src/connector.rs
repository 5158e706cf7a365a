//! One platform, and how it is reached: an AWS configuration, the settings in Parameter Store, and the clients made from
//! them. Nothing is connected before it is needed, and clients are kept for as long as the settings stay the same.

use std::sync::Arc;

use aws_config::SdkConfig;
use jiff::Timestamp;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::policy::Policy;
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::Clock;
use spillway_pexip::{HttpManagement, ManagementSettings, SystemClock};
use spillway_ssm::{PlatformSettings, SettingsError, SettingsSource, SsmSettings};
use tokio::sync::Mutex;

use crate::clients::Clients;

/// One platform.
#[derive(Debug)]
pub struct Connector {
    platform: String,
    config: SdkConfig,
    clock: Arc<SystemClock>,
    store: SsmSettings,
    table: Option<String>,
    /// Requests to the Management Node at the same time; `None`: as the client has it.
    in_flight: Option<usize>,
    clients: Mutex<Option<Arc<Clients>>>,
}

/// Why there are no clients.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// Settings are missing or wrong, or could not be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nobody named the ledger's table, and the deployment wrote none down.
    #[error("the table of platform {platform} is not known")]
    NoTable {
        /// Which.
        platform: String,
    },
    /// A client could not be made.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ConnectError {
    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Settings(error) => error.remedy(),
            Self::NoTable { platform } => {
                format!("deploy the stack with SAM: it writes parameter /spillway/{platform}/stack")
            }
            Self::Fault(fault) => fault.remedy.clone(),
        }
    }
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        let remedy = error.remedy();
        match error {
            ConnectError::Settings(error) => error.into(),
            ConnectError::NoTable { .. } => {
                Self::new(System::Settings, FaultKind::Setting, error.to_string()).with_remedy(remedy)
            }
            ConnectError::Fault(fault) => fault,
        }
    }
}

impl Connector {
    /// A platform in the account and region of the configuration. Nothing is connected yet.
    ///
    /// # Errors
    /// A platform's name that cannot be a part of a path, or a region that Spillway does not work in.
    pub fn new(config: SdkConfig, platform: &str) -> Result<Self, SettingsError> {
        let clock = Arc::new(SystemClock::new());
        let source = SettingsSource { platform: platform.to_owned(), endpoint: None };
        let store = SsmSettings::connect(&config, source, Arc::<SystemClock>::clone(&clock))?;
        Ok(Self {
            platform: platform.to_owned(),
            config,
            clock,
            store,
            table: None,
            in_flight: None,
            clients: Mutex::new(None),
        })
    }

    /// The same with this table as the ledger's.
    #[must_use]
    pub fn with_table(self, table: Option<String>) -> Self {
        Self { table, ..self }
    }

    /// The same, reading also what the deployment wrote down: the table and the schedule group.
    #[must_use]
    pub fn with_stack(self) -> Self {
        Self { store: self.store.with_stack(), ..self }
    }

    /// The same with so many requests to the Management Node at once: for a function of which several run at a time.
    #[must_use]
    pub fn with_requests_in_flight(self, in_flight: usize) -> Self {
        Self { in_flight: Some(in_flight), ..self }
    }

    /// The platform's name.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Credentials, region and endpoints.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The clock.
    pub fn clock(&self) -> &SystemClock {
        &self.clock
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Parameter Store.
    pub fn store(&self) -> &SsmSettings {
        &self.store
    }

    /// The settings, checked. At most five minutes old.
    ///
    /// # Errors
    /// Settings that are missing or wrong, or could not be read.
    pub async fn settings(&self) -> Result<Arc<PlatformSettings>, SettingsError> {
        self.store.read().await
    }

    /// Reads the settings again next time: the Management Node refused the credentials.
    pub async fn forget_settings(&self) {
        self.store.invalidate().await;
    }

    /// The clients. The same ones for as long as the settings are the same.
    ///
    /// # Errors
    /// Settings that are missing or wrong, or could not be read.
    pub async fn clients(&self) -> Result<Arc<Clients>, ConnectError> {
        let settings = self.settings().await?;
        if let Some(stale) = &settings.stale {
            tracing::warn!(error = %stale, "settings could not be read again; the last ones are used");
        }
        let mut kept = self.clients.lock().await;
        if let Some(clients) = kept.as_ref().filter(|clients| Arc::ptr_eq(&clients.settings, &settings)) {
            return Ok(Arc::clone(clients));
        }
        let clients = Arc::new(Clients {
            fleet: self.fleet(&settings.policy)?,
            management: self.management(&settings)?,
            ledger: self.ledger(&settings)?,
            clock: Arc::clone(&self.clock),
            settings,
        });
        *kept = Some(Arc::clone(&clients));
        Ok(clients)
    }

    /// EC2, as the policy limits it.
    ///
    /// # Errors
    /// A client that cannot be made.
    pub fn fleet(&self, policy: &Policy) -> Result<AwsFleet, Fault> {
        let Policy { tag_value, regions, vpcs, .. } = policy;
        let settings = FleetSettings {
            tag_value: tag_value.clone(),
            regions: regions.clone(),
            vpcs: vpcs.clone(),
            endpoint: None,
            time_for_orders: FleetSettings::TIME_FOR_ORDERS,
        };
        AwsFleet::connect(&self.config, settings)
    }

    /// The Management Node.
    ///
    /// # Errors
    /// An address, a credential or a certificate that no client can be made from.
    pub fn management(&self, settings: &PlatformSettings) -> Result<HttpManagement, Fault> {
        self.management_at(settings.management.clone())
    }

    /// The Management Node by settings that are not stored yet.
    ///
    /// # Errors
    /// As [`Self::management`].
    pub fn management_at(&self, mut management: ManagementSettings) -> Result<HttpManagement, Fault> {
        management.in_flight = self.in_flight.unwrap_or(management.in_flight);
        HttpManagement::new(management).map_err(|error| {
            let fault = Fault::new(System::Settings, FaultKind::Setting, error.to_string());
            fault.with_remedy(error.remedy.clone())
        })
    }

    /// The ledger, in the table that was named or that the deployment wrote down.
    ///
    /// # Errors
    /// The table is not known.
    pub fn ledger(&self, settings: &PlatformSettings) -> Result<DynamoLedger, ConnectError> {
        let written = || settings.stack.as_ref().map(|stack| stack.table.clone());
        let table = self.table.clone().or_else(written).ok_or_else(|| self.no_table())?;
        Ok(self.ledger_in(table, &settings.policy))
    }

    /// The ledger, also while the other settings are missing or wrong: for a line of history.
    ///
    /// # Errors
    /// The table is not known, or what the deployment wrote could not be read.
    pub async fn ledger_without_settings(&self) -> Result<DynamoLedger, ConnectError> {
        let table = match &self.table {
            Some(table) => Some(table.clone()),
            None => self.store.read_stack().await?.map(|stack| stack.table),
        };
        Ok(self.ledger_in(table.ok_or_else(|| self.no_table())?, &Policy::with_defaults("")))
    }

    fn ledger_in(&self, table: String, policy: &Policy) -> DynamoLedger {
        let history_days = u16::try_from(policy.history_days).unwrap_or(u16::MAX);
        let clock: Arc<dyn Clock> = Arc::<SystemClock>::clone(&self.clock);
        DynamoLedger::connect(&self.config, LedgerSettings { table, endpoint: None, history_days }, clock)
    }

    fn no_table(&self) -> ConnectError {
        ConnectError::NoTable { platform: self.platform.clone() }
    }
}
