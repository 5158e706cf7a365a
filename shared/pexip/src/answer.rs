//! Reads what a Management Node says when it refuses: an `error`, an `error_message`, field errors with or
//! without the resource's name around them, any other JSON, HTML, text, nothing. Never assumes JSON. Answers that
//! succeeded are not read here and never quoted: some of them hold stored secrets.

use serde_json::Value;

/// What the body says, as one text; empty where it says nothing.
pub(crate) fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => said_in_json(&value),
        Err(_) if looks_like_html(text) => match html_title(text) {
            Some(title) => format!("an HTML page, \"{title}\""),
            None => "an HTML page".to_owned(),
        },
        Err(_) => text.to_owned(),
    }
}

/// Whether a body is a page for people.
pub(crate) fn looks_like_html(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(200).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.contains("<html") || start.starts_with("<head")
}

fn html_title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    let title = text.get(start..end)?.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

fn said_in_json(value: &Value) -> String {
    let text_of = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    // The token endpoint answers in the shape of RFC 6749: a code, and a description that says which claim was wrong.
    match (text_of("error"), text_of("error_description"), text_of("error_message")) {
        (Some(error), Some(description), _) => format!("{error}: {description}"),
        (Some(error), None, _) => error.to_owned(),
        (None, _, Some(message)) => message.to_owned(),
        (None, _, None) => field_errors(value).unwrap_or_else(|| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }),
    }
}

/// `{"worker_vm": {"address": ["message"]}}` and `{"address": ["message"]}`; `None` for any other shape.
fn field_errors(value: &Value) -> Option<String> {
    let object = value.as_object().filter(|object| !object.is_empty())?;
    let mut lines = Vec::new();
    for (key, inner) in object {
        match inner {
            Value::Object(fields) => {
                for (field, messages) in fields {
                    lines.push(field_line(field, key, messages)?);
                }
            }
            messages => lines.push(field_line(key, "", messages)?),
        }
    }
    Some(lines.join("; "))
}

fn field_line(field: &str, resource: &str, messages: &Value) -> Option<String> {
    let messages = match messages {
        Value::String(message) => message.clone(),
        Value::Array(messages) if !messages.is_empty() => {
            messages.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?.join(" ")
        }
        _ => return None,
    };
    Some(match (resource, field) {
        ("", "__all__") => messages,
        ("", field) => format!("{field}: {messages}"),
        (resource, "__all__") => format!("{resource}: {messages}"),
        (resource, field) => format!("{resource} {field}: {messages}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_is_read() {
        for (body, expected) in [
            (r#"{"error": "Invalid resource lookup data"}"#, "Invalid resource lookup data"),
            (r#"{"error_message": "Sorry", "traceback": "secret"}"#, "Sorry"),
            (r#"{"error": "invalid_client", "error_description": "aud"}"#, "invalid_client: aud"),
            (
                r#"{"worker_vm": {"address": ["Enter a valid IPv4 address."]}}"#,
                "worker_vm address: Enter a valid IPv4 address.",
            ),
            (
                r#"{"address": ["Enter a valid IPv4 address.", "Again."]}"#,
                "address: Enter a valid IPv4 address. Again.",
            ),
            (
                r#"{"worker_vm": {"__all__": ["Duplicate."], "name": ["Too long."]}}"#,
                "worker_vm: Duplicate.; worker_vm name: Too long.",
            ),
            (r#"{"__all__": ["Duplicate."]}"#, "Duplicate."),
            (r#"{"error": {"code": 7}}"#, r#"{"error":{"code":7}}"#),
            (r#"{"error": "", "code": 7}"#, r#"{"code":7,"error":""}"#),
            ("[1,2]", "[1,2]"),
            ("{}", "{}"),
            ("null", ""),
            (r#""go away""#, "go away"),
            (
                "<html><head><title>503 Service Unavailable</title></head></html>",
                "an HTML page, \"503 Service Unavailable\"",
            ),
            ("<!DOCTYPE HTML><body>no title</body>", "an HTML page"),
            ("upstream timed out\n", "upstream timed out"),
            ("", ""),
            ("{\"error\": \"trunc", "{\"error\": \"trunc"),
        ] {
            assert_eq!(said(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(said(&[0xff, b'x']), "\u{fffd}x", "not even UTF-8");
    }
}
