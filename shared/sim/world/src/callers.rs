//! Callers: arrivals made into conferences by the load model. The list is a value made before the world starts
//! and does not depend on the platform, so that every policy can be given the very same callers.
//! It refuses to place a call: where a caller lands is the world's business.

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use crate::capacity::{Load, demand};
use crate::load_model::{CallKind, CallMedia, LoadModel, MeetingKind};

/// A call that comes in, as a trace gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When.
    pub at: Timestamp,
    /// How long it lasts, where the trace says.
    pub duration: Option<SignedDuration>,
}

/// A conference that callers make together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meeting {
    /// What it is.
    pub kind: MeetingKind,
}

/// One caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caller {
    /// When the first attempt comes in.
    pub at: Timestamp,
    /// How long the call lasts once it is connected.
    pub duration: SignedDuration,
    /// Index of the conference in [`Callers::meetings`].
    pub meeting: usize,
    /// Media.
    pub media: CallMedia,
    /// Legs: two for a call through the gateway.
    pub legs: u8,
    /// Where the call comes in: a point of `0.0..1.0` on the shares of the locations.
    pub entry: f64,
}

impl Caller {
    /// What the call weighs, in HD calls of the recommended node.
    pub fn demand(&self) -> Load {
        demand(self.media, self.legs)
    }
}

/// Callers in the order of their arrival, and the conferences they make.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Callers {
    /// Callers, sorted by arrival.
    pub list: Vec<Caller>,
    /// Conferences.
    pub meetings: Vec<Meeting>,
    /// Redialling, which the world carries out: wait from and to, and how often.
    pub redial: Redial,
}

/// How refused callers dial again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redial {
    /// Shortest wait.
    pub from: SignedDuration,
    /// Longest wait.
    pub to: SignedDuration,
    /// How often before giving up.
    pub times: u32,
}

impl Default for Redial {
    fn default() -> Self {
        Self { from: SignedDuration::from_secs(10), to: SignedDuration::from_secs(60), times: 3 }
    }
}

/// Callers of one conference arrive within the same quarter of an hour; the quarters are cut at ten minutes to
/// the hour and so on, so that the starts around :00 and :30 (from two minutes before to five after) are whole.
const WINDOW_SECONDS: i64 = 15 * 60;
const WINDOW_OFFSET_SECONDS: i64 = 10 * 60;

