//! Rows that are refused, days that are chosen, and what scaling keeps.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::arrivals::shift;
use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Trace, TraceError> {
    Trace::parse(Path::new("calls.csv"), text)
}

#[test]
fn each_bad_row_is_refused_with_its_line_and_what_was_expected() {
    for (text, message) in [
        (
            "",
            "calls.csv:1: the header is \"\"; expected `start,calls` (counts per interval) or `start,duration_s` (single calls)",
        ),
        (
            "time,calls\n",
            "calls.csv:1: the header is \"time,calls\"; expected `start,calls` (counts per interval) or `start,duration_s` (single calls)",
        ),
        ("start,calls\n", "calls.csv: no rows after the header; a trace needs at least one call"),
        (
            "start,calls\n2003-03-03T07:00:00,3\n2003-03-03T07:05:00\n",
            "calls.csv:3: 1 fields in \"2003-03-03T07:05:00\"; expected two fields, separated by a comma",
        ),
        (
            "start,calls\n2003-03-03T07:00:00,3\n\n",
            "calls.csv:3: 1 fields in \"\"; expected two fields, separated by a comma",
        ),
        (
            "start,calls\n2003-13-03T07:00:00,3\n",
            "calls.csv:2: start is \"2003-13-03T07:00:00\"; expected a local time such as 2003-03-03T07:00:00",
        ),
        (
            "start,calls\n2003-03-03T07:00:00,-3\n",
            "calls.csv:2: calls is \"-3\"; expected a whole number of calls in the interval, 0 or more",
        ),
        (
            "start,calls\n2003-03-03T07:00:00,3.5\n",
            "calls.csv:2: calls is \"3.5\"; expected a whole number of calls in the interval, 0 or more",
        ),
        (
            "start,duration_s\n2003-03-03T07:00:00,long\n",
            "calls.csv:2: duration_s is \"long\"; expected the length of the call in whole seconds, 0 or more",
        ),
        (
            "start,calls\n2003-03-03T07:05:00,3\n2003-03-03T07:00:00,1\n",
            "calls.csv:3: 2003-03-03T07:00:00 comes after 2003-03-03T07:05:00; expected rows in order of time, each interval once",
        ),
        (
            "start,calls\n2003-03-03T07:00:00,3\n2003-03-03T07:00:00,1\n",
            "calls.csv:3: 2003-03-03T07:00:00 comes after 2003-03-03T07:00:00; expected rows in order of time, each interval once",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Trace::read(Path::new("/nowhere/calls.csv")).unwrap_err().to_string();
    assert_eq!(error, "cannot read the trace /nowhere/calls.csv");
}

#[test]
fn the_step_is_detected_over_a_gap() {
    let trace = parse("start,calls\n2003-03-03T21:00:00,3\n2003-03-04T07:00:00,1\n2003-03-04T07:06:00,1\n");
    assert_eq!(trace.unwrap().step(), Some(SignedDuration::from_mins(6)));
}

#[test]
fn a_day_is_chosen_and_played_on_another_date() {
    let trace =
        parse("start,duration_s\n2003-03-03T07:00:00,60\n2003-03-04T08:00:00,90\n2003-03-05T08:00:00,90\n")
            .unwrap();
    let day = TraceOptions { day: Some("2003-03-04".parse().unwrap()), ..TraceOptions::default() };
    let arrivals = trace.arrivals(&day).unwrap();
    assert_eq!(arrivals.len(), 1);
    assert_eq!(arrivals[0].at.to_string(), "2003-03-04T08:00:00Z");
    assert_eq!(arrivals[0].duration, Some(SignedDuration::from_secs(90)));
    let moved = TraceOptions { onto: Some("2026-05-04".parse().unwrap()), days: 2, ..day };
    let arrivals = trace.arrivals(&moved).unwrap();
    assert_eq!(arrivals[1].at.to_string(), "2026-05-05T08:00:00Z");
    let missing = TraceOptions { day: Some("2003-04-01".parse().unwrap()), ..TraceOptions::default() };
    assert_eq!(
        trace.arrivals(&missing).unwrap_err().to_string(),
        "calls.csv: no data on 2003-04-01; the trace has data from 2003-03-03 to 2003-03-05"
    );
}

#[test]
fn options_out_of_range_are_refused() {
    let trace = parse("start,calls\n2003-03-03T07:00:00,3\n").unwrap();
    for scale in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(trace.arrivals(&TraceOptions { scale, ..TraceOptions::default() }).is_err());
    }
    assert!(trace.arrivals(&TraceOptions { days: 0, ..TraceOptions::default() }).is_err());
}

/// Recorded traces are an option: `SPILLWAY_TRACES` names the folder that holds them.
#[test]
fn recorded_traces_are_read_whole() {
    let Some(folder) = std::env::var_os("SPILLWAY_TRACES").map(PathBuf::from) else {
        eprintln!("left out: SPILLWAY_TRACES names no folder with recorded traces");
        return;
    };
    for (file, rows, step) in [
        ("bank-na-2003-03-to-08-5min.csv", 20_449, Some(5)),
        ("bank-il-1999-01-to-07-6min.csv", 50_640, Some(6)),
        ("bank-il-1999-08-calls.csv", 41_767, None),
    ] {
        let trace = Trace::read(&folder.join(file)).unwrap();
        assert_eq!(trace.rows.len(), rows);
        assert_eq!(trace.step(), step.map(SignedDuration::from_mins));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scaling_keeps_about_the_share_and_never_leaves_the_day(
        counts in proptest::collection::vec(0_u32..60, 1..30),
        scale in 0.05_f64..4.0,
        seed: u64,
    ) {
        let start: DateTime = "2003-03-03T00:00:00".parse().unwrap();
        let mut text = String::from("start,calls\n");
        for (n, calls) in counts.iter().enumerate() {
            let at = shift(start, n as f64 * 300.0);
            text.push_str(&[at.to_string(), calls.to_string()].join(","));
            text.push('\n');
        }
        let options = TraceOptions { scale, seed, ..TraceOptions::default() };
        let trace = parse(&text).unwrap();
        let arrivals = trace.arrivals(&options).unwrap();
        let wanted = f64::from(counts.iter().sum::<u32>()) * scale;
        prop_assert!((arrivals.len() as f64 - wanted).abs() <= 6.0 * wanted.sqrt() + 6.0);
        prop_assert!(arrivals.windows(2).all(|pair| pair[0].at <= pair[1].at));
        prop_assert!(arrivals.iter().all(|a| a.at.to_string().starts_with("2003-03-03T")));
        prop_assert_eq!(arrivals, trace.arrivals(&options).unwrap());
    }
}

#[test]
fn the_hour_that_autumn_repeats_spoils_its_own_day_only() {
    let text = "\u{feff}start,calls\n2025-10-25T08:00:00,4\n2025-10-25T09:00:00,4\n2025-10-26T02:00:00,4\n\
                2025-10-26T02:00:00,4\n2025-10-27T08:00:00,3\n";
    let trace = Trace::parse(Path::new("calls.csv"), text).unwrap();
    assert_eq!(trace.step(), Some(SignedDuration::from_hours(1)));
    let on = |day: &str, days| {
        let options = TraceOptions { day: Some(day.parse().unwrap()), days, ..TraceOptions::default() };
        trace.arrivals(&options).map(|arrivals| arrivals.len()).map_err(|error| error.to_string())
    };
    assert_eq!((on("2025-10-25", 1), on("2025-10-27", 1)), (Ok(8), Ok(3)));
    for (day, days) in [("2025-10-26", 1), ("2025-10-25", 2)] {
        let said = on(day, days).unwrap_err();
        assert!(said.starts_with("calls.csv:5: a local time stands twice on 2025-10-26"), "{said}");
    }
}
