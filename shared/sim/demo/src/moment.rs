//! What happened, one line each: taken from the cycle's own report for Spillway, and from the Management Node's
//! history for Pexip's controller. What many nodes do in one minute for one reason is one moment.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;
use spillway_core::ids::{InstanceId, NodeName};
use spillway_core::ledger::EventKind;
use spillway_core::outcome::{ActionEnd, CycleReport};
use spillway_core::plan::Action;
use spillway_core::prewarm::{PrewarmEnd, Prewarmed};
use spillway_core::reconcile::ReconcileReport;

use spillway_pexip_model::{Family, Model};
use spillway_world::World;

/// The kinds of moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Start,
    StartRefused,
    StartFailed,
    Ready,
    Drain,
    DrainCancelled,
    Stop,
    StopRefused,
    Address,
    Trouble,
}

impl What {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::StartRefused => "start refused",
            Self::StartFailed => "start failed",
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::DrainCancelled => "drain cancelled",
            Self::Stop => "stop",
            Self::StopRefused => "stop refused",
            Self::Address => "address",
            Self::Trouble => "trouble",
        }
    }
}

/// Something that happened to nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) what: What,
    pub(super) nodes: Vec<NodeName>,
    pub(super) reason: String,
}

impl Moment {
    /// The nodes, however many.
    pub(super) fn who(&self) -> String {
        match self.nodes.as_slice() {
            [] => String::new(),
            [one] => one.to_string(),
            [one, two] => format!("{one}, {two}"),
            [first, .., last] => format!("{} nodes, {first} to {last}", self.nodes.len()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who();
        let gap = if who.is_empty() { "" } else { ": " };
        write!(f, "{} {who}{gap}{}", self.what.word(), self.reason)
    }
}

/// What a cycle did.
pub(super) fn of_cycle(report: &CycleReport, name: &dyn Fn(&InstanceId) -> NodeName) -> Vec<Moment> {
    let mut moments = Gathered { at: report.began_at, moments: Vec::new() };
    if !report.outcome.is_good() {
        moments.add(What::Trouble, None, format!("{}: {}", report.outcome, report.summary()));
    }
    for event in report.plan.events.iter().filter(|event| event.kind == EventKind::StartFailed) {
        moments.add(What::StartFailed, event.instance.as_ref().map(name), event.reason.clone());
    }
    for result in &report.results {
        let who = Some(name(result.action.instance()));
        match (&result.action, &result.end) {
            // Steps of a stop, not worth a line of their own.
            (Action::ConfirmIdle { .. } | Action::ClearMaintenance { .. }, ActionEnd::Done) => {}
            (Action::Start(start), ActionEnd::Done) => moments.add(What::Start, who, start.reason.clone()),
            (Action::Start(_), ActionEnd::Refused(refusal)) => {
                moments.add(What::StartRefused, who, refusal.to_string());
            }
            (Action::BeginDrain { reason, .. } | Action::Retire { reason, .. }, ActionEnd::Done) => {
                moments.add(What::Drain, who, reason.clone());
            }
            (Action::CancelDrain { because, .. }, ActionEnd::Done) => {
                moments.add(What::DrainCancelled, who, because.to_string());
            }
            (Action::Stop { reason, .. }, ActionEnd::Done) => {
                moments.add(What::Stop, who, format!("{reason}; no call on it, read twice"));
            }
            (Action::Stop { .. }, ActionEnd::Refused(refusal)) => {
                moments.add(What::StopRefused, who, refusal.to_string());
            }
            (Action::BeginDrain { .. }, ActionEnd::Busy { .. }) => {
                moments.add(What::DrainCancelled, who, "a call arrived before the drain began".to_owned());
            }
            (_, ActionEnd::Busy { .. }) => {
                moments.add(What::DrainCancelled, who, "a call runs on it".to_owned());
            }
            (action, ActionEnd::Failed(fault)) => {
                moments.add(What::Trouble, who, format!("{} failed: {fault}", action.word()));
            }
            (action, ActionEnd::Refused(refusal)) => {
                moments.add(What::Trouble, who, format!("{} refused: {refusal}", action.word()));
            }
            (action, ActionEnd::OutOfTime) => {
                moments.add(What::Trouble, who, format!("no time left to {}", action.word()));
            }
        }
    }
    for fault in &report.faults {
        moments.add(What::Trouble, None, fault.to_string());
    }
    moments.moments
}

/// What a firing of the pre-warm did: that of its cycle, or why there was none.
pub(super) fn of_prewarm(done: &Prewarmed, name: &dyn Fn(&InstanceId) -> NodeName) -> Vec<Moment> {
    let trouble = match &done.end {
        PrewarmEnd::Held(held) => return of_cycle(&held.cycle, name),
        PrewarmEnd::Skipped { date } => format!("pre-warm skipped: {date} is a date to skip"),
        PrewarmEnd::Over { until } => format!("pre-warm too late: the hold ended at {until}"),
        PrewarmEnd::Refused(refusal) => format!("pre-warm refused: {refusal}"),
        PrewarmEnd::NotWritten(fault) => format!("pre-warm failed: the hold could not be written: {fault}"),
    };
    vec![Moment { at: done.scheduled_at, what: What::Trouble, nodes: Vec::new(), reason: trouble }]
}

/// What the reconciler did.
pub(super) fn of_reconcile(report: &ReconcileReport, name: &dyn Fn(&InstanceId) -> NodeName) -> Vec<Moment> {
    let mut moments = Gathered { at: report.began_at, moments: Vec::new() };
    for result in &report.results {
        let who = Some(name(&result.action.node().instance));
        match &result.end {
            ActionEnd::Done => {
                let why = "the static NAT address follows the instance's public address";
                moments.add(What::Address, who, why.to_owned());
            }
            end => moments.add(What::Trouble, who, format!("{}: {end:?}", result.action.word())),
        }
    }
    for fault in &report.faults {
        moments.add(What::Trouble, None, fault.to_string());
    }
    moments.moments
}

/// What Pexip's controller did, from the Management Node's history.
pub(super) fn of_history(world: &mut World) -> Vec<Moment> {
    let rows = world.rows(Family::History, "workervm_status_event");
    let mut moments: Vec<Moment> = Vec::new();
    for row in rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let what = match text("event_type") {
            "start" => What::Start,
            "stop" => What::Stop,
            _ => continue,
        };
        let Ok(at) = format!("{}Z", text("time_changed")).parse::<Timestamp>() else { continue };
        let (node, reason) = (NodeName::new(text("workervm_configuration_name")), text("details").to_owned());
        match moments.last_mut() {
            Some(last) if last.at == at && last.what == what && last.reason == reason => {
                last.nodes.push(node);
            }
            _ => moments.push(Moment { at, what, nodes: vec![node], reason }),
        }
    }
    moments
}

struct Gathered {
    at: Timestamp,
    moments: Vec<Moment>,
}

impl Gathered {
    fn add(&mut self, what: What, node: Option<NodeName>, reason: String) {
        let same = self.moments.iter_mut().find(|moment| moment.what == what && moment.reason == reason);
        match (same, node) {
            (Some(moment), node) => {
                moment.nodes.extend(node);
                moment.nodes.sort_by(|a, b| number(a).cmp(&number(b)));
            }
            (None, node) => {
                self.moments.push(Moment { at: self.at, what, nodes: node.into_iter().collect(), reason });
            }
        }
    }
}

/// `aws-burst-10` comes after `aws-burst-9`.
pub(super) fn number(node: &NodeName) -> (usize, &str) {
    (node.as_str().len(), node.as_str())
}
