//! Which part of a trace is played, and how: its calls, put on the time line.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Trace, TraceError, What};
use crate::callers::Arrival;

/// Which part of a trace is played, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// First day; the first day with data if `None`.
    pub day: Option<Date>,
    /// Number of days on the calendar, without a gap.
    pub days: u32,
    /// Play the first day on this date instead of its own.
    pub onto: Option<Date>,
    /// Time zone of the trace's wall clock.
    pub zone: TimeZone,
    /// Keep each call with this probability (below 1), or repeat calls with a jitter (above 1).
    pub scale: f64,
    /// Seed.
    pub seed: u64,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self { day: None, days: 1, onto: None, zone: TimeZone::UTC, scale: 1.0, seed: 1 }
    }
}

/// A repeated call comes this much earlier or later than the original at most, where the trace has no interval.
const JITTER_SECONDS: f64 = 150.0;
/// Scales beyond this are a slip of the keyboard.
const LARGEST_SCALE: f64 = 1_000.0;

impl Trace {
    /// The calls of the days asked for.
    pub fn arrivals(&self, options: &TraceOptions) -> Result<Vec<Arrival>, TraceError> {
        if !(options.scale > 0.0 && options.scale <= LARGEST_SCALE) {
            return Err(TraceError::Option {
                option: "scale",
                found: options.scale.to_string(),
                expected: "a number above 0 and at most 1000",
            });
        }
        if options.days == 0 {
            return Err(TraceError::Option {
                option: "days",
                found: "0".to_owned(),
                expected: "at least one day",
            });
        }
        let (first, last) = self.period();
        let from = options.day.unwrap_or(first);
        let until = from.saturating_add(SignedDuration::from_hours(24 * i64::from(options.days)));
        if !self.rows.iter().any(|(at, _)| at.date() == from) {
            return Err(TraceError::NoSuchDay { file: self.file.clone(), wanted: from, first, last });
        }
        if let Some((day, line)) = self.repeated.iter().find(|(day, _)| (from..until).contains(day)) {
            return Err(TraceError::RepeatedHour { file: self.file.clone(), line: *line, day: *day });
        }
        let chosen = self.rows.iter().filter(|(at, _)| at.date() >= from && at.date() < until);
        let mut placing = Placing {
            rng: ChaCha8Rng::seed_from_u64(options.seed ^ 0x0074_7261_6365),
            jitter: self.step.map_or(JITTER_SECONDS, |step| step.as_secs_f64() / 2.0),
            scale: options.scale,
            moved: options.onto.map_or(SignedDuration::ZERO, |onto| onto.duration_since(from)),
            from,
            until,
            zone: &options.zone,
            arrivals: Vec::new(),
        };
        for (at, what) in chosen {
            match *what {
                What::Lasts(duration) => placing.call(*at, Some(duration)),
                What::Calls(count) => {
                    let step = self.step.unwrap_or(SignedDuration::from_mins(5)).as_secs_f64();
                    for _ in 0..count {
                        let within = placing.rng.random::<f64>() * step;
                        placing.call(shift(*at, within), None);
                    }
                }
            }
        }
        let mut arrivals = placing.arrivals;
        arrivals.sort_unstable();
        Ok(arrivals)
    }
}

/// Puts calls on the time line.
struct Placing<'a> {
    rng: ChaCha8Rng,
    jitter: f64,
    scale: f64,
    moved: SignedDuration,
    from: Date,
    until: Date,
    zone: &'a TimeZone,
    arrivals: Vec<Arrival>,
}

impl Placing<'_> {
    /// A call of the trace, as often as the scale says.
    fn call(&mut self, at: DateTime, duration: Option<SignedDuration>) {
        let whole = self.scale.floor();
        let copies = whole as u32 + u32::from(self.rng.random::<f64>() < self.scale - whole);
        for copy in 0..copies {
            let shifted = if copy == 0 {
                at
            } else {
                shift(at, self.rng.random_range(-self.jitter..self.jitter.max(f64::MIN_POSITIVE)))
            };
            // A copy stays within the days that were asked for.
            let first = DateTime::from_parts(self.from, Time::midnight());
            let last = shift(DateTime::from_parts(self.until, Time::midnight()), -1.0);
            let played = shifted.clamp(first, last).saturating_add(self.moved);
            let Ok(zoned) = self.zone.to_ambiguous_zoned(played).compatible() else { continue };
            self.arrivals.push(Arrival { at: to_millisecond(zoned.timestamp()), duration });
        }
    }
}

pub(super) fn shift(at: DateTime, seconds: f64) -> DateTime {
    let by = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
    at.saturating_add(by)
}

fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