impl Callers {
    /// Makes arrivals into conferences. Arrival times are kept; durations too where the trace has them.
    pub fn from_arrivals(mut arrivals: Vec<Arrival>, model: &LoadModel, seed: u64) -> Self {
        arrivals.sort_unstable();
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x0063_616c_6c65_7273);
        let mut callers = Self {
            list: Vec::with_capacity(arrivals.len()),
            meetings: Vec::new(),
            redial: Redial {
                from: model.redial_after.0,
                to: model.redial_after.1.max(model.redial_after.0),
                times: model.redials,
            },
        };
        for window in arrivals.chunk_by(|a, b| window_of(a.at) == window_of(b.at)) {
            callers.add_window(window, model, &mut rng);
        }
        callers
    }

    /// Draws conferences until the window's arrivals are seated, then deals the seats out at random. A town hall
    /// is drawn only where the arrivals for one are there: a small trace has none.
    fn add_window(&mut self, window: &[Arrival], model: &LoadModel, rng: &mut ChaCha8Rng) {
        let mut seats: Vec<Seat> = Vec::with_capacity(window.len());
        while seats.len() < window.len() {
            let left = u32::try_from(window.len() - seats.len()).unwrap_or(u32::MAX);
            let kind = match model.mix.pick(rng.random()) {
                MeetingKind::TownHall if left < model.town_hall_size.0 => MeetingKind::Meeting,
                kind => kind,
            };
            let kind = match kind {
                MeetingKind::Meeting if left < 2 => MeetingKind::Gateway,
                kind => kind,
            };
            let (low, high) = match kind {
                MeetingKind::Gateway => (1, 1),
                MeetingKind::Meeting | MeetingKind::AudioMeeting => model.meeting_size,
                MeetingKind::TownHall => model.town_hall_size,
            };
            let size = rng.random_range(low..=high.max(low)).clamp(1, left);
            let meeting = self.meetings.len();
            self.meetings.push(Meeting { kind });
            let length = draw_length(model, rng);
            let entry: f64 = rng.random();
            let presents = kind != MeetingKind::AudioMeeting && rng.random::<f64>() < model.presenting;
            for n in 0..size {
                seats.push(Seat { meeting, kind, length, entry, presenting: presents && n == 0 });
            }
        }
        seats.shuffle(rng);
        for (arrival, seat) in window.iter().zip(seats) {
            self.list.push(seat.caller(*arrival, model, rng));
        }
    }

    /// The most HD calls that are wanted at once if every caller is connected at the first attempt, without what
    /// spreading conferences costs, and when.
    pub fn peak(&self) -> Option<(Load, Timestamp)> {
        let mut changes: Vec<(Timestamp, bool, u64)> = Vec::with_capacity(self.list.len() * 2);
        for caller in &self.list {
            changes.push((caller.at, true, caller.demand().0));
            changes.push((caller.end(), false, caller.demand().0));
        }
        changes.sort_unstable();
        let mut now = 0_u64;
        let mut peak: Option<(Load, Timestamp)> = None;
        for (at, begins, load) in changes {
            now = if begins { now + load } else { now - load };
            if peak.is_none_or(|(most, _)| now > most.0) {
                peak = Some((Load(now), at));
            }
        }
        peak
    }

    /// When the last call ends, if all are connected at once.
    pub fn last_end(&self) -> Option<Timestamp> {
        self.list.iter().map(Caller::end).max()
    }
}

impl Caller {
    fn end(&self) -> Timestamp {
        self.at.checked_add(self.duration).unwrap_or(Timestamp::MAX)
    }
}

struct Seat {
    meeting: usize,
    kind: MeetingKind,
    length: SignedDuration,
    entry: f64,
    presenting: bool,
}

impl Seat {
    fn caller(&self, arrival: Arrival, model: &LoadModel, rng: &mut ChaCha8Rng) -> Caller {
        let kind = match self.kind {
            MeetingKind::Meeting => model.meeting_calls.pick(rng.random()),
            MeetingKind::Gateway => model.gateway_calls.pick(rng.random()),
            MeetingKind::AudioMeeting => CallKind::Audio,
            MeetingKind::TownHall => model.town_hall_calls.pick(rng.random()),
        };
        let vp9 = kind != CallKind::Audio && rng.random::<f64>() < model.vp9;
        let presenting = self.presenting && kind != CallKind::Audio;
        let entry = if rng.random::<f64>() < model.stray { rng.random() } else { self.entry };
        // People leave a little before or after the others.
        let own = self.length.as_secs_f64() * rng.random_range(0.85..1.15);
        let drawn = SignedDuration::try_from_secs_f64(own).unwrap_or(self.length).min(model.longest_call);
        Caller {
            at: arrival.at,
            duration: arrival.duration.unwrap_or(drawn).max(SignedDuration::from_secs(1)),
            meeting: self.meeting,
            media: CallMedia { kind, vp9, presenting },
            legs: if self.kind == MeetingKind::Gateway { 2 } else { 1 },
            entry,
        }
    }
}

fn draw_length(model: &LoadModel, rng: &mut ChaCha8Rng) -> SignedDuration {
    let usual = if rng.random::<bool>() { model.usual_lengths.0 } else { model.usual_lengths.1 };
    let sigma = model.length_spread.clamp(0.0, 2.0);
    // A log-normal with mean 1 has mu = -sigma^2 / 2.
    let spread = LogNormal::new(-sigma * sigma / 2.0, sigma).map_or(1.0, |spread| spread.sample(rng));
    let seconds = model.mean_call.as_secs_f64() * usual * spread;
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(model.mean_call).min(model.longest_call)
}

