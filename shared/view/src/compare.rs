//! What Pexip's own bursting did beside what Spillway did, or would have done: the way to trust one before the other is
//! switched off. The words of the Management Node's history are not documented, so they are shown as they are and nothing
//! is decided from them; who started a node is the ledger's to say.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::ledger::{Actor, Event, EventKind};

use crate::paint::{Paint, Tone};
use crate::runs::NodeRun;
use crate::table::{Align, Columns};
use crate::time::{local, span};

/// One line of the Management Node's Conferencing Node history, as it words it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformEvent {
    /// When.
    pub at: Timestamp,
    /// The node.
    pub node: Option<String>,
    /// What, in the platform's words.
    pub what: String,
}

/// Both, beside each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of the shape.
    pub schema: u32,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
    /// Everything, oldest first.
    pub lines: Vec<ComparisonLine>,
    /// Overflow nodes that Pexip's bursting or somebody else started, and their hours.
    pub theirs: Sum,
    /// Overflow nodes that Spillway started, and their hours.
    pub ours: Sum,
    /// How often Spillway would have acted and did not, since the mode or a dry run withheld it.
    pub withheld: u32,
    /// Of those, how often a node was then started by another within a quarter of an hour.
    pub followed: u32,
    /// And how much later, on average.
    pub mean_delay_s: Option<i64>,
}

/// Starts and hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Runs.
    pub starts: u32,
    /// Hours.
    pub node_hours: f64,
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonLine {
    /// When.
    pub at: Timestamp,
    /// What the platform's history says.
    pub platform: Option<String>,
    /// What Spillway did, would have done, or saw.
    pub spillway: Option<String>,
}

/// A start so long after Spillway would have started one is taken for the same need.
const SAME_NEED: SignedDuration = SignedDuration::from_mins(15);

/// Puts both beside each other.
pub fn compare(
    events: &[Event],
    platform: &[PlatformEvent],
    runs: &[NodeRun],
    from: Timestamp,
    until: Timestamp,
) -> Comparison {
    let asked = |event: &&Event| (from..until).contains(&event.at);
    let mut lines: Vec<ComparisonLine> = platform
        .iter()
        .map(|event| ComparisonLine {
            at: event.at,
            platform: Some(format!("{}: {}", event.node.as_deref().unwrap_or("?"), event.what)),
            spillway: None,
        })
        .collect();
    lines.extend(events.iter().filter(asked).filter_map(line));
    lines.sort_by_key(|line| line.at);
    let mut sums: BTreeMap<bool, Sum> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.within(from, until) > SignedDuration::ZERO) {
        let sum = sums.entry(run.by == Actor::Spillway).or_default();
        sum.starts += 1;
        sum.node_hours += run.within(from, until).as_secs_f64() / 3600.0;
    }
    let withheld: Vec<&Event> = events
        .iter()
        .filter(asked)
        .filter(|event| event.kind == EventKind::Withheld && starts(event))
        .collect();
    let theirs = |after: Timestamp| {
        let others = runs.iter().filter(|run| run.by != Actor::Spillway).filter_map(|run| run.from);
        let later = others.filter(|from| *from >= after);
        later.map(|from| from.duration_since(after)).min().filter(|delay| *delay <= SAME_NEED)
    };
    let delays: Vec<SignedDuration> = withheld.iter().filter_map(|event| theirs(event.at)).collect();
    let seconds: i64 = delays.iter().map(SignedDuration::as_secs).sum();
    let followed = i64::try_from(delays.len()).unwrap_or(i64::MAX);
    Comparison {
        schema: crate::SCHEMA,
        from,
        until,
        lines,
        theirs: sums.get(&false).copied().unwrap_or_default(),
        ours: sums.get(&true).copied().unwrap_or_default(),
        withheld: u32::try_from(withheld.len()).unwrap_or(u32::MAX),
        followed: u32::try_from(followed).unwrap_or(u32::MAX),
        mean_delay_s: (followed > 0).then(|| seconds / followed),
    }
}

/// Whether what was withheld was a start: the question is who is faster.
fn starts(event: &Event) -> bool {
    event.reason.contains("start ")
}

fn line(event: &Event) -> Option<ComparisonLine> {
    let name = event
        .node
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| event.instance.as_ref().map(ToString::to_string))
        .unwrap_or_default();
    let what = match event.kind {
        EventKind::Withheld => format!("would have: {}", event.reason.trim_start_matches("withheld: ")),
        EventKind::Start => format!("started {name}: {}", event.reason),
        EventKind::Stop => format!("stopped {name}: {}", event.reason),
        EventKind::StartSeen => format!("saw {name} started"),
        EventKind::Ready => format!("saw {name} ready"),
        EventKind::Stopped => format!("saw {name} stopped"),
        _ => return None,
    };
    Some(ComparisonLine { at: event.at, platform: None, spillway: Some(what) })
}

