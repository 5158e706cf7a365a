//! What a script expects: of the world as it really is, of the last cycle, and of the history.

use std::ops::RangeInclusive;

use spillway_core::ledger::EventKind;
use spillway_core::observation::InstanceState;
use spillway_core::outcome::CycleReport;

use super::play::Play;
use super::words::{ScriptError, Words};
use spillway_world::ServiceView;

/// One expectation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expectation {
    /// What the node really does: `stopped`, `stopping`, `booting`, `ready`, `maintenance`.
    Node { node: String, states: Vec<String> },
    /// Where Spillway has the node in its life.
    Phase { node: String, words: Vec<String> },
    /// Overflow instances of a location that are started.
    Up { location: String, nodes: RangeInclusive<usize> },
    /// Starts by Spillway so far.
    Starts(RangeInclusive<u64>),
    /// Stops by Spillway so far.
    Stops(RangeInclusive<u64>),
    /// How the last cycle ended.
    Outcome(String),
    /// A reason, an action or the summary of the last cycle contains this.
    Says { text: String, not: bool },
    /// Some cycle so far said this, or none did.
    Said { text: String, not: bool },
    /// Lines of history of a kind, of one node or all.
    Events { kind: EventKind, node: Option<String>, times: RangeInclusive<usize> },
    /// Who did what the lines of history of a kind tell of a node: `spillway`, `pexip` or `unknown`.
    Told { kind: EventKind, node: String, by: String },
    /// Configured maintenance mode: `off`, `ours`, or a person's reason.
    Maintenance { node: String, what: String },
    /// HD calls whose media is on a node.
    Calls { node: String, calls: RangeInclusive<u32> },
    /// Static NAT address as configured: `right` (the instance's), `wrong`, `none`, or the name of an Elastic IP.
    Nat { node: String, what: String },
    /// Free HD calls of a location, as Spillway saw them.
    Free { location: String, calls: RangeInclusive<u32> },
    /// Callers at a location who found no room so far.
    Refused(RangeInclusive<usize>),
}

fn range<T: std::str::FromStr + Copy>(words: &mut Words) -> Result<RangeInclusive<T>, ScriptError> {
    let word = words.word("a number or a range such as 1..3")?;
    let (from, to) = word.split_once("..").unwrap_or((&word, &word));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) => Ok(from..=to),
        _ => words.error(format!("{word:?} is neither a number nor a range such as 1..3")),
    }
}

impl Expectation {
    pub(super) fn parse(words: &mut Words) -> Result<Self, ScriptError> {
        let split = |text: String| text.split('|').map(str::to_owned).collect::<Vec<_>>();
        let expectation = match words.word("what is expected")?.as_str() {
            "node" => Self::Node { node: words.word("the node")?, states: split(words.word("its state")?) },
            "phase" => Self::Phase { node: words.word("the node")?, words: split(words.word("its phase")?) },
            "up" => Self::Up { location: words.word("the location")?, nodes: range(words)? },
            "starts" => Self::Starts(range(words)?),
            "stops" => Self::Stops(range(words)?),
            "outcome" => Self::Outcome(words.word("the outcome")?),
            "says" => Self::Says { text: words.word("the text")?, not: false },
            "says-not" => Self::Says { text: words.word("the text")?, not: true },
            "said" => Self::Said { text: words.word("the text")?, not: false },
            "never-said" => Self::Said { text: words.word("the text")?, not: true },
            "events" => {
                let word = words.word("the kind of event")?;
                let Ok(kind) = serde_json::from_value(word.clone().into()) else {
                    return words.error(format!("{word:?} is no kind of event, such as drain_cancelled"));
                };
                let node = words.option("node");
                Self::Events { kind, node, times: range(words)? }
            }
            "told" => {
                let word = words.word("the kind of event")?;
                let Ok(kind) = serde_json::from_value(word.clone().into()) else {
                    return words.error(format!("{word:?} is no kind of event, such as start_seen"));
                };
                Self::Told { kind, node: words.word("the node")?, by: words.word("by whom")? }
            }
            "maintenance" => Self::Maintenance {
                node: words.word("the node")?,
                what: words.word("off, ours or a reason")?,
            },
            "calls" => Self::Calls { node: words.word("the node")?, calls: range(words)? },
            "free" => Self::Free { location: words.word("the location")?, calls: range(words)? },
            "nat" => Self::Nat {
                node: words.word("the node")?,
                what: words.word("right, wrong, none or an Elastic IP")?,
            },
            "refused" => Self::Refused(range(words)?),
            other => return words.error(format!("{other:?} is nothing that can be expected")),
        };
        Ok(expectation)
    }

