//! A window as an operator writes it, and as EventBridge Scheduler hands it over: one flat JSON object, the schedule's
//! `Input`. Unknown keys are refused and every number has a range: a window that is read otherwise than it was meant
//! is found out at nine o'clock.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::ids::{HdCalls, LocationName};
use crate::ledger::HoldAmount;

/// Scheduler's own placeholders, which it replaces when it invokes the function (EventBridge Scheduler user guide:
/// *Adding context attributes*). A key of the payload, and what stands in the schedule's `Input` for it.
pub const CONTEXT: [(&str, &str); 4] = [
    ("schedule_arn", "<aws.scheduler.schedule-arn>"),
    ("scheduled_time", "<aws.scheduler.scheduled-time>"),
    ("execution_id", "<aws.scheduler.execution-id>"),
    ("attempt", "<aws.scheduler.attempt-number>"),
];

/// What an operator decides about a window, without when it fires: that is the schedule's expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A window that fires: the window, and what Scheduler says about the occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The window.
    pub spec: WindowSpec,
    /// When it was to fire; none: invoked by hand.
    pub scheduled_at: Option<Timestamp>,
    /// Which schedule, where known.
    pub schedule_arn: Option<String>,
    /// Scheduler's id of this invocation, where known.
    pub execution_id: Option<String>,
    /// Scheduler's count of attempts, where known.
    pub attempt: Option<String>,
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

/// The flat object: the window's keys and Scheduler's. `flatten` would let unknown keys through.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    window: String,
    time_zone: String,
    #[serde(default)]
    location: Option<LocationName>,
    #[serde(default = "all_nodes")]
    amount: HoldAmount,
    #[serde(default = "default_lead")]
    lead_minutes: u32,
    #[serde(default = "default_hold")]
    hold_minutes: u32,
    #[serde(default)]
    skip: Vec<Date>,
    #[serde(default)]
    ignore_licences: bool,
    #[serde(default)]
    reason: String,
    #[serde(default, deserialize_with = "context")]
    schedule_arn: Option<String>,
    #[serde(default, deserialize_with = "context")]
    scheduled_time: Option<String>,
    #[serde(default, deserialize_with = "context")]
    execution_id: Option<String>,
    #[serde(default, deserialize_with = "context")]
    attempt: Option<String>,
}

/// A context attribute. One that still stands there as a placeholder was not replaced: somebody invoked the function
/// with the schedule's own `Input`. A number is what an unquoted placeholder becomes.
fn context<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let text = text.trim();
    Ok((!text.is_empty() && !text.starts_with("<aws.scheduler.")).then(|| text.to_owned()))
}

