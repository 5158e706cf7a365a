//! Load traces: CSV files of a real system's calls, either counts per interval (`start,calls`) or single calls
//! (`start,duration_s`). A bad row is refused with its line and what was expected; nothing is skipped or repaired
//! silently, since a trace with holes would flatter every policy.

mod arrivals;
mod error;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

pub use self::arrivals::TraceOptions;
pub use self::error::TraceError;

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
    /// Days on which the clocks seem to have gone back: a local time stands there twice. With the line that shows it.
    repeated: Vec<(Date, u64)>,
}

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
        let mut repeated: Vec<(Date, u64)> = Vec::new();
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
                // Only that day is of no use: which of two equal local times a row means is not known.
                if clocks_went_back(*before, row.0) {
                    if repeated.last().is_none_or(|(day, _)| *day != row.0.date()) {
                        repeated.push((row.0.date(), number));
                    }
                    rows.push(row);
                    continue;
                }
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
        Ok(Self { file: file.to_owned(), rows, step, repeated })
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

/// Whether a row that does not come after the one before it is in the hour that the clocks repeat in autumn: they go back by an
/// hour at most, in the night.
fn clocks_went_back(before: DateTime, row: DateTime) -> bool {
    let in_the_night = |at: DateTime| at.hour() < 4;
    before.date() == row.date()
        && in_the_night(before)
        && in_the_night(row)
        && before.duration_since(row) <= SignedDuration::from_hours(1)
}

/// The interval: the shortest distance of two rows. A longer one is a gap in what was observed.
fn step_of(rows: &[(DateTime, What)]) -> SignedDuration {
    rows.windows(2)
        .filter_map(|pair| match pair {
            [(a, _), (b, _)] => Some(b.duration_since(*a)).filter(SignedDuration::is_positive),
            _ => None,
        })
        .min()
        .unwrap_or(SignedDuration::from_mins(5))
}
