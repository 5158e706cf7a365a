//! What a query asks of the rows: filters with lookups, order, page. The framework's manners are kept: a key that is
//! no field is ignored without a word, a field that may not be filtered is refused by name, all filters must hold.

use std::cmp::Ordering;

use regex::RegexBuilder;
use serde_json::Value;

use super::address::{key_of, reference_key};
use super::lookup::{Lookup, Operand, compare, holds};
use super::row_store::RowStore;
use super::schema::{self, Field, Key, Kind, Resource, Target};
use super::text::parse_time;
use spillway_pexip_model::Row;

/// What the framework says about a value of the wrong type in a query or an address.
pub(super) const MISMATCH: &str = "Invalid resource lookup data provided (mismatched type).";

/// One condition.
pub(super) struct Filter {
    field: &'static Field,
    lookup: Lookup,
    operand: Operand,
}

impl Filter {
    /// Whether a row meets it.
    pub(super) fn admits(&self, row: &Row) -> bool {
        let absent;
        let value = if let Some(value) = row.get(self.field.name) {
            value
        } else {
            absent = self.field.absent_value();
            &absent
        };
        match (self.field.kind, value) {
            (Kind::ToMany(_), Value::Array(items)) if self.lookup == Lookup::IsNull => {
                self.operand == Operand::Bool(items.is_empty())
            }
            (Kind::ToMany(target), Value::Array(items)) => {
                items.iter().any(|item| holds(&referred(target, item), self.lookup, &self.operand))
            }
            (Kind::ToOne(target), value) => holds(&referred(target, value), self.lookup, &self.operand),
            (_, value) => holds(&Operand::of(self.field.kind, value), self.lookup, &self.operand),
        }
    }
}

fn referred(target: Target, value: &Value) -> Operand {
    match reference_key(target, value) {
        Some(key) => key.parse().map_or(Operand::Text(key), Operand::Int),
        None => Operand::Null,
    }
}

/// Whether a query is one that the framework fails at: in a list of booleans it knows only these words.
pub(super) fn breaks(resource: &Resource, query: &[(String, String)]) -> bool {
    let known = |word: &str| matches!(word, "True" | "False" | "t" | "f" | "1" | "0");
    query.iter().any(|(key, value)| {
        let field = key.strip_suffix("__in").and_then(|name| resource.field(name));
        let boolean = field.is_some_and(|field| field.filter && field.kind == Kind::Bool);
        boolean && !value.split(',').all(known)
    })
}

/// Reads the filters of a query.
pub(super) fn filters(
    store: &mut RowStore<'_>,
    resource: &'static Resource,
    query: &[(String, String)],
) -> Result<Vec<Filter>, String> {
    let mut found = Vec::new();
    for (at, (key, value)) in query.iter().enumerate() {
        let many: Vec<&str> =
            query.iter().filter(|(other, _)| other == key).map(|(_, value)| value.as_str()).collect();
        // Of a repeated key the last counts, except for lists of values, which add up.
        if query[at + 1..].iter().any(|(later, _)| later == key) {
            continue;
        }
        let mut parts = key.split("__");
        let Some(field) = parts.next().and_then(|name| resource.field(name)) else { continue };
        found.push(filter(store, field, &parts.collect::<Vec<_>>(), value, &many)?);
    }
    Ok(found)
}

