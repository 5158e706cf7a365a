//! What was learned from the recorded days of a principal location and its overflow location.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::day::{LeftOut, MINUTES};
use crate::kind::{DayKind, Week};

/// Added to either side of a level before they are compared, HD calls: about a node, so that two calls at night instead of
/// one are not twice as busy a day.
const LEVEL_FLOOR: f64 = 17.0;

/// How far a day's level may be from the usual one and still scale the profile.
const LEVEL_RANGE: (f64, f64) = (0.4, 2.5);

/// The largest safety factor.
pub(crate) const LARGEST_Z: f64 = 6.0;

/// Whether the safety factor leaves no more unmet than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// It does.
    Met,
    /// A larger one costs more node-hours for each call that it saves than the policy allows.
    TooDear,
    /// The largest one does not.
    OutOfReach,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "the target of `forecast.refuse_at_most` is met on the days that were learned from",
            Self::TooDear => {
                "the target of `forecast.refuse_at_most` is not met: the next call saved would cost more than \
                 `forecast.most_node_hours_per_call` allows; raise that to come closer"
            }
            Self::OutOfReach => {
                "the target of `forecast.refuse_at_most` is not met: these days differ too much for any margin; \
                 set a larger share, such as \"1 in 500\""
            }
        })
    }
}

/// One kind of day, minute by minute, HD calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// How many days it was learned from.
    pub days: u32,
    /// The safety factor: standard deviations that are added.
    pub z: f64,
    /// The share of the demand of those days that would not have been met with it, replayed.
    pub unmet: f64,
    /// Whether that is what was asked for, and why not.
    pub target: Target,
    /// Mean over the days of the largest demand in the start window.
    pub start: Vec<f64>,
    /// Its standard deviation.
    pub start_spread: Vec<f64>,
    /// Mean over the days of the largest demand in the stop window.
    pub stop: Vec<f64>,
    /// Its standard deviation.
    pub stop_spread: Vec<f64>,
    /// Mean over the days of the mean demand of the last half hour.
    pub level: Vec<f64>,
}

impl Curves {
    /// How today compares with the days that were learned from: the last half hour's mean over the usual one's.
    pub fn level_ratio(&self, minute: usize, last_half_hour: f64) -> f64 {
        let usual = self.level.get(minute).copied().unwrap_or(0.0);
        level_ratio(last_half_hour, usual)
    }

    /// Demand to be ready for in the start window of a minute.
    pub fn needed_to_start(&self, minute: usize, ratio: f64) -> f64 {
        value(&self.start, minute).mul_add(ratio, self.z * value(&self.start_spread, minute))
    }

    /// Demand below which no capacity is given up. Never less than what is started for.
    pub fn needed_to_stop(&self, minute: usize, ratio: f64) -> f64 {
        let stop = value(&self.stop, minute).mul_add(ratio, self.z * value(&self.stop_spread, minute));
        stop.max(self.needed_to_start(minute, ratio))
    }
}

pub(crate) fn level_ratio(now: f64, usual: f64) -> f64 {
    let ratio = (now + LEVEL_FLOOR) / (usual + LEVEL_FLOOR);
    if ratio.is_finite() { ratio.clamp(LEVEL_RANGE.0, LEVEL_RANGE.1) } else { 1.0 }
}

pub(crate) fn value(curve: &[f64], minute: usize) -> f64 {
    curve.get(minute % MINUTES).copied().unwrap_or(0.0)
}

/// What was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The last day that it knows.
    pub fitted: Date,
    /// Working days, once there is one.
    pub working: Option<Curves>,
    /// The other days, once there is one.
    pub quiet: Option<Curves>,
    /// The days that nothing was learned from.
    pub left_out: Vec<(Date, LeftOut)>,
    pub(crate) week: Week,
}

impl Profile {
    /// What kind of day a date is.
    pub fn kind(&self, date: Date, holidays: &BTreeSet<Date>) -> DayKind {
        self.week.kind(date, holidays)
    }

    /// The curves of a date, where any were learned for its kind.
    pub fn curves(&self, date: Date, holidays: &BTreeSet<Date>) -> Option<&Curves> {
        match self.kind(date, holidays) {
            DayKind::Working => self.working.as_ref(),
            DayKind::Quiet => self.quiet.as_ref(),
        }
    }
}
