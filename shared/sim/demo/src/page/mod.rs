//! The picture: one self-contained HTML page with inline SVG, readable in light and dark, on a desk and on a
//! telephone. No script, no font, no address of another server.

mod frame;
mod lines;
mod runs;

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use self::frame::{Window, escape, nice_top};
use self::lines::{Scales, capacity_of, free_of, gave_up, load_chart, load_of, refused_chart};
use super::comparison::{Comparison, grouped};
use super::day::{Day, OVERFLOW, PRINCIPAL};
use super::play::Played;
use super::policy::Policy;
use super::story::{clock, date};
use super::timeline::Phase;

/// The page.
pub(super) fn render(day: &Day, played: &[Played], comparison: &Comparison, price: &str) -> String {
    let window = window(day, played);
    let wanted = day.wanted();
    let scales = scales(day, played, &wanted);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Spillway: {title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n\
         <h1>The same callers, four policies</h1>\n<p class=\"muted\">{title}</p>\n",
        include_str!("style.css"),
        title = escape(&title(day)),
    );
    summary(&mut page, day, comparison, price);
    for played in played {
        section(&mut page, day, played, window, scales, &wanted);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn title(day: &Day) -> String {
    let days = if day.days == 1 { String::new() } else { format!(" and {} more days", day.days - 1) };
    format!("{}, {}{days}", day.source, date(day.start))
}

fn summary(page: &mut String, day: &Day, comparison: &Comparison, price: &str) {
    let dropped = comparison.dropped_by_us();
    if dropped > 0 {
        let _ = writeln!(page, "<p class=\"fail\">{} calls were dropped by Spillway.</p>", grouped(dropped));
    }
    for sentence in comparison.sentences() {
        let _ = writeln!(page, "<p class=\"lead\">{}</p>", escape(&sentence));
    }
    let (titles, rows) = comparison.cells();
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr><th></th>");
    for row in &rows {
        let _ = write!(page, "<th>{}</th>", escape(row.first().map_or("", String::as_str)));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (column, title) in titles.iter().enumerate().skip(1) {
        let _ = write!(page, "<tr><th>{title}</th>");
        for row in &rows {
            let _ = write!(page, "<td>{}</td>", escape(row.get(column).map_or("", String::as_str)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
    let _ = writeln!(
        page,
        "<p class=\"note\">{} callers; at most {:.0} HD calls wanted at once, at {}. {PRINCIPAL} has {} always-on nodes \
         and overflows to {OVERFLOW} with {} overflow nodes (c5.2xlarge, 17 HD calls each). Bursting threshold {} HD \
         calls and minimum lifetime {} minutes for every policy; seed {}. Refused: callers who gave up after three \
         redials. Load is more than what callers want where conferences are spread over nodes, which costs each of them \
         about one HD call. Cost at {}.</p>",
        grouped(day.callers.list.len() as u64),
        day.peak.0,
        clock(day.peak.1),
        day.always_on,
        day.overflow,
        day.threshold,
        day.min_lifetime_minutes,
        day.seed,
        escape(price),
    );
    for note in &day.notes {
        let _ = writeln!(page, "<p class=\"note\">{}</p>", escape(note));
    }
}

fn section(page: &mut String, day: &Day, played: &Played, window: Window, scales: Scales, wanted: &[f64]) {
    let policy = played.policy;
    let _ = writeln!(page, "<h2>{}</h2>\n<p class=\"muted\">{}</p>", policy.title(), policy.description());
    page.push_str("<h3>Load against capacity, HD calls</h3>\n");
    legend(
        page,
        &[
            ("", "var(--capacity)", "capacity of ready nodes"),
            ("line", "var(--load)", "load"),
            ("dashed", "var(--wanted)", "wanted by the callers"),
        ],
    );
    page.push_str(&load_chart(day, played, window, scales, wanted));
    if scales.gave_up > 0.0 {
        let minutes = 10 * day.days;
        let _ = writeln!(page, "<h3>Callers who gave up, per {minutes} minutes</h3>");
        page.push_str(&refused_chart(day, played, window, scales));
    }
    page.push_str("<h3>Free HD calls</h3>\n");
    let threshold = format!("threshold ({})", day.threshold);
    legend(
        page,
        &[
            ("line", "var(--here)", PRINCIPAL),
            ("line", "var(--there)", OVERFLOW),
            ("dashed", "var(--threshold)", threshold.as_str()),
        ],
    );
    page.push_str(&lines::free_chart(day, played, window, scales));
    page.push_str("<h3>Runs of the overflow nodes</h3>\n");
    let phases: Vec<_> = Phase::ALL.iter().map(|phase| ("", runs::colour(*phase), phase.word())).collect();
    legend(page, &phases);
    page.push_str(&runs::runs_chart(played, window));
    if policy != Policy::AlwaysOn {
        actions(page, day, played);
    }
}

fn legend(page: &mut String, entries: &[(&str, &str, &str)]) {
    page.push_str("<ul class=\"legend\">");
    for (kind, colour, text) in entries {
        let style = if kind.is_empty() { "background" } else { "border-color" };
        let _ = write!(
            page,
            "<li><span class=\"swatch {kind}\" style=\"{style}:{colour}\"></span>{}</li>",
            escape(text)
        );
    }
    page.push_str("</ul>\n");
}

fn actions(page: &mut String, day: &Day, played: &Played) {
    let _ = write!(
        page,
        "<details><summary>What happened, {} lines</summary><ol class=\"log\">",
        grouped(played.moments.len() as u64)
    );
    for moment in &played.moments {
        let when = if day.days == 1 {
            clock(moment.at)
        } else {
            super::story::civil(moment.at).strftime("%-d. %H:%M").to_string()
        };
        let _ = write!(page, "<li><time>{when}</time>{}</li>", escape(&moment.to_string()));
    }
    page.push_str("</ol></details>\n");
}

/// One day is shown from the first caller to the last node; the empty night says nothing. Several are shown whole.
fn window(day: &Day, played: &[Played]) -> Window {
    let whole = Window { from: day.start, until: day.end };
    if day.days > 1 {
        return whole;
    }
    let first = day.callers.list.first().map_or(day.start, |caller| caller.at);
    let runs = played.iter().filter(|played| played.policy != Policy::AlwaysOn).flat_map(|p| &p.runs);
    let last_node = runs.filter_map(super::timeline::NodeRun::until).max();
    let last = day.callers.last_end().max(last_node).unwrap_or(day.end).min(day.end);
    let hour = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(3_600) * 3_600).unwrap_or(at);
    let from = hour(first - SignedDuration::from_mins(15)).max(day.start);
    let until = hour(last + SignedDuration::from_mins(74)).min(day.end);
    Window { from, until: until.max(from + SignedDuration::from_hours(1)) }
}

fn scales(day: &Day, played: &[Played], wanted: &[f64]) -> Scales {
    let all = || played.iter().flat_map(|played| &played.samples);
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let load = most(&mut all().flat_map(|s| [load_of(s), capacity_of(s)]).chain(wanted.iter().copied()));
    let free = most(&mut all().flat_map(|s| [free_of(s, PRINCIPAL), free_of(s, OVERFLOW)]));
    let gave_up = most(&mut played.iter().flat_map(|played| gave_up(day, played)).map(|(_, _, count)| count));
    let top = |most: f64| if most > 0.0 { nice_top(most) } else { 0.0 };
    Scales { load: nice_top(load), free: nice_top(free), gave_up: top(gave_up) }
}
