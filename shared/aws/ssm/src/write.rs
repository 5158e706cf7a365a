//! Writing settings, for an operator's command line: what would be refused when it is read is refused before it is
//! written, with the same words. A function has no right to any of this.

use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::types::ParameterType;
use secrecy::{ExposeSecret, SecretString};
use spillway_aws::{Call, code_of, fault_of};
use spillway_core::fault::{Fault, System};
use spillway_core::policy::Policy;
use spillway_pexip::{ManagementSettings, parse_parameters};

use crate::error::SettingsError;
use crate::settings::SsmSettings;
use crate::stack::Stack;

const MANAGEMENT: &str = "management";
const CREDENTIALS: &str = "credentials";
const CA: &str = "ca";

/// What is there of the three that are checked together.
struct Stored {
    management: Option<String>,
    credentials: Option<SecretString>,
    ca: Option<SecretString>,
}

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

    /// What the deployment wrote down of itself; `None` where there is no such parameter.
    ///
    /// # Errors
    /// A failed call, or a value that cannot be read.
    pub async fn read_stack(&self) -> Result<Option<Stack>, SettingsError> {
        let found = self.read_some(&["stack"]).await?;
        found.first().map(|value| Stack::parse(&self.place.name("stack"), value.expose_secret())).transpose()
    }

    /// Checks addresses and kind of authentication, with the credentials and the CA that are stored.
    /// What is open after it: another parameter that is missing or does not fit yet.
    ///
    /// # Errors
    /// What is wrong with it, or a failed call.
    pub async fn check_management(&self, json: &str) -> Result<Option<String>, SettingsError> {
        let stored = self.read_stored().await?;
        self.check(MANAGEMENT, Some(json), stored.credentials.as_ref(), stored.ca.as_ref())
    }

    /// Checks credentials, likewise.
    ///
    /// # Errors
    /// What is wrong with them, never the value; or a failed call.
    pub async fn check_credentials(&self, secret: &SecretString) -> Result<Option<String>, SettingsError> {
        let stored = self.read_stored().await?;
        self.check(CREDENTIALS, stored.management.as_deref(), Some(secret), stored.ca.as_ref())
    }

    /// How the Management Node is reached by what is stored, with other credentials where they are given; `None`: a parameter is
    /// missing, or does not fit the others yet.
    ///
    /// # Errors
    /// A failed call.
    pub async fn read_management(
        &self,
        credentials: Option<&SecretString>,
    ) -> Result<Option<ManagementSettings>, SettingsError> {
        let stored = self.read_stored().await?;
        let credentials = credentials.or(stored.credentials.as_ref());
        let (Some(management), Some(credentials)) = (&stored.management, credentials) else {
            return Ok(None);
        };
        let ca = stored.ca.as_ref().map(ExposeSecret::expose_secret);
        Ok(parse_parameters(management, credentials, ca).ok())
    }

    /// Checks a certificate authority, likewise.
    ///
    /// # Errors
    /// What is wrong with it, or a failed call.
    pub async fn check_ca(&self, pem: &SecretString) -> Result<Option<String>, SettingsError> {
        let stored = self.read_stored().await?;
        // By itself first: other parameters that are wrong must not hide what is wrong with this one.
        self.check(CA, None, None, Some(pem))?;
        self.check(CA, stored.management.as_deref(), stored.credentials.as_ref(), Some(pem))
    }

    /// Stores addresses that were checked.
    ///
    /// # Errors
    /// A failed call.
    pub async fn put_management(&self, json: &str) -> Result<(), SettingsError> {
        Ok(self.put(MANAGEMENT, ParameterType::String, &SecretString::from(json)).await?)
    }

    /// Stores credentials that were checked, encrypted.
    ///
    /// # Errors
    /// A failed call.
    pub async fn put_credentials(&self, secret: &SecretString) -> Result<(), SettingsError> {
        Ok(self.put(CREDENTIALS, ParameterType::SecureString, secret).await?)
    }

    /// Stores a certificate authority that was checked.
    ///
    /// # Errors
    /// A failed call.
    pub async fn put_ca(&self, pem: &SecretString) -> Result<(), SettingsError> {
        Ok(self.put(CA, ParameterType::String, pem).await?)
    }

    /// What is wrong with one parameter is an error; what is wrong with another one is what is still to be done.
    fn check(
        &self,
        which: &str,
        management: Option<&str>,
        credentials: Option<&SecretString>,
        ca: Option<&SecretString>,
    ) -> Result<Option<String>, SettingsError> {
        let missing = match (which, management, credentials) {
            (MANAGEMENT, _, None) => {
                Some("credentials: store them with `spillway settings put credentials FILE`")
            }
            (CREDENTIALS, None, _) => Some("management: store it with `spillway settings put management`"),
            _ => None,
        };
        // A stand-in for a parameter that is not there yet, so that the one that is put is checked all the same.
        let is_oauth2 = credentials.is_some_and(|secret| secret.expose_secret().contains("private_key"));
        let plain = format!(
            r#"{{"addresses":["https://mgr.example.com"],"authentication":"{}"}}"#,
            if is_oauth2 { "oauth2" } else { "basic" }
        );
        let nobody = SecretString::from(r#"{"username":"nobody","password":"none"}"#);
        let parsed = parse_parameters(
            management.unwrap_or(&plain),
            credentials.unwrap_or(&nobody),
            ca.map(ExposeSecret::expose_secret),
        );
        match parsed {
            Ok(_) => Ok(missing.map(str::to_owned)),
            Err(error) if error.parameter == which => {
                Err(SettingsError::Management { path: self.place.path.clone(), error })
            }
            Err(error) => {
                Ok(Some(missing.map_or_else(|| format!("{error}: {}", error.remedy), str::to_owned)))
            }
        }
    }

    async fn read_stored(&self) -> Result<Stored, SettingsError> {
        let read = |names: [&'static str; 1]| async move {
            Ok::<_, SettingsError>(self.read_some(&names).await?.into_iter().next())
        };
        let management = read([MANAGEMENT]).await?.map(|value| value.expose_secret().to_owned());
        Ok(Stored { management, credentials: read([CREDENTIALS]).await?, ca: read([CA]).await? })
    }

    /// The values of those that are there.
    async fn read_some(&self, names: &[&str]) -> Result<Vec<SecretString>, SettingsError> {
        let wanted: Vec<String> = names.iter().map(|name| self.place.name(name)).collect();
        let resource = wanted.join(", ");
        let call = Call { system: System::Settings, action: "ssm:GetParameters", resource: &resource };
        let sent = self.client.get_parameters().set_names(Some(wanted)).with_decryption(true).send().await;
        let answer = sent.map_err(|error| fault_of(call, &error))?;
        let found = answer.parameters.unwrap_or_default();
        Ok(found.into_iter().filter_map(|found| found.value).map(SecretString::from).collect())
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
