//! The parameters as they are stored: their names, one call for all, and the commands that make them. Values that
//! are secrets are so from the moment they arrive.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameters::GetParametersError;
use aws_sdk_ssm::types::{Parameter, ParameterType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use secrecy::SecretString;
use spillway_aws::{Call, fault_of};
use spillway_core::fault::{Fault, FaultKind, System};

use crate::error::SettingsError;

/// Everything under a platform's path.
pub(crate) struct Stored {
    pub(crate) policy: String,
    pub(crate) management: String,
    pub(crate) credentials: SecretString,
    pub(crate) ca: Option<String>,
    pub(crate) stack: Option<String>,
}

/// A platform's path, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) region: String,
}

impl Place {
    /// The name becomes a part of a path and of commands to type: nothing that a shell would read otherwise.
    pub(crate) fn new(platform: &str, region: &str) -> Result<Self, SettingsError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if platform.is_empty() || platform.len() > 64 || !platform.chars().all(plain) {
            return Err(SettingsError::Platform(platform.to_owned()));
        }
        Ok(Self { path: format!("/spillway/{platform}"), region: region.to_owned() })
    }

    pub(crate) fn name(&self, parameter: &str) -> String {
        format!("{}/{parameter}", self.path)
    }

    /// What the stack wrote is read with the rest only where it is asked for: a function knows its table from its
    /// environment, and its role need not cover the parameter.
    pub(crate) async fn read(&self, client: &Client, with_stack: bool) -> Result<Stored, SettingsError> {
        let mut names = vec!["policy", "management", "credentials", "ca"];
        names.extend(with_stack.then_some("stack"));
        let answer = client
            .get_parameters()
            .set_names(Some(names.into_iter().map(|parameter| self.name(parameter)).collect()))
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| self.fault(&error))?;
        let mut found = answer.parameters.unwrap_or_default();
        let mut take = |parameter: &str| {
            let name = self.name(parameter);
            let at = found.iter().position(|found| found.name() == Some(name.as_str()))?;
            Some(found.swap_remove(at))
        };
        // In the order in which somebody who sets a platform up would make them.
        let policy = self.value(take("policy"), "policy")?;
        let management = self.value(take("management"), "management")?;
        let credentials = take("credentials");
        let is_encrypted = |found: &Parameter| found.r#type() == Some(&ParameterType::SecureString);
        if credentials.as_ref().is_some_and(|found| !is_encrypted(found)) {
            return Err(self.not_encrypted());
        }
        let credentials = SecretString::from(self.value(credentials, "credentials")?);
        let ca = take("ca").and_then(|found| found.value);
        let stack = take("stack").and_then(|found| found.value);
        Ok(Stored { policy, management, credentials, ca, stack })
    }

    fn value(&self, found: Option<Parameter>, parameter: &str) -> Result<String, SettingsError> {
        found.and_then(|found| found.value).ok_or_else(|| SettingsError::Missing {
            name: self.name(parameter),
            region: self.region.clone(),
            command: self.command(parameter),
        })
    }

    /// What to type to make a parameter. Secrets come from a file, not from the command line, which shells keep.
    fn command(&self, parameter: &str) -> String {
        let Self { region, .. } = self;
        let name = self.name(parameter);
        let (kind, value, note) = match parameter {
            "management" => (
                "String",
                r#"'{"addresses":["https://mgr.example.com"],"authentication":"basic"}'"#,
                "with the Management Node's own address",
            ),
            "credentials" => (
                "SecureString",
                "file://credentials.json",
                r#"with {"username": "...", "password": "..."} or {"client_id": "...", "private_key": "..."} in the file"#,
            ),
            _ => ("String", "file://policy.json", r#"with at least {"tag_value": "..."} in the file"#),
        };
        format!(
            "aws ssm put-parameter --region {region} --name {name} --type {kind} --value {value} ({note})"
        )
    }

    fn not_encrypted(&self) -> SettingsError {
        let name = self.name("credentials");
        let Self { region, .. } = self;
        // A parameter's type cannot be changed, and what was stored in the clear has been seen.
        let command = format!(
            "change the password, then: aws ssm delete-parameter --region {region} --name {name}; {}",
            self.command("credentials")
        );
        SettingsError::NotEncrypted { name, command }
    }

    fn fault(&self, error: &SdkError<GetParametersError, HttpResponse>) -> Fault {
        let resource = format!("parameters {}/*", self.path);
        let call = Call { system: System::Settings, action: "ssm:GetParameters", resource: &resource };
        let fault = fault_of(call, error);
        if fault.kind == FaultKind::Forbidden {
            let remedy =
                format!("{}; and kms:Decrypt, where `credentials` has a key of its own", fault.remedy);
            return fault.with_remedy(remedy);
        }
        fault
    }
}
