//! What is wrong with a trace, with its line and what was expected.

use std::path::PathBuf;

use jiff::civil::Date;

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
    /// A day that was asked for has local times twice.
    #[error(
        "{}:{line}: a local time stands twice on {day}, as where the clocks go back; which of them a row means is not known. \
         Choose days without it (--date, --days), or write the file in UTC",
        file.display()
    )]
    RepeatedHour {
        /// File.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Day.
        day: Date,
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
