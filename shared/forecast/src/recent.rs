//! The last half hour's demand, as a cycle remembers it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::curve::LEVEL_MINUTES;
use crate::day::count;

/// What one cycle saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Demand, HD calls.
    pub demand: f64,
}

/// The samples of the last half hour, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Recent(Vec<Sample>);

/// As it is stored with every cycle: seconds before the newest, and tenths of an HD call.
#[derive(Serialize, Deserialize)]
struct Stored {
    newest: Option<Timestamp>,
    samples: Vec<(u32, u32)>,
}

impl From<Stored> for Recent {
    fn from(stored: Stored) -> Self {
        let Some(newest) = stored.newest else { return Self::default() };
        let sample = |(ago, tenths): (u32, u32)| Sample {
            at: newest.saturating_sub(SignedDuration::from_secs(i64::from(ago))).unwrap_or(Timestamp::MIN),
            demand: f64::from(tenths) / 10.0,
        };
        let mut samples: Vec<Sample> = stored.samples.into_iter().map(sample).collect();
        samples.sort_by_key(|sample| sample.at);
        Self(samples)
    }
}

impl From<Recent> for Stored {
    fn from(recent: Recent) -> Self {
        let newest = recent.last().map(|sample| sample.at);
        let sample = |sample: &Sample| {
            let ago = newest.map_or(0, |newest| newest.duration_since(sample.at).as_secs());
            (u32::try_from(ago).unwrap_or(u32::MAX), tenths(sample.demand))
        };
        Self { newest, samples: recent.0.iter().map(sample).collect() }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and inside the range")]
fn tenths(demand: f64) -> u32 {
    (demand * 10.0).round().clamp(0.0, f64::from(u32::MAX)) as u32
}

impl Recent {
    /// A value a while ago is taken from samples no farther apart than this.
    const LONGEST_GAP: SignedDuration = SignedDuration::from_secs(150);

    /// How long a sample is kept.
    fn kept() -> SignedDuration {
        SignedDuration::from_mins(i64::try_from(LEVEL_MINUTES).unwrap_or(i64::MAX))
    }

    /// With what was seen now. What is older than half an hour is forgotten, and so is what lies in the future, after a clock
    /// was put back; what is no number is not taken.
    #[must_use]
    pub fn with(&self, at: Timestamp, demand: f64) -> Self {
        let kept = |sample: &&Sample| sample.at < at && at.duration_since(sample.at) <= Self::kept();
        let mut samples: Vec<Sample> = self.0.iter().filter(kept).copied().collect();
        if demand.is_finite() && demand >= 0.0 {
            samples.push(Sample { at, demand });
        }
        Self(samples)
    }

    /// With the last demand once more: of a minute in which nothing could be known.
    #[must_use]
    pub fn repeated(&self, at: Timestamp) -> Self {
        match self.last() {
            Some(last) => self.with(at, last.demand),
            None => self.clone(),
        }
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> &[Sample] {
        &self.0
    }

    /// The newest.
    pub fn last(&self) -> Option<Sample> {
        self.0.last().copied()
    }

    /// Mean demand; `None` with less than a quarter of an hour.
    pub(crate) fn level(&self) -> Option<f64> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        let spans = last.at.duration_since(first.at) >= SignedDuration::from_mins(14);
        let sum: f64 = self.0.iter().map(|sample| sample.demand).sum();
        spans.then(|| sum / count(self.0.len()))
    }

    /// The largest demand of the last minutes.
    pub(crate) fn maximum(&self, minutes: i64) -> f64 {
        let Some(last) = self.0.last() else { return 0.0 };
        let lately =
            |sample: &&Sample| last.at.duration_since(sample.at) <= SignedDuration::from_mins(minutes);
        self.0.iter().filter(lately).map(|sample| sample.demand).fold(0.0, f64::max)
    }

    /// Demand so many minutes before the last sample, between the two samples around that instant.
    fn ago(&self, minutes: i64) -> Option<f64> {
        let wanted = self.0.last()?.at - SignedDuration::from_mins(minutes);
        let after = self.0.iter().position(|sample| sample.at >= wanted)?;
        let later = self.0.get(after)?;
        if later.at == wanted {
            return Some(later.demand);
        }
        let earlier = self.0.get(after.checked_sub(1)?)?;
        let gap = later.at.duration_since(earlier.at);
        if gap > Self::LONGEST_GAP {
            return None;
        }
        let part = wanted.duration_since(earlier.at).as_secs_f64() / gap.as_secs_f64();
        Some((later.demand - earlier.demand).mul_add(part, earlier.demand))
    }

    /// How fast demand rises, HD calls a minute; `None` where it does not, or too little is known. The short look takes off
    /// half a standard deviation of what chance alone does to so many calls.
    pub(crate) fn rise(&self) -> Option<f64> {
        let now = self.0.last()?.demand;
        let long = self.ago(3).map(|before| (now - before) / 3.0);
        let short = self.ago(2).map(|before| (now - before) / 2.0 - now.max(0.0).sqrt() / 2.0);
        let rise = match (long, short) {
            (Some(long), Some(short)) => long.max(short),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return None,
        };
        (rise > 0.0).then_some(rise)
    }
}
