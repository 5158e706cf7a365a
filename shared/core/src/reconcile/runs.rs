//! Runs in the history: that an instance was started or stopped, and by whom. A start or stop of ours was told by the cycle
//! that ordered it. Of the others the cycles know only that they happened; here it is also asked whether the Management
//! Node's own history has them. Both write the same line under the same key, and a line that names an actor completes one
//! that does not, so nothing is told twice, whoever comes first.
//!
//! When a node became ready is the cycle's to say: it looks once a minute and remembers.

use crate::reconcile::HistoryWindow;
use jiff::{SignedDuration, Timestamp};

use super::observation::{AddressObservation, NodeHistoryLine};
use super::plan::{AddressPlan, NodeAddress, PlannedRecord};
use super::record::{NatRecord, NatState, SeenRun};
use crate::assess::{CLOCK_ALLOWANCE, ORDER_GRACE};
use crate::ids::LocationName;
use crate::ledger::{Actor, Event, EventKind, NodeRecord};
use crate::observation::{Instance, InstanceState};
use crate::planner::MODE_MEMORY;
use crate::policy::{Mode, Policy};

/// The Management Node tells of a start when it orders it, and of a stop likewise; clocks may differ by this much.
const NEAR: SignedDuration = SignedDuration::from_secs(60);

/// A stop that is at most this old is told although nobody saw the instance run: shorter than a run can be missed by the
/// sweep, and short enough that a new ledger does not tell of everything that stopped yesterday.
const LATELY: SignedDuration = SignedDuration::from_mins(15);

impl HistoryWindow {
    fn around(at: Timestamp) -> Self {
        Self { from: at.saturating_sub(NEAR).unwrap_or(at), until: at.saturating_add(NEAR).unwrap_or(at) }
    }

    fn including(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
        })
    }
}

#[expect(clippy::too_many_arguments, reason = "what is known of one instance, from five places")]
pub(super) fn tell_run(
    policy: &Policy,
    observation: &AddressObservation,
    state: &NatState,
    now: Timestamp,
    instance: &Instance,
    entry: &NodeAddress,
    record: &mut NatRecord,
    plan: &mut AddressPlan,
) {
    let Some(launched) = instance.launched_at else { return };
    let cycles = state.ledger.nodes.get(&instance.id);
    let teller = Teller { policy, observation, state, now, instance, entry, launched, cycles };
    match instance.state {
        InstanceState::Pending | InstanceState::Running => teller.up(record, plan),
        InstanceState::Stopped | InstanceState::Terminated => teller.down(record, plan),
        InstanceState::Stopping | InstanceState::ShuttingDown | InstanceState::Unknown => {}
    }
}

/// Ends the runs of instances that EC2 does not list any more. One that was launched a moment ago is not listed yet.
pub(super) fn close_unlisted(
    observation: &AddressObservation,
    state: &NatState,
    now: Timestamp,
    plan: &mut AddressPlan,
) {
    for id in &observation.unlisted {
        let Some(record) = state.records.get(id) else { continue };
        let Some(run) = record.run.clone().filter(|run| now.duration_since(run.launched_at) >= LATELY) else {
            continue;
        };
        let cycles = state.ledger.nodes.get(id);
        let location = cycles.and_then(|record| record.location.clone());
        let told = cycles.is_some_and(|record| has_ended(record, run.launched_at));
        let event = Event {
            id: Event::id_of_seen(id, Some(run.launched_at), EventKind::Stopped),
            at: now,
            kind: EventKind::Stopped,
            instance: Some(id.clone()),
            node: record.node.clone(),
            location: location.map(|(_, name)| name),
            by: Actor::Unknown,
            reason: "EC2 does not show it any more: it was terminated, or lost the platform's tag".to_owned(),
        };
        plan.events.extend((!told).then_some(event));
        let run = Some(SeenRun { start_told: true, closed: true, ..run });
        let record = NatRecord { run, gone: true, ..record.clone() };
        plan.records.insert(id.clone(), PlannedRecord { record, is_new: true });
    }
}

/// Whether the cycles have seen the end of a run: they forget it then, and tell of it.
fn has_ended(cycles: &NodeRecord, launched: Timestamp) -> bool {
    cycles.run.as_ref().and_then(|run| run.launched_at) != Some(launched)
}

/// Who did something, as far as can be told.
enum Who {
    Known(Actor, String),
    /// The Management Node's history has to be read first.
    Ask,
}

struct Teller<'a> {
    policy: &'a Policy,
    observation: &'a AddressObservation,
    state: &'a NatState,
    now: Timestamp,
    instance: &'a Instance,
    entry: &'a NodeAddress,
    launched: Timestamp,
    cycles: Option<&'a NodeRecord>,
}

