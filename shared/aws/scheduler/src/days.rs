//! Which dates a cron expression names: by the day of the month or by the day of the week, never by both.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

use crate::error::ExpressionError;
use crate::field::{DAY_OF_MONTH, DAY_OF_WEEK};

/// The two day fields, of which exactly one says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Days {
    /// `day-of-week` is `?`.
    OfMonth(Vec<DayOfMonth>),
    /// `day-of-month` is `?`.
    OfWeek(DayOfWeek),
}

/// One entry of the list in `day-of-month`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DayOfMonth {
    /// Numbers.
    On(BTreeSet<u16>),
    /// `L`: the last day.
    Last,
    /// `LW`: the last weekday.
    LastWeekday,
    /// `15W`: the weekday nearest to the day, in the same month.
    Nearest(u16),
}

/// The field `day-of-week`, 1 = Sunday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DayOfWeek {
    /// Numbers or names.
    On(BTreeSet<u16>),
    /// `6L`: the last Friday of the month.
    LastOfMonth(u16),
    /// `3#2`: the second Tuesday of the month.
    Nth(u16, u16),
}

impl Days {
    pub(crate) fn parse(of_month: &str, of_week: &str) -> Result<Self, ExpressionError> {
        match (of_month == "?", of_week == "?") {
            (false, true) => Ok(Self::OfMonth(
                of_month.split(',').map(|part| day_of_month(part, of_month)).collect::<Result<_, _>>()?,
            )),
            (true, false) => Ok(Self::OfWeek(day_of_week(of_week)?)),
            (true, true) | (false, false) => {
                Err(ExpressionError::BothDays { of_month: of_month.to_owned(), of_week: of_week.to_owned() })
            }
        }
    }

    pub(crate) fn contain(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.iter().any(|day| day.is(date)),
            Self::OfWeek(day) => day.is(date),
        }
    }
}

fn day_of_month(part: &str, whole: &str) -> Result<DayOfMonth, ExpressionError> {
    let refuse = || DAY_OF_MONTH.refuse(whole);
    if part.eq_ignore_ascii_case("L") {
        return Ok(DayOfMonth::Last);
    }
    if part.eq_ignore_ascii_case("LW") {
        return Ok(DayOfMonth::LastWeekday);
    }
    if let Some(day) = part.strip_suffix(['W', 'w']) {
        return DAY_OF_MONTH.value(day).map(DayOfMonth::Nearest).ok_or_else(refuse);
    }
    DAY_OF_MONTH.set(part).map(DayOfMonth::On).map_err(|_| refuse())
}

fn day_of_week(text: &str) -> Result<DayOfWeek, ExpressionError> {
    let refuse = || DAY_OF_WEEK.refuse(text);
    if let Some((day, nth)) = text.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(refuse)?;
        return Ok(DayOfWeek::Nth(DAY_OF_WEEK.value(day).ok_or_else(refuse)?, nth));
    }
    if text.eq_ignore_ascii_case("L") {
        // The last day of the week.
        return Ok(DayOfWeek::On(BTreeSet::from([DAY_OF_WEEK.most])));
    }
    if let Some(day) = text.strip_suffix(['L', 'l']) {
        return DAY_OF_WEEK.value(day).map(DayOfWeek::LastOfMonth).ok_or_else(refuse);
    }
    DAY_OF_WEEK.set(text).map(DayOfWeek::On)
}

/// Scheduler's number of a weekday.
fn number(weekday: Weekday) -> u16 {
    u16::from(weekday.to_sunday_one_offset().unsigned_abs())
}

fn day(date: Date) -> u16 {
    u16::from(date.day().unsigned_abs())
}

fn is_weekday(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl DayOfMonth {
    fn is(&self, date: Date) -> bool {
        match self {
            Self::On(days) => days.contains(&day(date)),
            Self::Last => date == date.last_of_month(),
            Self::LastWeekday => nearest_weekday(date, day(date.last_of_month())) == Some(date),
            Self::Nearest(wanted) => nearest_weekday(date, *wanted) == Some(date),
        }
    }
}

impl DayOfWeek {
    fn is(&self, date: Date) -> bool {
        let is = |wanted: &u16| number(date.weekday()) == *wanted;
        match self {
            Self::On(days) => days.contains(&number(date.weekday())),
            Self::LastOfMonth(wanted) => is(wanted) && day(date) + 7 > day(date.last_of_month()),
            Self::Nth(wanted, nth) => is(wanted) && day(date).div_ceil(7) == *nth,
        }
    }
}

/// The weekday nearest to a day of a date's month, without leaving the month; none where the month has no such day.
fn nearest_weekday(month: Date, wanted: u16) -> Option<Date> {
    let wanted = Date::new(month.year(), month.month(), i8::try_from(wanted).ok()?).ok()?;
    let shift = |days: i64| wanted.checked_add(jiff::Span::new().days(days)).ok();
    match wanted.weekday() {
        Weekday::Saturday if wanted.day() == 1 => shift(2),
        Weekday::Saturday => shift(-1),
        Weekday::Sunday if wanted == wanted.last_of_month() => shift(-2),
        Weekday::Sunday => shift(1),
        _ => Some(wanted),
    }
    .filter(|date| is_weekday(*date))
}
