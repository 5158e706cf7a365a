//! What is learned from days that can be reckoned by hand, and what is expected of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use spillway_forecast::{
    Curves, Day, DayKind, FitOptions, LeftOut, LocalMinute, MINUTES, Profile, Recent, Target, demand, fit,
    forecast,
};

const NINE: usize = 9 * 60;

/// A day with `base` HD calls all the time and `spike` from nine to half past.
fn day(on: Date, base: f64, spike: f64) -> Day {
    let mut day = Day::empty(on);
    for minute in 0..MINUTES {
        day.see(minute, if (NINE..NINE + 30).contains(&minute) { spike } else { base });
    }
    day
}

/// The Mondays to Fridays before a date, the last first.
fn weekdays_before(end: Date) -> impl Iterator<Item = Date> {
    let before = std::iter::successors(end.yesterday().ok(), |day| day.yesterday().ok());
    before.filter(|day| day.weekday().to_monday_zero_offset() < 5)
}

const TODAY: Date = date(2026, 3, 30);

fn weeks(days: usize) -> Vec<Day> {
    weekdays_before(TODAY).take(days).map(|on| day(on, 10.0, 100.0)).collect()
}

fn working(profile: &Profile) -> &Curves {
    profile.working.as_ref().unwrap()
}

fn minute(at: usize) -> LocalMinute {
    LocalMinute { date: TODAY, minute: at }
}

/// The last half hour at `level` HD calls.
fn half_hour(level: f64) -> Recent {
    let now: Timestamp = "2026-03-30T06:50:00Z".parse().unwrap();
    (0..=30)
        .rev()
        .fold(Recent::default(), |recent, ago| recent.with(now - jiff::SignedDuration::from_mins(ago), level))
}

#[test]
fn days_that_are_alike_give_their_own_curve_and_a_margin_that_few_days_widen() {
    let many = fit(&weeks(20), &FitOptions::default()).unwrap();
    let curves = working(&many);
    assert_eq!(curves.days, 20);
    // Within ten minutes of nine the window holds the spike; a quarter of an hour before it does not.
    let at = |minute: usize| curves.start[minute].round();
    assert_eq!((at(NINE - 15), at(NINE - 10), at(NINE), at(NINE + 30)), (10.0, 100.0, 100.0, 10.0));
    assert!((curves.stop[NINE - 30] - 100.0).abs() < 1e-9, "kept half an hour ahead");
    assert!((curves.level[NINE + 29] - 100.0).abs() < 1e-9, "the mean of the last half hour");
    // No day differs: what is left is what is assumed, 2 (0.15 x 100)^2 / 22 + 50, of which a root is 8.4.
    assert!((curves.start_spread[NINE] - (450.0_f64 / 22.0 + 50.0).sqrt()).abs() < 1e-6);
    assert!(curves.z <= 0.25, "{}", curves.z);
    let few = fit(&weeks(3), &FitOptions::default()).unwrap();
    assert!(working(&few).z >= 2.0 && working(&few).start_spread[NINE] > curves.start_spread[NINE]);
    assert_eq!(working(&fit(&weeks(40), &FitOptions::default()).unwrap()).days, 20, "the last twenty");
    assert!(fit(&[], &FitOptions::default()).is_none());
}

#[test]
fn the_safety_factor_is_what_the_operator_asks_for_and_no_more() {
    // Every other day the spike is half as large again.
    let mut days = weeks(20);
    for (index, each) in days.iter_mut().enumerate() {
        if index % 2 == 0 {
            *each = day(each.date, 10.0, 150.0);
        }
    }
    let asked = |refuse_at_most| {
        let profile = fit(&days, &FitOptions { refuse_at_most, ..FitOptions::default() }).unwrap();
        (working(&profile).z, working(&profile).unmet)
    };
    let (loose, strict) = (asked(0.1), asked(0.0005));
    assert!(loose.0 < strict.0, "{loose:?} {strict:?}");
    assert!(loose.1 <= 0.1 && strict.1 <= 0.0005, "{loose:?} {strict:?}");
    let impossible = asked(-1.0);
    assert!((impossible.0 - 6.0).abs() < 1e-9, "the largest, and it says that it does not suffice");
    let impossible = fit(&days, &FitOptions { refuse_at_most: -1.0, ..FitOptions::default() }).unwrap();
    assert_eq!(working(&impossible).target, Target::OutOfReach);
}

