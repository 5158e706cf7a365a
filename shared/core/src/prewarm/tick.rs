//! A window that fires: what EventBridge Scheduler hands over is the schedule's `Input`, one flat JSON object that holds the
//! window's keys and Scheduler's own.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::spec::{SpecError, WindowSpec};
use crate::ids::HoldId;
use crate::json::JsonError;
use crate::ledger::{Actor, Hold, HoldScope};

/// Scheduler's own placeholders, which it replaces when it invokes the function (EventBridge Scheduler user guide:
/// *Adding context attributes*). A key of the payload, and what stands in the schedule's `Input` for it.
pub const CONTEXT: [(&str, &str); 4] = [
    ("schedule_arn", "<aws.scheduler.schedule-arn>"),
    ("scheduled_time", "<aws.scheduler.scheduled-time>"),
    ("execution_id", "<aws.scheduler.execution-id>"),
    ("attempt", "<aws.scheduler.attempt-number>"),
];

/// The one of them that is read: it names the hold, so that a repeat is the same hold.
const SCHEDULED_TIME: &str = "scheduled_time";

/// A window that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The window.
    pub spec: WindowSpec,
    /// When it was to fire; none: invoked by hand.
    pub scheduled_at: Option<Timestamp>,
}

impl Tick {
    /// Reads the payload of an invocation.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub fn parse(mut payload: Value) -> Result<Self, SpecError> {
        let mut scheduled_time = None;
        if let Value::Object(keys) = &mut payload {
            for (key, _) in CONTEXT {
                let value = keys.remove(key);
                if key == SCHEDULED_TIME {
                    scheduled_time = value.and_then(attribute);
                }
            }
        }
        let spec = WindowSpec::read(&payload)?;
        let scheduled_at = match scheduled_time {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                let range =
                    "an instant, such as 2026-03-02T07:50:00Z (Scheduler's <aws.scheduler.scheduled-time>)";
                SpecError::Range { key: SCHEDULED_TIME, value: format!("{text:?}"), range: range.to_owned() }
            })?),
        };
        Ok(Self { spec, scheduled_at })
    }
}

impl Tick {
    /// The hold that the window asks for, for this scheduled time. The same time gives the same hold.
    pub fn hold(&self, scheduled_at: Timestamp) -> Hold {
        let WindowSpec { window, location, amount, reason, .. } = &self.spec;
        let later = |by| scheduled_at.saturating_add(by).unwrap_or(Timestamp::MAX);
        Hold {
            id: HoldId::new(format!("{window}@{scheduled_at}")),
            scope: location.clone().map_or(HoldScope::All, HoldScope::Location),
            amount: *amount,
            from: scheduled_at,
            until: later(self.spec.hold()),
            by: Actor::Spillway,
            reason: if reason.is_empty() { "pre-warm".to_owned() } else { format!("pre-warm: {reason}") },
            spike_at: Some(later(self.spec.lead())),
            asked: None,
        }
    }
}

/// A context attribute. One that still stands there as a placeholder was not replaced: somebody invoked the function
/// with the schedule's own `Input`. A number is what an unquoted placeholder becomes.
fn attribute(value: Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    let text = text.trim();
    (!text.is_empty() && !text.starts_with("<aws.scheduler.")).then(|| text.to_owned())
}

impl WindowSpec {
    /// Reads a window from a schedule's `Input`.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub fn parse(input: &str) -> Result<Self, SpecError> {
        let value = crate::json::read_value(input)
            .map_err(|JsonError { path, message, .. }| SpecError::Shape { path, message })?;
        Tick::parse(value).map(|tick| tick.spec)
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::HdCalls;
    use crate::ledger::HoldAmount;

    fn refusal(payload: Value) -> String {
        Tick::parse(payload).expect_err("a refusal").to_string()
    }

    fn with(key: &str, value: Value) -> Value {
        let mut payload = json!({"window": "w", "time_zone": "Europe/Oslo"});
        payload[key] = value;
        payload
    }

    #[test]
    fn a_name_and_a_zone_are_enough_for_the_guides_example() {
        let tick = Tick::parse(json!({"window": "weekday-morning", "time_zone": "Europe/Oslo"})).unwrap();
        assert_eq!(tick.spec, WindowSpec::with_defaults("weekday-morning", "Europe/Oslo"));
        assert_eq!(tick.scheduled_at, None);
        assert_eq!(tick.spec.to_string(), "all nodes in all overflow locations");
    }

    #[test]
    fn every_key_is_read() {
        let tick = Tick::parse(json!({
            "window": "w", "time_zone": "UTC", "location": "AWS burst", "amount": {"hd_calls": 50},
            "lead_minutes": 12, "hold_minutes": 90, "skip": ["2026-12-25"], "ignore_licences": true,
            "reason": "all hands", "schedule_arn": "arn:aws:scheduler:eu-west-1:1:schedule/g/w",
            "scheduled_time": "2026-03-02T07:50:00Z", "execution_id": "d32c5", "attempt": "1",
        }))
        .unwrap();
        assert_eq!(tick.spec.amount, HoldAmount::HdCalls(HdCalls(50)));
        assert_eq!(tick.spec.skip, [jiff::civil::date(2026, 12, 25)]);
        assert_eq!(tick.scheduled_at, Some("2026-03-02T07:50:00Z".parse().unwrap()));
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
            let shown = payload.to_string();
            let error = refusal(payload);
            assert!(error.contains(says), "{shown}\n  said: {error}\n  want: {says}");
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
        let tick = Tick::parse(value).unwrap();
        assert_eq!(tick.scheduled_at, None, "a placeholder that nobody replaced");
    }

    #[test]
    fn an_unquoted_placeholder_becomes_a_number_and_is_let_through_where_nothing_reads_it() {
        assert_eq!(Tick::parse(with("attempt", json!(2))).unwrap().scheduled_at, None);
        assert!(refusal(with("scheduled_time", json!(2))).contains("`scheduled_time` is \"2\""));
    }
}
