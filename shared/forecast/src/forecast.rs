//! What a cycle is given.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use crate::day::{LocalMinute, MINUTES};
use crate::kind::DayKind;
use crate::profile::{Profile, value};
use crate::recent::Recent;

/// A profile that is older than this is not believed any more, days.
pub const PROFILE_LASTS_DAYS: i32 = 7;

/// Minutes of the present rise that are added: a boot, a cycle and a late report.
const RISE_MINUTES: f64 = 7.0;

/// With so many days the profile is asked whether a rise is usual at this time.
const GATE_DAYS: u32 = 3;

/// Minutes whose largest demand is held against the profile.
const GATE_MINUTES: i64 = 5;

/// What the profile expects.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// The largest demand of the start window, HD calls, without the margin.
    pub demand: f64,
    /// What is added for safety, HD calls.
    pub margin: f64,
    /// The end of the start window, local time.
    pub by: Time,
    /// The end of the stop window, local time.
    pub kept_until: Time,
    /// Days that were learned from.
    pub days: u32,
    /// What kind of day it is.
    pub kind: DayKind,
    /// Today's level over the usual one.
    pub level: f64,
}

/// What is to be expected of a principal location, HD calls: for the planner, which asks nothing else of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Capacity to have or to order.
    pub start: f64,
    /// Capacity not to give up.
    pub stop: f64,
    /// Demand at present.
    pub demand: f64,
    /// What of it the profile says, where there is one.
    pub expected: Option<Expected>,
    /// The rise that raised both needs, HD calls a minute, where one did.
    pub rise: Option<f64>,
    /// The local minute.
    pub at: Time,
}

impl Forecast {
    /// Why capacity is started for.
    pub fn why_start(&self) -> String {
        match (self.rise, &self.expected) {
            (Some(rise), Some(_)) => {
                format!("load is rising {} a minute, above what {} usually has", Calls(rise), Clock(self.at))
            }
            (Some(rise), None) => format!("load is rising {} a minute", Calls(rise)),
            (None, Some(expected)) => format!("expected up to {expected}"),
            (None, None) => "nothing is expected".to_owned(),
        }
    }

    /// Why capacity is kept.
    pub fn why_keep(&self) -> String {
        match (&self.expected, self.rise) {
            (Some(expected), None) => {
                format!("up to {} expected by {}", Calls(self.stop), Clock(expected.kept_until))
            }
            _ => self.why_start(),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = ((self.level - 1.0) * 100.0).round();
        let today = match level {
            level if level >= 1.0 => format!("today {level:.0} % above usual"),
            level if level <= -1.0 => format!("today {:.0} % below usual", -level),
            _ => "today as usual".to_owned(),
        };
        let total = Calls(self.demand + self.margin);
        let kind = match self.kind {
            DayKind::Working => "working",
            DayKind::Quiet => "quiet",
        };
        let days = if self.days == 1 { "day" } else { "days" };
        write!(f, "{total} HD calls by {} ({} {kind} {days}, {today}", Clock(self.by), self.days)?;
        write!(f, ", margin {})", Calls(self.margin))
    }
}

/// HD calls, whole ones where that is enough to know.
struct Calls(f64);

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1.0 { write!(f, "{:.1}", self.0) } else { write!(f, "{:.0}", self.0.ceil()) }
    }
}

struct Clock(Time);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%H:%M"))
    }
}

/// What is to be expected, from what was learned and from the last half hour. `None` where neither says anything: without
/// a demand of just now nothing is known.
pub fn forecast(
    profile: Option<&Profile>,
    recent: &Recent,
    now: LocalMinute,
    lead: usize,
    holidays: &BTreeSet<Date>,
) -> Option<Forecast> {
    let demand = recent.last()?.demand;
    let lately = |profile: &&Profile| {
        let age = now.date.since(profile.fitted).map_or(i32::MAX, |age| age.get_days());
        (0..=PROFILE_LASTS_DAYS).contains(&age)
    };
    let curves = profile.filter(lately).and_then(|profile| profile.curves(now.date, holidays));
    let (mut start, mut stop, mut expected) = (0.0_f64, 0.0_f64, None);
    if let Some(curves) = curves {
        let level = recent.level().map_or(1.0, |level| curves.level_ratio(now.minute, level));
        start = curves.needed_to_start(now.minute, level);
        stop = curves.needed_to_stop(now.minute, level);
        let usual = value(&curves.start, now.minute) * level;
        expected = Some(Expected {
            demand: usual,
            margin: start - usual,
            by: clock(now.minute + lead),
            kept_until: clock(now.minute + 30),
            days: curves.days,
            kind: profile.map_or(DayKind::Working, |profile| profile.kind(now.date, holidays)),
            level,
        });
    }
    let usual = curves.is_some_and(|curves| {
        let bound =
            0.5_f64.mul_add(value(&curves.start_spread, now.minute), value(&curves.start, now.minute));
        curves.days >= GATE_DAYS && recent.maximum(GATE_MINUTES) <= bound
    });
    let needed = |rise: f64| rise.mul_add(RISE_MINUTES, demand);
    let rise = recent.rise().filter(|rise| !usual && needed(*rise) > start);
    if let Some(rise) = rise {
        start = start.max(needed(rise));
        stop = stop.max(needed(rise));
    }
    let at = clock(now.minute);
    let known = (expected.is_some() || rise.is_some()) && start.is_finite() && stop.is_finite();
    known.then_some(Forecast { start, stop, demand, expected, rise, at })
}

/// The local time of a minute; after midnight the next day's.
fn clock(minute: usize) -> Time {
    let minute = minute % MINUTES;
    let part = |value: usize| i8::try_from(value).unwrap_or(0);
    Time::new(part(minute / 60), part(minute % 60), 0, 0).unwrap_or(Time::midnight())
}