fn filter(
    store: &mut RowStore<'_>,
    field: &'static Field,
    path: &[&str],
    value: &str,
    many: &[&str],
) -> Result<Filter, String> {
    let (lookup, across) = match path.split_last() {
        Some((last, before)) => match Lookup::named(last) {
            Some(lookup) => (lookup, before),
            None => (Lookup::Exact, path),
        },
        None => (Lookup::Exact, path),
    };
    if !field.filter {
        return Err(format!("The '{}' field does not allow filtering.", field.name));
    }
    let Some((next, rest)) = across.split_first() else {
        if matches!(field.kind, Kind::ToOne(_) | Kind::ToMany(_)) && !lookup.relational() {
            return Err(format!("Related Field got invalid lookup: {}", lookup.word()));
        }
        return Ok(Filter { field, lookup, operand: operand(field, lookup, value, many)? });
    };
    let (Kind::ToOne(target) | Kind::ToMany(target)) = field.kind else {
        return Err(format!("The '{}' field does not support relations.", field.name));
    };
    let other = schema::resource(target.family, target.resource).ok_or(MISMATCH)?;
    let Some(inner) = other.field(next) else {
        return Err(format!("The '{next}' field does not allow filtering."));
    };
    let mut inner_path = rest.to_vec();
    let word = lookup.word();
    if lookup != Lookup::Exact {
        inner_path.push(word);
    }
    let inner = filter(store, inner, &inner_path, value, many)?;
    let keys = store
        .rows(target.family, other)
        .iter()
        .filter(|row| inner.admits(row))
        .map(|row| key_of(other, row))
        .map(|key| key.parse().map_or(Operand::Text(key), Operand::Int))
        .collect();
    Ok(Filter { field, lookup: Lookup::In, operand: Operand::Many(keys) })
}

/// The words a query uses for values that are not text.
fn plain(value: &str) -> Option<Operand> {
    match value {
        "true" | "True" => Some(Operand::Bool(true)),
        "false" | "False" => Some(Operand::Bool(false)),
        "none" | "None" | "nil" => Some(Operand::Null),
        _ => None,
    }
}

fn operand(field: &Field, lookup: Lookup, value: &str, many: &[&str]) -> Result<Operand, String> {
    match lookup {
        Lookup::IsNull => match (plain(value), value) {
            (Some(Operand::Bool(flag)), _) => Ok(Operand::Bool(flag)),
            (_, "1") => Ok(Operand::Bool(true)),
            (_, "0") => Ok(Operand::Bool(false)),
            _ => Err("The QuerySet value for an isnull lookup must be True or False.".into()),
        },
        Lookup::In | Lookup::Range => {
            let parts: Vec<&str> = many.iter().flat_map(|value| value.split(',')).collect();
            if lookup == Lookup::Range && parts.len() != 2 {
                return Err(MISMATCH.into());
            }
            parts.into_iter().map(|part| typed(field, part)).collect::<Result<_, _>>().map(Operand::Many)
        }
        Lookup::Regex | Lookup::IRegex => RegexBuilder::new(value)
            .case_insensitive(lookup == Lookup::IRegex)
            .build()
            .map(Operand::Pattern)
            .map_err(|_| format!("'{value}' is not a valid regular expression.")),
        _ if lookup.textual() => Ok(match plain(value) {
            Some(Operand::Null) if lookup == Lookup::IExact => Operand::Null,
            _ => Operand::Text(value.to_owned()),
        }),
        _ => match plain(value) {
            Some(Operand::Null) if lookup == Lookup::Exact => Ok(Operand::Null),
            _ => typed(field, value),
        },
    }
}

fn typed(field: &Field, value: &str) -> Result<Operand, String> {
    match field.kind {
        Kind::Text | Kind::Ipv4 | Kind::Ipv6 | Kind::List | Kind::Dict => Ok(Operand::Text(value.to_owned())),
        Kind::Bool => match value {
            "true" | "True" | "t" | "1" => Ok(Operand::Bool(true)),
            "false" | "False" | "f" | "0" => Ok(Operand::Bool(false)),
            _ => Err(format!("'{value}' value must be either True or False.")),
        },
        Kind::Int => value.trim().parse().map(Operand::Int).map_err(|_| MISMATCH.into()),
        Kind::Float => value.trim().parse().map(Operand::Float).map_err(|_| MISMATCH.into()),
        Kind::DateTime => parse_time(value).map(Operand::Time).ok_or_else(|| {
            format!("'{value}' value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format.")
        }),
        Kind::ToOne(target) | Kind::ToMany(target) => {
            let key = value.trim().to_owned();
            let numbered = schema::resource(target.family, target.resource)
                .is_some_and(|other| matches!(other.key, Key::Id | Key::Hidden));
            match key.parse() {
                Ok(number) => Ok(Operand::Int(number)),
                Err(_) if numbered => Err(MISMATCH.into()),
                Err(_) => Ok(Operand::Text(key)),
            }
        }
    }
}

