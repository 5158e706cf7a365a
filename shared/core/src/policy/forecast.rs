//! Starting before the threshold: what an operator decides of the forecast.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::PolicyError;

/// The forecast of demand. The vendor's threshold stays underneath, whatever is set here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForecastPolicy {
    /// Whether nodes are started, and kept, for what is expected.
    pub enabled: bool,
    /// The share of calls that may be refused: the margin is chosen so that a replay of the recorded days meets it.
    pub refuse_at_most: OneIn,
    /// IANA time zone in which days and minutes are counted; none: UTC.
    pub time_zone: Option<String>,
    /// How far ahead a start looks: a boot, a cycle and a late report.
    pub lead: SignedDuration,
    /// How many days of a kind are learned from: the last ones.
    pub days: u32,
    /// Dates that are no working days, whatever their weekday.
    pub holidays: BTreeSet<Date>,
    /// Most nodes of an overflow location that are up because of the forecast alone; none: no limit.
    pub max_extra_nodes: Option<u32>,
    /// Where one more saved call would cost more node-hours than this, the margin is not widened further; none: no limit.
    pub most_node_hours_per_call: Option<f64>,
}

impl Default for ForecastPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            refuse_at_most: OneIn(2_000),
            time_zone: None,
            lead: SignedDuration::from_mins(10),
            days: 20,
            holidays: BTreeSet::new(),
            max_extra_nodes: None,
            most_node_hours_per_call: None,
        }
    }
}

impl ForecastPolicy {
    /// The vendor's rule alone.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// The time zone in which days and minutes are counted.
    pub fn zone(&self) -> TimeZone {
        let named = self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        named.unwrap_or(TimeZone::UTC)
    }

    /// How far ahead a start looks, minutes.
    pub fn lead_minutes(&self) -> usize {
        usize::try_from(self.lead.as_mins()).unwrap_or(0)
    }

    pub(super) fn validate(&self) -> Result<(), PolicyError> {
        let refuse = |key: &str, value: String, range: &str| {
            let key = format!("forecast.{key}");
            Err(PolicyError::Range { key, value, range: range.to_owned() })
        };
        if let Some(name) = &self.time_zone
            && TimeZone::get(name).is_err()
        {
            return refuse("time_zone", format!("{name:?}"), "an IANA time zone, such as Europe/Oslo");
        }
        let (least, most) = (SignedDuration::from_mins(1), SignedDuration::from_mins(60));
        if self.lead < least || self.lead > most {
            return refuse("lead", format!("{:#}", self.lead), "1m to 1h");
        }
        if !(1..=56).contains(&self.days) {
            return refuse("days", self.days.to_string(), "1 to 56");
        }
        if !(2..=1_000_000).contains(&self.refuse_at_most.0) {
            return refuse(
                "refuse_at_most",
                self.refuse_at_most.to_string(),
                "\"1 in 2\" to \"1 in 1000000\"",
            );
        }
        if let Some(most) = self.max_extra_nodes.filter(|most| *most > 10_000) {
            return refuse("max_extra_nodes", most.to_string(), "0 to 10000");
        }
        if let Some(most) = self.most_node_hours_per_call
            && !(most > 0.0 && most <= 1_000.0)
        {
            let range = "more than 0, up to 1000; leave it out for no limit";
            return refuse("most_node_hours_per_call", most.to_string(), range);
        }
        Ok(())
    }
}

/// A share of calls: one in so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OneIn(pub u32);

impl OneIn {
    /// As a share of one.
    pub fn share(self) -> f64 {
        1.0 / f64::from(self.0.max(1))
    }
}

impl fmt::Display for OneIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 in {}", self.0)
    }
}

impl From<OneIn> for String {
    fn from(share: OneIn) -> Self {
        share.to_string()
    }
}

impl TryFrom<String> for OneIn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.trim().strip_prefix("1 in ").and_then(|number| number.trim().parse().ok());
        number.map(Self).ok_or_else(|| format!("{text:?} is no share of calls; write \"1 in 2000\""))
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    #[test]
    fn every_refusal_names_the_key_and_what_is_allowed() {
        let table = [
            (r#""refuse_at_most":"0.05 %""#, "is no share of calls; write \"1 in 2000\""),
            (r#""refuse_at_most":"1 in 1""#, "`forecast.refuse_at_most` is 1 in 1; it must be \"1 in 2\""),
            (r#""refuse_at_most":0.001"#, "`forecast.refuse_at_most`: invalid type"),
            (r#""time_zone":"Oslo""#, "`forecast.time_zone` is \"Oslo\"; it must be an IANA time zone"),
            (r#""lead":"2h""#, "`forecast.lead` is 2h; it must be 1m to 1h"),
            (r#""days":0"#, "`forecast.days` is 0; it must be 1 to 56"),
            (r#""holidays":["24.12."]"#, "`forecast.holidays"),
            (r#""max_extra_nodes":10001"#, "`forecast.max_extra_nodes` is 10001; it must be 0 to 10000"),
            (
                r#""most_node_hours_per_call":0"#,
                "`forecast.most_node_hours_per_call` is 0; it must be more than 0, up to 1000; leave it out",
            ),
            (r#""most_node_hours_per_call":"2 h""#, "`forecast.most_node_hours_per_call`: invalid type"),
            (r#""max_extra":1"#, "unknown field `max_extra`"),
        ];
        for (keys, says) in table {
            let json = format!(r#"{{"tag_value":"m","forecast":{{{keys}}}}}"#);
            let error = Policy::parse(&json).expect_err("a refusal").to_string();
            assert!(error.contains(says), "{json}\n  said: {error}\n  want: {says}");
        }
    }

    #[test]
    fn what_is_set_is_read_and_written_as_people_write_it() {
        let json = r#"{"tag_value":"m","forecast":{"refuse_at_most":"1 in 500","time_zone":"Europe/Oslo",
            "holidays":["2026-12-25"],"lead":"8m","max_extra_nodes":2,"most_node_hours_per_call":1.5}}"#;
        let policy = Policy::parse(json).expect("valid");
        let written = serde_json::to_string(&policy).expect("json");
        assert!(written.contains(r#""refuse_at_most":"1 in 500""#), "{written}");
        assert_eq!(Policy::parse(&written).expect("valid"), policy);
        assert!((policy.forecast.refuse_at_most.share() - 0.002).abs() < 1e-12);
        assert_eq!(policy.forecast.lead_minutes(), 8);
    }
}