impl Tick {
    /// Reads the payload of an invocation.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub fn parse(payload: &Value) -> Result<Self, SpecError> {
        let flat: Flat = serde_path_to_error::deserialize(payload).map_err(|error| {
            let path = error.path().to_string();
            SpecError::Shape {
                path: if path == "." { "the JSON value".to_owned() } else { format!("`{path}`") },
                message: error.into_inner().to_string(),
            }
        })?;
        let Flat {
            window,
            time_zone,
            location,
            amount,
            lead_minutes,
            hold_minutes,
            skip,
            ignore_licences,
            reason,
            schedule_arn,
            scheduled_time,
            execution_id,
            attempt,
        } = flat;
        let spec = WindowSpec {
            window,
            time_zone,
            location,
            amount,
            lead_minutes,
            hold_minutes,
            skip,
            ignore_licences,
            reason,
        };
        spec.validate()?;
        let scheduled_at = match scheduled_time {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                SpecError::Range {
                key: "scheduled_time",
                value: format!("{text:?}"),
                range: "an instant, such as 2026-03-02T07:50:00Z (Scheduler's <aws.scheduler.scheduled-time>)"
                    .to_owned(),
            }
            })?),
        };
        Ok(Self { spec, scheduled_at, schedule_arn, execution_id, attempt })
    }
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

    /// Reads a window from a schedule's `Input`.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub fn parse(input: &str) -> Result<Self, SpecError> {
        let value: Value = serde_json::from_str(input).map_err(|error| SpecError::Shape {
            path: "the JSON value".to_owned(),
            message: error.to_string(),
        })?;
        Tick::parse(&value).map(|tick| tick.spec)
    }

    /// The schedule's `Input`: the window, and Scheduler's placeholders.
    pub fn input(&self) -> String {
        let mut object = match serde_json::to_value(self) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        };
        for (key, placeholder) in CONTEXT {
            object.insert(key.to_owned(), Value::from(placeholder));
        }
        Value::Object(object).to_string()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(payload: &Value) -> String {
        Tick::parse(payload).expect_err("a refusal").to_string()
    }

    fn with(key: &str, value: Value) -> Value {
        let mut payload = json!({"window": "w", "time_zone": "Europe/Oslo"});
        payload[key] = value;
        payload
    }

    #[test]
    fn a_name_and_a_zone_are_enough_for_the_guides_example() {
        let tick = Tick::parse(&json!({"window": "weekday-morning", "time_zone": "Europe/Oslo"})).unwrap();
        assert_eq!(tick.spec, WindowSpec::with_defaults("weekday-morning", "Europe/Oslo"));
        assert_eq!(tick.scheduled_at, None);
        assert_eq!(tick.spec.to_string(), "all nodes in all overflow locations");
    }

    #[test]
    fn every_key_is_read() {
        let tick = Tick::parse(&json!({
            "window": "w", "time_zone": "UTC", "location": "AWS burst", "amount": {"hd_calls": 50},
            "lead_minutes": 12, "hold_minutes": 90, "skip": ["2026-12-25"], "ignore_licences": true,
            "reason": "all hands", "schedule_arn": "arn:aws:scheduler:eu-west-1:1:schedule/g/w",
            "scheduled_time": "2026-03-02T07:50:00Z", "execution_id": "d32c5", "attempt": "1",
        }))
        .unwrap();
        assert_eq!(tick.spec.amount, HoldAmount::HdCalls(HdCalls(50)));
        assert_eq!(tick.spec.skip, [jiff::civil::date(2026, 12, 25)]);
        assert_eq!(tick.scheduled_at, Some("2026-03-02T07:50:00Z".parse().unwrap()));
        assert_eq!(tick.attempt.as_deref(), Some("1"));
        assert_eq!(tick.spec.to_string(), "50 HD calls in AWS burst");
    }

    #[test]
    fn every_refusal_names_the_key_and_what_is_allowed() {
        let table = [
            (json!({}), "missing field `window`"),
            (json!({"window": "w"}), "missing field `time_zone`"),
            (json!("08:50"), "the JSON value"),
            (with("hold_minuts", json!(5)), "unknown field `hold_minuts`, expected one of `window`"),
            (with("window", json!("a b")), "`window` is \"a b\"; it must be 1 to 64 letters"),
            (with("time_zone", json!("Oslo")), "`time_zone` is \"Oslo\"; it must be a name of the IANA"),
            (with("location", json!(" ")), "`location` is empty"),
            (with("amount", json!("most")), "`amount`: unknown variant `most`, expected one of `all_nodes`"),
            (with("amount", json!({"nodes": 0})), "`amount.nodes` is 0; it must be 1 to 10000"),
            (with("amount", json!({"hd_calls": 0})), "`amount.hd_calls` is 0"),
            (with("lead_minutes", json!(241)), "`lead_minutes` is 241; it must be 0 to 240"),
            (with("lead_minutes", json!(-1)), "`lead_minutes`: invalid value"),
            (with("hold_minutes", json!(10)), "`hold_minutes` is 10; it must be 1 to 1440, and longer than"),
            (with("hold_minutes", json!(1441)), "`hold_minutes` is 1441"),
            (with("skip", json!(["2026-02-30"])), "`skip[0]`"),
            (with("scheduled_time", json!("tomorrow")), "`scheduled_time` is \"tomorrow\""),
        ];
        for (payload, says) in table {
            let error = refusal(&payload);
            assert!(error.contains(says), "{payload}\n  said: {error}\n  want: {says}");
        }
    }

    #[test]
    fn the_input_of_a_schedule_reads_back_as_the_window_and_as_a_tick_by_hand() {
        let spec = WindowSpec {
            location: Some("AWS burst".into()),
            amount: HoldAmount::Nodes(3),
            skip: vec![jiff::civil::date(2026, 12, 25)],
            reason: "\"all\" hands".to_owned(),
            ..WindowSpec::with_defaults("w", "Asia/Kolkata")
        };
        assert_eq!(WindowSpec::parse(&spec.input()).unwrap(), spec);
        let value: Value = serde_json::from_str(&spec.input()).unwrap();
        for (key, placeholder) in CONTEXT {
            assert_eq!(value[key], placeholder);
        }
        let tick = Tick::parse(&value).unwrap();
        assert_eq!((tick.scheduled_at, tick.attempt), (None, None), "placeholders that nobody replaced");
    }

    #[test]
    fn an_unquoted_placeholder_becomes_a_number_and_is_read_all_the_same() {
        assert_eq!(Tick::parse(&with("attempt", json!(2))).unwrap().attempt.as_deref(), Some("2"));
    }
}
