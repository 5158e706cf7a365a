//! Learning from recorded days: done once a night.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::curve::{coming_maximum, mean, past_mean, smoothed};
use crate::day::{Day, MINUTES, count};
use crate::kind::{DayKind, Week};
use crate::profile::{Curves, LeftOut, Profile, level_ratio, value};

/// Window of the demand that nodes are kept for, minutes.
const STOP_MINUTES: usize = 30;

/// Neighbours with which the spread of a minute is averaged, minutes on either side.
const SMOOTH_MINUTES: usize = 7;

/// Relative spread that is assumed of two days more than there are, so that a few days that happen to agree are not
/// believed to be all there can be.
const ASSUMED_SPREAD: f64 = 0.15;

/// With fewer days than this the safety factor is at least [`LEAST_Z`], whatever the replay of so few says.
const FEW_DAYS: usize = 10;

/// See [`FEW_DAYS`].
const LEAST_Z: f64 = 2.0;

/// Steps of the safety factor, quarters: 0 to 6.
const Z_STEPS: u32 = 24;

/// What an operator asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// The share of the demand that may be refused.
    pub refuse_at_most: f64,
    /// How many days of a kind count: the last ones.
    pub days: usize,
    /// Minutes that a start looks ahead: a boot, a cycle and a late report.
    pub lead: usize,
    /// Days that are no working days whatever their weekday.
    pub holidays: BTreeSet<Date>,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { refuse_at_most: 1.0 / 2_000.0, days: 20, lead: 10, holidays: BTreeSet::new() }
    }
}

/// Learns from days, in any order. `None` where there is not a single one that can be learned from.
pub fn fit(days: &[Day], options: &FitOptions) -> Option<Profile> {
    let mut left_out = Vec::new();
    let mut whole: Vec<Day> = Vec::new();
    for day in days {
        if day.is_whole() { whole.push(day.clone()) } else { left_out.push((day.date, LeftOut::Holes)) }
    }
    whole.sort_by_key(|day| day.date);
    whole.dedup_by_key(|day| day.date);
    let fitted = whole.last()?.date;
    let week = Week::of(&whole, &options.holidays);
    let mut of_kind = |kind: DayKind| {
        let all: Vec<&Day> =
            whole.iter().filter(|day| week.kind(day.date, &options.holidays) == kind).collect();
        let usual = median(all.iter().map(|day| day.mean()).collect());
        let (good, quiet): (Vec<&Day>, Vec<&Day>) =
            all.into_iter().partition(|day| day.mean() >= usual / 2.0);
        left_out.extend(quiet.into_iter().map(|day| (day.date, LeftOut::TooQuiet)));
        let last = good.len().saturating_sub(options.days);
        curves(good.get(last..).unwrap_or_default(), options)
    };
    let (working, quiet) = (of_kind(DayKind::Working), of_kind(DayKind::Quiet));
    left_out.sort_unstable();
    Some(Profile { fitted, working, quiet, left_out, week })
}

/// One day, with what is reckoned from it once.
struct Seen {
    demand: Vec<f64>,
    start: Vec<f64>,
    stop: Vec<f64>,
    ratio: Vec<f64>,
}

fn curves(days: &[&Day], options: &FitOptions) -> Option<Curves> {
    if days.is_empty() {
        return None;
    }
    let demands: Vec<Vec<f64>> = days.iter().map(|day| day.filled()).collect();
    let levels: Vec<Vec<f64>> = demands.iter().map(|demand| past_mean(demand)).collect();
    let level = mean(levels.iter());
    let seen: Vec<Seen> = demands
        .into_iter()
        .zip(&levels)
        .map(|(demand, own)| Seen {
            start: coming_maximum(&demand, options.lead),
            stop: coming_maximum(&demand, STOP_MINUTES),
            ratio: own.iter().zip(&level).map(|(own, usual)| level_ratio(*own, *usual)).collect(),
            demand,
        })
        .collect();
    let start = mean(seen.iter().map(|day| &day.start).collect::<Vec<_>>().into_iter());
    let stop = mean(seen.iter().map(|day| &day.stop).collect::<Vec<_>>().into_iter());
    let start_spread = spread(&seen, &start, |day| &day.start);
    let stop_spread = spread(&seen, &stop, |day| &day.stop);
    let days = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    let mut curves = Curves { days, z: 0.0, unmet: 0.0, start, start_spread, stop, stop_spread, level };
    calibrate(&mut curves, &seen, options);
    Some(curves)
}

/// Standard deviation of the days around the scaled mean, minute by minute.
fn spread(seen: &[Seen], usual: &[f64], of: impl Fn(&Seen) -> &Vec<f64>) -> Vec<f64> {
    let n = count(seen.len());
    // Each day is part of the mean that it is held against.
    let own_part = if seen.len() > 1 { n / (n - 1.0) } else { 1.0 };
    let mut squares = vec![0.0; MINUTES];
    for day in seen {
        let errors = of(day).iter().zip(usual).zip(&day.ratio);
        for (sum, ((largest, usual), ratio)) in squares.iter_mut().zip(errors) {
            let error = (largest - ratio * usual) * own_part;
            *sum += error * error;
        }
    }
    let squares = smoothed(&squares, SMOOTH_MINUTES);
    let at = |(sum, usual): (&f64, &f64)| {
        let assumed = ASSUMED_SPREAD * usual;
        ((sum + 2.0 * assumed * assumed) / (n + 2.0) + 0.5 * usual.max(1.0)).sqrt()
    };
    squares.iter().zip(usual).map(at).collect()
}

/// The smallest safety factor with which a replay of the same days leaves no more unmet than was asked for.
fn calibrate(curves: &mut Curves, seen: &[Seen], options: &FitOptions) {
    let all: f64 = seen.iter().flat_map(|day| &day.demand).sum();
    let unmet = |z: f64| -> f64 {
        let missing = |day: &Seen| -> f64 {
            // What is ordered now is ready after the window, a minute less: the order itself took one.
            let ordered = options.lead.saturating_sub(1);
            (ordered..MINUTES)
                .map(|minute| {
                    let at = minute - ordered;
                    let usual = value(&curves.start, at) * value(&day.ratio, at);
                    let ready = z.mul_add(value(&curves.start_spread, at), usual);
                    (value(&day.demand, minute) - ready).max(0.0)
                })
                .sum()
        };
        if all > 0.0 { seen.iter().map(missing).sum::<f64>() / all } else { 0.0 }
    };
    let least = if seen.len() < FEW_DAYS { LEAST_Z } else { 0.0 };
    let steps = (0..=Z_STEPS).map(|step| f64::from(step) / 4.0).filter(|z| *z >= least);
    for z in steps {
        (curves.z, curves.unmet) = (z, unmet(z));
        if curves.unmet <= options.refuse_at_most {
            return;
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
