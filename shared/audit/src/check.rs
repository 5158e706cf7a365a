//! One thing that was checked, and what came of it.

use serde::{Deserialize, Serialize};
use spillway_core::fault::Fault;

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works; somebody should do something about it.
    Warn,
    /// Does not work.
    Bad,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, one sentence.
    pub found: String,
    /// What to do; empty where nothing.
    pub remedy: String,
}

impl Check {
    /// As it should be.
    pub fn good(what: &str, found: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Good, found, remedy: String::new() }
    }

    /// Works; somebody should do something about it.
    pub fn warn(what: &str, found: String, remedy: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Warn, found, remedy }
    }

    /// Does not work.
    pub fn bad(what: &str, found: String, remedy: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Bad, found, remedy }
    }

    /// What could not be read.
    pub(crate) fn fault(what: &str, fault: &Fault) -> Self {
        Self::bad(what, fault.to_string(), fault.remedy.clone())
    }
}
