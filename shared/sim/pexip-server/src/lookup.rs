//! The lookups a filter may end in, and what they mean for two values. Null meets no lookup but `isnull` and an exact
//! null, as in a database.

use std::cmp::Ordering;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use super::schema::Kind;
use super::text::parse_time;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    Exact,
    IExact,
    Contains,
    IContains,
    StartsWith,
    IStartsWith,
    EndsWith,
    IEndsWith,
    Regex,
    IRegex,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    Range,
    IsNull,
}

const NAMES: &[(&str, Lookup)] = &[
    ("exact", Lookup::Exact),
    ("iexact", Lookup::IExact),
    ("contains", Lookup::Contains),
    ("icontains", Lookup::IContains),
    ("startswith", Lookup::StartsWith),
    ("istartswith", Lookup::IStartsWith),
    ("endswith", Lookup::EndsWith),
    ("iendswith", Lookup::IEndsWith),
    ("regex", Lookup::Regex),
    ("iregex", Lookup::IRegex),
    ("lt", Lookup::Lt),
    ("lte", Lookup::Lte),
    ("gt", Lookup::Gt),
    ("gte", Lookup::Gte),
    ("in", Lookup::In),
    ("range", Lookup::Range),
    ("isnull", Lookup::IsNull),
];

impl Lookup {
    /// The lookup of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, lookup)| *lookup)
    }

    /// Its name.
    pub(super) fn word(self) -> &'static str {
        NAMES.iter().find(|(_, lookup)| *lookup == self).map_or("exact", |(name, _)| name)
    }

    /// Whether a reference can be asked for by it, as a number.
    pub(super) fn relational(self) -> bool {
        use Lookup::{Exact, Gt, Gte, In, IsNull, Lt, Lte};
        matches!(self, Exact | In | IsNull | Gt | Gte | Lt | Lte)
    }

    /// Whether it compares the text of a value, whatever its type.
    pub(super) fn textual(self) -> bool {
        use Lookup::{Contains, EndsWith, IContains, IEndsWith, IExact, IStartsWith, StartsWith};
        matches!(self, IExact | Contains | IContains | StartsWith | IStartsWith | EndsWith | IEndsWith)
    }
}

/// A value as comparisons see it.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(Timestamp),
    Text(String),
    Pattern(Regex),
    Many(Vec<Operand>),
}

impl PartialEq for Operand {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Null, _) | (_, Self::Null) => false,
            _ => compare(self, other) == Ordering::Equal,
        }
    }
}

impl Operand {
    /// The value of a field in a row.
    pub(super) fn of(kind: Kind, value: &Value) -> Self {
        match (kind, value) {
            (_, Value::Null) => Self::Null,
            (Kind::DateTime, Value::String(text)) => parse_time(text).map_or(Self::Null, Self::Time),
            (_, Value::Bool(flag)) => Self::Bool(*flag),
            (_, Value::Number(number)) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(number.as_f64().unwrap_or_default()),
            },
            (_, Value::String(text)) => Self::Text(text.clone()),
            (_, other) => Self::Text(other.to_string()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Null | Self::Pattern(_) | Self::Many(_) => String::new(),
            Self::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Time(instant) => super::text::naive(*instant),
            Self::Text(text) => text.clone(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Bool(flag) => Some(f64::from(u8::from(*flag))),
            _ => None,
        }
    }
}

/// Order of two values: null first, numbers by size, times by instant, the rest as text.
pub(super) fn compare(a: &Operand, b: &Operand) -> Ordering {
    match (a, b) {
        (Operand::Null, Operand::Null) => Ordering::Equal,
        (Operand::Null, _) => Ordering::Less,
        (_, Operand::Null) => Ordering::Greater,
        (Operand::Int(a), Operand::Int(b)) => a.cmp(b),
        (Operand::Time(a), Operand::Time(b)) => a.cmp(b),
        (Operand::Text(a), Operand::Text(b)) => a.cmp(b),
        _ => match (a.number(), b.number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.text().cmp(&b.text()),
        },
    }
}

/// Whether a value meets a lookup.
pub(super) fn holds(value: &Operand, lookup: Lookup, wanted: &Operand) -> bool {
    if lookup == Lookup::IsNull {
        return *wanted == Operand::Bool(matches!(value, Operand::Null));
    }
    if matches!(value, Operand::Null) || matches!(wanted, Operand::Null) {
        let both = matches!((value, wanted), (Operand::Null, Operand::Null));
        return both && matches!(lookup, Lookup::Exact | Lookup::IExact);
    }
    let fold = |operand: &Operand| operand.text().to_lowercase();
    match lookup {
        Lookup::Exact => value == wanted,
        Lookup::IExact => fold(value) == fold(wanted),
        Lookup::Contains => value.text().contains(&wanted.text()),
        Lookup::IContains => fold(value).contains(&fold(wanted)),
        Lookup::StartsWith => value.text().starts_with(&wanted.text()),
        Lookup::IStartsWith => fold(value).starts_with(&fold(wanted)),
        Lookup::EndsWith => value.text().ends_with(&wanted.text()),
        Lookup::IEndsWith => fold(value).ends_with(&fold(wanted)),
        Lookup::Lt => compare(value, wanted) == Ordering::Less,
        Lookup::Lte => compare(value, wanted) != Ordering::Greater,
        Lookup::Gt => compare(value, wanted) == Ordering::Greater,
        Lookup::Gte => compare(value, wanted) != Ordering::Less,
        Lookup::Regex | Lookup::IRegex => {
            matches!(wanted, Operand::Pattern(pattern) if pattern.is_match(&value.text()))
        }
        Lookup::In => matches!(wanted, Operand::Many(many) if many.contains(value)),
        Lookup::Range => match wanted {
            Operand::Many(ends) => match &ends[..] {
                [low, high] => {
                    compare(value, low) != Ordering::Less && compare(value, high) != Ordering::Greater
                }
                _ => false,
            },
            _ => false,
        },
        Lookup::IsNull => false,
    }
}
