//! Curves over the minutes of a day.

use crate::day::{MINUTES, count};

/// Minutes over which a day's level is taken.
pub(crate) const LEVEL_MINUTES: usize = 30;

/// The largest value in the window that begins at each minute and is `minutes` long; at the end of the day what there is.
pub(crate) fn coming_maximum(values: &[f64], minutes: usize) -> Vec<f64> {
    (0..values.len())
        .map(|from| {
            let until = (from + minutes + 1).min(values.len());
            values.get(from..until).unwrap_or_default().iter().copied().fold(0.0, f64::max)
        })
        .collect()
}

/// The mean of the last half hour at each minute.
pub(crate) fn past_mean(values: &[f64]) -> Vec<f64> {
    (0..values.len())
        .map(|until| {
            let from = (until + 1).saturating_sub(LEVEL_MINUTES);
            let past = values.get(from..=until).unwrap_or_default();
            past.iter().sum::<f64>() / count(past.len().max(1))
        })
        .collect()
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
