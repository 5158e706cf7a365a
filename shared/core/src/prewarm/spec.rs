//! A window as an operator writes it. Unknown keys are refused and every number has a range: a window that is read otherwise
//! than it was meant is found out at nine o'clock. How EventBridge Scheduler hands it over is in `tick.rs`.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{HdCalls, LocationName};
use crate::json::JsonError;
use crate::ledger::HoldAmount;

/// What an operator decides about a window, without when it fires: that is the schedule's expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Its name, unique on the platform; the schedule's name too.
    pub window: String,
    /// IANA time zone of the schedule. The date that `skip` is compared with is the scheduled time's in this zone.
    pub time_zone: String,
    /// One overflow location; none: all of them.
    #[serde(default)]
    pub location: Option<LocationName>,
    /// How much is up for the spike.
    #[serde(default = "all_nodes")]
    pub amount: HoldAmount,
    /// From the scheduled time to the spike, minutes. The guide: "approximately 10 minutes before".
    #[serde(default = "default_lead")]
    pub lead_minutes: u32,
    /// From the scheduled time to the end of the hold, minutes.
    #[serde(default = "default_hold")]
    pub hold_minutes: u32,
    /// Local dates on which the window does nothing.
    #[serde(default)]
    pub skip: Vec<Date>,
    /// Start what was asked even where licences leave no room for the calls.
    #[serde(default)]
    pub ignore_licences: bool,
    /// Why, one sentence; in the history of each start.
    #[serde(default)]
    pub reason: String,
}

/// Why a payload is refused: what an operator has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Not JSON, an unknown key, or a value of the wrong type.
    #[error("pre-warm payload: {path}: {message}")]
    Shape {
        /// Where.
        path: String,
        /// What.
        message: String,
    },
    /// A value outside its range.
    #[error("pre-warm payload: `{key}` is {value}; it must be {range}")]
    Range {
        /// Key.
        key: &'static str,
        /// Value found.
        value: String,
        /// What is allowed.
        range: String,
    },
}

fn all_nodes() -> HoldAmount {
    HoldAmount::AllNodes
}

fn default_lead() -> u32 {
    10
}

fn default_hold() -> u32 {
    70
}

impl WindowSpec {
    /// A window of this name and zone for the guide's example: all overflow nodes, ten minutes before the spike.
    pub fn with_defaults(window: impl Into<String>, time_zone: impl Into<String>) -> Self {
        Self {
            window: window.into(),
            time_zone: time_zone.into(),
            location: None,
            amount: all_nodes(),
            lead_minutes: default_lead(),
            hold_minutes: default_hold(),
            skip: Vec::new(),
            ignore_licences: false,
            reason: String::new(),
        }
    }

    /// Reads a window and checks every value.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub(super) fn read(value: &Value) -> Result<Self, SpecError> {
        let spec: Self = crate::json::from_value(value)
            .map_err(|JsonError { path, message, .. }| SpecError::Shape { path, message })?;
        spec.validate()?;
        Ok(spec)
    }

    /// The schedule's time zone.
    ///
    /// # Errors
    /// Not a zone of the IANA time zone database.
    pub fn zone(&self) -> Result<TimeZone, SpecError> {
        TimeZone::get(&self.time_zone).map_err(|_| SpecError::Range {
            key: "time_zone",
            value: format!("{:?}", self.time_zone),
            range: "a name of the IANA time zone database, such as Europe/Oslo or UTC".to_owned(),
        })
    }

    /// From the scheduled time to the spike.
    pub fn lead(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.lead_minutes))
    }

    /// From the scheduled time to the end of the hold.
    pub fn hold(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.hold_minutes))
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub fn validate(&self) -> Result<(), SpecError> {
        let Self {
            window,
            time_zone: _,
            location,
            amount,
            lead_minutes,
            hold_minutes,
            skip,
            ignore_licences: _,
            reason,
        } = self;
        let refuse =
            |key, value: String, range: &str| Err(SpecError::Range { key, value, range: range.to_owned() });
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if window.is_empty() || window.len() > LONGEST_NAME || !window.chars().all(plain) {
            let range = "1 to 64 letters, digits, hyphens, underscores or dots: it names the schedule";
            return refuse("window", format!("{window:?}"), range);
        }
        self.zone()?;
        if location.as_ref().is_some_and(|name| name.as_str().trim().is_empty()) {
            return refuse("location", "empty".to_owned(), "an overflow location's name, or null for all");
        }
        match amount {
            HoldAmount::Nodes(nodes) if !(1..=10_000).contains(nodes) => {
                return refuse("amount.nodes", nodes.to_string(), "1 to 10000");
            }
            HoldAmount::HdCalls(HdCalls(calls)) if !(1..=1_000_000).contains(calls) => {
                return refuse("amount.hd_calls", calls.to_string(), "1 to 1000000");
            }
            HoldAmount::AllNodes | HoldAmount::Nodes(_) | HoldAmount::HdCalls(_) => {}
        }
        if *lead_minutes > 240 {
            return refuse("lead_minutes", lead_minutes.to_string(), "0 to 240");
        }
        if !(1..=1_440).contains(hold_minutes) || hold_minutes <= lead_minutes {
            let range = format!("1 to 1440, and longer than `lead_minutes` ({lead_minutes})");
            return refuse("hold_minutes", hold_minutes.to_string(), &range);
        }
        if skip.len() > 400 {
            return refuse("skip", format!("{} dates", skip.len()), "at most 400 dates");
        }
        if reason.chars().count() > 200 {
            return refuse("reason", format!("{} characters", reason.chars().count()), "at most 200");
        }
        Ok(())
    }
}

/// The longest name of a schedule (EventBridge Scheduler API reference: `CreateSchedule`).
pub const LONGEST_NAME: usize = 64;

/// How much, and where: `3 nodes in AWS burst`.
impl fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{} in {location}", self.amount),
            None => write!(f, "{} in all overflow locations", self.amount),
        }
    }
}
