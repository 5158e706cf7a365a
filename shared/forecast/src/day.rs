//! A recorded day.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::demand::{demand, is_cut_off};

/// Minutes of a day. One of 23 hours lacks sixty of them; in one of 25 hours sixty come twice.
pub const MINUTES: usize = 1_440;

/// A fifth of an HD call is the unit in which demand is kept: so the lowest bit is left to say that a minute was cut off.
const FIFTHS: f64 = 5.0;

/// Stands for a minute of which nothing is known.
const MISSING: u16 = u16::MAX;

/// The largest demand that can be kept, in fifths: 6,553 HD calls. What is more is kept as that; the vendor's rule does the
/// rest.
const LARGEST: u16 = (MISSING >> 1) - 1;

/// A day with so many minutes of an outage, an upgrade or a pause is not learned from.
const DISTURBED: u16 = 60;

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

/// What keeps a minute from being like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disturbance {
    /// Most always-on nodes did not report: what was carried is not known.
    Outage,
    /// The platform was upgraded: capacity was missing.
    Upgrade,
    /// An operator had paused Spillway: nothing was started.
    Pause,
}

impl Disturbance {
    /// All of them, in the order in which they are named and stored.
    pub(crate) const ALL: [Self; 3] = [Self::Outage, Self::Upgrade, Self::Pause];
}

/// Why nothing was learned from a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Too many of its minutes are missing.
    Holes,
    /// It carried less than half of what its kind of day usually does: a holiday, or an outage.
    TooQuiet,
    /// An hour or more of it was disturbed.
    Disturbed(Disturbance),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holes => "too many of its minutes are missing",
            Self::TooQuiet => "less than half of the usual load: a holiday or an outage",
            Self::Disturbed(Disturbance::Outage) => "an outage of an hour or more",
            Self::Disturbed(Disturbance::Upgrade) => "an upgrade of an hour or more",
            Self::Disturbed(Disturbance::Pause) => "paused for an hour or more",
        })
    }
}

/// The demand of one day, minute by minute, of a principal location and the overflow location that it fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The local date.
    pub date: Date,
    /// Twice the demand in fifths of an HD call, plus one where the minute was cut off.
    pub(crate) kept: Vec<u16>,
    /// What the always-on nodes could carry, HD calls: the most that was seen. It costs nothing more, whatever is expected.
    pub(crate) always_on: u32,
    /// Minutes of each disturbance.
    pub(crate) disturbed: [u16; Disturbance::ALL.len()],
}

impl Day {
    /// The least share of its minutes that must be known.
    const LEAST_KNOWN: usize = MINUTES * 9 / 10;

    /// The longest gap, minutes: one hour is skipped in spring.
    const LONGEST_GAP: usize = 75;

    /// A day of which nothing is known yet.
    pub fn empty(date: Date) -> Self {
        Self { date, kept: vec![MISSING; MINUTES], always_on: 0, disturbed: [0; Disturbance::ALL.len()] }
    }

    /// Takes what was carried and what was free in a minute, HD calls. Where next to nothing was free, more may have been
    /// wanted ([`demand`]): the minute is marked as cut off.
    pub fn record(&mut self, minute: usize, used: f64, free: f64) {
        if free.is_finite() {
            self.take(minute, demand(used, free), is_cut_off(free));
        }
    }

    /// Takes the demand of a minute, HD calls. Of a minute that comes twice, as in autumn, the larger one counts. What is
    /// no number, negative or outside the day is left out.
    pub fn see(&mut self, minute: usize, demand: f64) {
        self.take(minute, demand, false);
    }

    fn take(&mut self, minute: usize, demand: f64, cut_off: bool) {
        let Some(kept) = self.kept.get_mut(minute) else { return };
        if !demand.is_finite() || demand < 0.0 {
            return;
        }
        let seen = to_fifths(demand) << 1 | u16::from(cut_off);
        *kept = if *kept == MISSING { seen } else { seen.max(*kept) };
    }

    /// Takes what the always-on nodes could carry in a minute, HD calls.
    pub fn see_always_on(&mut self, hd_calls: u32) {
        self.always_on = self.always_on.max(hd_calls);
    }

    /// Counts a minute of a disturbance. What is known of the minute beside that is for [`Day::record`].
    pub fn disturb(&mut self, by: Disturbance) {
        if let Some(minutes) = self.disturbed.get_mut(by as usize) {
            *minutes = minutes.saturating_add(1);
        }
    }

    /// Minutes of a disturbance.
    pub fn disturbed(&self, by: Disturbance) -> u16 {
        self.disturbed.get(by as usize).copied().unwrap_or(0)
    }

    /// The demand of a minute, HD calls, where it is known.
    pub fn at(&self, minute: usize) -> Option<f64> {
        self.known_at(minute).map(from_kept)
    }

    /// Whether a minute was cut off: next to nothing was free, and its demand is an estimate.
    pub fn is_cut_off(&self, minute: usize) -> bool {
        self.known_at(minute).is_some_and(|kept| kept & 1 == 1)
    }

    fn known_at(&self, minute: usize) -> Option<u16> {
        self.kept.get(minute).copied().filter(|kept| *kept != MISSING)
    }

    /// How many minutes are known.
    pub fn known(&self) -> usize {
        self.kept.iter().filter(|kept| **kept != MISSING).count()
    }

    /// Why nothing is learned from the day, as far as it alone can say; `None`: it can be learned from.
    pub fn left_out(&self) -> Option<LeftOut> {
        let disturbed = Disturbance::ALL.into_iter().filter(|by| self.disturbed(*by) >= DISTURBED);
        let longest = disturbed.max_by_key(|by| self.disturbed(*by)).map(LeftOut::Disturbed);
        longest.or_else(|| (!self.is_whole()).then_some(LeftOut::Holes))
    }

    /// Whether enough of its minutes is known to learn from it.
    pub fn is_whole(&self) -> bool {
        let mut gap = 0;
        let no_long_gap = self.kept.iter().all(|kept| {
            gap = if *kept == MISSING { gap + 1 } else { 0 };
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

fn to_fifths(demand: f64) -> u16 {
    (demand * FIFTHS).round().clamp(0.0, f64::from(LARGEST)) as u16
}

fn from_kept(kept: u16) -> f64 {
    f64::from(kept >> 1) / FIFTHS
}

/// A number of days or minutes, to reckon with.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
