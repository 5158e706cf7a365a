//! The answers there are, with the bodies and headers that the framework behind the real API gives them. Bodies are
//! JSON with sorted keys, XML on request, or empty HTML; errors come in the two shapes that clients must read.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::schema::Method;
use super::text::xml_escape;

/// What an answer carries.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A value, written as the client asked for it, and the name of its root in XML.
    Data(Value, &'static str),
    /// Text of a given type; empty for most changes.
    Text(Cow<'static, str>, String),
    /// Nothing, not even a type.
    Nothing,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/json`.
    Json,
    /// `application/xml`.
    Xml,
}

/// An answer before it meets the wire.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
}

const HTML: &str = "text/html; charset=utf-8";

impl Reply {
    /// A value.
    pub(super) fn data(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Data(value, "response") }
    }

    /// One object.
    pub(super) fn object(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Data(value, "object") }
    }

    /// No text, typed as HTML like the framework's.
    pub(super) fn empty(status: u16) -> Self {
        Self::text(status, HTML, String::new())
    }

    /// Text of a type.
    pub(super) fn text(status: u16, kind: impl Into<Cow<'static, str>>, text: String) -> Self {
        Self { status, headers: Vec::new(), content: Content::Text(kind.into(), text) }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), content: Content::Nothing }
    }

    /// 400 `{"error": …}`, escaped as if it were to stand in a page.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        let message = message.into().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        Self::data(400, json!({"error": message}))
    }

    /// `{"error_message": …}`: formats not understood, faults of the server.
    pub(super) fn fault(status: u16) -> Self {
        let message = "Sorry, this request could not be processed. Please try again later.";
        Self::data(status, json!({"error_message": message}))
    }

    /// An HTML page, as for paths that do not exist.
    pub(super) fn page(status: u16, title: &str, text: &str) -> Self {
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>{title}</title>\n</head>\n<body>\n  \
             <h1>{title}</h1><p>{text}</p>\n</body>\n</html>\n"
        );
        Self::text(status, HTML, body)
    }

    /// 404 for a path.
    pub(super) fn no_such_path() -> Self {
        Self::page(404, "Not Found", "The requested resource was not found on this server.")
    }

    /// 405, or the answer to OPTIONS.
    pub(super) fn methods(status: u16, allowed: &[Method]) -> Self {
        let words: Vec<&str> = allowed.iter().map(|method| method.word()).collect();
        let words = words.join(",");
        Self::text(status, HTML, words.clone()).with("allow", words)
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The type and the bytes for the wire.
    pub(super) fn wire(&self, format: Format) -> (Option<&str>, Vec<u8>) {
        match (&self.content, format) {
            (Content::Data(value, _), Format::Json) => {
                (Some("application/json"), value.to_string().into_bytes())
            }
            (Content::Data(value, root), Format::Xml) => {
                (Some("application/xml; charset=utf-8"), xml(value, root).into_bytes())
            }
            (Content::Text(kind, text), _) => (Some(kind), text.clone().into_bytes()),
            (Content::Nothing, _) => (None, Vec::new()),
        }
    }
}

fn xml(value: &Value, root: &str) -> String {
    let mut out = String::from("<?xml version='1.0' encoding='utf-8'?>\n");
    element(&mut out, root, value, true);
    out
}

fn element(out: &mut String, name: &str, value: &Value, top: bool) {
    let (kind, text) = match value {
        Value::Null => (" type=\"null\"", String::new()),
        Value::Bool(true) => (" type=\"boolean\"", "True".to_owned()),
        Value::Bool(false) => (" type=\"boolean\"", "False".to_owned()),
        Value::Number(number) if number.is_f64() => (" type=\"float\"", number.to_string()),
        Value::Number(number) => (" type=\"integer\"", number.to_string()),
        Value::String(text) => ("", xml_escape(text)),
        Value::Array(items) => {
            let mut inner = String::new();
            for item in items {
                element(&mut inner, if item.is_object() { "object" } else { "value" }, item, false);
            }
            (" type=\"list\"", inner)
        }
        Value::Object(fields) => {
            let mut inner = String::new();
            for (key, item) in fields {
                element(&mut inner, key, item, false);
            }
            (if top { "" } else { " type=\"hash\"" }, inner)
        }
    };
    out.extend(["<", name, kind, ">", &text, "</", name, ">"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_names_the_types_that_are_not_text() {
        let value = json!({"meta": {"limit": 20, "next": null}, "objects": [{"name": "a<b", "up": true}]});
        assert_eq!(
            xml(&value, "response").lines().nth(1).unwrap(),
            "<response><meta type=\"hash\"><limit type=\"integer\">20</limit><next type=\"null\"></next></meta>\
             <objects type=\"list\"><object type=\"hash\"><name>a&lt;b</name><up type=\"boolean\">True</up></object>\
             </objects></response>"
        );
    }
}
