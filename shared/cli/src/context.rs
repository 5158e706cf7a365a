//! One platform as an operator reaches it: his own AWS identity, the settings in Parameter Store, and the clients made
//! from them. Nothing is connected before a command needs it.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::policy::Policy;
use spillway_core::ports::Clock;
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_pexip::{HttpManagement, SystemClock};
use spillway_ssm::{PlatformSettings, SettingsSource, SsmSettings};

use crate::exit::Failure;
use crate::options::Global;

/// One platform.
#[derive(Debug)]
pub(crate) struct Context {
    /// Its name.
    pub(crate) platform: String,
    /// Credentials, region and endpoints.
    pub(crate) config: SdkConfig,
    pub(crate) clock: Arc<SystemClock>,
    table: Option<String>,
    pub(crate) store: SsmSettings,
}

/// The outside world of the platform, as the functions have it.
#[derive(Debug)]
pub(crate) struct Clients {
    /// The settings that they were made from.
    pub(crate) settings: Arc<PlatformSettings>,
    /// EC2.
    pub(crate) fleet: AwsFleet,
    /// The Management Node.
    pub(crate) management: HttpManagement,
    /// The ledger.
    pub(crate) ledger: DynamoLedger,
}

impl Context {
    /// The one platform that was named.
    pub(crate) async fn connect(global: &Global) -> Result<Self, Failure> {
        match Self::connect_all(global).await? {
            mut all if all.len() == 1 => all.pop().ok_or_else(unnamed),
            all => {
                Err(Failure::usage(format!("{} platforms are named, and this command takes one", all.len()))
                    .remedy("name one with --platform"))
            }
        }
    }

    /// Every platform that was named, in that order. They share an account and a region.
    pub(crate) async fn connect_all(global: &Global) -> Result<Vec<Self>, Failure> {
        if global.platforms.is_empty() {
            return Err(unnamed());
        }
        let config = load(global).await;
        if config.region().is_none() {
            return Err(Failure::usage("no AWS region is known")
                .remedy("use --region, or set AWS_REGION, or a region in your AWS profile"));
        }
        let clock = Arc::new(SystemClock::new());
        let connect = |platform: &String| {
            let source = SettingsSource { platform: platform.clone(), endpoint: None };
            let store = SsmSettings::connect(&config, source, Arc::<SystemClock>::clone(&clock))?;
            Ok(Self {
                platform: platform.clone(),
                config: config.clone(),
                clock: Arc::clone(&clock),
                table: global.table.clone(),
                store: store.with_stack(),
            })
        };
        global.platforms.iter().map(connect).collect()
    }

    /// The settings, checked. At most five minutes old.
    pub(crate) async fn settings(&self) -> Result<Arc<PlatformSettings>, Failure> {
        Ok(self.store.read().await?)
    }

    /// Everything that a cycle needs.
    pub(crate) async fn clients(&self) -> Result<Clients, Failure> {
        let settings = self.settings().await?;
        Ok(Clients {
            fleet: self.fleet(&settings.policy)?,
            management: management(&settings)?,
            ledger: self.ledger(&settings)?,
            settings,
        })
    }

    /// EC2, as the policy limits it.
    pub(crate) fn fleet(&self, policy: &Policy) -> Result<AwsFleet, Failure> {
        let Policy { tag_value, regions, vpcs, .. } = policy;
        let settings = FleetSettings {
            tag_value: tag_value.clone(),
            regions: regions.clone(),
            vpcs: vpcs.clone(),
            endpoint: None,
            time_for_orders: FleetSettings::TIME_FOR_ORDERS,
        };
        Ok(AwsFleet::connect(&self.config, settings)?)
    }

    /// The ledger, in the table that was named or that the stack wrote down.
    pub(crate) fn ledger(&self, settings: &PlatformSettings) -> Result<DynamoLedger, Failure> {
        let written = || settings.stack.as_ref().map(|stack| stack.table.clone());
        let table = self.table.clone().or_else(written).ok_or_else(|| self.no_table())?;
        let history_days = u16::try_from(settings.policy.history_days).unwrap_or(u16::MAX);
        let ledger = LedgerSettings { table, endpoint: None, history_days };
        let clock: Arc<dyn Clock> = Arc::<SystemClock>::clone(&self.clock);
        Ok(DynamoLedger::connect(&self.config, ledger, clock))
    }

    /// The table, also while the other settings are missing or wrong.
    pub(crate) async fn table(&self) -> Result<String, Failure> {
        if let Some(table) = &self.table {
            return Ok(table.clone());
        }
        let stack = self.store.read_stack().await?;
        stack.map(|stack| stack.table).ok_or_else(|| self.no_table())
    }

    fn no_table(&self) -> Failure {
        Failure::usage(format!("the table of platform {} is not known", self.platform)).remedy(format!(
            "use --table; a stack deployed by SAM writes it to /spillway/{}/stack",
            self.platform
        ))
    }
}

/// The Management Node.
pub(crate) fn management(settings: &PlatformSettings) -> Result<HttpManagement, Failure> {
    HttpManagement::new(settings.management.clone()).map_err(|error| {
        let fault = Fault::new(System::Settings, FaultKind::Setting, error.to_string());
        fault.with_remedy(error.remedy.clone()).into()
    })
}

fn unnamed() -> Failure {
    Failure::usage("no platform is named").remedy("use --platform, or set SPILLWAY_PLATFORM")
}

/// Credentials, region and endpoints as the AWS CLI finds them.
async fn load(global: &Global) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(profile) = &global.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &global.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}
