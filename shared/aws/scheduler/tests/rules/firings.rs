//! Explicit instants.

use jiff::civil::date;

use crate::common::{at, fires, target, window};
use spillway_core::prewarm::WindowSpec;
use spillway_scheduler::Window;

/// Zone, expression, from, until, and the instants.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

fn check(table: &[Row]) {
    for (zone, expression, from, until, expected) in table {
        let fired = fires(&window(zone, expression), &format!("{from}T00:00Z"), &format!("{until}T00:00Z"));
        assert_eq!(fired, *expected, "{expression} in {zone} from {from} until {until}");
    }
}

#[test]
fn a_window_keeps_its_local_time_over_both_changes_of_the_clocks() {
    let morning = "cron(50 8 ? * MON-FRI *)";
    check(&[
        ("Europe/Oslo", morning, "2026-03-27", "2026-03-31", &["2026-03-27T07:50Z", "2026-03-30T06:50Z"]),
        ("Europe/Oslo", morning, "2026-10-23", "2026-10-27", &["2026-10-23T06:50Z", "2026-10-26T07:50Z"]),
        (
            "America/New_York",
            morning,
            "2026-03-06",
            "2026-03-10",
            &["2026-03-06T13:50Z", "2026-03-09T12:50Z"],
        ),
        (
            "America/New_York",
            morning,
            "2026-10-30",
            "2026-11-03",
            &["2026-10-30T12:50Z", "2026-11-02T13:50Z"],
        ),
        ("Asia/Kolkata", morning, "2026-03-27", "2026-03-31", &["2026-03-27T03:20Z", "2026-03-30T03:20Z"]),
        (
            "Australia/Lord_Howe",
            morning,
            "2026-04-02",
            "2026-04-06",
            &["2026-04-02T21:50Z", "2026-04-05T22:20Z"],
        ),
        (
            "Australia/Lord_Howe",
            morning,
            "2026-10-01",
            "2026-10-05",
            &["2026-10-01T22:20Z", "2026-10-04T21:50Z"],
        ),
    ]);
}

#[test]
fn a_local_time_that_the_clocks_skip_does_not_fire() {
    check(&[
        (
            "Europe/Oslo",
            "cron(30 2 * * ? *)",
            "2026-03-28",
            "2026-03-31",
            &["2026-03-28T01:30Z", "2026-03-30T00:30Z"],
        ),
        ("Europe/Oslo", "at(2026-03-29T02:30:00)", "2026-03-28", "2026-03-31", &[]),
        (
            "America/New_York",
            "cron(30 2 * * ? *)",
            "2026-03-07",
            "2026-03-10",
            &["2026-03-07T07:30Z", "2026-03-09T06:30Z"],
        ),
        // Half an hour is skipped there: 02:15 is not, 02:45 is.
        ("Australia/Lord_Howe", "cron(15,45 2 4 10 ? *)", "2026-10-03", "2026-10-05", &["2026-10-03T15:45Z"]),
        ("Australia/Lord_Howe", "at(2026-10-04T02:15:00)", "2026-10-02", "2026-10-06", &[]),
    ]);
}

