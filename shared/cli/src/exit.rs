//! How a command ends: five exit codes that scripts can rely on, and errors that say what to do.

use std::fmt;
use std::process::ExitCode;

use serde_json::json;
use spillway_core::desk::Hindrance;
use spillway_core::fault::Fault;
use spillway_ssm::SettingsError;

use crate::output::{self, Output};

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

impl From<Hindrance> for Failure {
    fn from(hindrance: Hindrance) -> Self {
        Self::refused(hindrance.to_string()).remedy(hindrance.remedy())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let exit = if error.is_mistake() { Exit::Usage } else { Exit::Failed };
        Self::new(exit, error.to_string()).remedy(error.remedy())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}

/// A command line that is none: said in the parser's own words, and as JSON to whoever asked for that. Help and the version
/// come this way too, and are no error.
pub(crate) fn unparsed(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        // The first paragraph says what is wrong; tips and usage follow.
        let first = text.split("\n\n").next().unwrap_or_default();
        let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = first.strip_prefix("error: ").unwrap_or(&first);
        output::json(&json!({"schema": 1, "error": {
            "exit": Exit::Usage as u8, "message": message, "remedy": "spillway --help, or --help after the command",
        }}));
    }
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { Exit::Done as u8 })
}

/// Says why it ended badly, and gives the code to end with.
pub(crate) fn finish(ended: Ended, output: &Output) -> ExitCode {
    let exit = match ended {
        Ok(exit) => exit,
        Err(failure) => {
            if output.json {
                output::json(&json!({"schema": 1, "error": {
                    "exit": failure.exit as u8, "message": failure.message, "remedy": failure.remedy,
                }}));
            }
            output::error(&failure, &output.zone);
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}
