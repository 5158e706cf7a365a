//! A recorded day.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Minutes of a day. One of 23 hours lacks sixty of them; in one of 25 hours sixty come twice.
pub const MINUTES: usize = 1_440;

/// A tenth of an HD call is the unit in which demand is kept.
const TENTHS: f64 = 10.0;

/// Stands for a minute of which nothing is known.
const MISSING: u16 = u16::MAX;

/// The largest demand that can be kept, in tenths.
const LARGEST: u16 = MISSING - 1;

/// A minute of a local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalMinute {
    /// The local date.
    pub date: Date,
    /// Minutes since midnight by the local clock, 0 to 1,439.
    pub minute: usize,
}

impl LocalMinute {
    /// The minute of an instant by the clock of a time zone.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let local = at.to_zoned(zone.clone());
        let minute =
            usize::from(local.hour().unsigned_abs()) * 60 + usize::from(local.minute().unsigned_abs());
        Self { date: local.date(), minute }
    }
}

/// The demand of one day, minute by minute, of a principal location and the overflow location that it fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The local date.
    pub date: Date,
    pub(crate) tenths: Vec<u16>,
}

impl Day {
    /// The least share of its minutes that must be known.
    const LEAST_KNOWN: usize = MINUTES * 9 / 10;

    /// The longest gap, minutes: one hour is skipped in spring.
    const LONGEST_GAP: usize = 75;

    /// A day of which nothing is known yet.
    pub fn empty(date: Date) -> Self {
        Self { date, tenths: vec![MISSING; MINUTES] }
    }

    /// Takes what was seen in a minute, HD calls. Of a minute that comes twice, as in autumn, the larger one counts. What is
    /// no number, negative or outside the day is left out.
    pub fn see(&mut self, minute: usize, demand: f64) {
        let Some(kept) = self.tenths.get_mut(minute) else { return };
        if !demand.is_finite() || demand < 0.0 {
            return;
        }
        let seen = to_tenths(demand);
        *kept = if *kept == MISSING { seen } else { seen.max(*kept) };
    }

    /// The demand of a minute, HD calls, where it is known.
    pub fn at(&self, minute: usize) -> Option<f64> {
        self.tenths.get(minute).copied().filter(|tenths| *tenths != MISSING).map(from_tenths)
    }

    /// How many minutes are known.
    pub fn known(&self) -> usize {
        self.tenths.iter().filter(|tenths| **tenths != MISSING).count()
    }

    /// Whether enough of it is known to learn from it.
    pub fn is_whole(&self) -> bool {
        let mut gap = 0;
        let no_long_gap = self.tenths.iter().all(|tenths| {
            gap = if *tenths == MISSING { gap + 1 } else { 0 };
            gap <= Self::LONGEST_GAP
        });
        no_long_gap && self.known() >= Self::LEAST_KNOWN
    }

    /// Every minute, HD calls; a missing one is as the one before it, the first ones as the first that is known.
    pub fn filled(&self) -> Vec<f64> {
        let mut last = (0..MINUTES).find_map(|minute| self.at(minute)).unwrap_or(0.0);
        (0..MINUTES)
            .map(|minute| {
                last = self.at(minute).unwrap_or(last);
                last
            })
            .collect()
    }

    /// Mean demand, HD calls, of the minutes that are known.
    pub fn mean(&self) -> f64 {
        let known: Vec<f64> = (0..MINUTES).filter_map(|minute| self.at(minute)).collect();
        if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / count(known.len()) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and inside the range")]
fn to_tenths(demand: f64) -> u16 {
    (demand * TENTHS).round().clamp(0.0, f64::from(LARGEST)) as u16
}

fn from_tenths(tenths: u16) -> f64 {
    f64::from(tenths) / TENTHS
}

/// A number of days or minutes, to reckon with.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