#[test]
fn a_local_time_that_comes_twice_fires_once_and_the_next_day_as_usual() {
    check(&[
        (
            "Europe/Oslo",
            "cron(30 2 * * ? *)",
            "2026-10-24",
            "2026-10-27",
            &["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
        ),
        ("Europe/Oslo", "at(2026-10-25T02:30:00)", "2026-10-24", "2026-10-27", &["2026-10-25T00:30Z"]),
        (
            "America/New_York",
            "cron(30 1 * * ? *)",
            "2026-10-31",
            "2026-11-03",
            &["2026-10-31T05:30Z", "2026-11-01T05:30Z", "2026-11-02T06:30Z"],
        ),
        (
            "Australia/Lord_Howe",
            "cron(45 1 * * ? *)",
            "2026-04-03",
            "2026-04-06",
            &["2026-04-03T14:45Z", "2026-04-04T14:45Z", "2026-04-05T15:15Z"],
        ),
    ]);
}

#[test]
fn a_firing_belongs_to_its_local_date_whatever_the_date_is_in_utc() {
    check(&[
        // Midnight on the first of the month in India is the evening of the last in UTC.
        (
            "Asia/Kolkata",
            "cron(0 0 1 * ? *)",
            "2026-02-01",
            "2026-04-01",
            &["2026-02-28T18:30Z", "2026-03-31T18:30Z"],
        ),
        ("America/New_York", "cron(30 20 ? * FRI *)", "2026-03-06", "2026-03-08", &["2026-03-07T01:30Z"]),
        ("Europe/Oslo", "cron(0 0 1 1 ? *)", "2026-12-31", "2027-01-02", &["2026-12-31T23:00Z"]),
    ]);
    let mut monday = window("Asia/Kolkata", "cron(0 0 ? * MON *)");
    monday.spec.skip = vec![date(2026, 3, 2)];
    assert_eq!(
        fires(&monday, "2026-03-01T00:00Z", "2026-03-09T00:00Z"),
        ["2026-03-01T18:30Z skip", "2026-03-08T18:30Z"]
    );
}

#[test]
fn the_end_of_the_month_and_leap_days() {
    check(&[
        ("UTC", "cron(0 9 29 2 ? *)", "2026-01-01", "2030-01-01", &["2028-02-29T09:00Z"]),
        (
            "UTC",
            "cron(0 9 L 2 ? 2027-2028)",
            "2026-01-01",
            "2030-01-01",
            &["2027-02-28T09:00Z", "2028-02-29T09:00Z"],
        ),
        (
            "UTC",
            "cron(0 9 31 * ? *)",
            "2026-03-01",
            "2026-06-01",
            &["2026-03-31T09:00Z", "2026-05-31T09:00Z"],
        ),
        // 2026-05-31 and 2026-08-30 are Sundays.
        (
            "UTC",
            "cron(0 9 LW 5,8 ? *)",
            "2026-05-01",
            "2026-09-01",
            &["2026-05-29T09:00Z", "2026-08-31T09:00Z"],
        ),
    ]);
}

#[test]
fn the_nearest_weekday_stays_in_its_month() {
    check(&[
        // Saturday the 1st of August: Monday the 3rd. Sunday the 1st of November: Monday the 2nd.
        (
            "UTC",
            "cron(0 9 1W 8,11 ? 2026)",
            "2026-08-01",
            "2026-12-01",
            &["2026-08-03T09:00Z", "2026-11-02T09:00Z"],
        ),
        // Saturday the 15th: Friday. Sunday the 31st: Friday the 29th. There is no 31st of June.
        ("UTC", "cron(0 9 15W 8 ? 2026)", "2026-08-01", "2026-09-01", &["2026-08-14T09:00Z"]),
        ("UTC", "cron(0 9 31W 5,6 ? 2026)", "2026-05-01", "2026-07-01", &["2026-05-29T09:00Z"]),
    ]);
}

#[test]
fn days_of_the_week_count_from_sunday() {
    check(&[
        ("UTC", "cron(0 9 ? * 1 *)", "2026-03-02", "2026-03-09", &["2026-03-08T09:00Z"]),
        ("UTC", "cron(0 9 ? * 7 *)", "2026-03-02", "2026-03-09", &["2026-03-07T09:00Z"]),
        ("UTC", "cron(0 9 ? * L *)", "2026-03-02", "2026-03-09", &["2026-03-07T09:00Z"]),
        (
            "UTC",
            "cron(0 9 ? * 2-3 *)",
            "2026-03-02",
            "2026-03-09",
            &["2026-03-02T09:00Z", "2026-03-03T09:00Z"],
        ),
        (
            "UTC",
            "cron(0 9 ? * 6L *)",
            "2026-01-01",
            "2026-03-01",
            &["2026-01-30T09:00Z", "2026-02-27T09:00Z"],
        ),
        (
            "UTC",
            "cron(0 9 ? * 3#2 *)",
            "2026-01-01",
            "2026-03-01",
            &["2026-01-13T09:00Z", "2026-02-10T09:00Z"],
        ),
        (
            "UTC",
            "cron(0 9 ? * mon#5 *)",
            "2026-03-01",
            "2026-07-01",
            &["2026-03-30T09:00Z", "2026-06-29T09:00Z"],
        ),
    ]);
}

#[test]
fn a_rate_counts_from_its_start_in_hours_that_the_clocks_do_not_change() {
    let mut daily = window("Europe/Oslo", "rate(1 day)");
    daily.starts_at = Some(at("2026-03-28T07:00Z"));
    assert_eq!(
        fires(&daily, "2026-03-27T00:00Z", "2026-03-31T00:00Z"),
        ["2026-03-28T07:00Z", "2026-03-29T07:00Z", "2026-03-30T07:00Z"]
    );
    daily.starts_at = None;
    daily.created_at = Some(at("2026-01-01T10:30Z"));
    assert_eq!(fires(&daily, "2026-03-27T11:00Z", "2026-03-29T00:00Z"), ["2026-03-28T10:30Z"]);
    let often = window("UTC", "rate(20 minutes)");
    let from_now = fires(&often, "2026-03-27T11:00Z", "2026-03-27T12:00Z");
    assert_eq!(from_now, ["2026-03-27T11:00Z", "2026-03-27T11:20Z", "2026-03-27T11:40Z"]);
}

#[test]
fn start_and_end_date_bound_a_recurring_window_and_not_a_single_one() {
    let mut daily = window("UTC", "cron(0 9 * * ? *)");
    daily.starts_at = Some(at("2026-03-02T09:00Z"));
    daily.ends_at = Some(at("2026-03-03T10:00Z"));
    let all = ["2026-03-02T09:00Z", "2026-03-03T09:00Z"];
    assert_eq!(fires(&daily, "2026-03-01T00:00Z", "2026-03-09T00:00Z"), all);
    let mut once = window("UTC", "at(2026-03-01T09:00:00)");
    once.starts_at = Some(at("2026-03-02T00:00Z"));
    assert_eq!(fires(&once, "2026-03-01T00:00Z", "2026-03-09T00:00Z"), ["2026-03-01T09:00Z"]);
}

#[test]
fn the_first_instant_is_included_and_the_last_is_not() {
    let daily = window("Europe/Oslo", "cron(50 8 * * ? *)");
    let table = [
        ("2026-03-02T07:50:00Z", "2026-03-02T07:50:01Z", 1),
        ("2026-03-02T07:50:01Z", "2026-03-03T07:50:00Z", 0),
        ("2026-03-02T07:50:00Z", "2026-03-02T07:50:00Z", 0),
        ("2026-03-03T00:00:00Z", "2026-03-02T00:00:00Z", 0),
    ];
    for (from, until, count) in table {
        assert_eq!(fires(&daily, from, until).len(), count, "{from} until {until}");
    }
}

#[test]
fn a_firing_is_anywhere_within_its_minute_or_its_flexible_window() {
    let mut daily = window("UTC", "cron(50 8 * * ? *)");
    let one = |window: &Window| window.firings(at("2026-03-02T00:00Z"), at("2026-03-03T00:00Z")).remove(0);
    let firing = one(&daily);
    assert_eq!(firing.scheduled.timestamp(), at("2026-03-02T08:50:00Z"));
    assert_eq!(firing.latest, at("2026-03-02T08:50:59Z"));
    assert_eq!(firing.spike_at, at("2026-03-02T09:00:00Z"));
    assert_eq!(firing.held_until, at("2026-03-02T10:00:00Z"));
    daily.flexible_minutes = Some(15);
    assert_eq!(one(&daily).latest, at("2026-03-02T09:05:59Z"));
    daily.enabled = false;
    assert!(daily.firings(at("2026-03-02T00:00Z"), at("2026-03-03T00:00Z")).is_empty());
}

#[test]
fn an_extra_date_is_a_schedule_of_its_own_at_the_windows_times_of_day() {
    let spec = WindowSpec {
        skip: vec![date(2026, 12, 5), date(2026, 12, 25)],
        ..WindowSpec::with_defaults("weekday-morning", "Europe/Oslo")
    };
    let weekdays = Window::new(spec, "cron(50 8,13 ? * MON-FRI *)", target()).unwrap();
    let extra = weekdays.on_extra_date(date(2026, 12, 5)).unwrap();
    let names: Vec<_> = extra.iter().map(|window| window.name.as_str()).collect();
    assert_eq!(names, ["weekday-morning-extra-20261205-0850", "weekday-morning-extra-20261205-1350"]);
    assert_eq!(extra[0].expression.as_str(), "at(2026-12-05T08:50:00)");
    assert!(extra[0].delete_after && extra[0].is_extra() && !weekdays.is_extra());
    assert_eq!(extra[0].spec.window, "weekday-morning", "the same hold where both fire at one time");
    assert_eq!(fires(&extra[0], "2026-12-01T00:00Z", "2027-01-01T00:00Z"), ["2026-12-05T07:50Z"]);
    assert!(fires(&weekdays, "2026-12-05T00:00Z", "2026-12-06T00:00Z").is_empty(), "a Saturday");
    let rate = window("UTC", "rate(1 day)").on_extra_date(date(2026, 12, 5)).unwrap_err();
    assert!(rate.to_string().contains("no time of day"), "{rate}");
}

#[test]
fn an_extra_date_is_refused_where_it_would_do_nothing() {
    let now = crate::common::at("2026-12-05T07:00:00Z");
    let mut weekdays = window("Europe/Oslo", "cron(50 8,13 ? * MON-FRI *)");
    weekdays.spec.skip = vec![date(2026, 12, 24)];
    let refusal = |window: &Window, on| window.new_extra_date(on, now).unwrap_err().to_string();
    assert_eq!(refusal(&weekdays, date(2026, 12, 7)), "w fires on 2026-12-07 anyway", "a Monday");
    assert!(
        refusal(&weekdays, date(2026, 12, 24)).starts_with("w skips 2026-12-24"),
        "a Thursday that is skipped"
    );
    assert!(refusal(&weekdays, date(2026, 11, 28)).contains("it is past"));
    // 08:00 in Oslo on that Saturday: both times are to come; at nine only one is.
    assert_eq!(weekdays.new_extra_date(date(2026, 12, 5), now).unwrap().len(), 2);
    let later =
        weekdays.new_extra_date(date(2026, 12, 5), crate::common::at("2026-12-05T08:00:00Z")).unwrap();
    assert_eq!(later.len(), 1);
    assert_eq!((later[0].only_date(), later[0].is_extra_of("w")), (Some(date(2026, 12, 5)), true));
    assert!(!later[0].is_extra_of("another"));
    // The clocks skip 02:30 on the last Sunday in March.
    let night = window("Europe/Oslo", "cron(30 2 ? * MON-FRI *)");
    assert!(refusal(&night, date(2027, 3, 28)).contains("the clocks skip"));
    assert_eq!(night.new_extra_date(date(2027, 3, 27), now).unwrap().len(), 1);
    let once = window("Europe/Oslo", "at(2026-12-09T08:50:00)");
    assert!(refusal(&once, date(2026, 12, 12)).contains("fires once"));
    assert!(refusal(&window("UTC", "rate(1 day)"), date(2026, 12, 12)).contains("no time of day"));
    // One that is switched off fires on no date, and can have an extra one.
    weekdays.enabled = false;
    assert_eq!(weekdays.new_extra_date(date(2026, 12, 7), now).unwrap().len(), 2);
}
