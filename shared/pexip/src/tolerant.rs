//! Reads a JSON value as what it is meant to be, whatever form a release gives it: null, a number as text, a
//! nested object in place of a URI, an unknown word, a naive time. A value that cannot be understood becomes
//! `None`; it never fails the page of 500 objects around it. What a missing value *means* is decided by whoever
//! uses it, never here.

use std::fmt;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Any JSON value, reduced to what the readers below need.
#[derive(Debug, PartialEq)]
enum Loose {
    Nothing,
    Flag(bool),
    Whole(u64),
    Fraction(f64),
    Text(String),
    /// An object: its `id`, or else the one in its `resource_uri`.
    Object(Option<u64>),
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Loose, E> {
        Ok(Loose::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Loose, E> {
        Ok(Loose::Flag(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Loose, E> {
        Ok(Loose::Whole(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Loose, E> {
        Ok(u64::try_from(value).map_or(Loose::Fraction(value as f64), Loose::Whole))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Loose, E> {
        Ok(Loose::Fraction(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Loose, E> {
        Ok(Loose::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Loose, E> {
        Ok(Loose::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Loose, A::Error> {
        let (mut id, mut from_uri) = (None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "id" => id = entries.next_value::<Loose>()?.whole(),
                "resource_uri" => from_uri = entries.next_value::<Loose>()?.reference(),
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Loose::Object(id.or(from_uri)))
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Whole(number) => Some(number.to_string()),
            Self::Fraction(number) => Some(number.to_string()),
            Self::Flag(_) | Self::Nothing | Self::Object(_) => None,
        }
    }

    fn whole(self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(number),
            Self::Fraction(number) if number >= 0.0 && number.is_finite() => Some(number as u64),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn fraction(self) -> Option<f64> {
        let number = match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
            Self::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(value) => Some(value),
            Self::Whole(0) => Some(false),
            Self::Whole(1) => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    fn reference(self) -> Option<u64> {
        match self {
            Self::Object(id) => id,
            Self::Whole(id) => Some(id),
            Self::Text(uri) => uri.trim_end_matches('/').rsplit('/').next()?.parse().ok(),
            _ => None,
        }
    }
}

/// A string; a number is taken as its text.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Loose::deserialize(from)?.text())
}

/// A number that is not negative, also when it comes as text or with a fraction.
pub(crate) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Loose::deserialize(from)?.whole())
}

/// A number.
pub(crate) fn fraction<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(Loose::deserialize(from)?.fraction())
}

/// A boolean, also as `"True"` or `1`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(Loose::deserialize(from)?.flag())
}

/// The id behind a reference: a URI, a nested object, or the bare id.
pub(crate) fn reference<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Loose::deserialize(from)?.reference())
}

/// An IPv4 address; empty and anything else is none.
pub(crate) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Ipv4Addr>, D::Error> {
    Ok(Loose::deserialize(from)?.text().and_then(|text| text.trim().parse().ok()))
}

/// A point in time.
pub(crate) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Loose::deserialize(from)?.text().as_deref().and_then(parse_moment))
}

/// Times are UTC without a zone marker, with and without microseconds in the same reply; a `Z` or an offset is
/// accepted too.
pub(crate) fn parse_moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let naive: DateTime = text.parse().ok()?;
    Some(naive.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(json: &str) -> Loose {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn times_are_utc_with_or_without_fraction_zone_and_offset() {
        for (given, expected) in [
            ("2026-05-04T00:03:47", Some("2026-05-04T00:03:47Z")),
            ("2026-05-04T00:03:47.848612", Some("2026-05-04T00:03:47.848612Z")),
            ("2026-05-04T00:03:47Z", Some("2026-05-04T00:03:47Z")),
            ("2026-05-04T00:03:47.5Z", Some("2026-05-04T00:03:47.5Z")),
            ("2026-05-04T02:03:47+02:00", Some("2026-05-04T00:03:47Z")),
            ("2026-05-03T19:03:47.25-05:00", Some("2026-05-04T00:03:47.25Z")),
            ("2026-05-04 00:03:47", Some("2026-05-04T00:03:47Z")),
            ("2026-02-29T00:00:00", None),
            ("Never", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(parse_moment(given), expected, "{given}");
        }
    }

    #[test]
    fn references_come_as_uri_as_object_and_bare() {
        for (json, expected) in [
            (r#""/api/admin/configuration/v1/system_location/3/""#, Some(3)),
            (r#""/api/admin/configuration/v1/system_location/3""#, Some(3)),
            (r#""https://mgr.example.com/api/admin/configuration/v1/system_location/12/""#, Some(12)),
            (r#"{"id": 3, "name": "Oslo", "resource_uri": "/x/3/"}"#, Some(3)),
            (r#"{"resource_uri": "/api/admin/configuration/v1/system_location/4/"}"#, Some(4)),
            (r#"{"name": "Oslo", "nested": {"id": 9}}"#, None),
            ("3", Some(3)),
            (r#""3""#, Some(3)),
            ("null", None),
            (r#""""#, None),
            ("[1, 2]", None),
        ] {
            assert_eq!(loose(json).reference(), expected, "{json}");
        }
    }

    #[test]
    fn numbers_and_flags_come_in_many_forms() {
        for (json, expected) in [
            ("17", Some(17)),
            (r#""17""#, Some(17)),
            ("17.9", Some(17)),
            ("-1", None),
            ("null", None),
            (r#""unknown""#, None),
            ("{}", None),
            ("1e400", None),
        ] {
            let value = serde_json::from_str::<Loose>(json).ok().and_then(Loose::whole);
            assert_eq!(value, expected, "{json}");
        }
        for (json, expected) in [
            ("true", Some(true)),
            (r#""False""#, Some(false)),
            ("1", Some(true)),
            ("null", None),
            (r#""maybe""#, None),
        ] {
            assert_eq!(loose(json).flag(), expected, "{json}");
        }
        assert_eq!(loose("-12.5").fraction(), Some(-12.5));
        assert_eq!(loose(r#""37""#).fraction(), Some(37.0));
        assert_eq!(loose(r#""NaN""#).fraction(), None);
    }
}