#[test]
fn a_day_is_what_its_weekday_is_unless_it_is_a_holiday() {
    let mut days = weeks(20);
    let saturday = |weeks: i64| date(2026, 3, 28).saturating_sub(jiff::Span::new().weeks(weeks));
    days.extend((0..4).map(|week| day(saturday(week), 3.0, 3.0)));
    // Somebody forgot to name Good Friday's like; and a day was cut off at noon.
    days[7] = day(days[7].date, 1.0, 2.0);
    let mut cut = Day::empty(days[9].date);
    for minute in 0..MINUTES / 2 {
        cut.see(minute, 10.0);
    }
    days[9] = cut;
    let (holiday, cut) = (days[7].date, days[9].date);
    let options = FitOptions { holidays: BTreeSet::from([days[3].date]), ..FitOptions::default() };
    let profile = fit(&days, &options).unwrap();
    let kind = |on| profile.kind(on, &options.holidays);
    assert_eq!(
        (kind(TODAY), kind(saturday(0)), kind(days[3].date)),
        (DayKind::Working, DayKind::Quiet, DayKind::Quiet)
    );
    assert!(profile.left_out.contains(&(holiday, LeftOut::TooQuiet)), "{:?}", profile.left_out);
    assert!(profile.left_out.contains(&(cut, LeftOut::Holes)), "{:?}", profile.left_out);
    assert_eq!(working(&profile).days, 17);
    assert!((working(&profile).start[NINE] - 100.0).abs() < 1e-9, "neither of them is in it");
    // A hospital works every day.
    let every: Vec<Day> = (1..=14).map(|n| day(date(2026, 3, n), 10.0, 100.0)).collect();
    let profile = fit(&every, &FitOptions::default()).unwrap();
    assert_eq!(profile.kind(date(2026, 3, 15), &BTreeSet::new()), DayKind::Working);
}

#[test]
fn what_a_cycle_is_given_is_the_profile_at_todays_level() {
    let profile = fit(&weeks(20), &FitOptions::default()).unwrap();
    let at = |level: f64, at: usize| {
        forecast(Some(&profile), &half_hour(level), minute(at), 10, &BTreeSet::new()).unwrap()
    };
    let usual = at(10.0, NINE - 10);
    let expected = usual.expected.unwrap();
    assert!((expected.demand - 100.0).abs() < 1e-9 && (expected.level - 1.0).abs() < 1e-9);
    assert!(usual.why_start().starts_with("expected up to 10"), "{}", usual.why_start());
    assert!(
        usual.why_start().contains("by 09:00 (20 working days, today as usual, margin"),
        "{}",
        usual.why_start()
    );
    // 17 is added to either side: (30 + 17) / (10 + 17) = 1.74.
    let busy = at(30.0, NINE - 10);
    assert!((busy.expected.unwrap().demand - 100.0 * 47.0 / 27.0).abs() < 1e-6);
    assert!(busy.why_start().contains("today 74 % above usual"), "{}", busy.why_start());
    assert!(at(0.0, NINE - 10).why_start().contains("today 37 % below usual"));
    let early = at(10.0, NINE - 29);
    assert!(early.start < 30.0 && early.stop >= 100.0, "kept before it is started for: {early:?}");
    assert!(early.why_keep().contains("expected by 09:01"), "{}", early.why_keep());
    assert_eq!(forecast(Some(&profile), &Recent::default(), minute(NINE), 10, &BTreeSet::new()), None);
}

#[test]
fn a_rise_counts_where_it_is_not_usual() {
    let now: Timestamp = "2026-03-30T06:50:00Z".parse().unwrap();
    let rising = |per_minute: f64| {
        (0..=3).rev().fold(Recent::default(), |recent, ago| {
            recent.with(now - jiff::SignedDuration::from_mins(ago), per_minute.mul_add(-(ago as f64), 60.0))
        })
    };
    let none = BTreeSet::new();
    let alone = forecast(None, &rising(6.0), minute(NINE), 10, &none).unwrap();
    assert!((alone.start - (60.0 + 7.0 * 6.0)).abs() < 1e-9 && (alone.stop - alone.start).abs() < 1e-9);
    assert_eq!(alone.why_start(), "load is rising 6 a minute");
    assert_eq!(
        forecast(None, &rising(0.0), minute(NINE), 10, &none),
        None,
        "nothing is known, nothing is said"
    );
    let profile = fit(&weeks(20), &FitOptions::default()).unwrap();
    let usual = forecast(Some(&profile), &rising(6.0), minute(NINE), 10, &none).unwrap();
    assert_eq!(usual.rise, None, "sixty at nine are usual");
    let unusual = forecast(Some(&profile), &rising(6.0), minute(NINE + 180), 10, &none).unwrap();
    assert_eq!(unusual.why_start(), "load is rising 6 a minute, above what 12:00 usually has");
    let stale = forecast(
        Some(&profile),
        &rising(6.0),
        LocalMinute { date: date(2026, 4, 20), minute: NINE },
        10,
        &none,
    );
    assert!(stale.unwrap().expected.is_none(), "a profile of three weeks ago is not believed");
}

