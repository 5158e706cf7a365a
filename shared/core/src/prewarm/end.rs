//! How the firing of a window ended, in types and in sentences.

use jiff::Timestamp;
use jiff::civil::Date;

use super::licences::LicenceCheck;
use crate::fault::Fault;
use crate::ids::LocationName;
use crate::ledger::Hold;
use crate::outcome::CycleReport;

/// What became of a firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Prewarmed {
    /// The window.
    pub window: String,
    /// The scheduled time; the minute of the invocation where it was invoked by hand.
    pub scheduled_at: Timestamp,
    /// Whether no scheduled time was given.
    pub by_hand: bool,
    /// How it ended.
    pub end: PrewarmEnd,
}

/// How a firing ended.
#[derive(Debug, Clone, PartialEq)]
pub enum PrewarmEnd {
    /// The hold is written, and a cycle ran.
    Held(Box<Held>),
    /// The date is one of those to skip.
    Skipped {
        /// Local date.
        date: Date,
    },
    /// It came too late: the hold would be over.
    Over {
        /// When the hold would have ended.
        until: Timestamp,
    },
    /// The window makes no sense on this platform: what an operator has to change.
    Refused(PrewarmRefusal),
    /// The hold could not be written. The invocation has to fail, so that it is tried again.
    NotWritten(Fault),
}

/// A hold that is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The hold.
    pub hold: Hold,
    /// Whether it was there already: the same window fired for the same time before.
    pub repeated: bool,
    /// Licences.
    pub licences: LicenceCheck,
    /// What could not be checked, one phrase each.
    pub unchecked: Vec<String>,
    /// The cycle.
    pub cycle: CycleReport,
}

/// Why a window is refused on this platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrewarmRefusal {
    /// Pexip would stop the nodes again (guide: *Manually starting an overflow node*).
    #[error(
        "lead_minutes is {lead_minutes} and the platform's minimum lifetime is {lifetime_minutes} minutes: \"Do not \
         manually start an overflow node too early. If you manually start up a node more than the Minimum lifetime \
         minutes before the node is needed, it will most probably get automatically stopped again before it is used.\" \
         (Pexip's guide)"
    )]
    TooEarly {
        /// The window's.
        lead_minutes: u32,
        /// The platform's.
        lifetime_minutes: u32,
    },
    /// The location holds no overflow nodes.
    #[error("there is no overflow location {wanted:?}; there are: {}", names(known))]
    NoSuchLocation {
        /// The window's.
        wanted: LocationName,
        /// Those there are.
        known: Vec<LocationName>,
    },
}

fn names(known: &[LocationName]) -> String {
    if known.is_empty() {
        return "none (no instance with the tag joins a Conferencing Node)".to_owned();
    }
    known.iter().map(|name| format!("{:?}", name.as_str())).collect::<Vec<_>>().join(", ")
}

impl PrewarmRefusal {
    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::TooEarly { lifetime_minutes, .. } => format!(
                "let the window fire later and set lead_minutes to at most {lifetime_minutes}, or raise Minimum lifetime \
                 minutes under Platform > Global Settings > Cloud Bursting, or let Spillway drive the instances itself \
                 (mode control)"
            ),
            Self::NoSuchLocation { .. } => {
                "correct `location` in the window's schedule, or set it to null for all overflow locations"
                    .to_owned()
            }
        }
    }
}

impl Prewarmed {
    /// Whether the invocation has to fail, so that it is tried again and its end is not overlooked.
    pub fn is_failure(&self) -> bool {
        matches!(self.end, PrewarmEnd::Refused(_) | PrewarmEnd::NotWritten(_))
    }

    /// What to do about it; empty where nothing.
    pub fn remedy(&self) -> String {
        match &self.end {
            PrewarmEnd::Refused(refusal) => refusal.remedy(),
            PrewarmEnd::NotWritten(fault) => fault.remedy.clone(),
            PrewarmEnd::Held(_) | PrewarmEnd::Skipped { .. } | PrewarmEnd::Over { .. } => String::new(),
        }
    }

    /// What happened, in sentences.
    pub fn summary(&self) -> String {
        let Self { window, scheduled_at, by_hand, end } = self;
        let when = if *by_hand {
            format!("{window}, invoked by hand (no scheduled time; {scheduled_at} is taken)")
        } else {
            format!("{window} of {scheduled_at}")
        };
        let what = match end {
            PrewarmEnd::Skipped { date } => format!("skipped: {date} is one of its dates to skip"),
            PrewarmEnd::Over { until } => {
                format!("came too late: its hold was over at {until}; nothing is done")
            }
            PrewarmEnd::Refused(refusal) => format!("refused: {refusal}"),
            PrewarmEnd::NotWritten(fault) => format!("the hold could not be written: {fault}"),
            PrewarmEnd::Held(held) => held.to_string(),
        };
        format!("{when}: {what}")
    }
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hold, repeated, licences, unchecked, cycle } = self;
        let again = if *repeated { " (it was there already)" } else { "" };
        write!(f, "{} held until {}{again}; {}", hold.amount, hold.until, cycle.summary())?;
        if *licences != LicenceCheck::Unknown {
            write!(f, ". {licences}")?;
        }
        if !unchecked.is_empty() {
            write!(f, ". Could not be checked: {}", unchecked.join(", "))?;
        }
        Ok(())
    }
}
