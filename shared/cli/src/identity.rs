//! Who acts, and where. Every action from here is in the history under the identity that AWS sees, not under a name that
//! somebody chose for himself; and every question names the account and the region, so that nobody answers it for another
//! platform than he means.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_sts::error::DisplayErrorContext;
use jiff::{SignedDuration, Timestamp};
use spillway_core::ledger::Actor;
use spillway_core::report::actor;

use crate::clock::{AnswerDate, ahead, may_act};
use crate::exit::Failure;

/// The caller, as STS knows him.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The end of the ARN (`user/anna`, `assumed-role/Operators/anna@example.com`).
    pub(crate) by: Actor,
    /// The account. Whoever can write to one ledger has the same.
    pub(crate) account: String,
    /// How far this machine's clock is ahead of AWS's; `None`: not known.
    pub(crate) clock_ahead: Option<SignedDuration>,
}

/// Asks STS.
pub(crate) async fn ask(config: &SdkConfig) -> Result<Caller, Failure> {
    let config = aws_sdk_sts::config::Builder::from(config)
        .timeout_config(spillway_aws::timeouts())
        .retry_config(spillway_aws::read_retries());
    let client = aws_sdk_sts::Client::from_conf(config.build());
    let (date, sent) = (AnswerDate::default(), Timestamp::now());
    let request = client.get_caller_identity().customize().interceptor(date.clone());
    let answer = request.send().await.map_err(|error| {
        // AWS takes no request that is signed five minutes off, and tells its own time with the refusal.
        let ahead = date.get().map(|date| ahead(date, sent, Timestamp::now()));
        if let Err(wrong_clock) = may_act(ahead) {
            return wrong_clock;
        }
        Failure::failed(format!("STS did not say who you are: {}", DisplayErrorContext(&error)))
            .remedy("check your credentials: aws sts get-caller-identity")
    })?;
    let arn = answer.arn().unwrap_or_default();
    let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    if name.is_empty() {
        return Err(Failure::failed("STS gave no ARN for you"));
    }
    let account = answer.account().unwrap_or("not known").to_owned();
    let clock_ahead = date.get().map(|date| ahead(date, sent, Timestamp::now()));
    Ok(Caller { by: Actor::Person(name.to_owned()), account, clock_ahead })
}

/// Where a command acts, and as whom: a part of every plan.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `None`: STS did not say.
    pub(crate) caller: Option<Caller>,
    pub(crate) region: String,
    pub(crate) platform: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caller, region, platform } = self;
        match caller {
            Some(Caller { by, account, clock_ahead: _ }) => {
                write!(f, "platform {platform} in AWS account {account}, region {region}, as {}", actor(by))
            }
            None => {
                write!(f, "platform {platform} in region {region}; AWS account not known: STS did not say")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_the_region_and_the_platform_are_named() {
        let (by, account) = (Actor::Person("user/anna".to_owned()), "123456789012".to_owned());
        let caller = Caller { by, account, clock_ahead: None };
        let place =
            Place { caller: Some(caller), region: "eu-central-1".to_owned(), platform: "acme".to_owned() };
        let said = "platform acme in AWS account 123456789012, region eu-central-1, as user/anna";
        assert_eq!(place.to_string(), said);
        let unknown = Place { caller: None, ..place };
        assert!(
            unknown.to_string().starts_with("platform acme in region eu-central-1; AWS account not known")
        );
    }
}
