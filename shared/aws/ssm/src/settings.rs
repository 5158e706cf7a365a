//! The adapter: reads, checks and keeps a platform's settings.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use spillway_core::fault::Fault;
use spillway_core::policy::Policy;
use spillway_engine::ports::Clock;
use spillway_pexip::{ManagementSettings, parse_parameters};
use tokio::sync::Mutex;

use crate::error::SettingsError;
use crate::parameters::Place;
use crate::stack::Stack;

/// Parameter Store is free up to 40 reads a second, shared by everything in the account; and an operator who
/// changes the policy wants to see it work within minutes.
const FRESH: Duration = Duration::from_mins(5);
/// While Parameter Store does not answer, what was read before is used this long: an hour without settings must not
/// be an hour without bursting. A mistake in the parameters is never covered up this way.
const USABLE: Duration = Duration::from_hours(1);

/// Where a platform's settings are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsSource {
    /// The platform's name: the stack's parameter.
    pub platform: String,
    /// Another address than the region's own: a Parameter Store of one's own. `None` leaves it to the SDK, which
    /// takes `AWS_ENDPOINT_URL_SSM` from the environment.
    pub endpoint: Option<String>,
}

/// A platform's settings, checked.
#[derive(Debug, Clone)]
pub struct PlatformSettings {
    /// What the operator decides.
    pub policy: Policy,
    /// How the Management Node is reached.
    pub management: ManagementSettings,
    /// What the deployment wrote down of itself; only where it was asked for and is there.
    pub stack: Option<Stack>,
    /// Why these are not fresh, when they are not: Parameter Store did not answer.
    pub stale: Option<Fault>,
}

/// The settings of one platform in Parameter Store.
pub struct SsmSettings {
    pub(crate) client: Client,
    pub(crate) place: Place,
    with_stack: bool,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    settings: Arc<PlatformSettings>,
    read_at: Duration,
}

impl std::fmt::Debug for SsmSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SsmSettings").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SsmSettings {
    /// The settings in the account and region of the configuration. Connects at the first call.
    ///
    /// # Errors
    /// A platform's name that cannot be a part of a path.
    pub fn connect(
        config: &SdkConfig,
        source: SettingsSource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let SettingsSource { platform, endpoint } = source;
        let region = config.region().map_or("", |region| region.as_ref());
        let place = Place::new(&platform, region)?;
        let config = aws_sdk_ssm::config::Builder::from(config)
            .timeout_config(spillway_aws::timeouts())
            .retry_config(spillway_aws::read_retries());
        let config = match endpoint {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        let client = Client::from_conf(config.build());
        Ok(Self { client, place, with_stack: false, clock, kept: Mutex::new(None) })
    }

    /// Also reads what the deployment wrote down of itself, in the same call: for whoever has no environment that
    /// tells.
    #[must_use]
    pub fn with_stack(mut self) -> Self {
        self.with_stack = true;
        self
    }

    /// The settings, at most five minutes old; up to an hour while Parameter Store does not answer. The same value
    /// as long as it is fresh, so that a caller sees by its address whether anything was read anew.
    ///
    /// # Errors
    /// A parameter that is missing or wrong, or a failed call with nothing to fall back on.
    pub async fn read(&self) -> Result<Arc<PlatformSettings>, SettingsError> {
        // Held while reading: whoever comes meanwhile waits for the same answer.
        let mut kept = self.kept.lock().await;
        let now = self.clock.monotonic();
        let age = |kept: &Kept| now.saturating_sub(kept.read_at);
        if let Some(kept) = kept.as_ref().filter(|kept| age(kept) < FRESH) {
            return Ok(Arc::clone(&kept.settings));
        }
        match self.read_now().await {
            Ok(settings) => {
                let settings = Arc::new(settings);
                *kept = Some(Kept { settings: Arc::clone(&settings), read_at: now });
                Ok(settings)
            }
            Err(SettingsError::Fault(fault)) => match kept.as_ref().filter(|kept| age(kept) < USABLE) {
                Some(kept) => {
                    Ok(Arc::new(PlatformSettings { stale: Some(fault), ..kept.settings.as_ref().clone() }))
                }
                None => Err(fault.into()),
            },
            Err(mistake) => {
                *kept = None;
                Err(mistake)
            }
        }
    }

    /// Forgets what was read: the Management Node refused the credentials, and new ones may be there.
    pub async fn invalidate(&self) {
        *self.kept.lock().await = None;
    }

    async fn read_now(&self) -> Result<PlatformSettings, SettingsError> {
        let stored = self.place.read(&self.client, self.with_stack).await?;
        let policy = Policy::parse(&stored.policy)
            .map_err(|error| SettingsError::Policy { name: self.place.name("policy"), error })?;
        let management = parse_parameters(&stored.management, &stored.credentials, stored.ca.as_deref())
            .map_err(|error| SettingsError::Management { path: self.place.path.clone(), error })?;
        let stack = stored.stack.as_deref().map(|json| Stack::parse(&self.place.name("stack"), json));
        Ok(PlatformSettings { policy, management, stack: stack.transpose()?, stale: None })
    }
}
