//! Reads JSON that a person wrote: a policy, a window, settings, a platform file. A byte-order mark, which some editors put in
//! front, is taken away. A key that stands twice in one object is refused by name: JSON parsers keep the last one in silence,
//! and the operator would find out by what is done.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct JsonError {
    /// The place inside the value, such as `` `back_off.first` ``, or *the JSON value*.
    pub path: String,
    /// What is wrong, with line and column where the text itself shows it.
    pub message: String,
    /// Line and column, from 1, where the text is no JSON or has a key twice; a message of a key's value has none.
    pub position: Option<(usize, usize)>,
}

/// Reads one value. The text is all of it.
///
/// # Errors
/// Names the key and what is wrong.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize::<_, KeysOnce>(&mut reader).map_err(placed)?;
    reader.end().map_err(|error| JsonError {
        path: "after the JSON value".to_owned(),
        position: Some((error.line(), error.column())),
        message: error.to_string(),
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(placed)
}

/// Reads a value whose text was read already.
///
/// # Errors
/// Names the key and what is wrong.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, JsonError> {
    serde_path_to_error::deserialize(value).map_err(placed)
}

fn placed(error: serde_path_to_error::Error<serde_json::Error>) -> JsonError {
    let path = error.path().to_string();
    let error = error.into_inner();
    JsonError {
        path: if path == "." { "the JSON value".to_owned() } else { format!("`{path}`") },
        position: (error.line() > 0).then(|| (error.line(), error.column())),
        message: error.to_string(),
    }
}

/// Any JSON value whose objects have each key once. Nothing of it is kept.
struct KeysOnce;

impl<'de> Deserialize<'de> for KeysOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for KeysOnce {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice; write it once")));
            }
            entries.next_value::<Self>()?;
            seen.insert(key);
        }
        Ok(self)
    }
}

/// Reads any value: for whoever takes an object apart.
///
/// # Errors
/// Names the key and what is wrong.
pub fn read_value(text: &str) -> Result<Value, JsonError> {
    read(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_byte_order_mark_is_taken_away() {
        assert_eq!(read_value("\u{feff}{\"a\": [1, true, null]}").unwrap(), json!({"a": [1, true, null]}));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_wherever_it_is() {
        for (text, path, position) in [
            (r#"{"a":1,"a":2}"#, "the JSON value", (1, 10)),
            ("{\"a\": 1,\n \"b\": {\"Oslo\": 5,\n \"Oslo\": 50}}", "`b`", (3, 7)),
            (r#"[{"x": [{"y": 1, "y": 1}]}]"#, "`[0].x[0]`", (1, 20)),
            // The same key by another spelling.
            (r#"{"a":1,"\u0061":2}"#, "the JSON value", (1, 15)),
        ] {
            let error = read_value(text).unwrap_err();
            assert!(error.message.contains("stands twice"), "{text}: {error}");
            assert_eq!(
                (error.path.as_str(), error.position.map(|at| at.0)),
                (path, Some(position.0)),
                "{text}"
            );
        }
        assert!(read_value(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_is_said_with_line_and_column() {
        for text in ["", "{", "{\"a\": }", "{\"a\": 1} x", "{\"a\": 1,}"] {
            let error = read_value(text).unwrap_err();
            assert!(error.position.is_some(), "{text}: {error}");
        }
    }
}
