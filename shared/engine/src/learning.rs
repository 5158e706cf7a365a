//! The night after a day: what was recorded of it is closed, and what is known of all days is learned anew. Nothing depends
//! on it: without it the vendor's rule and the rate of rise go on alone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::outlook::{Days, Profiles, learn, pairs_of, recorded_days};
use spillway_core::policy::Policy;

use crate::ports::{ForecastRead, ForecastWrite, LedgerRead, LoadRead};

/// Days before today of which the recorded minutes are read again where no day is stored: a function that did not run for a
/// week catches up, and a platform that was recorded before it learned has its history at once.
const CATCHES_UP_DAYS: i32 = 28;

/// Calendar days that are read for each day of a kind that the policy learns from: of seven at least two are weekend.
const CALENDAR_FACTOR: i32 = 4;

/// Days that are closed in one go: an invocation has little time beside its cycle.
const MOST_AT_ONCE: usize = 2;

/// After a failure it is not tried again for this long.
const AFTER_A_FAILURE: SignedDuration = SignedDuration::from_mins(10);

/// What an evaluator that is warm knows of the platform's days.
#[derive(Debug, Default)]
pub struct Memory {
    profiles: Option<Profiles>,
    /// The local date on which it learned last.
    learned_on: Option<Date>,
    not_before: Option<Timestamp>,
}

impl Memory {
    /// What was learned, for a cycle: read once, on a cold start.
    ///
    /// # Errors
    /// It could not be read. The cycle goes on without.
    pub async fn recall<L: ForecastRead>(&mut self, policy: &Policy, ledger: &L) -> Result<(), Fault> {
        if policy.forecast.enabled && self.profiles.is_none() {
            self.profiles = Some(ledger.read_profiles().await?);
        }
        Ok(())
    }

    /// What was learned. Empty where nothing was or could be read: then the rise of the last minutes is all there is.
    pub fn profiles(&self) -> &Profiles {
        static NONE: Profiles = Profiles::new();
        self.profiles.as_ref().unwrap_or(&NONE)
    }

    /// After a cycle, once a day after local midnight: closes the day, a few at once where several are not closed, and learns.
    /// `None`: there was nothing to do.
    ///
    /// # Errors
    /// See [`learn_from_days`]. It is tried again in ten minutes.
    pub async fn learn<L>(
        &mut self,
        policy: &Policy,
        ledger: &L,
        now: Timestamp,
    ) -> Result<Option<Learned>, Fault>
    where
        L: LedgerRead + LoadRead + ForecastWrite,
    {
        let today = now.to_zoned(policy.forecast.zone()).date();
        let waits = self.not_before.is_some_and(|until| now < until);
        if !policy.forecast.enabled || self.learned_on == Some(today) || waits {
            return Ok(None);
        }
        let learned = match learn_from_days(policy, ledger, now).await {
            Ok(learned) => learned,
            Err(fault) => {
                self.not_before = Some(now.saturating_add(AFTER_A_FAILURE).unwrap_or(Timestamp::MAX));
                return Err(fault);
            }
        };
        if learned.is_complete {
            self.learned_on = Some(today);
        }
        self.profiles = Some(learned.profiles.clone());
        Ok(Some(learned))
    }
}

/// What was learned, and from what.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Whether every day before today is closed, as far as anything was recorded of it.
    pub is_complete: bool,
    /// What was learned, by principal location.
    pub profiles: Profiles,
    /// Days that were closed now, by principal location.
    pub closed: Days,
    /// The last day that is closed.
    pub until: Date,
}

/// Closes the days before today that are not closed yet, and learns.
///
/// # Errors
/// A call of the ledger that failed, or no cycle has recorded the platform yet. Nothing is lost: it can be done again.
pub async fn learn_from_days<L>(policy: &Policy, ledger: &L, now: Timestamp) -> Result<Learned, Fault>
where
    L: LedgerRead + LoadRead + ForecastWrite,
{
    let zone = policy.forecast.zone();
    let today = now.to_zoned(zone.clone()).date();
    let platform = ledger.read_ledger(now).await?.platform.ok_or_else(|| {
        Fault::new(System::Ledger, FaultKind::NotFound, "no cycle has recorded the platform yet")
            .with_remedy("spillway doctor says why no cycle has read the Management Node")
    })?;
    let pairs = pairs_of(&platform.locations);
    let calendar_days =
        i32::try_from(policy.forecast.days).unwrap_or(i32::MAX).saturating_mul(CALENDAR_FACTOR);
    let mut days = ledger.read_days(before(today, calendar_days)).await?;
    let (mut closed, mut read, mut is_complete) = (Days::new(), 0, true);
    let mut date = before(today, CATCHES_UP_DAYS);
    while date < today {
        let next = date.tomorrow().unwrap_or(Date::MAX);
        let is_closed = pairs
            .keys()
            .any(|name| days.get(name).is_some_and(|days| days.iter().any(|day| day.date == date)));
        if !is_closed && read == MOST_AT_ONCE {
            is_complete = false;
            break;
        }
        if !is_closed {
            let minutes = ledger.read_load(midnight(date, &zone), midnight(next, &zone)).await?;
            for (name, recorded) in recorded_days(&minutes, &pairs, &zone) {
                closed.entry(name).or_default().extend(recorded.into_iter().filter(|day| day.date == date));
            }
            // Of a day on which nothing ran there is nothing to close: the next one is looked at.
            read += usize::from(!minutes.is_empty());
        }
        date = next;
    }
    ledger.put_days(&closed).await?;
    for (name, closed) in &closed {
        days.entry(name.clone()).or_default().extend(closed.iter().cloned());
    }
    // What was recorded of a location that is no principal location any more is not learned from.
    days.retain(|name, _| pairs.contains_key(name));
    let profiles = learn(policy, &days);
    ledger.put_profiles(&profiles).await?;
    Ok(Learned { is_complete, profiles, closed, until: today.yesterday().unwrap_or(today) })
}

fn before(date: Date, days: i32) -> Date {
    date.saturating_sub(Span::new().try_days(days).unwrap_or_default())
}

fn midnight(date: Date, zone: &TimeZone) -> Timestamp {
    let midnight = zone.to_ambiguous_zoned(date.to_datetime(jiff::civil::Time::midnight()));
    midnight.compatible().map_or(Timestamp::MIN, |at| at.timestamp())
}
