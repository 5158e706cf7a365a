//! Who acts. Every action from here is in the history under the identity that AWS sees, not under a name that
//! somebody chose for himself.

use aws_sdk_sts::error::DisplayErrorContext;
use spillway_core::ledger::Actor;

use crate::context::Context;
use crate::exit::Failure;

/// The caller, as STS knows him: the end of the ARN (`user/anna`, `assumed-role/Operators/anna@example.com`). The account id
/// in front of it is the same for everybody who can write to this ledger.
pub(crate) async fn caller(context: &Context) -> Result<Actor, Failure> {
    let config = aws_sdk_sts::config::Builder::from(context.connector.config())
        .timeout_config(spillway_aws::timeouts())
        .retry_config(spillway_aws::read_retries());
    let client = aws_sdk_sts::Client::from_conf(config.build());
    let answer = client.get_caller_identity().send().await.map_err(|error| {
        Failure::failed(format!("STS did not say who you are: {}", DisplayErrorContext(&error)))
            .remedy("check your credentials: aws sts get-caller-identity")
    })?;
    let arn = answer.arn().unwrap_or_default();
    let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    if name.is_empty() {
        return Err(Failure::failed("STS gave no ARN for you"));
    }
    Ok(Actor::Person(name.to_owned()))
}
