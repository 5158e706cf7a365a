//! What is refused, and what is said about it.

use spillway_core::prewarm::WindowSpec;
use spillway_scheduler::{Expression, Window};

use crate::common::target;

#[test]
fn every_refusal_names_the_field_and_what_is_allowed() {
    let table = [
        ("50 8 * * 1-5", "is no schedule expression: write cron(50 8 ? * MON-FRI *), rate(15 minutes)"),
        ("cron(50 8 ? * MON-FRI)", "has six fields (minutes hours day-of-month month day-of-week year)"),
        ("cron(0 50 8 ? * MON-FRI *)", "has 7"),
        ("cron(60 8 ? * MON-FRI *)", "minutes is \"60\"; allowed is 0-59"),
        ("cron(-1 8 ? * MON-FRI *)", "minutes is \"-1\""),
        ("cron(5,x 8 ? * MON-FRI *)", "minutes is \"5,x\""),
        ("cron(*/0 8 ? * MON-FRI *)", "minutes is \"*/0\""),
        ("cron(50-10 8 ? * MON-FRI *)", "minutes is \"50-10\""),
        ("cron(50 24 ? * MON-FRI *)", "hours is \"24\"; allowed is 0-23"),
        ("cron(50 8 0 * ? *)", "day-of-month is \"0\"; allowed is 1-31 with , - * ? / L W"),
        ("cron(50 8 32W * ? *)", "day-of-month is \"32W\""),
        ("cron(50 8 L-3 * ? *)", "day-of-month is \"L-3\""),
        ("cron(50 8 ? 13 MON *)", "month is \"13\"; allowed is 1-12 or JAN-DEC"),
        ("cron(50 8 ? MAI MON *)", "month is \"MAI\""),
        ("cron(50 8 ? * 0 *)", "day-of-week is \"0\"; allowed is 1-7 or SUN-SAT (1 is Sunday)"),
        ("cron(50 8 ? * MO-FR *)", "day-of-week is \"MO-FR\""),
        ("cron(50 8 ? * FRI-MON *)", "day-of-week is \"FRI-MON\""),
        ("cron(50 8 ? * 2/2 *)", "day-of-week is \"2/2\""),
        ("cron(50 8 ? * 3#6 *)", "day-of-week is \"3#6\""),
        ("cron(50 8 ? * 3#1,6#3 *)", "day-of-week is \"3#1,6#3\""),
        ("cron(50 8 ? * MON 1969)", "year is \"1969\"; allowed is 1970-2199"),
        ("cron(50 8 * * MON-FRI *)", "exactly one of the two must be ?"),
        ("cron(50 8 ? * ? *)", "exactly one of the two must be ?"),
        ("rate(0 minutes)", "rate is \"0 minutes\"; allowed is a whole number above 0"),
        ("rate(5 weeks)", "rate is \"5 weeks\""),
        ("rate(minutes)", "rate is \"minutes\""),
        ("rate(99999999999999999999 days)", "rate is"),
        ("at(2026-12-05)", "at is \"2026-12-05\"; allowed is a date and time without a zone"),
        ("at(2026-12-05T08:50:00Z)", "at is \"2026-12-05T08:50:00Z\""),
        ("at(2026-02-29T08:50:00)", "at is \"2026-02-29T08:50:00\""),
    ];
    for (expression, says) in table {
        let error = expression.parse::<Expression>().expect_err(expression).to_string();
        assert!(error.contains(says), "{expression}\n  said: {error}\n  want: {says}");
    }
}

#[test]
fn what_the_guide_and_the_user_guide_write_is_read() {
    for expression in [
        "cron(50 8 ? * MON-FRI *)",
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * mon-fri *)",
        "cron(0 9 3W,L * ? *)",
        "cron(0 10 1-5,20/3 JAN,jun ? 2026/2)",
        "rate(1 minute)",
        "rate(5 hours)",
        "at(2022-11-20T13:00:00)",
    ] {
        assert_eq!(expression.parse::<Expression>().expect(expression).as_str(), expression);
    }
}

#[test]
fn a_window_is_refused_with_the_part_that_is_wrong() {
    let refusal = |spec: WindowSpec, expression: &str| Window::new(spec, expression, target()).unwrap_err();
    let ok = || WindowSpec::with_defaults("w", "UTC");
    let error = refusal(ok(), "cron(50 8 ? * MON-FRI)").to_string();
    assert!(error.starts_with("schedule expression: a cron expression has six fields"), "{error}");
    let error = refusal(WindowSpec { hold_minutes: 5, ..ok() }, "rate(1 day)").to_string();
    assert!(error.contains("`hold_minutes` is 5"), "{error}");
}