/// As a table and a sum.
pub fn render_comparison(comparison: &Comparison, zone: &TimeZone, paint: &impl Paint) -> String {
    let mut columns =
        Columns::new(&[("when", Align::Left), ("pexip's history", Align::Left), ("spillway", Align::Left)]);
    for line in &comparison.lines {
        columns.row([
            line.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            line.platform.clone().unwrap_or_default(),
            local(line.spillway.as_deref().unwrap_or_default(), comparison.until, zone),
        ]);
    }
    let mut text = String::new();
    if !columns.is_empty() {
        for (number, line) in columns.lines().iter().enumerate() {
            let tone = if number == 0 { Tone::Head } else { Tone::Plain };
            text.push_str(&paint.paint(tone, line));
            text.push('\n');
        }
        text.push('\n');
    }
    let Comparison { theirs, ours, withheld, followed, mean_delay_s, .. } = comparison;
    let _ = write!(
        text,
        "started by Pexip or others: {} nodes, {:.1} node-hours\nstarted by Spillway: {} nodes, {:.1} node-hours\n",
        theirs.starts, theirs.node_hours, ours.starts, ours.node_hours
    );
    if *withheld > 0 {
        let delay = mean_delay_s.map_or_else(String::new, |seconds| {
            format!(", {} later on average", span(SignedDuration::from_secs(seconds)))
        });
        let _ = writeln!(
            text,
            "cycles in which Spillway would have started nodes: {withheld}; after {followed} of them Pexip or somebody else started one within 15 minutes{delay}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::ids::InstanceId;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn event(minute: i64, kind: EventKind, reason: &str) -> Event {
        let about = kind != EventKind::Withheld;
        Event {
            id: format!("{minute}-{kind:?}"),
            at: at(minute),
            kind,
            instance: about.then(|| InstanceId::new("i-1")),
            node: about.then(|| "burst-1".into()),
            location: None,
            by: Actor::Spillway,
            reason: reason.to_owned(),
        }
    }

    fn run(from: i64, until: Option<i64>, by: Actor) -> NodeRun {
        NodeRun {
            instance: "i-1".into(),
            node: Some("burst-1".into()),
            location: Some("AWS burst".into()),
            from: Some(at(from)),
            ready: None,
            drain: None,
            until: until.map(at),
            failed: false,
            by,
            reason: String::new(),
            ended: String::new(),
        }
    }

    fn pexip(minute: i64, what: &str) -> PlatformEvent {
        PlatformEvent { at: at(minute), node: Some("burst-1".to_owned()), what: what.to_owned() }
    }

    #[test]
    fn pexips_start_stands_beside_ours_that_was_withheld() {
        let events =
            [event(10, EventKind::Withheld, "withheld: start burst-1"), event(17, EventKind::Ready, "ready")];
        let runs = [run(12, Some(72), Actor::Pexip)];
        let shown = compare(&events, &[pexip(12, "starting, overflow")], &runs, at(0), at(120));
        let lines: Vec<(Option<&str>, Option<&str>)> =
            shown.lines.iter().map(|line| (line.platform.as_deref(), line.spillway.as_deref())).collect();
        let wanted = [
            (None, Some("would have: start burst-1")),
            (Some("burst-1: starting, overflow"), None),
            (None, Some("saw burst-1 ready")),
        ];
        assert_eq!(lines, wanted, "in the order of time");
        assert_eq!((shown.theirs, shown.ours), (Sum { starts: 1, node_hours: 1.0 }, Sum::default()));
        assert_eq!((shown.withheld, shown.followed, shown.mean_delay_s), (1, 1, Some(120)));
        insta::assert_snapshot!(render_comparison(&shown, &TimeZone::UTC, &()));
    }

    #[test]
    fn a_start_long_after_ours_was_for_another_need() {
        let events = [
            event(10, EventKind::Withheld, "withheld: start burst-1"),
            event(40, EventKind::Withheld, "withheld: start burst-1, start burst-2"),
        ];
        // Fifteen minutes and a bit after the first, five after the second.
        let runs = [run(26, Some(30), Actor::Unknown), run(45, None, Actor::Pexip)];
        let shown = compare(&events, &[], &runs, at(0), at(60));
        assert_eq!((shown.withheld, shown.followed, shown.mean_delay_s), (2, 1, Some(300)));
        assert_eq!(shown.theirs, Sum { starts: 2, node_hours: 19.0 / 60.0 });
    }

    #[test]
    fn what_was_not_a_start_and_what_is_outside_the_period_is_not_counted() {
        let events = [
            event(-5, EventKind::Withheld, "withheld: start burst-1"),
            event(20, EventKind::Withheld, "withheld: drain burst-1"),
            event(60, EventKind::Withheld, "withheld: start burst-1"),
            event(30, EventKind::AddressChanged, "static NAT address"),
        ];
        // A start of ours is no answer of theirs; of a life from before, the hours within count.
        let runs = [run(21, Some(51), Actor::Spillway), run(-60, Some(30), Actor::Pexip)];
        let shown = compare(&events, &[], &runs, at(0), at(60));
        assert_eq!((shown.withheld, shown.followed, shown.mean_delay_s), (0, 0, None));
        assert_eq!(shown.lines.len(), 1, "{:?}", shown.lines);
        assert_eq!((shown.ours.node_hours, shown.theirs.node_hours), (0.5, 0.5));
        let text = render_comparison(&shown, &TimeZone::UTC, &());
        assert!(text.contains("would have: drain burst-1") && !text.contains("would have started"), "{text}");
    }
}
