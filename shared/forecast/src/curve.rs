//! Curves over the minutes of a day.

use crate::day::{MINUTES, count};

/// Minutes over which a day's level is taken.
pub(crate) const LEVEL_MINUTES: usize = 30;

/// A day as its minutes follow each other: with the end of the day before it and the beginning of the one after it. Midnight
/// by the policy's clock may be nine in the morning where the callers are.
#[derive(Debug)]
pub(crate) struct Stretch {
    values: Vec<f64>,
    /// Where the day begins.
    midnight: usize,
}

impl Stretch {
    /// Minutes of the next day that are looked at: the longest window.
    pub(crate) const AFTER: usize = 60;

    /// A day, with the days on either side where they are known.
    pub(crate) fn of(day: &[f64], before: Option<&[f64]>, after: Option<&[f64]>) -> Self {
        let before = before.unwrap_or_default();
        let before = before.get(before.len().saturating_sub(LEVEL_MINUTES)..).unwrap_or_default();
        let after = after.unwrap_or_default();
        let after = after.get(..Self::AFTER.min(after.len())).unwrap_or_default();
        Self { values: [before, day, after].concat(), midnight: before.len() }
    }

    /// The largest value in the window that begins at each minute and is `minutes` long; where it ends after what is known,
    /// of what is known.
    pub(crate) fn coming_maximum(&self, minutes: usize) -> Vec<f64> {
        self.each_minute(|at| {
            let until = (at + minutes + 1).min(self.values.len());
            self.values.get(at..until).unwrap_or_default().iter().copied().fold(0.0, f64::max)
        })
    }

    /// The mean of the last half hour at each minute.
    pub(crate) fn past_mean(&self) -> Vec<f64> {
        self.each_minute(|at| {
            let from = (at + 1).saturating_sub(LEVEL_MINUTES);
            let past = self.values.get(from..=at).unwrap_or_default();
            past.iter().sum::<f64>() / count(past.len().max(1))
        })
    }

    /// The value so many minutes after a minute of the day, where it is known.
    pub(crate) fn later(&self, minute: usize, by: usize) -> Option<f64> {
        self.values.get(self.midnight + minute + by).copied()
    }

    fn each_minute(&self, of: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..MINUTES).map(|minute| of(self.midnight + minute)).collect()
    }
}

/// The mean of curves, minute by minute.
pub(crate) fn mean<'a>(curves: impl ExactSizeIterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let number = count(curves.len().max(1));
    let mut sums = vec![0.0; MINUTES];
    for curve in curves {
        for (sum, value) in sums.iter_mut().zip(curve) {
            *sum += value / number;
        }
    }
    sums
}

/// Each minute's mean with its neighbours up to `reach` minutes away.
pub(crate) fn smoothed(values: &[f64], reach: usize) -> Vec<f64> {
    (0..values.len())
        .map(|at| {
            let around = values.get(at.saturating_sub(reach)..(at + reach + 1).min(values.len()));
            let around = around.unwrap_or_default();
            around.iter().sum::<f64>() / count(around.len().max(1))
        })
        .collect()
}
