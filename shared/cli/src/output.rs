//! What is printed: JSON with `--json`, else text with colour on a terminal only. Names come from outside and are
//! cleaned before they reach a terminal.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use serde::Serialize;
use spillway_status::clean;

use crate::exit::Failure;
use crate::options::Global;

/// An error's first word.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// How to print.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// One JSON value instead of text.
    pub(crate) json: bool,
    /// Times are shown in this zone.
    pub(crate) zone: TimeZone,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        // A machine without a zone shows UTC, and every time says which zone it is in.
        let zone = if global.utc { TimeZone::UTC } else { TimeZone::try_system().unwrap_or(TimeZone::UTC) };
        Self { json: global.json, zone }
    }
}

/// One JSON value on a line of its own. Whoever closed the pipe has read enough.
pub(crate) fn json(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(value) {
        let _ = writeln!(anstream::stdout(), "{text}");
    }
}

/// Text, which ends its own lines. What comes from outside was cleaned by whoever made it.
pub(crate) fn text(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

/// A remark beside the result: on standard error, so that a pipe carries only the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", clean(text));
}

pub(crate) fn error(failure: &Failure) {
    let Failure { exit: _, message, remedy } = failure;
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{ERROR}error{ERROR:#}: {}", clean(message));
    if !remedy.is_empty() {
        let _ = writeln!(stderr, "  {}", clean(remedy));
    }
}
