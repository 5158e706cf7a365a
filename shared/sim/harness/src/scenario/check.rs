//! Whether an expectation holds: of the world as it really is, of the last cycle, of the history.

use std::ops::RangeInclusive;

use spillway_core::observation::InstanceState;
use spillway_core::outcome::CycleReport;
use spillway_world::ServiceView;

use super::expect::Expectation;
use super::play::Play;
use super::sayings::sayings;

impl Expectation {
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
                let is = phase.map_or("not there", |each| each.phase.word());
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
                let scope = spillway_core::observation::PlatformScope { shards: false };
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

fn says(report: &CycleReport, text: &str) -> bool {
    sayings(report).iter().any(|each| each.contains(text))
}
