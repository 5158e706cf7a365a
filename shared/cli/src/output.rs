//! What is printed: JSON with `--json`, else text with colour on a terminal only. Names come from outside and are
//! cleaned before they reach a terminal.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use serde::Serialize;
use spillway_status::{Paint, Tone, clean};

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
    /// Whether a person looks at it, and not a pipe.
    pub(crate) terminal: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        // A machine without a zone shows UTC, and every time says which zone it is in.
        let zone = if global.utc { TimeZone::UTC } else { TimeZone::try_system().unwrap_or(TimeZone::UTC) };
        Self { json: global.json, zone, terminal: std::io::stdout().is_terminal() }
    }

    /// How wide a row may be.
    pub(crate) fn width(&self) -> Option<usize> {
        let (terminal_size::Width(width), _) = terminal_size::terminal_size().filter(|_| self.terminal)?;
        Some(usize::from(width))
    }
}

/// Colour for a terminal; whoever writes it to something else takes it out again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal;

impl Paint for Terminal {
    fn paint(&self, tone: Tone, line: &str) -> String {
        let style = match tone {
            Tone::Head => Style::new().dimmed(),
            Tone::Plain => return line.to_owned(),
            Tone::Warn => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        };
        format!("{style}{line}{style:#}")
    }
}

/// One JSON value on a line of its own. Whoever closed the pipe has read enough.
pub(crate) fn json(value: &impl Serialize) {
    text(&json_line(value));
}

/// The same as text.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).map(|text| format!("{text}\n")).unwrap_or_default()
}

/// Text, which ends its own lines. What comes from outside was cleaned by whoever made it.
pub(crate) fn text(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

/// Text over what was on the screen before.
pub(crate) fn screen(text: &str) {
    let mut screen = String::from("\u{1b}[H");
    for line in text.lines() {
        screen.push_str(line);
        screen.push_str("\u{1b}[K\n");
    }
    screen.push_str("\u{1b}[J");
    let mut stdout = anstream::stdout();
    let _ = stdout.write_all(screen.as_bytes());
    let _ = stdout.flush();
}

/// A remark beside the result: on standard error, so that a pipe carries only the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", clean(text));
}

/// What went wrong, and what to do.
pub(crate) fn error(failure: &Failure) {
    let Failure { exit: _, message, remedy } = failure;
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{ERROR}error{ERROR:#}: {}", clean(message));
    if !remedy.is_empty() {
        let _ = writeln!(stderr, "  {}", clean(remedy));
    }
}
