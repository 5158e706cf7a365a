//! What is printed: JSON with `--json`, else text with colour on a terminal only; and how a command's end becomes the
//! process's. Names come from outside and are cleaned before they reach a terminal.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use serde_json::ser::{Formatter, Serializer};
use spillway_view::time::local;
use spillway_view::{Paint, Tone, clean, is_unseen};

use crate::exit::{Ended, Exit, Failure};
use crate::global::Global;

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

    /// An instant by the operator's clock, to the minute.
    pub(crate) fn minute(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// The same without the day.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
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
    let mut bytes = Vec::new();
    // What is printed has text for keys, and numbers that are: writing it does not fail.
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Unseen));
    match written.map(|()| String::from_utf8(bytes)) {
        Ok(Ok(text)) => format!("{text}\n"),
        _ => String::new(),
    }
}

/// Compact JSON in which characters that a terminal obeys are escaped. JSON asks for that only below U+0020; a direction
/// mark or a C1 control in a name would reach the terminal. Whoever parses it gets the name as it is.
struct Unseen;

impl Formatter for Unseen {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((place, c)) = rest.char_indices().find(|(_, c)| is_unseen(*c)) {
            writer.write_all(&rest.as_bytes()[..place])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[place + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
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

/// A number of things: `1 node`, `2 nodes`.
pub(crate) fn counted(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What went wrong, and what to do, with instants by the operator's clock.
pub(crate) fn error(failure: &Failure, zone: &TimeZone) {
    let Failure { exit: _, message, remedy } = failure;
    let shown = |text: &str| clean(&local(text, Timestamp::now(), zone));
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{ERROR}error{ERROR:#}: {}", shown(message));
    if !remedy.is_empty() {
        let _ = writeln!(stderr, "  {}", shown(remedy));
    }
}

/// A command line that is none: said in the parser's own words, and as JSON to whoever asked for that. Help and the version
/// come this way too, and are no error.
pub(crate) fn unparsed(parser: &clap::Error) -> ExitCode {
    if parser.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = parser.to_string();
        // The first paragraph says what is wrong; tips and usage follow.
        let first = text.split("\n\n").next().unwrap_or_default();
        let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = first.strip_prefix("error: ").unwrap_or(&first);
        json(&json!({"schema": 1, "error": {
            "exit": Exit::Usage as u8, "message": message, "remedy": "spillway --help, or --help after the command",
        }}));
    }
    let _ = parser.print();
    ExitCode::from(if parser.use_stderr() { Exit::Usage as u8 } else { Exit::Done as u8 })
}

/// Says why it ended badly, and gives the code to end with.
pub(crate) fn finish(ended: Ended, output: &Output) -> ExitCode {
    let exit = match ended {
        Ok(exit) => exit,
        Err(failure) => {
            if output.json {
                json(&json!({"schema": 1, "error": {
                    "exit": failure.exit as u8, "message": failure.message, "remedy": failure.remedy,
                }}));
            }
            error(&failure, &output.zone);
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_every_name_as_it_is_and_nothing_that_a_terminal_obeys() {
        let names = [
            "London 1",
            "Zürich 東京 🎉",
            "\u{1b}[31mred",
            "\u{9b}2J\u{7f}",
            "\u{202e}edon\u{202c}",
            "\u{e0041}\u{2028}",
            "a\nb\"\\",
            "<img src=x onerror=alert(1)>",
        ];
        let line = json_line(&serde_json::json!({ "\u{202e}key": names }));
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert!(!line.trim_end().contains(is_unseen), "{line:?}");
        assert!(line.contains("Zürich 東京 🎉"), "what can be seen is not escaped: {line}");
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["\u{202e}key"], serde_json::json!(names));
    }
}
