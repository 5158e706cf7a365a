//! A second opinion: the crate croner reads the same fields, told to count days as Quartz does.

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::common::window;

/// A field of numbers: a list of values, ranges and steps, or all.
fn field(least: u16, most: u16) -> impl Strategy<Value = String> {
    let value = least..=most;
    let range = (value.clone(), value.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let stepped = (value.clone(), value.clone(), 1..=most)
        .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b)));
    let part = prop_oneof![4 => value.prop_map(|value| value.to_string()), 2 => range, 1 => stepped];
    prop_oneof![
        1 => Just("*".to_owned()),
        3 => prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(",")),
    ]
}

/// The two day fields.
fn days() -> impl Strategy<Value = (String, String)> {
    let of_month = prop_oneof![
        3 => field(1, 31),
        1 => Just("L".to_owned()),
        1 => (1_u16..=28).prop_map(|day| format!("{day}W")),
    ];
    let list = prop::collection::vec(1_u16..=7, 1..4)
        .prop_map(|days| days.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    let of_week = prop_oneof![
        3 => list,
        1 => Just("MON-FRI".to_owned()),
        1 => (1_u16..=7, 1_u16..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
        1 => (1_u16..=7).prop_map(|day| format!("{day}L")),
    ];
    prop_oneof![of_month.prop_map(|day| (day, "?".to_owned())), of_week.prop_map(|day| ("?".to_owned(), day)),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn croner_names_the_same_minutes(
        minutes in field(0, 59),
        hours in field(0, 23),
        (of_month, of_week) in days(),
        months in field(1, 12),
        offset in 0_i64..400,
    ) {
        let ours = format!("cron({minutes} {hours} {of_month} {months} {of_week} *)");
        // To croner a `?` is a `*`, and a day is named when both fields name it.
        let theirs = format!("0 {minutes} {hours} {} {months} {} *", of_month.replace('?', "*"), of_week.replace('?', "*"));
        let theirs = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Required)
            .alternative_weekdays(true)
            .dom_and_dow(true)
            .build()
            .parse(&theirs)
            .expect("what we generate is what croner reads");
        let from: DateTime = date(2026, 1, 1).at(0, 0, 0, 0) + jiff::Span::new().days(offset);
        let until = from + jiff::Span::new().days(40);
        let utc = |civil: DateTime| TimeZone::UTC.to_timestamp(civil).expect("in range");
        let fired: Vec<DateTime> = window("UTC", &ours)
            .firings(utc(from), utc(until))
            .into_iter()
            .map(|firing| firing.scheduled.datetime())
            .take(500)
            .collect();
        let mut expected = Vec::new();
        let mut next = from;
        let mut inclusive = true;
        while expected.len() < 500 {
            match theirs.find_next_occurrence(&next, inclusive) {
                Ok(found) if found < until => {
                    expected.push(found);
                    next = found;
                    inclusive = false;
                }
                _ => break,
            }
        }
        prop_assert_eq!(fired, expected, "{}", ours);
    }
}
