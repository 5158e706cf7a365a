//! Carries out a plan: starts and their substitutes are in `start`, drains and stops in `drain`. It makes no choices: what to
//! start instead is named, what to do when a node is busy is named. One action that fails never blocks the others; what became
//! of each goes into the outcome, the history and the ledger.

mod drain;
mod start;

use crate::cycle::CycleSystems;
use crate::ports::Systems;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::cycle::{Cycle, LAST_START};
use crate::ports::{Clock, Lease, LeaseError, LedgerWrite};
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, Event, EventKind, Ledger, NodeRecord};
use spillway_core::observation::{Instance, Observation, Reading};
use spillway_core::outcome::{ActionEnd, ActionResult};
use spillway_core::plan::{Action, NodeRef, Plan};

/// Kept of the invocation's time to record what was done and to give the lease back. An invocation that is killed keeps its lease,
/// and the next cycles do nothing.
const TO_RECORD: Duration = Duration::from_secs(3);

/// Where an action takes this long its result is stored at once, so that time that runs out loses one result at most. Where
/// they are quick they are stored together, which costs less.
const SLOW: Duration = Duration::from_secs(1);

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) results: Vec<ActionResult>,
    pub(crate) events: Vec<Event>,
    pub(crate) faults: Vec<Fault>,
}

pub(crate) struct Apply<'a, 'p, S: Systems> {
    cycle: &'a Cycle<'p, S>,
    plan: &'a Plan,
    instances: BTreeMap<&'a InstanceId, &'a Instance>,
    ledger: Option<&'a Ledger>,
    lease: Option<&'a Lease>,
    /// How often each record was written under this lease already; its stored version is that much ahead.
    written: BTreeMap<InstanceId, u64>,
    /// What the outcome changes in the records, against the intent.
    changed: BTreeMap<InstanceId, NodeRecord>,
    /// What Pexip's own bursting lists, once it was asked.
    listed: Option<Vec<InstanceId>>,
    done: Applied,
}

impl<'a, 'p, S: CycleSystems> Apply<'a, 'p, S> {
    pub(crate) fn new(
        cycle: &'a Cycle<'p, S>,
        plan: &'a Plan,
        observation: &'a Observation,
        reading: &'a Reading<Ledger>,
        lease: Option<&'a Lease>,
    ) -> Self {
        let instances = observation
            .fleet
            .as_ref()
            .map(|fleet| fleet.instances.iter().map(|instance| (&instance.id, instance)).collect())
            .unwrap_or_default();
        let written = plan.records.keys().map(|id| (id.clone(), 1)).collect();
        Self {
            cycle,
            plan,
            instances,
            ledger: reading.as_ref().ok(),
            lease,
            written,
            changed: BTreeMap::new(),
            listed: None,
            done: Applied::default(),
        }
    }

    pub(crate) async fn run(mut self) -> Applied {
        let plan = self.plan;
        let starting: BTreeSet<&InstanceId> = plan
            .actions
            .iter()
            .filter_map(|action| if let Action::Start(start) = action { Some(&start.instance) } else { None })
            .collect();
        // What makes room without a start comes first, then the starts, then everything that can wait.
        let is_first = |action: &Action| match action {
            Action::CancelDrain { .. } => true,
            Action::ClearMaintenance { node } => starting.contains(&node.instance),
            _ => false,
        };
        for action in plan.actions.iter().filter(|action| is_first(action)) {
            self.act(action).await;
        }
        self.start_all().await;
        for action in &plan.actions {
            if !is_first(action) && !matches!(action, Action::Start(_)) {
                self.act(action).await;
            }
        }
        self.put_changed().await;
        self.done
    }

    fn now(&self) -> Timestamp {
        self.cycle.ports.clock.now()
    }

    fn time_left(&self) -> Duration {
        self.cycle.deadline.saturating_sub(self.cycle.ports.clock.monotonic())
    }

    fn out_of_time(&self) -> bool {
        self.time_left() < LAST_START
    }

    /// The record as it stands after the intent and what became of it.
    fn record(&self, id: &InstanceId) -> NodeRecord {
        self.changed
            .get(id)
            .or_else(|| self.plan.records.get(id))
            .or_else(|| self.ledger.and_then(|ledger| ledger.nodes.get(id)))
            .cloned()
            .unwrap_or_default()
    }

    /// The record as it was before this plan intended anything.
    fn record_before(&self, id: &InstanceId) -> NodeRecord {
        self.plan
            .seen
            .get(id)
            .or_else(|| self.ledger.and_then(|ledger| ledger.nodes.get(id)))
            .cloned()
            .unwrap_or_default()
    }

