//! One platform as an operator reaches it: with his own AWS identity, and with the settings in Parameter Store. Nothing is
//! connected before a command needs it.

use std::sync::Arc;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::ProvideCredentials;
use aws_sdk_sts::error::DisplayErrorContext;
use jiff::Timestamp;
use spillway_runtime::{Clients, Connector};
use spillway_scheduler::{AwsScheduler, SchedulerSettings};
use spillway_ssm::PlatformSettings;
use tokio::sync::OnceCell;

use crate::exit::Failure;
use crate::global::Global;
use crate::identity::{self, Caller, Place};

/// One platform.
#[derive(Debug)]
pub(crate) struct Context {
    /// Its name.
    pub(crate) platform: String,
    /// Its settings and clients.
    pub(crate) connector: Connector,
    /// Who acts; asked once.
    caller: OnceCell<Caller>,
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
        let config = load(global).await?;
        if config.region().is_none() {
            return Err(Failure::usage("no AWS region is known")
                .remedy("use --region, or set AWS_REGION, or a region in your AWS profile"));
        }
        let connect = |platform: &String| {
            let connector = Connector::new(config.clone(), platform)?;
            let connector = connector.with_table(global.table.clone()).with_stack();
            Ok(Self { platform: platform.clone(), connector, caller: OnceCell::new() })
        };
        global.platforms.iter().map(connect).collect()
    }

    /// The settings, checked. At most five minutes old.
    pub(crate) async fn settings(&self) -> Result<Arc<PlatformSettings>, Failure> {
        Ok(self.connector.settings().await?)
    }

    /// Everything that a cycle needs.
    pub(crate) async fn clients(&self) -> Result<Arc<Clients>, Failure> {
        Ok(self.connector.clients().await?)
    }

    /// Who acts, as AWS sees it.
    pub(crate) async fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.get_or_try_init(|| identity::ask(self.connector.config())).await
    }

    /// Where a command acts. A platform that is being set up may have less than STS needs to say who acts.
    pub(crate) async fn place(&self) -> Place {
        let region = self.connector.config().region().map(ToString::to_string).unwrap_or_default();
        let caller = self.caller().await.ok().cloned();
        Place { caller, region, platform: self.platform.clone() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.connector.now()
    }

    /// EventBridge Scheduler, in the platform's group, which the stack wrote down.
    pub(crate) async fn scheduler(&self) -> Result<AwsScheduler, Failure> {
        let settings = self.settings().await?;
        self.scheduler_of(&settings).ok_or_else(|| {
            Failure::usage(format!("the schedule group of platform {} is not known", self.platform))
                .remedy(self.deploy())
        })
    }

    /// The same, with settings that were read; none where the stack wrote no group down.
    pub(crate) fn scheduler_of(&self, settings: &PlatformSettings) -> Option<AwsScheduler> {
        let group = settings.stack.as_ref()?.schedule_group.clone()?;
        Some(AwsScheduler::connect(self.connector.config(), SchedulerSettings { group, endpoint: None }))
    }

    /// What to do where something is missing that the stack writes down.
    pub(crate) fn deploy(&self) -> String {
        format!("deploy the stack with SAM: it writes parameter /spillway/{}/stack", self.platform)
    }
}

fn unnamed() -> Failure {
    Failure::usage("no platform is named").remedy("use --platform, or set SPILLWAY_PLATFORM")
}

/// Credentials, region and endpoints as the AWS CLI finds them: a profile that is named on the command line comes before keys in
/// the environment (AWS CLI user guide: *Configuration and credential precedence*). The SDK alone would take the keys, and act
/// on another account than the one that was named.
///
/// # Errors
/// The profile is not there, or has no credentials.
async fn load(global: &Global) -> Result<SdkConfig, Failure> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(profile) = &global.profile {
        // A profile that assumes a role asks STS in a region.
        let region = match &global.region {
            Some(region) => Some(Region::new(region.clone())),
            None => DefaultRegionChain::builder().profile_name(profile).build().region().await,
        };
        let provider = ProviderConfig::default().with_region(region);
        let of_profile =
            ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
        if let Err(error) = of_profile.provide_credentials().await {
            let why = DisplayErrorContext(&error);
            let said =
                format!("the AWS profile {profile} was not found, or its credentials cannot be used: {why}");
            return Err(Failure::usage(said).remedy("aws configure list-profiles names those there are; leave --profile out to use the environment"));
        }
        loader = loader.profile_name(profile).credentials_provider(of_profile);
    }
    if let Some(region) = &global.region {
        loader = loader.region(Region::new(region.clone()));
    }
    Ok(loader.load().await)
}
