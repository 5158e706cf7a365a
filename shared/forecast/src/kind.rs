//! Kinds of day: a platform of an office is empty on Sundays, and one of a hospital is not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::day::{Day, count};

/// What a day is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// A weekday on which the platform is used about as much as on its busiest one.
    Working,
    /// Any other, and every holiday.
    Quiet,
}

/// Which weekdays are working days, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Week(pub(crate) [bool; 7]);

impl Week {
    /// Before anything is known.
    const USUAL: [bool; 7] = [true, true, true, true, true, false, false];

    /// A weekday is a working day if its mean load is at least half of the busiest weekday's. One that was never seen is
    /// what it usually is.
    pub(crate) fn of<'a>(days: impl Iterator<Item = &'a Day>, holidays: &BTreeSet<Date>) -> Self {
        let mut sums: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for day in days.filter(|day| !holidays.contains(&day.date)) {
            let (sum, seen) = sums.entry(index(day.date.weekday())).or_default();
            *sum += day.mean();
            *seen += 1;
        }
        let mean = |(sum, seen): &(f64, usize)| sum / count(*seen);
        let busiest = sums.values().map(mean).fold(0.0, f64::max);
        let mut week = Self::USUAL;
        for (day, sum) in &sums {
            if let Some(working) = week.get_mut(*day) {
                *working = busiest > 0.0 && mean(sum) >= busiest / 2.0;
            }
        }
        Self(week)
    }

    pub(crate) fn kind(self, date: Date, holidays: &BTreeSet<Date>) -> DayKind {
        let working = self.0.get(index(date.weekday())).copied().unwrap_or(true);
        if working && !holidays.contains(&date) { DayKind::Working } else { DayKind::Quiet }
    }
}

fn index(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs())
}