    fn change(&mut self, id: &InstanceId, change: impl FnOnce(&mut NodeRecord)) {
        let mut record = self.record(id);
        change(&mut record);
        self.changed.insert(id.clone(), record);
    }

    async fn put_changed(&mut self) {
        let records: Vec<(InstanceId, NodeRecord)> = std::mem::take(&mut self.changed).into_iter().collect();
        if records.is_empty() {
            return;
        }
        self.put(records).await;
    }

    async fn put(&mut self, mut records: Vec<(InstanceId, NodeRecord)>) {
        let Some(lease) = self.lease else { return };
        for (id, record) in &mut records {
            record.version += self.written.get(id).copied().unwrap_or(0);
        }
        match self.cycle.ports.ledger.put_nodes(lease, &records).await {
            Ok(()) => {
                for (id, _) in records {
                    *self.written.entry(id).or_default() += 1;
                }
            }
            // What was done is in the history; the next cycle reads the world again.
            Err(LeaseError::Lost) => {}
            Err(LeaseError::Fault(fault)) => self.done.faults.push(fault),
        }
    }

    fn ended(&mut self, action: Action, in_place_of: Option<InstanceId>, end: ActionEnd) {
        self.done.results.push(ActionResult { action, in_place_of, end });
    }

    fn event(&mut self, kind: EventKind, node: &NodeRef, by: Actor, reason: String) {
        let word = serde_json::to_string(&kind).unwrap_or_default();
        let event = Event {
            id: format!("{}-{}-{}", self.plan.observed_at, node.instance, word.trim_matches('"')),
            at: self.now(),
            kind,
            instance: Some(node.instance.clone()),
            node: Some(node.name.clone()),
            location: Some(node.location.clone()),
            by,
            reason,
        };
        self.done.events.push(event);
    }

    async fn act(&mut self, action: &Action) {
        if self.out_of_time() {
            self.undo_intent(action);
            self.ended(action.clone(), None, ActionEnd::OutOfTime);
            return;
        }
        if matches!(action, Action::Start(_)) {
            return;
        }
        let clock = self.cycle.ports.clock;
        let began = clock.monotonic();
        let limit = self.time_left().saturating_sub(TO_RECORD);
        // Where time runs out in the middle, the intent stays: what was asked may have been done, and the next cycle sees which.
        // The largest future of a cycle: on the heap it is moved once.
        let work = Box::pin(self.perform(action));
        let end = clock.within(limit, work).await.unwrap_or(ActionEnd::OutOfTime);
        self.ended(action.clone(), None, end);
        if clock.monotonic().saturating_sub(began) >= SLOW {
            self.put_changed().await;
        }
    }

    async fn perform(&mut self, action: &Action) -> ActionEnd {
        match action {
            // All starts go together: see there.
            Action::Start(_) => ActionEnd::Done,
            Action::BeginDrain { node, kind, reason } => self.begin_drain(node, *kind, reason).await,
            Action::CancelDrain { node, because } => {
                let end = self.clear_maintenance(node).await;
                if end == ActionEnd::Done {
                    self.event(EventKind::DrainCancelled, node, Actor::Spillway, because.to_string());
                }
                end
            }
            Action::ConfirmIdle { node, cancel_if_busy } => self.confirm_idle(node, *cancel_if_busy).await,
            Action::Stop { node, cancel_if_busy, reason, overridden } => {
                self.stop(node, *cancel_if_busy, reason, overridden.as_ref()).await
            }
            Action::Retire { node, reason } => self.retire(node, reason).await,
            Action::ClearMaintenance { node } => {
                let end = self.clear_maintenance(node).await;
                if end == ActionEnd::Done {
                    let why = "left over from a drain; the next start takes calls".to_owned();
                    self.event(EventKind::MaintenanceCleared, node, Actor::Spillway, why);
                }
                end
            }
        }
    }

    /// An action that was not carried out leaves the record as it was before.
    fn undo_intent(&mut self, action: &Action) {
        let id = action.instance();
        let before = self.record_before(id);
        match action {
            Action::Stop { .. } => self.change(id, |record| {
                if let Some(drain) = &mut record.drain {
                    drain.stop_ordered_at = None;
                }
            }),
            Action::BeginDrain { .. } => self.change(id, |record| record.drain = before.drain),
            _ => {}
        }
    }
}
