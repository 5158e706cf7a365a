//! Runs of overflow nodes, put together from the history: from each start to its stop, with both reasons. `cost`,
//! `compare` and the page count the same runs.
//!
//! Lines of the history can be missing: it is kept for so long, and a ledger can be lost. So what runs now is told by the
//! ledger or by a status ([`Present`]), a stop without a start ends a run that began before the history does, and a run
//! whose end nobody saw has ended when its node was started again.

mod present;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{InstanceId, LocationName, NodeName};
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::report::actor;

use present::Now;
pub use present::Present;

/// An order to start and EC2's launch time are at most this far apart. A start that is seen later than that after the
/// one before is another one: in between somebody stopped the node, and nobody saw it.
const SAME_START: SignedDuration = SignedDuration::from_mins(15);

/// A node, from a start to the stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRun {
    /// Instance.
    pub instance: InstanceId,
    /// Node, where known.
    pub node: Option<NodeName>,
    /// Location, where known.
    pub location: Option<LocationName>,
    /// When it was started; `None`: before the history that was read begins.
    pub from: Option<Timestamp>,
    /// When it was ready.
    pub ready: Option<Timestamp>,
    /// When the drain began that it ended with, or that goes on.
    pub drain: Option<Timestamp>,
    /// When it was stopped; `None`: it runs.
    pub until: Option<Timestamp>,
    /// Whether its start failed.
    pub failed: bool,
    /// Who started it.
    pub by: Actor,
    /// Why it was started; empty where that is not known.
    pub reason: String,
    /// Why it was stopped, or failed; empty where that is not known.
    pub ended: String,
}

impl NodeRun {
    /// How much of it lies between two instants.
    pub fn within(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let begin = self.from.map_or(from, |began| began.max(from));
        let end = self.until.map_or(until, |ended| ended.min(until));
        end.duration_since(begin).max(SignedDuration::ZERO)
    }

    /// Who started it and why; empty where that is not known.
    pub fn began(&self) -> String {
        match (&self.by, self.reason.as_str()) {
            (Actor::Unknown, "") => String::new(),
            (by, reason) => format!("{}: {reason}", actor(by)),
        }
    }

    /// A run of which an event tells, and not its beginning.
    fn unknown(event: &Event, instance: &InstanceId) -> Self {
        Self {
            instance: instance.clone(),
            node: event.node.clone(),
            location: event.location.clone(),
            from: None,
            ready: None,
            drain: None,
            until: None,
            failed: false,
            by: Actor::Unknown,
            reason: String::new(),
            ended: String::new(),
        }
    }

    fn begun(event: &Event, instance: &InstanceId) -> Self {
        Self {
            from: Some(event.at),
            by: event.by.clone(),
            reason: event.reason.clone(),
            ..Self::unknown(event, instance)
        }
    }

    /// Whether a start that is seen at an instant is this run's own.
    fn is_started_at(&self, seen: Timestamp) -> bool {
        self.until.is_none() && self.from.is_some_and(|from| seen.duration_since(from) < SAME_START)
    }

    /// Whether a start that is seen at an instant began a later run.
    fn is_before(&self, seen: Timestamp) -> bool {
        match (self.from, self.until) {
            (_, Some(until)) => until < seen,
            (Some(from), None) => seen.duration_since(from) >= SAME_START,
            (None, None) => false,
        }
    }

    /// With what the present knows and the history has lost. The present's name of the node is the later one.
    fn completed(self, present: &Self) -> Self {
        let began = if self.from.is_none() { present } else { &self };
        let (from, by, reason) = (began.from, began.by.clone(), began.reason.clone());
        Self {
            node: present.node.clone().or(self.node),
            location: self.location.or_else(|| present.location.clone()),
            ready: self.ready.or(present.ready),
            from,
            by,
            reason,
            ..self
        }
    }

    /// It, ended at an instant if nothing was known of its end.
    fn ended_by(self, at: Timestamp) -> Self {
        Self { until: self.until.or(Some(at)), ..self }
    }
}

/// The runs that a history tells of, and those of the nodes that run now; the earliest first.
pub fn node_runs(events: &[Event], present: &Present) -> Vec<NodeRun> {
    let mut runs = Runs::default();
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| event.at);
    for event in sorted {
        if let Some(instance) = &event.instance {
            runs.tell(event, instance);
            runs.told.insert(instance, event.at);
        }
    }
    for (instance, now) in present.iter() {
        runs.compare_with(instance, now);
    }
    runs.over.extend(runs.open.into_values());
    runs.over.sort_by(|a, b| (a.from, &a.instance).cmp(&(b.from, &b.instance)));
    runs.over
}

