//! The days before: the platform has run under Spillway as it is installed, and each night it learned from what it had
//! recorded. Played in the process, without HTTP, since nobody watches.

use anyhow::{Context as _, Result};
use jiff::SignedDuration;
use spillway_core::outlook::{Days, Profiles};
use spillway_core::policy::Policy;
use spillway_engine::learning::Memory;
use spillway_engine::ports::ForecastWrite as _;
use spillway_harness::{Harness, finish};

use super::day::{Day, TAG_VALUE};

/// What the ledger has of the days before.
#[derive(Debug, Clone, Default)]
pub(super) struct Learned {
    /// The closed days.
    pub(super) days: Days,
    /// What was learned from them.
    pub(super) profiles: Profiles,
}

/// Plays the days before.
pub(super) fn play(day: &Day) -> Result<Learned> {
    if day.history_days == 0 || day.before.list.is_empty() {
        return Ok(Learned::default());
    }
    let policy = Policy::with_defaults(TAG_VALUE);
    let (platform, begins) = day.before();
    let mut harness = Harness::new(platform.build()?, policy.clone());
    let mut memory = Memory::default();
    for date in 0..day.history_days {
        let midnight = begins + SignedDuration::from_hours(24 * i64::from(date));
        for minute in 0..24 * 60 {
            harness.world().advance_to(midnight + SignedDuration::from_mins(minute));
            harness.cycle();
        }
        let night = midnight + SignedDuration::from_hours(24);
        finish(memory.learn(&policy, harness.ledger(), night)).context("learning waits for nothing")??;
        harness.set_profiles(memory.profiles().clone());
    }
    let since = begins.to_zoned(policy.forecast.zone()).date();
    let days = finish(harness.ledger().read_days(since)).context("the ledger waits for nothing")??;
    Ok(Learned { days, profiles: memory.profiles().clone() })
}
