//! What a button asks for, and what it is answered.

use serde::{Deserialize, Serialize};
use spillway_core::ids::InstanceId;

/// What a button asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do", deny_unknown_fields)]
pub enum PageAction {
    /// Start a node, and hold it.
    Start {
        /// Which.
        instance: InstanceId,
        /// For how long.
        hold_minutes: u32,
        /// Why.
        reason: String,
    },
    /// Drain a node and stop it.
    Stop {
        /// Which.
        instance: InstanceId,
        /// Why.
        reason: String,
    },
}

impl PageAction {
    /// The longest hold that a button makes. A longer one is a decision that belongs to the command line.
    pub const LONGEST_HOLD_MINUTES: u32 = 24 * 60;

    /// The longest reason.
    pub const LONGEST_REASON: usize = 200;

    /// Which instance.
    pub fn instance(&self) -> &InstanceId {
        match self {
            Self::Start { instance, .. } | Self::Stop { instance, .. } => instance,
        }
    }

    /// Why, as it was typed.
    pub fn reason(&self) -> &str {
        match self {
            Self::Start { reason, .. } | Self::Stop { reason, .. } => reason,
        }
    }

    /// What is wrong with it, where something is.
    pub fn mistake(&self) -> Option<String> {
        if let Self::Start { hold_minutes, .. } = self
            && !(1..=Self::LONGEST_HOLD_MINUTES).contains(hold_minutes)
        {
            return Some(format!("a hold lasts 1 to {} minutes", Self::LONGEST_HOLD_MINUTES));
        }
        let long = self.reason().chars().count() > Self::LONGEST_REASON;
        long.then(|| format!("a reason has at most {} characters", Self::LONGEST_REASON))
    }
}

/// What would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Sentences, in order.
    pub plan: Vec<String>,
    /// Why it cannot be done now; nothing can be confirmed then.
    pub refused: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether what was asked is stored and no part of it failed.
    pub done: bool,
    /// Sentences, in order.
    pub lines: Vec<String>,
}
