//! A window as it stands in EventBridge Scheduler: what it asks for, when it fires, whom it invokes.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use spillway_core::prewarm::spec::LONGEST_NAME;
use spillway_core::prewarm::{SpecError, WindowSpec};

use crate::error::ExpressionError;
use crate::expression::Expression;

/// A schedule that pre-warms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The schedule's name, unique in its group. An extra date of a window has one of its own.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it fires at all.
    pub enabled: bool,
    /// When.
    pub expression: Expression,
    /// Fires anywhere within so many minutes; none: within the minute.
    pub flexible_minutes: Option<u32>,
    /// Not before.
    pub starts_at: Option<Timestamp>,
    /// Not after.
    pub ends_at: Option<Timestamp>,
    /// When it was made; none: not made yet.
    pub created_at: Option<Timestamp>,
    /// Whether the schedule is deleted after it has fired for the last time: one-time schedules of ours are.
    pub delete_after: bool,
    /// What it asks for. Its time zone is the schedule's.
    pub spec: WindowSpec,
    /// Whom it invokes.
    pub target: Target,
    pub(crate) zone: TimeZone,
}

/// Whom a schedule invokes, and what becomes of an invocation that Scheduler cannot deliver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The function.
    pub function_arn: String,
    /// The role that Scheduler takes to invoke it.
    pub role_arn: String,
    /// The queue for what could not be delivered.
    pub dead_letter_arn: Option<String>,
    /// Attempts after the first.
    pub retry_attempts: Option<i32>,
    /// No attempt after so many seconds.
    pub retry_age_seconds: Option<i32>,
}

/// Why a window is refused: what an operator has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// When it fires.
    #[error("schedule expression: {0}")]
    Expression(#[from] ExpressionError),
    /// What it asks for.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Two time zones.
    #[error(
        "the schedule's time zone is {schedule} and `time_zone` in its input is {payload}; they must be the same, since \
         dates to skip are read in the one and times in the other"
    )]
    TwoZones {
        /// The schedule's.
        schedule: String,
        /// The payload's.
        payload: String,
    },
    /// A rate has no time of day.
    #[error("{window} fires at a rate, so that an extra date has no time of day: add a window of its own")]
    NoTimeOfDay {
        /// The window.
        window: String,
    },
    /// A schedule that fires once is no window that could have more dates.
    #[error(
        "{window} fires once: give the name of the window that fires again and again, or add a window of its own"
    )]
    FiresOnce {
        /// The schedule.
        window: String,
    },
    /// An extra date on which the window fires all the same would be a second schedule for nothing.
    #[error("{window} fires on {date} anyway")]
    FiresAnyway {
        /// The window.
        window: String,
        /// The date.
        date: Date,
    },
    /// A date cannot be skipped and extra.
    #[error("{window} skips {date}: take that back, with `skip` and `--undo`")]
    SkippedDate {
        /// The window.
        window: String,
        /// The date.
        date: Date,
    },
    /// Nothing of the date is left to fire on.
    #[error("{date} would never fire: it is past, or the clocks skip the window's time of day then")]
    NeverFires {
        /// The date.
        date: Date,
    },
}

impl Window {
    /// A window that is not in Scheduler yet.
    ///
    /// # Errors
    /// An expression or a value that is not allowed.
    pub fn new(spec: WindowSpec, expression: &str, target: Target) -> Result<Self, WindowError> {
        spec.validate()?;
        let zone = spec.zone()?;
        let expression: Expression = expression.parse()?;
        Ok(Self {
            name: spec.window.clone(),
            description: String::new(),
            enabled: true,
            delete_after: expression.is_once(),
            expression,
            flexible_minutes: None,
            starts_at: None,
            ends_at: None,
            created_at: None,
            spec,
            target,
            zone,
        })
    }

    /// Its time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The same window on one more date, at its own times of day: a one-time schedule for each, since a cron
    /// expression that names weekdays never fires on a Saturday. It is the same window by name, so that where both
    /// fire at the same time there is one hold; and nothing is skipped on it.
    ///
    /// # Errors
    /// A window that fires at a rate has no time of day.
    pub fn on_extra_date(&self, date: Date) -> Result<Vec<Self>, WindowError> {
        let times = self.expression.times();
        if times.is_empty() {
            return Err(WindowError::NoTimeOfDay { window: self.name.clone() });
        }
        let extra = |time: jiff::civil::Time| {
            let suffix = format!("-extra-{}-{}", date.strftime("%Y%m%d"), time.strftime("%H%M"));
            let room = LONGEST_NAME.saturating_sub(suffix.len());
            let kept: String = self.spec.window.chars().take(room).collect();
            Self {
                name: kept + &suffix,
                description: format!("{} on {date} as well", self.spec.window),
                enabled: true,
                expression: Expression::at(date.to_datetime(time)),
                starts_at: None,
                ends_at: None,
                created_at: None,
                delete_after: true,
                spec: WindowSpec { skip: Vec::new(), ..self.spec.clone() },
                ..self.clone()
            }
        };
        Ok(times.into_iter().map(extra).collect())
    }

    /// As [`Self::on_extra_date`], of what is still to come.
    ///
    /// # Errors
    /// A window that fires once or at a rate; a date on which it fires anyway, that it skips, or that is past.
    pub fn new_extra_date(&self, date: Date, now: Timestamp) -> Result<Vec<Self>, WindowError> {
        let window = self.name.clone();
        if self.expression.is_once() {
            return Err(WindowError::FiresOnce { window });
        }
        if self.spec.skip.contains(&date) {
            return Err(WindowError::SkippedDate { window, date });
        }
        let extras = self.on_extra_date(date)?;
        let begins = |date: Date| date.to_zoned(self.zone.clone()).map(|at| at.timestamp()).ok();
        let tomorrow = date.tomorrow().ok().and_then(begins).unwrap_or(Timestamp::MAX);
        if begins(date).is_some_and(|today| !self.firings(today, tomorrow).is_empty()) {
            return Err(WindowError::FiresAnyway { window, date });
        }
        let coming = |extra: &Self| !extra.firings(now, Timestamp::MAX).is_empty();
        let coming: Vec<Self> = extras.into_iter().filter(coming).collect();
        if coming.is_empty() { Err(WindowError::NeverFires { date }) } else { Ok(coming) }
    }

    /// Whether it is the schedule of an extra date of the window of this name.
    pub fn is_extra_of(&self, window: &str) -> bool {
        self.is_extra() && self.spec.window == window
    }

    /// Whether it is an extra date of a window.
    pub fn is_extra(&self) -> bool {
        self.expression.is_once() && self.name.contains("-extra-")
    }

    /// The date of a schedule that fires once.
    pub fn only_date(&self) -> Option<Date> {
        self.expression.only_date()
    }
}

/// The window of a schedule, from the parts that Scheduler keeps apart.
pub(crate) fn read_window(
    name: String,
    expression: &str,
    schedule_zone: &str,
    input: &str,
    target: Target,
) -> Result<Window, WindowError> {
    let spec = WindowSpec::parse(input)?;
    if schedule_zone != spec.time_zone {
        return Err(WindowError::TwoZones { schedule: schedule_zone.to_owned(), payload: spec.time_zone });
    }
    Ok(Window { name, delete_after: false, ..Window::new(spec, expression, target)? })
}
