//! Keeps secrets out of what is shown. A server may send back what it was sent: the `Authorization` header in an
//! error page, the password in a validation message, the assertion in a token error. Everything that comes from
//! outside and goes into an error passes here first. A text that shares as little as eight characters in a row
//! with a secret, in any of the usual spellings, is not shown at all: cutting a piece out of it could leave the rest.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// Shown in place of a text that repeats a secret.
pub(crate) const WITHHELD: &str = "(the answer repeats the credentials and is not shown)";

/// Characters in a row that may not be shared with a secret; a shorter secret may not occur whole.
const WINDOW: usize = 8;

/// How many tokens and assertions are remembered; older ones have expired or were replaced.
const REMEMBERED: usize = 8;

/// Longer texts are cut before they are shown.
const LONGEST: usize = 400;

/// The secrets in use.
pub(crate) struct Redactor {
    fixed: Vec<SecretString>,
    passing: Mutex<VecDeque<SecretString>>,
}

impl Redactor {
    pub(crate) fn new(fixed: Vec<SecretString>) -> Self {
        Self { fixed, passing: Mutex::default() }
    }

    /// Remembers a token or assertion that has just come into use.
    pub(crate) fn remember(&self, secret: SecretString) {
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        passing.push_back(secret);
        while passing.len() > REMEMBERED {
            passing.pop_front();
        }
    }

    /// Whether a text gives away part of a secret.
    pub(crate) fn repeats_a_secret(&self, text: &str) -> bool {
        let haystack = text.to_ascii_lowercase();
        let windows: HashSet<&[u8]> = haystack.as_bytes().windows(WINDOW).collect();
        let passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        self.fixed.iter().chain(passing.iter()).any(|secret| {
            spellings(secret.expose_secret()).iter().any(|spelling| {
                let spelling = spelling.to_ascii_lowercase();
                if spelling.len() < WINDOW {
                    !spelling.is_empty() && haystack.contains(&spelling)
                } else {
                    spelling.as_bytes().windows(WINDOW).any(|window| windows.contains(window))
                }
            })
        })
    }

    /// The text as it may be shown: on one line, cut to a bearable length, or withheld.
    pub(crate) fn shown(&self, text: &str) -> String {
        if self.repeats_a_secret(text) {
            return WITHHELD.to_owned();
        }
        let printable = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = printable.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        if printable.chars().count() > LONGEST {
            shown.push('…');
        }
        shown
    }
}

/// A secret as it is, and as JSON, HTML, a URL, a form or base64 would spell it.
fn spellings(secret: &str) -> Vec<String> {
    let (mut json, mut html, mut percent, mut form) =
        (String::new(), String::new(), String::new(), String::new());
    for c in secret.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_ascii() && !c.is_ascii_control() => json.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#x27;"),
            c => html.push(c),
        }
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') {
            percent.push(c);
            form.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(percent, "%{byte:02x}");
                if byte == b' ' {
                    form.push('+');
                } else {
                    let _ = write!(form, "%{byte:02x}");
                }
            }
        }
    }
    let mut all = vec![secret.to_owned(), html.replace("&#x27;", "&#39;"), json, html, percent, form];
    // The base64 of a few characters would be found in any text.
    if secret.len() >= 6 {
        all.extend([URL_SAFE_NO_PAD.encode(secret), STANDARD_NO_PAD.encode(secret)]);
    }
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_usual_spelling_and_in_part() {
        let password = "p\"ä&s s/w+ö'r<d>#1";
        let redactor = Redactor::new(vec![password.into()]);
        for text in [
            format!("wrong password {password}"),
            format!("wrong password {}", password.to_uppercase()),
            serde_json::json!({"error": password}).to_string(),
            r#"{"error": "p\"\u00e4&s s/w+\u00f6'r<d>#1"}"#.to_owned(),
            "p&quot;ä&amp;s s/w+ö&#x27;r&lt;d&gt;#1".to_owned(),
            "p&quot;ä&amp;s s/w+ö&#39;r&lt;d&gt;#1".to_owned(),
            "x=p%22%C3%A4%26s%20s%2Fw%2B".to_owned(),
            "x=p%22%C3%A4%26s+s%2Fw%2B".to_owned(),
            STANDARD_NO_PAD.encode(password),
            format!("…{}…", &password[..9]),
        ] {
            assert_eq!(redactor.shown(&text), WITHHELD, "{text}");
        }
        assert_eq!(redactor.shown("wrong\r\n\tpassword"), "wrong password");
    }

    #[test]
    fn a_short_secret_may_not_occur_whole() {
        let redactor = Redactor::new(vec!["abc1".into(), "".into()]);
        assert!(redactor.repeats_a_secret("xabc1y"));
        assert!(!redactor.repeats_a_secret("abc2"));
    }

    #[test]
    fn tokens_are_remembered_until_replaced_often() {
        let redactor = Redactor::new(vec![]);
        for n in 0..20 {
            redactor.remember(format!("token-number-{n:04}-of-many").into());
        }
        assert!(redactor.repeats_a_secret("bearer token-number-0019-of-many"));
        assert_eq!(redactor.passing.lock().unwrap().len(), REMEMBERED);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(Redactor::new(vec![]).shown(&"x".repeat(1000)).chars().count(), LONGEST + 1);
    }
}
