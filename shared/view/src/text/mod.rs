//! The status as text, in the order in which a tired operator asks: can anybody call now, and in five minutes; what is
//! wrong; where; which nodes.

mod first_line;
mod locations;
mod nodes;

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_core::report::actor;

use crate::clean::{clean, clip};
use crate::paint::{Paint, Tone};
use crate::status::Status;
use crate::table::{Align, Columns};
use crate::time::{age, clock, local};
use crate::words::place;

pub use first_line::first_line;
use first_line::foot;
use locations::{edge, overflow, principal};
use nodes::nodes;

/// What is shown and how.
#[derive(Debug, Clone)]
pub struct View {
    /// The operator's zone.
    pub zone: TimeZone,
    /// Now, which ages are counted from.
    pub now: Timestamp,
    /// Also stopped nodes.
    pub all: bool,
    /// Rows of tables end here: on a terminal a line that wraps is harder to read than one that is cut.
    pub width: Option<usize>,
}

/// The status as text.
pub fn render(status: &Status, view: &View, paint: &impl Paint) -> String {
    let mut page = Page { text: String::new(), paint, width: view.width };
    let tone = if status.is_without_cycles() { Tone::Bad } else { Tone::Plain };
    page.line(tone, &first_line(status, view));
    for trouble in &status.trouble {
        page.line(Tone::Bad, &format!("! {}", local(&trouble.what, view.now, &view.zone)));
        if !trouble.remedy.is_empty() {
            page.line(Tone::Plain, &format!("  {}", trouble.remedy));
        }
    }
    if let Some(refusal) = &status.first.last_refusal {
        let at = clock(refusal.at, view.now, &view.zone);
        page.line(
            Tone::Warn,
            &format!(
                "last refusal {at} ({} ago): {}",
                age(refusal.at, view.now),
                local(&refusal.what, view.now, &view.zone)
            ),
        );
    }
    principal(status, &mut page);
    overflow(status, view, &mut page);
    nodes(status, view, &mut page);
    holds(status, view, &mut page);
    edge(status, &mut page);
    issues(status, &mut page);
    next(status, view, &mut page);
    page.line(Tone::Plain, "");
    page.line(Tone::Head, &foot(status, view));
    page.text
}

struct Page<'a, P> {
    text: String,
    paint: &'a P,
    width: Option<usize>,
}

impl<P: Paint> Page<'_, P> {
    fn line(&mut self, tone: Tone, line: &str) {
        let _ = writeln!(self.text, "{}", self.paint.paint(tone, &clean(line)));
    }

    /// A table with a tone for every row.
    fn table(&mut self, columns: &Columns, tones: &[Tone]) {
        self.line(Tone::Plain, "");
        let tones = std::iter::once(&Tone::Head).chain(tones);
        for (line, tone) in columns.lines().iter().zip(tones) {
            match self.width {
                Some(width) => self.line(*tone, &clip(line, width.saturating_sub(1))),
                None => self.line(*tone, line),
            }
        }
    }
}

fn holds<P: Paint>(status: &Status, view: &View, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("hold", Align::Left),
        ("where", Align::Left),
        ("how much", Align::Left),
        ("from", Align::Left),
        ("until", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
    ]);
    let mut tones = Vec::new();
    for hold in &status.holds {
        columns.row([
            hold.id.to_string(),
            place(&hold.scope, &status.nodes),
            hold.amount.to_string(),
            clock(hold.from, view.now, &view.zone),
            clock(hold.until, view.now, &view.zone),
            actor(&hold.by).to_owned(),
            hold.reason.clone(),
        ]);
        tones.push(Tone::Plain);
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
}

fn issues<P: Paint>(status: &Status, page: &mut Page<'_, P>) {
    if status.issues.is_empty() {
        return;
    }
    page.line(Tone::Plain, "");
    page.line(Tone::Head, &format!("ISSUES ({})", status.issues.len()));
    for issue in &status.issues {
        page.line(Tone::Warn, &format!("{}: {}", issue.about, issue.what));
        page.line(Tone::Plain, &format!("  {}", issue.remedy));
    }
}

fn next<P: Paint>(status: &Status, view: &View, page: &mut Page<'_, P>) {
    if status.next.is_empty() {
        return;
    }
    page.line(Tone::Plain, "");
    page.line(Tone::Head, "THE NEXT CYCLE WOULD");
    for line in status.next.iter().take(10) {
        page.line(Tone::Plain, &local(line, view.now, &view.zone));
    }
    if status.next.len() > 10 {
        page.line(Tone::Plain, &format!("and {} more: spillway plan lists them", status.next.len() - 10));
    }
}
