//! The fields of a cron expression: numbers, names, lists, ranges and steps, as the user guide's table allows them for
//! each field. What the table does not name is refused, not guessed.

use std::collections::BTreeSet;

use crate::error::ExpressionError;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// The field, as the user guide calls it.
    pub(crate) name: &'static str,
    /// Least value.
    pub(crate) least: u16,
    /// Greatest value.
    pub(crate) most: u16,
    /// Names of the values, from the least one.
    pub(crate) names: &'static [&'static str],
    /// Whether `/` is allowed.
    pub(crate) steps: bool,
    /// What to write, for people.
    pub(crate) what: &'static str,
}

pub(crate) const MINUTES: Allowed =
    Allowed { name: "minutes", least: 0, most: 59, names: &[], steps: true, what: "0-59 with , - * /" };
pub(crate) const HOURS: Allowed =
    Allowed { name: "hours", least: 0, most: 23, names: &[], steps: true, what: "0-23 with , - * /" };
pub(crate) const DAY_OF_MONTH: Allowed = Allowed {
    name: "day-of-month",
    least: 1,
    most: 31,
    names: &[],
    steps: true,
    what: "1-31 with , - * ? / L W",
};
pub(crate) const MONTH: Allowed = Allowed {
    name: "month",
    least: 1,
    most: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    steps: true,
    what: "1-12 or JAN-DEC with , - * /",
};
pub(crate) const DAY_OF_WEEK: Allowed = Allowed {
    name: "day-of-week",
    least: 1,
    most: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    steps: false,
    what: "1-7 or SUN-SAT (1 is Sunday) with , - * ? L #",
};
pub(crate) const YEAR: Allowed = Allowed {
    name: "year",
    least: 1970,
    most: 2199,
    names: &[],
    steps: true,
    what: "1970-2199 with , - * /",
};

impl Allowed {
    pub(crate) fn refuse(&self, text: &str) -> ExpressionError {
        ExpressionError::Field { field: self.name, found: text.to_owned(), allowed: self.what }
    }

    /// One value: a number in range, or a name.
    pub(crate) fn value(&self, text: &str) -> Option<u16> {
        if let Some(at) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(self.least + u16::try_from(at).ok()?);
        }
        let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let value: u16 = if digits { text.parse().ok()? } else { return None };
        (self.least..=self.most).contains(&value).then_some(value)
    }

    /// A comma-separated list of values, ranges and steps.
    pub(crate) fn set(&self, text: &str) -> Result<BTreeSet<u16>, ExpressionError> {
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            set.extend(self.part(part).ok_or_else(|| self.refuse(text))?);
        }
        Ok(set)
    }

    fn part(&self, part: &str) -> Option<Vec<u16>> {
        let (range, step) = match part.split_once('/') {
            Some(_) if !self.steps => return None,
            Some((range, step)) => (range, Some(step.parse::<u16>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = if range == "*" {
            (self.least, self.most)
        } else if let Some((from, to)) = range.split_once('-') {
            let (from, to) = (self.value(from)?, self.value(to)?);
            // Whether a range may run over the end is not documented: write it as two.
            (from <= to).then_some((from, to))?
        } else {
            let value = self.value(range)?;
            // `1/10`: from the first, every tenth to the end.
            (value, if step.is_some() { self.most } else { value })
        };
        Some((from..=to).step_by(usize::from(step.unwrap_or(1))).collect())
    }
}
