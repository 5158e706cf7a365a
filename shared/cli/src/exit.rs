//! How a command ends: five exit codes that scripts can rely on, and errors that say what to do.

use std::fmt;

use spillway_core::blocker::Blocker;
use spillway_core::fault::Fault;
use spillway_runtime::ConnectError;
use spillway_ssm::SettingsError;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; or nothing had to be done.
    Done = 0,
    /// Failed: something could not be read or written.
    Failed = 1,
    /// The command line, a file or a setting is wrong. Also what the command line parser ends with.
    Usage = 2,
    /// Refused for safety, or by the person who was asked. Nothing was changed.
    Refused = 3,
    /// Some of it was done and some was not; the output says which.
    Partly = 4,
}

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What happened, one sentence.
    pub(crate) message: String,
    /// What to do; empty where waiting is all there is to do.
    pub(crate) remedy: String,
}

/// What every command gives back.
pub(crate) type Ended = Result<Exit, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), remedy: String::new() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// The same with what to do about it.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::failed(fault.to_string()).remedy(fault.remedy)
    }
}

impl From<Blocker> for Failure {
    fn from(hindrance: Blocker) -> Self {
        Self::refused(hindrance.to_string()).remedy(hindrance.remedy())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let exit = if error.is_mistake() { Exit::Usage } else { Exit::Failed };
        Self::new(exit, error.to_string()).remedy(error.remedy())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Settings(error) => error.into(),
            ConnectError::NoTable { ref platform } => Self::usage(error.to_string()).remedy(format!(
                "deploy the stack with SAM: it writes parameter /spillway/{platform}/stack; or use --table"
            )),
            ConnectError::Fault(fault) => fault.into(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}
