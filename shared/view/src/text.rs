//! The status as text, in the order in which a tired operator asks: can anybody call now, and in five minutes; what is
//! wrong; where; which nodes. Whoever prints it decides how a tone looks; a pipe gets none.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_core::policy::Mode;
use spillway_core::report::{NodeReason, ThresholdWord, actor};

use crate::clean::{clean, clip};
use crate::status::{FirstLine, NodeState, OverflowNode, Status};
use crate::table::{Align, Columns};
use crate::time::{age, clock, local, moment, span};
use crate::words::place;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A head.
    Head,
    /// As it should be.
    Plain,
    /// Something to look at.
    Warn,
    /// Something to act on.
    Bad,
}

/// How a tone looks.
pub trait Paint {
    /// The line, painted.
    fn paint(&self, tone: Tone, line: &str) -> String;
}

/// No colour.
impl Paint for () {
    fn paint(&self, _: Tone, line: &str) -> String {
        line.to_owned()
    }
}

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
    page.line(Tone::Plain, &first_line(status, view));
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

/// The first line: what matters at 08:58.
pub fn first_line(status: &Status, view: &View) -> String {
    let FirstLine {
        room_now,
        room_in_5_minutes,
        held,
        licences_left,
        licences_total: _,
        oldest_report_s,
        last_cycle: _,
        last_good_cycle: _,
        ledger_read,
        last_refusal,
    } = &status.first;
    let mut parts = Vec::new();
    parts.push(match (room_now, room_in_5_minutes) {
        (Some(now), Some(soon)) => format!("room for {now} HD calls now, {soon} in 5 min"),
        _ => "room not known".to_owned(),
    });
    if held.asked == 0 && room_now.is_none() && status.holds.iter().any(|hold| hold.current) {
        parts.push("held nodes not known".to_owned());
    } else if held.asked == 0 {
        parts.push("nothing held".to_owned());
    } else {
        let mut words = vec![format!("{} ready", held.ready)];
        let more = [(held.booting, "booting"), (held.late, "late"), (held.failed, "failed")];
        words.extend(
            more.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")),
        );
        parts.push(format!("held {}: {}", held.asked, words.join(", ")));
    }
    parts.push(licences_left.map_or("licences not known".to_owned(), |left| format!("{left} licences left")));
    parts.push(match oldest_report_s {
        Some(seconds) => format!("data {} old", span(jiff::SignedDuration::from_secs(*seconds))),
        None => "no data".to_owned(),
    });
    if last_refusal.is_none() && *ledger_read {
        parts.push("no refusal".to_owned());
    }
    let at = status.at.to_zoned(view.zone.clone()).strftime("%H:%M");
    format!("{at} {}: {}", status.platform, parts.join(" | "))
}

fn foot(status: &Status, view: &View) -> String {
    let mode = match (status.mode, status.dry_run) {
        (_, true) => "dry run: nothing is started or stopped",
        (Mode::Control, false) => "mode control",
        (Mode::Assist, false) => "mode assist: Pexip's own bursting decides",
    };
    let cycle = match &status.first.last_cycle {
        Some(cycle) => {
            format!(
                "last cycle {} ago: {}{}",
                age(cycle.at, view.now),
                cycle.outcome.map(|outcome| format!("{outcome}, ")).unwrap_or_default(),
                local(&cycle.summary, view.now, &view.zone)
            )
        }
        None if status.first.ledger_read => "no cycle has run yet".to_owned(),
        None => "last cycle not known".to_owned(),
    };
    format!("{} | {mode} | {cycle}", moment(status.at, &view.zone))
}

fn principal<P: Paint>(status: &Status, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("principal location", Align::Left),
        ("free HD", Align::Right),
        ("of", Align::Right),
        ("threshold", Align::Right),
        ("overflows to", Align::Left),
        ("", Align::Left),
    ]);
    let mut tones = Vec::new();
    for location in &status.principal {
        columns.row([
            location.name.to_string(),
            location.free.to_string(),
            location.max.to_string(),
            location.threshold.to_string(),
            location.overflow.to_string(),
            location.word.to_string(),
        ]);
        tones.push(match location.word {
            ThresholdWord::Normal => Tone::Plain,
            ThresholdWord::ApproachingThreshold => Tone::Warn,
            ThresholdWord::BurstingThresholdReached => Tone::Bad,
        });
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
}

