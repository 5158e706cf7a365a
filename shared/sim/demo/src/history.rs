//! The days before: the platform has run under Spillway as it is installed, and each night it learned from what it had
//! recorded. Played in the process, without HTTP, since nobody watches.

use anyhow::Result;
use jiff::SignedDuration;
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::outlook::{Pairs, Profiles, learn, recorded_days};
use spillway_core::policy::Policy;
use spillway_harness::Harness;

use super::day::{Day, OVERFLOW, PRINCIPAL, TAG_VALUE};

/// What was recorded, and what was learned from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Learned {
    /// Every recorded minute, oldest first.
    pub(super) minutes: Vec<MinuteOfLoad>,
    /// What was learned.
    pub(super) profiles: Profiles,
}

impl Learned {
    /// The night after more minutes were recorded.
    pub(super) fn learn(&mut self, policy: &Policy, minutes: Vec<MinuteOfLoad>) {
        self.minutes.extend(minutes);
        let pairs = Pairs::from([(PRINCIPAL.into(), OVERFLOW.into())]);
        self.profiles = learn(policy, &recorded_days(&self.minutes, &pairs, &policy.forecast.zone()));
    }
}

/// Plays the days before.
pub(super) fn play(day: &Day) -> Result<Learned> {
    let mut learned = Learned::default();
    if day.history_days == 0 || day.before.list.is_empty() {
        return Ok(learned);
    }
    let policy = Policy::with_defaults(TAG_VALUE);
    let (platform, begins) = day.before();
    let mut harness = Harness::new(platform.build()?, policy.clone());
    let mut told = begins;
    for date in 0..day.history_days {
        let midnight = begins + SignedDuration::from_hours(24 * i64::from(date));
        for minute in 0..24 * 60 {
            harness.world().advance_to(midnight + SignedDuration::from_mins(minute));
            harness.cycle();
        }
        let stored = harness.ledger().loads().into_iter().filter(|(at, _)| *at >= told);
        let minutes = stored.map(|(at, locations)| MinuteOfLoad { at, locations }).collect();
        told = midnight + SignedDuration::from_hours(24);
        learned.learn(&policy, minutes);
        harness.set_profiles(learned.profiles.clone());
    }
    Ok(learned)
}
