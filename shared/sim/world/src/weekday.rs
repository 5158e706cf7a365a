//! The built-in weekday, for those who have no trace: the guide's own example. A spike at nine every morning, 20 %
//! of it for the rest of the day; most calls start within two minutes before and five after the hour and the half
//! hour. It is a stand-in, and says so wherever it is reported.

use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use crate::callers::{Arrival, Callers};
use crate::load_model::LoadModel;

/// A weekday of the guide's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Weekday {
    /// Date of the first day.
    pub date: Date,
    /// Number of days, all alike.
    pub days: u32,
    /// HD calls wanted at the top of the spike.
    pub peak: u32,
    /// The rest of the day, as a share of the spike.
    pub rest: f64,
    /// Hour of the spike.
    pub spike_hour: i8,
    /// Working hours, from and to.
    pub hours: (i8, i8),
    /// Share of calls that start around :00 and :30.
    pub on_the_half_hour: f64,
    /// Time zone of the office.
    pub zone: TimeZone,
}

impl Weekday {
    /// A weekday with this many HD calls at the top of the spike.
    pub fn with_peak(date: Date, peak: u32) -> Self {
        Self {
            date,
            days: 1,
            peak,
            rest: 0.2,
            spike_hour: 9,
            hours: (7, 19),
            on_the_half_hour: 0.7,
            zone: TimeZone::UTC,
        }
    }

    /// The callers: as many as make the peak, found by trying.
    pub fn callers(&self, model: &LoadModel, seed: u64) -> Callers {
        self.fitted(model, seed).1
    }

    /// Callers in the spike that make the peak, and all callers.
    fn fitted(&self, model: &LoadModel, seed: u64) -> (f64, Callers) {
        let wanted = f64::from(self.peak.max(1));
        // A first guess: half an HD call each.
        let mut spike = wanted * 1.5;
        let mut best: Option<(f64, f64, Callers)> = None;
        // The load is nearly linear in the callers; a town hall more or less makes it lumpy, so steps get smaller
        // and the nearest try counts.
        for attempt in 0..24 {
            let callers = Callers::from_arrivals(self.arrivals(spike, seed), model, seed);
            let peak = callers.peak().map_or(0.0, |(load, _)| load.hd());
            let off = (peak - wanted).abs();
            if best.as_ref().is_none_or(|(least, ..)| off < *least) {
                best = Some((off, spike, callers));
            }
            if off <= wanted * 0.02 || peak <= 0.0 {
                break;
            }
            let eagerness = [1.0, 0.6, 0.3][attempt % 3];
            spike *= (wanted / peak).powf(eagerness).clamp(0.5, 2.0);
        }
        best.map(|(_, spike, callers)| (spike, callers)).unwrap_or_default()
    }

    /// The callers of the weekdays among so many days before this one. Days differ: each has a level of its own, drawn
    /// log-normally (sigma 0.1), and callers of its own.
    pub fn callers_before(&self, days: u32, model: &LoadModel, seed: u64) -> Callers {
        const LEVEL_SIGMA: f64 = 0.1;
        let (spike, _) = self.fitted(model, seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x0062_6566_6f72_6521);
        let level = LogNormal::new(-LEVEL_SIGMA * LEVEL_SIGMA / 2.0, LEVEL_SIGMA);
        let mut arrivals = Vec::new();
        for ago in (1..=days).rev() {
            let date = self.date.saturating_sub(SignedDuration::from_hours(24 * i64::from(ago)));
            let level = level.map_or(1.0, |level| level.sample(&mut rng));
            if !matches!(date.weekday(), civil::Weekday::Saturday | civil::Weekday::Sunday) {
                let day = Self { date, days: 1, ..self.clone() };
                arrivals.extend(day.arrivals(spike * level, seed ^ (u64::from(ago) << 32)));
            }
        }
        arrivals.sort_unstable();
        Callers::from_arrivals(arrivals, model, seed ^ (1 << 32))
    }

    /// Arrivals with so many callers in the spike.
    fn arrivals(&self, spike: f64, seed: u64) -> Vec<Arrival> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x0077_6565_6b64_6179);
        let mut arrivals = Vec::new();
        for day in 0..self.days {
            let date = self.date.saturating_add(SignedDuration::from_hours(24 * i64::from(day)));
            for hour in self.hours.0..self.hours.1 {
                for minute in [0_i8, 30] {
                    let is_spike = hour == self.spike_hour && minute == 0;
                    // Calls last about one and a third half hours, so as many must start in each for the level.
                    let count = if is_spike { spike } else { spike * self.rest * 0.75 };
                    let count = count.floor() as u32 + u32::from(rng.random::<f64>() < count.fract());
                    let mark = date.at(hour, minute, 0, 0);
                    for _ in 0..count {
                        let together = is_spike || rng.random::<f64>() < self.on_the_half_hour;
                        let seconds = if together {
                            rng.random_range(-120.0..300.0)
                        } else {
                            rng.random_range(-900.0..900.0)
                        };
                        let by = SignedDuration::from_millis((seconds * 1000.0) as i64);
                        let Ok(zoned) = self.zone.to_ambiguous_zoned(mark.saturating_add(by)).compatible()
                        else {
                            continue;
                        };
                        arrivals.push(Arrival { at: zoned.timestamp(), duration: None });
                    }
                }
            }
        }
        arrivals.sort_unstable();
        arrivals
    }

    /// Midnight of the first day.
    pub fn start(&self) -> Timestamp {
        let midnight = self.date.at(0, 0, 0, 0);
        self.zone
            .to_ambiguous_zoned(midnight)
            .compatible()
            .map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spike_is_at_nine_and_of_the_size_asked_for() {
        for peak in [60, 270, 1_000] {
            let day = Weekday::with_peak("2026-05-04".parse().unwrap(), peak);
            let callers = day.callers(&LoadModel::default(), 5);
            let (load, at) = callers.peak().unwrap();
            assert!((load.hd() - f64::from(peak)).abs() <= f64::from(peak) * 0.15, "{peak}: {}", load.hd());
            let minutes = at.duration_since(day.start()).as_mins();
            assert!((8 * 60 + 55..9 * 60 + 30).contains(&minutes), "{peak}: peak at minute {minutes}");
        }
    }

    #[test]
    fn most_calls_start_around_the_half_hours() {
        let day = Weekday::with_peak("2026-05-04".parse().unwrap(), 500);
        let callers = day.callers(&LoadModel::default(), 5);
        let near = callers
            .list
            .iter()
            .filter(|c| {
                let into = (c.at.as_second() + 120).rem_euclid(1_800);
                into < 420
            })
            .count();
        assert!(near as f64 / callers.list.len() as f64 > 0.7);
    }

    #[test]
    fn the_same_seed_gives_the_same_day() {
        let day = Weekday::with_peak("2026-05-04".parse().unwrap(), 80);
        let model = LoadModel::default();
        assert_eq!(day.callers(&model, 9), day.callers(&model, 9));
        assert_ne!(day.callers(&model, 9), day.callers(&model, 10));
    }
}