impl Teller<'_> {
    fn up(&self, record: &mut NatRecord, plan: &mut AddressPlan) {
        let run = match &mut record.run {
            Some(run) if run.launched_at == self.launched => run,
            run => run.insert(SeenRun {
                launched_at: self.launched,
                start_told: self.started_by_us(),
                closed: false,
            }),
        };
        if run.start_told {
            return;
        }
        if self.started_by_us() {
            run.start_told = true;
        } else if self.now.duration_since(self.launched) >= ORDER_GRACE {
            // Until then an order of ours may not have been written down yet.
            match self.who(self.launched) {
                Who::Ask => plan.history = Some(HistoryWindow::around(self.launched).including(plan.history)),
                Who::Known(by, words) => {
                    run.start_told = true;
                    let reason = format!("found running, not started by Spillway{words}");
                    plan.events.push(self.event(EventKind::StartSeen, self.launched, by, reason));
                }
            }
        }
    }

    fn down(&self, record: &mut NatRecord, plan: &mut AddressPlan) {
        let stopped_at = self.instance.stopped_at();
        let seen = record.run.as_ref().filter(|run| run.launched_at == self.launched);
        if seen.is_some_and(|run| run.closed) {
            return;
        }
        let by_cycles = self.cycles.and_then(|cycles| cycles.run.as_ref());
        let lived = seen.is_some()
            || by_cycles.is_some_and(|run| run.launched_at == Some(self.launched))
            || stopped_at.is_some_and(|at| self.now.duration_since(at) < LATELY);
        if !lived {
            return;
        }
        let terminated = self.instance.state == InstanceState::Terminated;
        let closed = SeenRun { launched_at: self.launched, start_told: true, closed: true };
        // A stop of which EC2 does not say when it was would be told by two clocks. The cycles tell it; of a
        // terminated instance they know nothing.
        // One that was stopped before it was terminated has ended with the stop, and a cycle that saw it told of it.
        if terminated && self.cycles.is_some_and(|cycles| has_ended(cycles, self.launched)) {
            record.run = Some(closed);
            return;
        }
        let Some(at) = stopped_at.or_else(|| (terminated || self.cycles.is_none()).then_some(self.now))
        else {
            record.run = Some(closed);
            return;
        };
        let drain = self
            .cycles
            .filter(|cycles| cycles.run.as_ref().is_some_and(|run| run.launched_at == Some(self.launched)))
            .and_then(|cycles| cycles.drain.as_ref())
            .filter(|drain| drain.stop_ordered_at.is_some() && !terminated);
        let (by, reason) = match drain {
            Some(drain) => (drain.by.clone(), drain.reason.clone()),
            None => match self.who(at) {
                Who::Ask => {
                    plan.history = Some(HistoryWindow::around(at).including(plan.history));
                    return;
                }
                Who::Known(by, words) => {
                    let what = if terminated { "terminated" } else { "stopped" };
                    let why = &self.instance.state_reason;
                    (by, format!("{what} by somebody else: {why}{words}"))
                }
            },
        };
        record.run = Some(closed);
        plan.events.push(self.event(EventKind::Stopped, at, by, reason));
    }

    fn started_by_us(&self) -> bool {
        let Some(run) = self.cycles.and_then(|cycles| cycles.run.as_ref()) else { return false };
        let this_one = match run.launched_at {
            Some(known) => known == self.launched,
            None => self.launched + CLOCK_ALLOWANCE > run.started_at,
        };
        this_one && run.by != Actor::Unknown
    }

    /// Pexip, where its bursting is on and its history has a line about the node at that time. Else nobody knows: it may
    /// have been a person, a script or AWS.
    fn who(&self, at: Timestamp) -> Who {
        let digest = self.state.ledger.cycle.digest.as_ref();
        let bursting = digest
            .and_then(|digest| digest.bursting_enabled)
            .filter(|(_, read_at)| self.now.duration_since(*read_at) < MODE_MEMORY)
            .map_or(self.policy.mode == Mode::Assist, |(enabled, _)| enabled);
        if !bursting {
            return Who::Known(Actor::Unknown, String::new());
        }
        let Some(history) = &self.observation.history else { return Who::Ask };
        let window = HistoryWindow::around(at);
        let about = |line: &&NodeHistoryLine| {
            line.name.is_some()
                && line.name.as_ref() == self.entry.node.as_ref()
                && window.from <= line.at
                && line.at < window.until
        };
        match history.iter().filter(about).min_by_key(|line| line.at.duration_since(at).abs()) {
            Some(line) => {
                Who::Known(Actor::Pexip, format!("; the Management Node's history: {}", line.words))
            }
            None => Who::Known(Actor::Unknown, String::new()),
        }
    }

    fn event(&self, kind: EventKind, at: Timestamp, by: Actor, reason: String) -> Event {
        Event {
            id: Event::id_of_seen(&self.instance.id, Some(self.launched), kind),
            at,
            kind,
            instance: Some(self.instance.id.clone()),
            node: self.entry.node.clone(),
            location: self.entry.location.clone().or_else(|| self.remembered_location()),
            by,
            reason,
        }
    }

    fn remembered_location(&self) -> Option<LocationName> {
        self.cycles.and_then(|cycles| cycles.location.as_ref()).map(|(_, name)| name.clone())
    }
}