#[derive(Default)]
struct Runs<'a> {
    /// The latest run of each; one whose stop was ordered waits here for what else is told of it.
    open: BTreeMap<&'a InstanceId, NodeRun>,
    over: Vec<NodeRun>,
    /// When something was last told of each.
    told: BTreeMap<&'a InstanceId, Timestamp>,
    /// Those of which a stop was told.
    stopped: BTreeSet<&'a InstanceId>,
}

impl<'a> Runs<'a> {
    fn tell(&mut self, event: &'a Event, instance: &'a InstanceId) {
        match event.kind {
            EventKind::StartSeen
                if self.open.get(instance).is_some_and(|run| run.is_started_at(event.at)) => {}
            EventKind::Start | EventKind::StartSeen => {
                let before = self.open.insert(instance, NodeRun::begun(event, instance));
                self.over.extend(before.map(|run| run.ended_by(event.at)));
            }
            EventKind::Ready => {
                let run = self.of(event, instance);
                run.ready = run.ready.or(Some(event.at));
            }
            EventKind::StartFailed => {
                let run = self.of(event, instance);
                run.failed = true;
                run.ended = event.reason.clone();
            }
            EventKind::DrainBegan => {
                let run = self.of(event, instance);
                run.ready = run.ready.or(run.from);
                run.drain = Some(event.at);
            }
            EventKind::DrainCancelled | EventKind::DrainVetoed => {
                if let Some(run) = self.open.get_mut(instance) {
                    run.drain = None;
                }
            }
            EventKind::Stop => {
                // A second stop without a start between them is the same one.
                if self.open.contains_key(instance) || !self.stopped.contains(instance) {
                    let run = self.of(event, instance);
                    run.ended = format!("{}: {}", actor(&event.by), event.reason);
                    run.until = Some(event.at);
                    self.stopped.insert(instance);
                }
            }
            EventKind::Stopped => {
                if self.open.contains_key(instance) || !self.stopped.contains(instance) {
                    self.of(event, instance);
                }
                self.stopped.insert(instance);
                if let Some(mut run) = self.open.remove(instance) {
                    if run.ended.is_empty() {
                        run.ended = event.reason.clone();
                    }
                    self.over.push(run.ended_by(event.at));
                }
            }
            EventKind::StartRefused
            | EventKind::StopRefused
            | EventKind::MaintenanceCleared
            | EventKind::AddressChanged
            | EventKind::CycleRefused
            | EventKind::RequestDone
            | EventKind::Asked
            | EventKind::Operated
            | EventKind::Overridden
            | EventKind::Retired
            | EventKind::Withheld => {}
        }
    }

    /// The run that an event is about.
    fn of(&mut self, event: &'a Event, instance: &'a InstanceId) -> &mut NodeRun {
        // After a stop that was told, a run whose start was not told began some time after that stop.
        let from = self.stopped.contains(instance).then_some(event.at);
        self.open.entry(instance).or_insert_with(|| NodeRun { from, ..NodeRun::unknown(event, instance) })
    }

    /// What is known of a node now, beside what the history tells of it.
    fn compare_with(&mut self, instance: &'a InstanceId, now: &Now) {
        let run = self.open.remove(instance);
        match (now, run) {
            (Now::Runs(present), Some(run)) => {
                match present.from {
                    Some(seen) if run.is_before(seen) => {
                        self.over.extend([run.ended_by(seen), present.clone()]);
                    }
                    // It has not ended, whatever the history says.
                    _ => self.over.push(NodeRun { until: None, ..run.completed(present) }),
                }
            }
            // Its stop may be told, or not yet.
            (Now::Stopping(present), Some(run)) => self.over.push(run.completed(present)),
            (Now::Runs(present) | Now::Stopping(present), None) => {
                // What is stopping has been told of, where its stop has.
                if matches!(now, Now::Runs(_)) || !self.stopped.contains(instance) {
                    self.over.push(present.clone());
                }
            }
            // Nobody saw its end.
            (Now::Off, Some(run)) => {
                let last = self.told.get(instance).copied();
                self.over.push(NodeRun { until: run.until.or(last), ..run });
            }
            (Now::Off, None) => {}
        }
    }
}
