//! Writing settings, for an operator's command line: what would be refused when it is read is refused before it is
//! written, with the same words. A function has no right to any of this.

use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::types::ParameterType;
use secrecy::{ExposeSecret, SecretString};
use spillway_aws::{Call, code_of, fault_of};
use spillway_core::fault::{Fault, System};
use spillway_core::policy::Policy;

use crate::error::SettingsError;
use crate::settings::SsmSettings;

impl SsmSettings {
    /// The policy as it is stored, whether it is right or not; `None` where there is none.
    ///
    /// # Errors
    /// A failed call.
    pub async fn read_policy_text(&self) -> Result<Option<String>, SettingsError> {
        let name = self.place.name("policy");
        let call = Call { system: System::Settings, action: "ssm:GetParameter", resource: &name };
        match self.client.get_parameter().name(&name).send().await {
            Ok(answer) => Ok(answer.parameter.and_then(|found| found.value)),
            Err(error) if code_of(&error) == Some("ParameterNotFound") => Ok(None),
            Err(error) => Err(fault_of(call, &error).into()),
        }
    }

    /// Stores a policy that is right.
    ///
    /// # Errors
    /// The key and what is allowed, or a failed call. Nothing was written then.
    pub async fn put_policy(&self, json: &str) -> Result<Policy, SettingsError> {
        let policy = Policy::parse(json)
            .map_err(|error| SettingsError::Policy { name: self.place.name("policy"), error })?;
        self.put("policy", ParameterType::String, &SecretString::from(json)).await?;
        Ok(policy)
    }

    async fn put(&self, parameter: &str, kind: ParameterType, value: &SecretString) -> Result<(), Fault> {
        let name = self.place.name(parameter);
        let call = Call { system: System::Settings, action: "ssm:PutParameter", resource: &name };
        let sent = self
            .client
            .put_parameter()
            .name(&name)
            .r#type(kind)
            .value(value.expose_secret())
            .overwrite(true)
            .send()
            .await;
        sent.map(drop).map_err(|error: SdkError<_, _>| fault_of(call, &error))
    }
}
