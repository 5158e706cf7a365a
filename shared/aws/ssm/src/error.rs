//! Why there are no settings: an operator's mistake, with what to type, or a failed call.

use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::policy::PolicyError;
use spillway_pexip::SettingError;

/// Why there are no settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// The platform's name cannot be a part of a path.
    #[error("{0:?} is not a platform's name")]
    Platform(String),
    /// A parameter is not there.
    #[error("parameter {name} does not exist in {region}")]
    Missing {
        /// Its whole name.
        name: String,
        /// The region that was asked.
        region: String,
        /// The command that makes it.
        command: String,
    },
    /// The credentials are readable by everybody who may read parameters.
    #[error("parameter {name} is not a SecureString")]
    NotEncrypted {
        /// Its whole name.
        name: String,
        /// The commands that put it right.
        command: String,
    },
    /// The policy is wrong.
    #[error("parameter {name}: {error}")]
    Policy {
        /// The parameter's whole name.
        name: String,
        /// What is wrong with it.
        error: PolicyError,
    },
    /// Addresses, credentials or certificate are wrong.
    #[error("under {path}: {error}")]
    Management {
        /// The platform's path.
        path: String,
        /// What is wrong.
        error: SettingError,
    },
    /// What the deployment wrote is not readable.
    #[error("parameter {name}: {message}")]
    Stack {
        /// The parameter's whole name.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// The call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl SettingsError {
    /// Whether somebody has to correct something; else waiting may be enough.
    pub fn is_mistake(&self) -> bool {
        !matches!(self, Self::Fault(_))
    }

    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Platform(_) => {
                "set SPILLWAY_PLATFORM to 1 to 64 letters, digits, dots, hyphens or underscores".to_owned()
            }
            Self::Missing { command, .. } | Self::NotEncrypted { command, .. } => command.clone(),
            Self::Policy { name, .. } => {
                format!(
                    "correct it: aws ssm put-parameter --name {name} --type String --overwrite --value file://policy.json"
                )
            }
            Self::Management { error, .. } => error.remedy.clone(),
            Self::Stack { .. } => "deploy the stack again: it writes this parameter itself".to_owned(),
            Self::Fault(fault) => fault.remedy.clone(),
        }
    }
}

impl From<SettingsError> for Fault {
    fn from(error: SettingsError) -> Self {
        let remedy = error.remedy();
        match error {
            SettingsError::Fault(fault) => fault,
            mistake => {
                Self::new(System::Settings, FaultKind::Setting, mistake.to_string()).with_remedy(remedy)
            }
        }
    }
}