fn window_of(at: Timestamp) -> i64 {
    (at.as_second() + WINDOW_OFFSET_SECONDS).div_euclid(WINDOW_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrivals(count: u32, seconds_apart: i64) -> Vec<Arrival> {
        let start: Timestamp = "2026-05-04T08:50:00Z".parse().unwrap();
        (0..count)
            .map(|n| Arrival {
                at: start + SignedDuration::from_secs(seconds_apart * i64::from(n)),
                duration: None,
            })
            .collect()
    }

    #[test]
    fn the_mix_is_the_models_by_conference() {
        let callers = Callers::from_arrivals(arrivals(60_000, 1), &LoadModel::default(), 3);
        let share = |kind| {
            callers.meetings.iter().filter(|m| m.kind == kind).count() as f64 / callers.meetings.len() as f64
        };
        for (kind, wanted) in [
            (MeetingKind::Meeting, 0.55),
            (MeetingKind::Gateway, 0.25),
            (MeetingKind::AudioMeeting, 0.15),
            (MeetingKind::TownHall, 0.05),
        ] {
            assert!((share(kind) - wanted).abs() < 0.03, "{kind:?}: {}", share(kind));
        }
    }

    #[test]
    fn the_mean_length_is_the_one_asked_for_and_none_is_over_four_hours() {
        let model = LoadModel { mean_call: SignedDuration::from_mins(30), ..LoadModel::default() };
        let callers = Callers::from_arrivals(arrivals(40_000, 2), &model, 3);
        let mean = callers.list.iter().map(|c| c.duration.as_secs_f64()).sum::<f64>() / 40_000.0;
        assert!((mean - 1_800.0).abs() < 90.0, "mean {mean}");
        assert!(callers.list.iter().all(|c| c.duration <= SignedDuration::from_hours(4)));
    }

    #[test]
    fn a_small_trace_has_no_town_hall() {
        let callers = Callers::from_arrivals(arrivals(500, 30), &LoadModel::default(), 3);
        assert!(callers.meetings.iter().all(|m| m.kind != MeetingKind::TownHall));
    }

    #[test]
    fn the_peak_counts_calls_that_overlap() {
        let at: Timestamp = "2026-05-04T09:00:00Z".parse().unwrap();
        let call = |minute: i64, minutes: i64| Caller {
            at: at + SignedDuration::from_mins(minute),
            duration: SignedDuration::from_mins(minutes),
            meeting: 0,
            media: CallMedia::HD,
            legs: 1,
            entry: 0.0,
        };
        let callers = Callers { list: vec![call(0, 10), call(5, 10), call(10, 5)], ..Callers::default() };
        assert_eq!(callers.peak(), Some((Load::of_hd(2), at + SignedDuration::from_mins(5))));
    }

    proptest! {
        #[test]
        fn arrival_times_and_durations_are_kept(
            times in proptest::collection::vec((0_i64..86_400, proptest::option::of(1_i64..5_000)), 0..300),
            seed: u64,
        ) {
            let start: Timestamp = "2026-05-04T00:00:00Z".parse().unwrap();
            let mut arrivals: Vec<Arrival> = times
                .iter()
                .map(|(second, duration)| Arrival {
                    at: start + SignedDuration::from_secs(*second),
                    duration: duration.map(SignedDuration::from_secs),
                })
                .collect();
            let callers = Callers::from_arrivals(arrivals.clone(), &LoadModel::default(), seed);
            arrivals.sort_unstable();
            prop_assert_eq!(callers.list.len(), arrivals.len());
            for (caller, arrival) in callers.list.iter().zip(&arrivals) {
                prop_assert_eq!(caller.at, arrival.at);
                if let Some(duration) = arrival.duration {
                    prop_assert_eq!(caller.duration, duration);
                }
                prop_assert!(caller.meeting < callers.meetings.len());
            }
            prop_assert_eq!(&callers, &Callers::from_arrivals(arrivals, &LoadModel::default(), seed));
        }
    }
}