/// Puts rows in the order a query asks for.
pub(super) fn order(
    store: &mut RowStore<'_>,
    resource: &'static Resource,
    query: &[(String, String)],
    rows: &mut Vec<Row>,
) -> Result<(), String> {
    let asked =
        |name: &str| query.iter().filter(|(key, _)| key == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
    let mut wanted = asked("order_by");
    if wanted.is_empty() {
        wanted = asked("sort_by");
    }
    let mut keys = Vec::new();
    for name in wanted {
        let (bare, down) = name.strip_prefix('-').map_or((name, false), |bare| (bare, true));
        let mut path = bare.split("__");
        let head = path.next().unwrap_or_default();
        let field =
            resource.field(head).ok_or_else(|| format!("No matching '{head}' field for ordering on."))?;
        if !field.sortable() {
            return Err(format!("The '{head}' field does not allow ordering."));
        }
        keys.push((field, down, across(store, field, path.next())?));
    }
    if keys.is_empty() {
        return Ok(());
    }
    let key = |row: &Row| -> Vec<Operand> {
        let of = |(field, _, names): &(&Field, bool, Option<Vec<(Operand, Operand)>>)| {
            let value = row.get(field.name).unwrap_or(&Value::Null);
            match (field.kind, names) {
                (Kind::ToOne(target), names) => {
                    let key = referred(target, value);
                    names.as_ref().map_or(key.clone(), |names| {
                        names
                            .iter()
                            .find(|(id, _)| *id == key)
                            .map_or(Operand::Null, |(_, name)| name.clone())
                    })
                }
                (kind, _) => Operand::of(kind, value),
            }
        };
        keys.iter().map(of).collect()
    };
    let mut keyed: Vec<(Vec<Operand>, Row)> = rows.drain(..).map(|row| (key(&row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        keys.iter()
            .zip(a.iter().zip(b))
            .map(|((_, down, _), (a, b))| if *down { compare(a, b).reverse() } else { compare(a, b) })
            .find(|ordering| *ordering != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// For an order across a relation: key and value of each row at the other end.
fn across(
    store: &mut RowStore<'_>,
    field: &Field,
    name: Option<&str>,
) -> Result<Option<Vec<(Operand, Operand)>>, String> {
    let Some(name) = name else { return Ok(None) };
    let refused = || format!("The '{}' field does not allow ordering.", field.name);
    let Kind::ToOne(target) = field.kind else { return Err(refused()) };
    let other = schema::resource(target.family, target.resource).ok_or_else(refused)?;
    let inner = other.field(name).filter(|inner| inner.sortable()).ok_or_else(refused)?;
    let pairs = store.rows(target.family, other).into_iter().map(|row| {
        let key = key_of(other, &row);
        let value = Operand::of(inner.kind, row.get(name).unwrap_or(&Value::Null));
        (key.parse().map_or(Operand::Text(key), Operand::Int), value)
    });
    Ok(Some(pairs.collect()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use spillway_pexip_model::Family;

    #[test]
    fn words_for_booleans_and_null_are_understood() {
        assert_eq!(plain("True"), Some(Operand::Bool(true)));
        assert_eq!(plain("nil"), Some(Operand::Null));
        assert_eq!(plain("TRUE"), None);
    }

    #[test]
    fn a_time_filter_takes_naive_utc() {
        let resource = schema::resource(Family::History, "conference").unwrap();
        let field = resource.field("end_time").unwrap();
        let wanted: Timestamp = "2026-05-04T00:00:00Z".parse().unwrap();
        assert_eq!(typed(field, "2026-05-04T00:00:00"), Ok(Operand::Time(wanted)));
        assert!(typed(field, "soon").is_err());
    }
}
