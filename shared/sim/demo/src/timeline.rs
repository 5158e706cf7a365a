//! What overflow nodes do over the day, looked at once a minute from outside: the same eyes for every policy, so that
//! one policy's own account of itself never stands beside another's behaviour.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::NodeName;

use super::moment::{Moment, What, number};
use spillway_world::{NodeView, ServiceView, World};

/// What a started node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Booting,
    Idle,
    Busy,
    Draining,
}

impl Phase {
    pub(super) const ALL: [Self; 4] = [Self::Booting, Self::Idle, Self::Busy, Self::Draining];

    fn of(node: &NodeView) -> Option<Self> {
        match node.service {
            ServiceView::Stopped => None,
            ServiceView::Booting => Some(Self::Booting),
            ServiceView::Maintenance => Some(Self::Draining),
            ServiceView::Ready if node.busy => Some(Self::Busy),
            ServiceView::Ready => Some(Self::Idle),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Booting => "booting",
            Self::Idle => "ready, no calls",
            Self::Busy => "with calls",
            Self::Draining => "draining",
        }
    }
}

/// A time in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) phase: Phase,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// A node from start to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeRun {
    pub(super) node: NodeName,
    pub(super) spans: Vec<Span>,
    /// Why it was started; empty where it ran from the beginning.
    pub(super) started: String,
    /// Why it was stopped; `None` while it runs.
    pub(super) stopped: Option<String>,
}

impl NodeRun {
    pub(super) fn from(&self) -> Option<Timestamp> {
        self.spans.first().map(|span| span.from)
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        self.spans.last().map(|span| span.until)
    }
}

/// Looks at the overflow nodes.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    open: BTreeMap<NodeName, NodeRun>,
    closed: Vec<NodeRun>,
}

impl Timeline {
    /// One look; says which nodes became ready since the last.
    pub(super) fn look(&mut self, world: &World) -> Option<Moment> {
        let now = world.now();
        let mut ready = Vec::new();
        for node in world.nodes().iter().filter(|node| node.is_overflow) {
            let Some(phase) = Phase::of(node) else {
                if let Some(mut run) = self.open.remove(&node.name) {
                    run.stopped = Some(String::new());
                    self.closed.push(run);
                }
                continue;
            };
            let run = self.open.entry(node.name.clone()).or_insert_with(|| {
                let from = node.launched_at.unwrap_or(now).max(world.started_at());
                let spans = vec![Span { phase, from, until: now }];
                NodeRun { node: node.name.clone(), spans, started: String::new(), stopped: None }
            });
            let Some(last) = run.spans.last_mut() else { continue };
            last.until = now;
            if last.phase != phase {
                if last.phase == Phase::Booting {
                    ready.push(node.name.clone());
                }
                run.spans.push(Span { phase, from: now, until: now });
            }
        }
        (!ready.is_empty()).then(|| Moment {
            at: now,
            what: What::Ready,
            nodes: ready,
            reason: "takes calls".to_owned(),
        })
    }

    /// All runs, with the reasons that were given for them, by node and then by time.
    pub(super) fn runs(self, moments: &[Moment]) -> Vec<NodeRun> {
        let mut runs = self.closed;
        runs.extend(self.open.into_values());
        for run in &mut runs {
            let (Some(from), Some(until)) = (run.from(), run.until()) else { continue };
            run.started = reason(moments, What::Start, &run.node, from).unwrap_or_default();
            if let Some(stopped) = &mut run.stopped {
                *stopped = reason(moments, What::Stop, &run.node, until).unwrap_or_default();
            }
        }
        runs.sort_by(|a, b| number(&a.node).cmp(&number(&b.node)).then(a.from().cmp(&b.from())));
        runs
    }
}

/// The reason of the moment nearest to an instant, within a few minutes: a look is up to a minute late.
fn reason(moments: &[Moment], what: What, node: &NodeName, at: Timestamp) -> Option<String> {
    let off = |moment: &Moment| moment.at.duration_since(at).abs();
    moments
        .iter()
        .filter(|moment| moment.what == what && moment.nodes.contains(node))
        .filter(|moment| off(moment) <= SignedDuration::from_mins(3))
        .min_by_key(|moment| off(moment))
        .map(|moment| moment.reason.clone())
}
