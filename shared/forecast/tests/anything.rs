//! Whatever was recorded, and whatever a clock did: a forecast is finite, or there is none.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use spillway_forecast::{
    Day, Disturbance, FitOptions, Forecast, LocalMinute, MINUTES, Profile, Recent, fit, forecast,
};

const TODAY: Date = date(2026, 3, 30);

/// What a reading may give as HD calls.
fn reading() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..500.0_f64, 1 => prop::num::f64::ANY, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

prop_compose! {
    /// A day with holes, cut short, with readings that are no numbers, with a date that was recorded twice or lies ahead.
    fn day()(
        ago in -3_i64..40,
        readings in prop::collection::vec((reading(), reading()), 1..40),
        holes in prop::collection::vec((0_usize..MINUTES, 0_usize..200), 0..3),
        end in prop_oneof![4 => Just(MINUTES), 1 => 0_usize..MINUTES],
        disturbed in prop::option::weighted(0.1, 0_u32..200),
    ) -> Day {
        let mut day = Day::empty(TODAY.saturating_sub(jiff::Span::new().days(ago)));
        for minute in 0..end {
            let missing = holes.iter().any(|(from, minutes)| (*from..from + minutes).contains(&minute));
            let (used, free) = readings[minute * readings.len() / MINUTES];
            if !missing {
                day.record(minute, used, free);
            }
        }
        for _ in 0..disturbed.unwrap_or(0) {
            day.disturb(Disturbance::Upgrade);
        }
        day
    }
}

prop_compose! {
    /// Cycles as they come: mostly a minute apart, some late, some after a clock was put forward or back.
    fn recent()(
        cycles in prop::collection::vec((prop_oneof![9 => 20_i64..80, 1 => -9_000_i64..9_000], reading()), 0..45),
    ) -> Recent {
        let mut at: Timestamp = "2026-03-30T06:50:00Z".parse().unwrap_or_default();
        cycles.into_iter().fold(Recent::default(), |recent, (seconds, demand)| {
            at = at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at);
            recent.with(at, demand)
        })
    }
}

fn look(profile: Option<&Profile>, recent: &Recent, minute: usize) -> Option<Forecast> {
    forecast(profile, recent, LocalMinute { date: TODAY, minute }, 10, &BTreeSet::new())
}

fn is_sound(given: &Forecast) -> bool {
    let finite = [given.start, given.stop, given.demand].into_iter().all(f64::is_finite);
    finite && given.start >= 0.0 && given.stop >= given.start
}

proptest! {
    // A fit without optimisation takes a tenth of a second.
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_recorded_a_forecast_is_finite_or_there_is_none(
        days in prop::collection::vec(day(), 0..10),
        recent in recent(),
        minute in 0_usize..MINUTES,
        (lead, days_of_a_kind, share) in (0_usize..100, 0_usize..30, prop_oneof![0.0..1.0_f64, prop::num::f64::ANY]),
    ) {
        let options = FitOptions { lead, days: days_of_a_kind, refuse_at_most: share, ..FitOptions::default() };
        let profile = fit(&days, &options);
        if let Some(profile) = &profile {
            let stored = Profile::from_bytes(&profile.to_bytes()).unwrap();
            for profile in [profile, &stored] {
                prop_assert!(look(Some(profile), &recent, minute).is_none_or(|given| is_sound(&given)));
            }
        }
        if let Some(given) = look(None, &recent, minute) {
            prop_assert!(is_sound(&given) && given.rise.is_some(), "{given:?}");
        }
    }

    /// A larger margin never asks for less.
    #[test]
    fn a_larger_safety_factor_never_asks_for_less(
        days in prop::collection::vec(day(), 1..6),
        minute in 0_usize..MINUTES,
        ratio in 0.4..2.5_f64,
        (smaller, larger) in (0.0..6.0_f64, 0.0..6.0_f64),
    ) {
        let Some(profile) = fit(&days, &FitOptions::default()) else { return Ok(()) };
        let (smaller, larger) = (smaller.min(larger), smaller.max(larger));
        for mut curves in [profile.working, profile.quiet].into_iter().flatten() {
            let mut asked = |z: f64| {
                curves.z = z;
                (curves.needed_to_start(minute, ratio), curves.needed_to_stop(minute, ratio))
            };
            let (less, more) = (asked(smaller), asked(larger));
            prop_assert!(more.0 >= less.0 && more.1 >= less.1 && more.1 >= more.0, "{less:?} {more:?}");
        }
    }

    /// Days are what they were, whatever was recorded.
    #[test]
    fn a_day_is_read_as_it_was_written(day in day()) {
        prop_assert_eq!(Day::from_bytes(&day.to_bytes()).unwrap(), day);
    }

    /// Whichever of its bytes is another one: what is read of a stored profile gives a finite forecast, or it is not read.
    #[test]
    fn a_profile_with_a_wrong_byte_is_refused_or_sound(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        recent in recent(),
        minute in 0_usize..MINUTES,
    ) {
        let mut day = Day::empty(TODAY.yesterday().unwrap());
        (0..MINUTES).for_each(|minute| day.see(minute, 10.0));
        let mut bytes = fit(&[day], &FitOptions::default()).unwrap().to_bytes();
        // Mostly its head, where the numbers are.
        let index = at.index(bytes.len()) % if byte % 2 == 0 { 60 } else { bytes.len() };
        bytes[index] = byte;
        if let Ok(profile) = Profile::from_bytes(&bytes) {
            prop_assert!(look(Some(&profile), &recent, minute).is_none_or(|given| is_sound(&given)));
        }
    }

    /// Every instant has a minute of a day, in every zone, and the next minute is the next one or another hour's.
    #[test]
    fn every_instant_has_its_minute(seconds in -2_000_000_000_i64..4_000_000_000, zone in 0_usize..5) {
        let names = ["Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"];
        let zone = TimeZone::get(names[zone]).unwrap();
        let at = Timestamp::from_second(seconds).unwrap();
        let minute = LocalMinute::of(at, &zone);
        prop_assert!(minute.minute < MINUTES);
        let next = LocalMinute::of(at + SignedDuration::from_mins(1), &zone);
        let usual = (minute.minute + 1) % MINUTES == next.minute;
        // A clock change moves it by whole quarters of an hour; local mean time of old by anything.
        prop_assert!(usual || seconds < 0 || (next.minute + 2 * MINUTES - minute.minute - 1).is_multiple_of(15));
    }
}
