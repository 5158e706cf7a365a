//! Load traces: CSV files of a real system's calls, either counts per interval (`start,calls`) or single calls
//! (`start,duration_s`). A bad row is refused with its line and what was expected; nothing is skipped or repaired
//! silently, since a trace with holes would flatter every policy.

use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::callers::Arrival;

/// Why a trace cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("cannot read the trace {}", file.display())]
    Unreadable {
        /// File.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The first line is not a header that is known.
    #[error(
        "{}:1: the header is {found:?}; expected `start,calls` (counts per interval) or `start,duration_s` \
         (single calls)",
        file.display()
    )]
    Header {
        /// File.
        file: PathBuf,
        /// What is there.
        found: String,
    },
    /// A row is wrong.
    #[error("{}:{line}: {found}; expected {expected}", file.display())]
    Row {
        /// File.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// There are no rows.
    #[error("{}: no rows after the header; a trace needs at least one call", file.display())]
    Empty {
        /// File.
        file: PathBuf,
    },
    /// The day asked for is not in the file.
    #[error("{}: no data on {wanted}; the trace has data from {first} to {last}", file.display())]
    NoSuchDay {
        /// File.
        file: PathBuf,
        /// Day asked for.
        wanted: Date,
        /// First day with data.
        first: Date,
        /// Last day with data.
        last: Date,
    },
    /// An option makes no sense.
    #[error("{option} is {found}; expected {expected}")]
    Option {
        /// Name.
        option: &'static str,
        /// Value.
        found: String,
        /// What should be.
        expected: &'static str,
    },
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// So many calls in the interval.
    Calls(u32),
    /// One call of this length.
    Lasts(SignedDuration),
}

/// A trace as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    file: PathBuf,
    rows: Vec<(DateTime, What)>,
    /// Interval of a count trace.
    step: Option<SignedDuration>,
}

/// Which part of a trace is played, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// First day; the first day with data if `None`.
    pub day: Option<Date>,
    /// Number of days on the calendar, without a gap.
    pub days: u32,
    /// Play the first day on this date instead of its own.
    pub onto: Option<Date>,
    /// Time zone of the trace's wall clock.
    pub zone: TimeZone,
    /// Keep each call with this probability (below 1), or repeat calls with a jitter (above 1).
    pub scale: f64,
    /// Seed.
    pub seed: u64,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self { day: None, days: 1, onto: None, zone: TimeZone::UTC, scale: 1.0, seed: 1 }
    }
}

/// A repeated call comes this much earlier or later than the original at most, where the trace has no interval.
const JITTER_SECONDS: f64 = 150.0;
/// Scales beyond this are a slip of the keyboard.
const LARGEST_SCALE: f64 = 1_000.0;

impl Trace {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self, TraceError> {
        let unreadable = |source| TraceError::Unreadable { file: file.to_owned(), source };
        let mut text = String::new();
        std::fs::File::open(file).map_err(unreadable)?.read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(file, &text)
    }

    /// Reads a text; the file's name is for messages.
    pub fn parse(file: &Path, text: &str) -> Result<Self, TraceError> {
        let mut lines = text.lines().zip(1_u64..);
        let header = lines.next().map_or("", |(line, _)| line).trim_start_matches('\u{feff}').trim();
        let counts = match header {
            "start,calls" => true,
            "start,duration_s" => false,
            found => {
                return Err(TraceError::Header { file: file.to_owned(), found: found.to_owned() });
            }
        };
        let mut rows: Vec<(DateTime, What)> = Vec::new();
        for (line, number) in lines {
            let wrong = |found: String, expected| TraceError::Row {
                file: file.to_owned(),
                line: number,
                found,
                expected,
            };
            let row = parse_row(line, counts).map_err(|(found, expected)| wrong(found, expected))?;
            if let Some((before, _)) = rows.last()
                && (row.0 < *before || (counts && row.0 == *before))
            {
                return Err(wrong(
                    format!("{} comes after {before}", row.0),
                    if counts {
                        "rows in order of time, each interval once"
                    } else {
                        "rows in order of time"
                    },
                ));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(TraceError::Empty { file: file.to_owned() });
        }
        let step = counts.then(|| step_of(&rows));
        Ok(Self { file: file.to_owned(), rows, step })
    }

    /// The interval of a count trace; `None` for single calls, whose lengths are known.
    pub fn step(&self) -> Option<SignedDuration> {
        self.step
    }

    /// The file it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// First and last day with data.
    pub fn period(&self) -> (Date, Date) {
        let day = |row: Option<&(DateTime, What)>| row.map_or(Date::default(), |(at, _)| at.date());
        (day(self.rows.first()), day(self.rows.last()))
    }

    /// The calls of the days asked for.
    pub fn arrivals(&self, options: &TraceOptions) -> Result<Vec<Arrival>, TraceError> {
        if !(options.scale > 0.0 && options.scale <= LARGEST_SCALE) {
            return Err(TraceError::Option {
                option: "scale",
                found: options.scale.to_string(),
                expected: "a number above 0 and at most 1000",
            });
        }
        if options.days == 0 {
            return Err(TraceError::Option {
                option: "days",
                found: "0".to_owned(),
                expected: "at least one day",
            });
        }
        let (first, last) = self.period();
        let from = options.day.unwrap_or(first);
        let until = from.saturating_add(SignedDuration::from_hours(24 * i64::from(options.days)));
        if !self.rows.iter().any(|(at, _)| at.date() == from) {
            return Err(TraceError::NoSuchDay { file: self.file.clone(), wanted: from, first, last });
        }
        let chosen = self.rows.iter().filter(|(at, _)| at.date() >= from && at.date() < until);
        let mut placing = Placing {
            rng: ChaCha8Rng::seed_from_u64(options.seed ^ 0x0074_7261_6365),
            jitter: self.step.map_or(JITTER_SECONDS, |step| step.as_secs_f64() / 2.0),
            scale: options.scale,
            moved: options.onto.map_or(SignedDuration::ZERO, |onto| onto.duration_since(from)),
            from,
            until,
            zone: &options.zone,
            arrivals: Vec::new(),
        };
        for (at, what) in chosen {
            match *what {
                What::Lasts(duration) => placing.call(*at, Some(duration)),
                What::Calls(count) => {
                    let step = self.step.unwrap_or(SignedDuration::from_mins(5)).as_secs_f64();
                    for _ in 0..count {
                        let within = placing.rng.random::<f64>() * step;
                        placing.call(shift(*at, within), None);
                    }
                }
            }
        }
        let mut arrivals = placing.arrivals;
        arrivals.sort_unstable();
        Ok(arrivals)
    }
}

/// Puts calls on the time line.
struct Placing<'a> {
    rng: ChaCha8Rng,
    jitter: f64,
    scale: f64,
    moved: SignedDuration,
    from: Date,
    until: Date,
    zone: &'a TimeZone,
    arrivals: Vec<Arrival>,
}

