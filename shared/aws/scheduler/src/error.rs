//! Why a schedule expression is refused.

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Neither of the three kinds.
    #[error(
        "{found:?} is no schedule expression: write cron(50 8 ? * MON-FRI *), rate(15 minutes) or at(2026-12-05T08:50:00)"
    )]
    Kind {
        /// What was found.
        found: String,
    },
    /// A cron expression without six fields.
    #[error(
        "a cron expression has six fields (minutes hours day-of-month month day-of-week year), {found:?} has {count}"
    )]
    Fields {
        /// What was found.
        found: String,
        /// How many.
        count: usize,
    },
    /// One field.
    #[error("{field} is {found:?}; allowed is {allowed}")]
    Field {
        /// Which, as the user guide calls it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What may be there.
        allowed: &'static str,
    },
    /// Both day fields say something, or none.
    #[error(
        "day-of-month is {of_month:?} and day-of-week is {of_week:?}; exactly one of the two must be ?: \
         write cron(50 8 ? * MON-FRI *) or cron(50 8 1 * ? *)"
    )]
    BothDays {
        /// Day of the month.
        of_month: String,
        /// Day of the week.
        of_week: String,
    },
    /// A rate.
    #[error(
        "rate is {found:?}; allowed is a whole number above 0 and minutes, hours or days: rate(15 minutes)"
    )]
    Rate {
        /// What was found.
        found: String,
    },
    /// A one-time schedule.
    #[error("at is {found:?}; allowed is a date and time without a zone: at(2026-12-05T08:50:00)")]
    At {
        /// What was found.
        found: String,
    },
}
