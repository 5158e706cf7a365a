//! Schedule expressions: `cron(...)`, `rate(...)`, `at(...)` (EventBridge Scheduler user guide: *Schedule types*). An
//! expression is civil time; when that is an instant is asked of the zone, in [`crate::firing`].

use crate::error::ExpressionError;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use crate::days::Days;
use crate::field::{HOURS, MINUTES, MONTH, YEAR};

/// An expression, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    text: String,
    pub(crate) when: When,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    Cron(Cron),
    /// Every so often, from the start date or the creation. A day is 24 hours, whatever the clocks do.
    Rate(SignedDuration),
    At(DateTime),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    days: Days,
    months: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let text = text.trim();
        let inside = |kind: &str| text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
        let when = if let Some(fields) = inside("cron") {
            When::Cron(Cron::parse(fields)?)
        } else if let Some(rate) = inside("rate") {
            When::Rate(parse_rate(rate).ok_or_else(|| ExpressionError::Rate { found: rate.to_owned() })?)
        } else if let Some(at) = inside("at") {
            When::At(parse_at(at).ok_or_else(|| ExpressionError::At { found: at.to_owned() })?)
        } else {
            return Err(ExpressionError::Kind { found: text.to_owned() });
        };
        Ok(Self { text: text.to_owned(), when })
    }
}

fn parse_rate(text: &str) -> Option<SignedDuration> {
    let mut words = text.split_whitespace();
    let (value, unit) = (words.next()?, words.next()?);
    if words.next().is_some() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Enough for a thousand years in minutes; beyond it is a slip of the finger.
    let value: i64 = value.parse().ok().filter(|value| (1..=525_600_000).contains(value))?;
    match unit {
        "minute" | "minutes" => SignedDuration::try_from_mins(value),
        "hour" | "hours" => SignedDuration::try_from_hours(value),
        "day" | "days" => SignedDuration::try_from_hours(value.checked_mul(24)?),
        _ => None,
    }
}

fn parse_at(text: &str) -> Option<DateTime> {
    // jiff takes more than Scheduler does (spaces, fractions, missing seconds).
    let shape = text.len() == 19 && text.as_bytes().get(10) == Some(&b'T');
    shape.then(|| text.parse().ok()).flatten()
}

impl Expression {
    /// A one-time schedule.
    pub fn at(when: DateTime) -> Self {
        let when = when.with().subsec_nanosecond(0).build().unwrap_or(when);
        Self { text: format!("at({})", when.strftime("%Y-%m-%dT%H:%M:%S")), when: When::At(when) }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it fires once and never again.
    pub fn is_once(&self) -> bool {
        matches!(self.when, When::At(_))
    }

    /// The date of one that fires once.
    pub fn only_date(&self) -> Option<Date> {
        match &self.when {
            When::At(at) => Some(at.date()),
            When::Cron(_) | When::Rate(_) => None,
        }
    }

    /// The times of day that it names; none for a rate, which has none.
    pub fn times(&self) -> Vec<Time> {
        match &self.when {
            When::Cron(cron) => cron.times().collect(),
            When::At(at) => vec![at.time()],
            When::Rate(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Cron {
    fn parse(text: &str) -> Result<Self, ExpressionError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, month, of_week, year] = fields[..] else {
            return Err(ExpressionError::Fields { found: text.to_owned(), count: fields.len() });
        };
        Ok(Self {
            minutes: MINUTES.set(minutes)?,
            hours: HOURS.set(hours)?,
            days: Days::parse(of_month, of_week)?,
            months: MONTH.set(month)?,
            years: YEAR.set(year)?,
        })
    }

    /// Whether it names a date.
    pub(crate) fn names(&self, date: Date) -> bool {
        let of = |set: &BTreeSet<u16>, value: i16| set.contains(&value.unsigned_abs());
        of(&self.years, date.year()) && of(&self.months, i16::from(date.month())) && self.days.contain(date)
    }

    /// The times of a day that it names, in order.
    pub(crate) fn times(&self) -> impl Iterator<Item = Time> {
        self.hours.iter().flat_map(|hour| {
            self.minutes.iter().filter_map(|minute| {
                Time::new(i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?, 0, 0).ok()
            })
        })
    }
}