    /// Why it does not hold; `None` when it does.
    pub(super) fn fails(&self, play: &Play) -> Option<String> {
        let world = play.harness.world();
        match self {
            Self::Node { node, states } => {
                let Some(view) = world.node(node) else { return Some(format!("there is no node {node}")) };
                let is = match (view.state, view.service) {
                    (Some(InstanceState::Stopping), _) => "stopping",
                    (_, ServiceView::Stopped) => "stopped",
                    (_, ServiceView::Booting) => "booting",
                    (_, ServiceView::Ready) => "ready",
                    (_, ServiceView::Maintenance) => "maintenance",
                };
                (!states.iter().any(|state| state == is)).then(|| format!("{node} is {is}"))
            }
            Self::Phase { node, words } => {
                let report = play.last.as_ref()?;
                let phase = report.plan.report.nodes.iter().find(|each| each.node.as_str() == node);
                let is = phase.map_or("not there", |each| each.phase.as_str());
                (!words.iter().any(|word| word == is)).then(|| format!("{node} is {is}"))
            }
            Self::Up { location, nodes } => {
                let up = world
                    .nodes()
                    .iter()
                    .filter(|node| node.location.as_str() == location && node.is_overflow)
                    .filter(|node| {
                        matches!(node.state, Some(InstanceState::Pending | InstanceState::Running))
                    })
                    .count();
                outside(nodes, up, "nodes are up")
            }
            Self::Starts(starts) => {
                drop(world);
                outside(starts, play.harness.starts_and_stops().0, "starts so far")
            }
            Self::Stops(stops) => {
                drop(world);
                outside(stops, play.harness.starts_and_stops().1, "stops so far")
            }
            Self::Outcome(word) => {
                let is = play.last.as_ref().map_or("nothing", |report| report.outcome.word());
                (!word.split('|').any(|word| word == is)).then(|| format!("the last cycle ended {is}"))
            }
            Self::Says { text, not } => {
                let said = play.last.as_ref().is_some_and(|report| says(report, text));
                (said == *not).then(|| if *not { "it was said".into() } else { "it was not said".into() })
            }
            Self::Said { text, not } => {
                let said = play.said.iter().any(|each| each.contains(text.as_str()));
                (said == *not).then(|| if *not { "it was said".into() } else { "it was not said".into() })
            }
            Self::Events { kind, node, times } => {
                let events = play.harness.ledger().events();
                let count = events
                    .iter()
                    .filter(|event| event.kind == *kind)
                    .filter(|event| {
                        node.as_ref()
                            .is_none_or(|node| event.node.as_ref().is_some_and(|n| n.as_str() == node))
                    })
                    .count();
                outside(times, count, "such events")
            }
            Self::Told { kind, node, by } => {
                let events = play.harness.ledger().events();
                let about = |event: &&spillway_core::ledger::Event| {
                    event.kind == *kind && event.node.as_ref().is_some_and(|each| each.as_str() == node)
                };
                let actors: Vec<String> = events
                    .iter()
                    .filter(about)
                    .map(|event| serde_json::to_string(&event.by).unwrap_or_default())
                    .collect();
                let holds = !actors.is_empty() && actors.iter().all(|actor| actor.trim_matches('"') == by);
                (!holds).then(|| format!("it was told of {actors:?}"))
            }
            Self::Maintenance { node, what } => {
                let scope = spillway_core::ports::PlatformScope { shards: false };
                let platform = world.platform(scope).ok()?;
                let found = platform.nodes.iter().find(|each| each.name.as_str() == node)?;
                let is = if !found.maintenance_mode {
                    "off"
                } else if spillway_core::assess::is_our_maintenance(found) {
                    "ours"
                } else {
                    &found.maintenance_mode_reason
                };
                (is != what).then(|| format!("it is {is:?}"))
            }
            Self::Calls { node, calls } => {
                outside(calls, world.node(node).map_or(0, |view| view.media_legs), "calls are on it")
            }
            Self::Free { location, calls } => {
                let report = play.last.as_ref()?;
                let found = report.plan.report.locations.iter().find(|each| each.name.as_str() == location);
                outside(calls, found.map_or(0, |each| each.free.0), "HD calls are free")
            }
            Self::Nat { node, what } => {
                let Some(view) = world.node(node) else { return Some(format!("there is no node {node}")) };
                drop(world);
                let public = view.public_ip.map_or_else(|| "none".to_owned(), |ip| ip.to_string());
                let stored = view.static_nat.map_or_else(|| "none".to_owned(), |ip| ip.to_string());
                let holds = match what.as_str() {
                    "right" => view.static_nat.is_some() && view.static_nat == view.public_ip,
                    "wrong" => view.static_nat.is_some() && view.static_nat != view.public_ip,
                    "none" => view.static_nat.is_none(),
                    name => {
                        let elastic = play.elastic_address(name);
                        elastic.is_some() && view.static_nat == elastic && view.public_ip == elastic
                    }
                };
                (!holds).then(|| format!("it is {stored}, and the instance has {public}"))
            }
            Self::Refused(callers) => outside(callers, play.refused, "callers found no room"),
        }
    }
}

fn outside<T: PartialOrd + std::fmt::Display + Copy>(
    range: &RangeInclusive<T>,
    is: T,
    what: &str,
) -> Option<String> {
    (!range.contains(&is)).then(|| format!("{is} {what}"))
}

/// Everything a cycle said, line by line.
pub(super) fn sayings(report: &CycleReport) -> Vec<String> {
    let mut all = vec![report.summary()];
    all.extend(report.plan.report.gate.iter().map(ToString::to_string));
    for location in &report.plan.report.locations {
        let name = &location.name;
        all.push(format!("{name}: {}", location.word));
        all.extend(location.reasons.iter().map(|reason| format!("{name}: {reason}")));
    }
    for node in &report.plan.report.nodes {
        all.extend(node.reasons.iter().map(|reason| format!("{}: {reason}", node.node)));
    }
    for hold in &report.plan.report.holds {
        all.extend(hold.reasons.iter().map(|reason| format!("{}: {reason}", hold.id)));
        if hold.is_due(report.began_at) {
            all.push(format!("{}: {}", hold.id, hold.readiness_text()));
        }
    }
    for issue in &report.plan.report.issues {
        all.push(serde_json::to_string(issue).unwrap_or_default());
    }
    for result in &report.results {
        all.push(super::transcript::result_line(result, &report.plan));
    }
    all.extend(report.violations.iter().map(ToString::to_string));
    all.extend(report.faults.iter().map(ToString::to_string));
    all
}

fn says(report: &CycleReport, text: &str) -> bool {
    sayings(report).iter().any(|each| each.contains(text))
}
