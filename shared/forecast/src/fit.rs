//! Learning from recorded days: done once a night.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::cost::CostLimit;
use crate::curve::{Stretch, mean, smoothed};
use crate::day::{Day, LeftOut, MINUTES, count};
use crate::kind::{DayKind, Week};
use crate::profile::{Curves, LARGEST_Z, Profile, Target, level_ratio, value};

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

/// Steps of the safety factor.
const Z_STEP: f64 = 0.25;

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
    /// What a saved call may cost; `None`: whatever it costs.
    pub cost: Option<CostLimit>,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { refuse_at_most: 1.0 / 2_000.0, days: 20, lead: 10, holidays: BTreeSet::new(), cost: None }
    }
}

/// Learns from days, in any order. `None` where there is not a single one that can be learned from.
pub fn fit(days: &[Day], options: &FitOptions) -> Option<Profile> {
    let mut left_out = Vec::new();
    let mut whole: BTreeMap<Date, &Day> = BTreeMap::new();
    for day in days {
        match day.left_out() {
            None => drop(whole.insert(day.date, day)),
            Some(why) => left_out.push((day.date, why)),
        }
    }
    let fitted = *whole.keys().next_back()?;
    let week = Week::of(whole.values().copied(), &options.holidays);
    let mut of_kind = |kind: DayKind| {
        let all: Vec<&Day> =
            whole.values().copied().filter(|day| week.kind(day.date, &options.holidays) == kind).collect();
        let usual = median(all.iter().map(|day| day.mean()).collect());
        let (good, quiet): (Vec<&Day>, Vec<&Day>) =
            all.into_iter().partition(|day| day.mean() >= usual / 2.0);
        left_out.extend(quiet.into_iter().map(|day| (day.date, LeftOut::TooQuiet)));
        let last = good.len().saturating_sub(options.days);
        curves(good.get(last..).unwrap_or_default(), &whole, options)
    };
    let (working, quiet) = (of_kind(DayKind::Working), of_kind(DayKind::Quiet));
    left_out.sort_unstable();
    left_out.dedup();
    Some(Profile { fitted, working, quiet, left_out, week })
}

/// Days with what came before and after midnight. What follows yesterday is not known yet, and a day that was left out is not
/// asked: what followed an earlier day stands for it, so that the evening does not look as if the load ended at midnight.
fn stretches(days: &[&Day], whole: &BTreeMap<Date, &Day>) -> Vec<Stretch> {
    let filled = |date: Date| whole.get(&date).map(|day| day.filled());
    let mut next_day = None;
    days.iter()
        .map(|day| {
            let before = day.date.yesterday().ok().and_then(filled);
            next_day = day.date.tomorrow().ok().and_then(filled).or_else(|| next_day.take());
            Stretch::of(&day.filled(), before.as_deref(), next_day.as_deref())
        })
        .collect()
}

/// One day, with what is reckoned from it once.
struct Seen<'a> {
    demand: &'a Stretch,
    always_on: f64,
    start: Vec<f64>,
    stop: Vec<f64>,
    ratio: Vec<f64>,
}

fn curves(days: &[&Day], whole: &BTreeMap<Date, &Day>, options: &FitOptions) -> Option<Curves> {
    if days.is_empty() {
        return None;
    }
    let demands = stretches(days, whole);
    let levels: Vec<Vec<f64>> = demands.iter().map(Stretch::past_mean).collect();
    let level = mean(levels.iter());
    let seen: Vec<Seen<'_>> = days
        .iter()
        .zip(&demands)
        .zip(&levels)
        .map(|((day, demand), own)| Seen {
            always_on: f64::from(day.always_on),
            start: demand.coming_maximum(options.lead.min(Stretch::AFTER)),
            stop: demand.coming_maximum(STOP_MINUTES),
            ratio: own.iter().zip(&level).map(|(own, usual)| level_ratio(*own, *usual)).collect(),
            demand,
        })
        .collect();
    let start = mean(seen.iter().map(|day| &day.start));
    let stop = mean(seen.iter().map(|day| &day.stop));
    let start_spread = spread(&seen, &start, |day| &day.start);
    let stop_spread = spread(&seen, &stop, |day| &day.stop);
    let days = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    let mut curves = Curves {
        days,
        z: 0.0,
        unmet: 0.0,
        target: Target::Met,
        start,
        start_spread,
        stop,
        stop_spread,
        level,
    };
    calibrate(&mut curves, &seen, options);
    Some(curves)
}

/// Standard deviation of the days around the scaled mean, minute by minute.
fn spread<'a>(seen: &'a [Seen<'a>], usual: &[f64], of: impl Fn(&'a Seen<'a>) -> &'a Vec<f64>) -> Vec<f64> {
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

/// The smallest safety factor with which a replay of the same days leaves no more unmet than was asked for, or the largest
/// that is not too dear.
fn calibrate(curves: &mut Curves, seen: &[Seen<'_>], options: &FitOptions) {
    let least = if seen.len() < FEW_DAYS { LEAST_Z } else { 0.0 };
    let replayed = |z: f64| Replay::of(curves, seen, options, z);
    let mut best = (least, replayed(least));
    let mut target = Target::OutOfReach;
    loop {
        if best.1.share() <= options.refuse_at_most {
            target = Target::Met;
            break;
        }
        let z = best.0 + Z_STEP;
        if z > LARGEST_Z {
            break;
        }
        let next = replayed(z);
        let (capacity, saved) = (next.capacity - best.1.capacity, best.1.unmet - next.unmet);
        if options.cost.is_some_and(|limit| limit.is_passed(capacity, saved)) {
            target = Target::TooDear;
            break;
        }
        best = (z, next);
    }
    (curves.z, curves.unmet, curves.target) = (best.0, best.1.share(), target);
}

/// The recorded days once more, with a safety factor. All in HD calls times minutes.
struct Replay {
    /// All demand.
    demand: f64,
    /// What of it would not have been met.
    unmet: f64,
    /// Capacity above what is always on.
    capacity: f64,
}

impl Replay {
    fn of(curves: &Curves, seen: &[Seen<'_>], options: &FitOptions, z: f64) -> Self {
        // What is ordered now is ready at the end of the window, a minute less: the order itself took one.
        let ordered = options.lead.min(Stretch::AFTER).saturating_sub(1);
        let mut replay = Self { demand: 0.0, unmet: 0.0, capacity: 0.0 };
        for day in seen {
            for at in 0..MINUTES {
                let Some(demand) = day.demand.later(at, ordered) else { break };
                let usual = value(&curves.start, at) * value(&day.ratio, at);
                let ready = z.mul_add(value(&curves.start_spread, at), usual);
                replay.demand += demand;
                replay.unmet += (demand - ready).max(0.0);
                replay.capacity += (ready - day.always_on).max(0.0);
            }
        }
        replay
    }

    /// The share of the demand that would not have been met.
    fn share(&self) -> f64 {
        if self.demand > 0.0 { self.unmet / self.demand } else { 0.0 }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