impl Placing<'_> {
    /// A call of the trace, as often as the scale says.
    fn call(&mut self, at: DateTime, duration: Option<SignedDuration>) {
        let whole = self.scale.floor();
        let copies = whole as u32 + u32::from(self.rng.random::<f64>() < self.scale - whole);
        for copy in 0..copies {
            let shifted = if copy == 0 {
                at
            } else {
                shift(at, self.rng.random_range(-self.jitter..self.jitter.max(f64::MIN_POSITIVE)))
            };
            // A copy stays within the days that were asked for.
            let first = DateTime::from_parts(self.from, Time::midnight());
            let last = shift(DateTime::from_parts(self.until, Time::midnight()), -1.0);
            let played = shifted.clamp(first, last).saturating_add(self.moved);
            let Ok(zoned) = self.zone.to_ambiguous_zoned(played).compatible() else { continue };
            self.arrivals.push(Arrival { at: to_millisecond(zoned.timestamp()), duration });
        }
    }
}

fn shift(at: DateTime, seconds: f64) -> DateTime {
    let by = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
    at.saturating_add(by)
}

fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// One row, or what is there and what was expected.
fn parse_row(line: &str, counts: bool) -> Result<(DateTime, What), (String, &'static str)> {
    let fields: Vec<&str> = line.trim_end_matches('\r').split(',').collect();
    let [start, number] = fields.as_slice() else {
        return Err((format!("{} fields in {line:?}", fields.len()), "two fields, separated by a comma"));
    };
    let at: DateTime = start
        .parse()
        .map_err(|_| (format!("start is {start:?}"), "a local time such as 2003-03-03T07:00:00"))?;
    let what = if counts {
        number.parse().map(What::Calls).map_err(|_| {
            (format!("calls is {number:?}"), "a whole number of calls in the interval, 0 or more")
        })?
    } else {
        let seconds: u32 = number.parse().map_err(|_| {
            (format!("duration_s is {number:?}"), "the length of the call in whole seconds, 0 or more")
        })?;
        What::Lasts(SignedDuration::from_secs(i64::from(seconds)))
    };
    Ok((at, what))
}

/// The interval: the shortest distance of two rows. A longer one is a gap in what was observed.
fn step_of(rows: &[(DateTime, What)]) -> SignedDuration {
    rows.windows(2)
        .filter_map(|pair| match pair {
            [(a, _), (b, _)] => Some(b.duration_since(*a)),
            _ => None,
        })
        .min()
        .unwrap_or(SignedDuration::from_mins(5))
}

#[cfg(test)]
mod tests {
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
        let trace =
            parse("start,calls\n2003-03-03T21:00:00,3\n2003-03-04T07:00:00,1\n2003-03-04T07:06:00,1\n");
        assert_eq!(trace.unwrap().step(), Some(SignedDuration::from_mins(6)));
    }

    #[test]
    fn a_day_is_chosen_and_played_on_another_date() {
        let trace = parse(
            "start,duration_s\n2003-03-03T07:00:00,60\n2003-03-04T08:00:00,90\n2003-03-05T08:00:00,90\n",
        )
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

    #[test]
    fn the_traces_that_come_with_the_project_are_read_whole() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/traces");
        for (file, rows, step) in [
            ("bank-na-2003-03-to-08-5min.csv", 20_449, Some(5)),
            ("bank-il-1999-01-to-07-6min.csv", 50_640, Some(6)),
            ("bank-il-1999-08-calls.csv", 41_767, None),
        ] {
            let path = folder.join(file);
            if !path.exists() {
                continue;
            }
            let trace = Trace::read(&path).unwrap();
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
}
