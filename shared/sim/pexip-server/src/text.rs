//! Query strings and times as the API writes them: `+` for a space, naive UTC times with and without a fraction. Only
//! text in, values out; nothing here knows a resource.

use std::fmt::Write as _;

use jiff::{Timestamp, civil, tz::TimeZone};

/// Decodes `%XX`, and `+` when in a query; what is not UTF-8 is replaced.
pub(super) fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 2;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Encodes a key or a value of a query.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// The parameters of a query or a form, in order, with blank values.
pub(super) fn parameters(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Reads a time: naive means UTC; a `Z` or an offset is understood; a date alone is its midnight.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    if let Ok(naive) = text.parse::<civil::DateTime>() {
        return naive.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    // An unescaped "+00:00" arrives as " 00:00".
    let (time, offset) = text.rsplit_once(' ')?;
    if time.contains('T') { format!("{time}+{offset}").parse().ok() } else { None }
}

/// Writes a time as naive UTC, with microseconds.
pub(super) fn naive(instant: Timestamp) -> String {
    instant.to_zoned(TimeZone::UTC).datetime().strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()
}

/// Escapes text for XML.
pub(super) fn xml_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no way to write the other control characters.
            control if control.is_control() && !matches!(control, '\n' | '\r' | '\t') => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_survives_a_round_trip() {
        let pairs = parameters("name__contains=a+b%26c&limit=&flag");
        assert_eq!(
            pairs,
            [("name__contains", "a b&c"), ("limit", ""), ("flag", "")].map(|(k, v)| (k.into(), v.into()))
        );
        assert_eq!(encode("a b&c/ü"), "a+b%26c%2F%C3%BC");
    }

    #[test]
    fn times_are_read_in_every_form_clients_send() {
        let noon: Timestamp = "2026-05-04T12:00:00Z".parse().unwrap();
        for text in [
            "2026-05-04T12:00:00",
            "2026-05-04 12:00:00",
            "2026-05-04T12:00:00.000000",
            "2026-05-04T12:00:00Z",
            "2026-05-04T14:00:00+02:00",
            "2026-05-04T14:00:00 02:00",
        ] {
            assert_eq!(parse_time(text), Some(noon), "{text}");
        }
        assert_eq!(parse_time("2026-05-04").unwrap().to_string(), "2026-05-04T00:00:00Z");
        assert_eq!(parse_time("yesterday"), None);
        assert_eq!(naive(noon), "2026-05-04T12:00:00.000000");
    }
}
