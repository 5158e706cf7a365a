//! The checks as text.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_view::time::local;
use spillway_view::{Paint, Tone, clean};

use crate::check::{Check, Verdict};

/// One line each, and what to do below it.
pub fn render_checks(checks: &[Check], now: Timestamp, zone: &TimeZone, paint: &impl Paint) -> String {
    let widest = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { what, verdict, found, remedy } in checks {
        let (word, tone) = match verdict {
            Verdict::Good => ("ok  ", Tone::Plain),
            Verdict::Warn => ("WARN", Tone::Warn),
            Verdict::Bad => ("BAD ", Tone::Bad),
        };
        let line = format!("{word}  {what:widest$}  {}", local(found, now, zone));
        text.push_str(&paint.paint(tone, &clean(&line)));
        text.push('\n');
        if !remedy.is_empty() {
            let indent = " ".repeat(widest + 8);
            let _ = writeln!(text, "{indent}{}", clean(&local(remedy, now, zone)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_comes_first_and_what_to_do_stands_below_what_was_found() {
        let checks = [
            Check::good("clocks", "they differ by 0 s".to_owned()),
            Check::warn("mode", "dry run".to_owned(), "remove dry_run".to_owned()),
            Check::bad("licences", "all in use".to_owned(), "add port licences".to_owned()),
        ];
        let wanted = "\
ok    clocks    they differ by 0 s
WARN  mode      dry run
                remove dry_run
BAD   licences  all in use
                add port licences
";
        assert_eq!(render_checks(&checks, Timestamp::UNIX_EPOCH, &TimeZone::UTC, &()), wanted);
    }
}