#[test]
fn a_clock_that_jumps_and_minutes_that_are_missing_say_nothing() {
    let now: Timestamp = "2026-03-30T06:50:00Z".parse().unwrap();
    let hour = jiff::SignedDuration::from_hours(1);
    let before = half_hour(10.0);
    assert_eq!(before.with(now + hour, 50.0).samples().len(), 1, "what is an hour old is forgotten");
    assert_eq!(before.with(now - hour, 50.0).samples().len(), 1, "and so is what lies in the future");
    let gap = half_hour(10.0).with(now + jiff::SignedDuration::from_mins(6), 90.0);
    assert!(forecast(None, &gap, minute(NINE), 10, &BTreeSet::new()).is_none(), "six minutes are no slope");
    for wrong in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(before.with(now + jiff::SignedDuration::from_mins(1), wrong).last(), before.last());
        let mut day = Day::empty(TODAY);
        day.see(0, wrong);
        assert_eq!(day.known(), 0);
    }
}

#[test]
fn a_local_day_has_23_24_or_25_hours() {
    let zone = TimeZone::get("Europe/Oslo").unwrap();
    let minutes_of = |from: &str, hours: i64| {
        let from: Timestamp = from.parse().unwrap();
        let mut day = Day::empty(LocalMinute::of(from, &zone).date);
        for n in 0..hours * 60 {
            let at = LocalMinute::of(from + jiff::SignedDuration::from_mins(n), &zone);
            assert_eq!(at.date, day.date);
            day.see(at.minute, f64::from(u32::try_from(n).unwrap()));
        }
        day
    };
    let spring = minutes_of("2026-03-28T23:00:00Z", 23);
    assert_eq!(spring.known(), MINUTES - 60);
    assert!(spring.is_whole() && spring.at(150).is_none(), "half past two did not happen");
    let autumn = minutes_of("2026-10-24T22:00:00Z", 25);
    assert_eq!(autumn.known(), MINUTES);
    assert_eq!(autumn.at(150), Some(210.0), "half past two came twice: the larger counts");
}

#[test]
fn load_that_was_cut_off_is_not_what_was_wanted() {
    assert!((demand(100.0, 4.0) - 130.0).abs() < 1e-9);
    assert!((demand(100.0, 5.0) - 100.0).abs() < 1e-9);
}

#[test]
fn what_is_stored_is_read_as_it_was_and_nothing_else_is_read() {
    let mut days = weeks(20);
    days.push(day(date(2026, 3, 29), 3.0, 3.0));
    days.push(Day::empty(date(2026, 3, 1)));
    let profile = fit(&days, &FitOptions::default()).unwrap();
    let bytes = profile.to_bytes();
    assert_eq!(bytes.len(), 1 + 4 + 7 + 2 * (1 + 4 + 16 + 1 + 5 * 2 * MINUTES) + 1 + 5);
    let read = Profile::from_bytes(&bytes).unwrap();
    assert_eq!((read.fitted, &read.left_out), (profile.fitted, &profile.left_out));
    let (read, written) = (working(&read), working(&profile));
    assert!((read.z - written.z).abs() < 1e-9 && read.days == 20);
    assert!(read.start_spread.iter().zip(&written.start_spread).all(|(a, b)| (a - b).abs() <= 0.05));
    let bytes = days[0].to_bytes();
    assert_eq!(
        bytes.len(),
        5 + 4 + 3 * 2 + 2 * MINUTES,
        "with its key less than three write units of 1,024 bytes"
    );
    assert_eq!(Day::from_bytes(&bytes).unwrap(), days[0]);
    let mut other = bytes.clone();
    other[0] = 2;
    for wrong in [&bytes[..bytes.len() - 1], &[bytes.as_slice(), &[0]].concat(), &other, &[]] {
        assert!(Day::from_bytes(wrong).unwrap_err().to_string().contains("next fit"));
    }
}

proptest! {
    // A fit without optimisation takes a tenth of a second.
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever was recorded, what is learned is finite, and with a stricter wish never less careful.
    #[test]
    fn what_is_learned_is_finite_and_a_stricter_wish_is_never_less_careful(
        loads in prop::collection::vec((0.0..5_000.0_f64, 0.0..5_000.0_f64), 0..12),
        now in 0_usize..MINUTES,
        level in 0.0..10_000.0_f64,
        wishes in (0.0..0.1_f64, 0.0..0.1_f64),
    ) {
        let days: Vec<Day> = weekdays_before(TODAY)
            .zip(&loads)
            .map(|(on, (base, spike))| day(on, *base, *spike))
            .collect();
        let z = |refuse_at_most| {
            let profile = fit(&days, &FitOptions { refuse_at_most, ..FitOptions::default() })?;
            let given = forecast(Some(&profile), &half_hour(level), minute(now), 10, &BTreeSet::new())?;
            assert!(given.start.is_finite() && given.stop.is_finite() && given.stop >= given.start);
            profile.working.map(|curves| curves.z)
        };
        let (strict, loose) = (wishes.0.min(wishes.1), wishes.0.max(wishes.1));
        prop_assert!(z(strict) >= z(loose));
    }

    /// Bytes that nobody wrote are refused, or are a day or a profile; never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
        let _ = (Day::from_bytes(&bytes), Profile::from_bytes(&bytes));
    }
}
