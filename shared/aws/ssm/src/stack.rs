//! What a deployment writes down of itself when it is made, so that an operator's command line finds the table, the
//! schedules and the functions by the platform's name alone.

use serde::{Deserialize, Serialize};

use crate::error::SettingsError;

/// The parameter `stack`. Keys that a newer template adds are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The DynamoDB table of the ledger.
    pub table: String,
    /// The EventBridge Scheduler group of the platform's pre-warm windows.
    #[serde(default)]
    pub schedule_group: Option<String>,
    /// ARN of the pre-warm function.
    #[serde(default)]
    pub prewarm_function: Option<String>,
    /// ARN of the role with which Scheduler invokes it.
    #[serde(default)]
    pub scheduler_role: Option<String>,
    /// ARN of the queue for invocations that failed for good.
    #[serde(default)]
    pub dead_letter_queue: Option<String>,
    /// The window that the template makes: what is changed in it by hand, the next deployment may undo.
    #[serde(default)]
    pub window: Option<String>,
}

impl Stack {
    pub(crate) fn parse(name: &str, json: &str) -> Result<Self, SettingsError> {
        let refuse = |message: String| SettingsError::Stack { name: name.to_owned(), message };
        let stack: Self = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        if stack.table.trim().is_empty() {
            return Err(refuse("`table` is empty".to_owned()));
        }
        Ok(stack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_templates_keys_are_left_alone_and_a_table_is_required() {
        let stack = Stack::parse("n", r#"{"table":"t","schedule_group":"g","later":1}"#).unwrap();
        assert_eq!((stack.table.as_str(), stack.schedule_group.as_deref()), ("t", Some("g")));
        for wrong in ["{}", r#"{"table":" "}"#, "t", r#"{"table":1}"#] {
            let error = Stack::parse("/spillway/acme/stack", wrong).unwrap_err();
            assert!(error.to_string().contains("/spillway/acme/stack"), "{wrong}: {error}");
            assert!(error.remedy().contains("deploy"), "{wrong}");
        }
    }
}
