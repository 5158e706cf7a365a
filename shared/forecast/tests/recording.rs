//! Days as they are recorded: what is cut off, what is disturbed, and where a day ends.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use spillway_forecast::{CostLimit, Day, Disturbance, FitOptions, LeftOut, MINUTES, Target, fit};

const TODAY: Date = date(2026, 3, 30);

/// The days before today, the last first, each with the load that a function gives to its minutes.
fn recorded(days: i64, load: impl Fn(i64, usize) -> f64) -> Vec<Day> {
    (1..=days)
        .map(|ago| {
            let mut day = Day::empty(TODAY.saturating_sub(jiff::Span::new().days(ago)));
            for minute in 0..MINUTES {
                day.see(minute, load(ago, minute));
            }
            day
        })
        .collect()
}

#[test]
fn a_minute_without_room_is_marked_and_its_demand_is_an_estimate() {
    let mut day = Day::empty(TODAY);
    for (minute, (used, free)) in
        [(100.0, 5.0), (100.0, 4.0), (0.0, 0.0), (50.0, f64::NAN)].into_iter().enumerate()
    {
        day.record(minute, used, free);
    }
    let seen: Vec<(Option<f64>, bool)> =
        (0..4).map(|minute| (day.at(minute), day.is_cut_off(minute))).collect();
    assert_eq!(seen, [(Some(100.0), false), (Some(130.0), true), (Some(0.0), true), (None, false)]);
    assert_eq!(Day::from_bytes(&day.to_bytes()).unwrap(), day);
    day.record(4, 1e9, 10.0);
    assert!(day.at(4).unwrap() > 6_500.0, "what is more than can be kept is kept as the most");
}

#[test]
fn an_hour_of_an_outage_an_upgrade_or_a_pause_leaves_a_day_out_and_is_named() {
    let mut days = recorded(14, |_, _| 10.0);
    for (index, (by, minutes)) in [
        (Disturbance::Outage, 59),
        (Disturbance::Outage, 60),
        (Disturbance::Upgrade, 60),
        (Disturbance::Pause, 200),
    ]
    .into_iter()
    .enumerate()
    {
        (0..minutes).for_each(|_| days[index].disturb(by));
    }
    // The longest of several is named.
    (0..70).for_each(|_| days[3].disturb(Disturbance::Outage));
    let read: Vec<Day> = days.iter().map(|day| Day::from_bytes(&day.to_bytes()).unwrap()).collect();
    assert_eq!(read, days);
    let profile = fit(&read, &FitOptions::default()).unwrap();
    let left_out: Vec<(Date, String)> =
        profile.left_out.iter().map(|(day, why)| (*day, why.to_string())).collect();
    let expected = [
        (days[3].date, "paused for an hour or more".to_owned()),
        (days[2].date, "an upgrade of an hour or more".to_owned()),
        (days[1].date, "an outage of an hour or more".to_owned()),
    ];
    assert_eq!(left_out, expected);
    assert_eq!(profile.left_out[0].1, LeftOut::Disturbed(Disturbance::Pause));
    let bytes = profile.to_bytes();
    assert_eq!(spillway_forecast::Profile::from_bytes(&bytes).unwrap().left_out, profile.left_out);
}

/// Without a time zone in the policy midnight is UTC's, which is nine in the morning in Tokyo.
#[test]
fn a_rush_at_midnight_is_seen_from_before_midnight() {
    // Every day is busy, from midnight to one o'clock.
    let days = recorded(20, |_, minute| if minute < 60 { 100.0 } else { 10.0 });
    let profile = fit(&days, &FitOptions::default()).unwrap();
    let curves = profile.curves(TODAY, &BTreeSet::new()).unwrap();
    let start = |minute: usize| curves.start[minute].round();
    assert_eq!((start(MINUTES - 11), start(MINUTES - 10), start(MINUTES - 1)), (10.0, 100.0, 100.0));
    assert!((curves.stop[MINUTES - 30] - 100.0).abs() < 1e-9, "and capacity is kept for it");
    // 10 over the last half hour, 29 of its minutes before midnight; the first day that is known has no minute before it.
    assert!((curves.level[0] - (19.0 * 13.0 + 100.0) / 20.0).abs() < 1e-9, "{}", curves.level[0]);
    // Nothing follows yesterday yet: what followed the day before stands for it, else it would look like a day without.
    assert!(curves.start_spread[MINUTES - 5] < 9.0, "{}", curves.start_spread[MINUTES - 5]);
}

#[test]
fn where_a_saved_call_is_too_dear_the_margin_is_not_raised_further() {
    // One day in ten is three times as busy.
    let mut days = recorded(60, |ago, minute| match (ago % 10, minute) {
        (0, 540..600) => 300.0,
        (_, 540..600) => 100.0,
        _ => 10.0,
    });
    let learned = |days: &[Day], limit: Option<f64>| {
        let cost = limit.map(|node_hours_per_call| CostLimit { node_hours_per_call, node: 17.0 });
        let profile = fit(days, &FitOptions { cost, ..FitOptions::default() }).unwrap();
        let curves = profile.curves(TODAY, &BTreeSet::new()).unwrap();
        (curves.z, curves.unmet, curves.target, profile.to_bytes())
    };
    let without = learned(&days, None);
    assert_eq!(without.2, Target::Met);
    let generous = learned(&days, Some(1_000.0));
    assert_eq!(generous, without, "a limit that is not reached changes nothing");
    let careful = learned(&days, Some(0.2));
    assert_eq!(careful.2, Target::TooDear);
    assert!(careful.0 < without.0 && careful.1 > without.1, "{} {}", careful.0, without.0);
    assert!(careful.2.to_string().contains("`forecast.most_node_hours_per_call`"), "{}", careful.2);
    let read = spillway_forecast::Profile::from_bytes(&careful.3).unwrap();
    assert_eq!(read.curves(TODAY, &BTreeSet::new()).unwrap().target, Target::TooDear); // What is always on costs nothing more: the same calls are cheaper to save.
    for day in &mut days {
        day.see_always_on(10_000);
    }
    assert_eq!(days[0], Day::from_bytes(&days[0].to_bytes()).unwrap());
    assert_eq!(learned(&days, Some(0.2)), without);
}