fn overflow<P: Paint>(status: &Status, view: &View, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("overflow location", Align::Left),
        ("free HD", Align::Right),
        ("of", Align::Right),
        ("booting", Align::Right),
        ("threshold", Align::Right),
        ("ready", Align::Right),
        ("", Align::Left),
    ]);
    let mut tones = Vec::new();
    for location in &status.overflow {
        columns.row([
            location.name.to_string(),
            location.free.to_string(),
            location.max.to_string(),
            location.booting.to_string(),
            location.threshold.to_string(),
            format!("{} of {}", location.ready, location.nodes),
            local(&location.why.join("; "), view.now, &view.zone),
        ]);
        tones.push(Tone::Plain);
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
}

fn nodes<P: Paint>(status: &Status, view: &View, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("overflow node", Align::Left),
        ("state", Align::Left),
        ("since", Align::Left),
        ("free HD", Align::Right),
        ("of", Align::Right),
        ("hosting", Align::Left),
        ("held until", Align::Left),
        ("why", Align::Left),
    ]);
    let mut tones = Vec::new();
    let is_shown = |node: &&OverflowNode| view.all || node.state != NodeState::Stopped;
    for node in status.nodes.iter().filter(is_shown) {
        columns.row(row(node, view));
        tones.push(match node.state {
            NodeState::FailedStart | NodeState::Degraded => Tone::Bad,
            NodeState::Maintenance | NodeState::BackingOff => Tone::Warn,
            _ => Tone::Plain,
        });
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
    let hidden = status.nodes.iter().filter(|node| !is_shown(node)).count();
    if hidden > 0 {
        if columns.is_empty() {
            page.line(Tone::Plain, "");
        }
        let nodes = if hidden == 1 { "node" } else { "nodes" };
        page.line(Tone::Plain, &format!("{hidden} overflow {nodes} stopped"));
    }
}

fn row(node: &OverflowNode, view: &View) -> [String; 8] {
    let hosting = match node.conferences.as_slice() {
        [] => String::new(),
        [name] if node.hosting == 1 => clip(name, 24),
        _ => format!("{} conferences", node.hosting),
    };
    // Why it runs, then what the rules say of it now.
    let started = node.started_why.as_ref().map(|why| match &node.started_by {
        Some(spillway_core::ledger::Actor::Spillway) | None => format!("started: {why}"),
        Some(by) => format!("started by {}: {why}", actor(by)),
    });
    let now = node.why.iter().filter(|why| !says_the_state(why, node.state)).cloned();
    [
        node.name.to_string(),
        node.state.word().to_owned(),
        node.since.map_or_else(String::new, |at| {
            format!("{} ({})", clock(at, view.now, &view.zone), age(at, view.now))
        }),
        if node.state == NodeState::Ready { node.free.to_string() } else { "-".to_owned() },
        node.max.to_string(),
        hosting,
        node.held_until.map_or_else(String::new, |at| clock(at, view.now, &view.zone)),
        local(&now.chain(started).collect::<Vec<_>>().join("; "), view.now, &view.zone),
    ]
}

/// Whether a reason only repeats the state's word.
fn says_the_state(why: &str, state: NodeState) -> bool {
    match state {
        NodeState::Stopped => why == NodeReason::Stopped.to_string(),
        NodeState::Retired => why == NodeReason::Retired.to_string(),
        NodeState::Stopping => why == NodeReason::Stopping.to_string(),
        _ => false,
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

fn edge<P: Paint>(status: &Status, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("edge location", Align::Left),
        ("proxying nodes", Align::Right),
        ("media load", Align::Right),
        ("highest", Align::Right),
    ]);
    let percent = |load: Option<f64>| load.map_or("-".to_owned(), |load| format!("{load:.0} %"));
    let mut tones = Vec::new();
    for location in &status.edge {
        let nodes = if location.reporting == location.nodes {
            location.nodes.to_string()
        } else {
            format!("{} of {} report", location.reporting, location.nodes)
        };
        columns.row([location.name.to_string(), nodes, percent(location.load), percent(location.highest)]);
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
        page.line(Tone::Plain, &format!("and {} more: spillway plan", status.next.len() - 10));
    }
}
