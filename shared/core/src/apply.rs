//! Carries out a plan. It makes no choices: what to start instead is named, what to do when a node is busy is
//! named. One action that fails never blocks the others; what became of each goes into the outcome, the history
//! and the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::assess::{MAINTENANCE_MARK, RETIRED_MARK};
use crate::assist::start_through_pexip;
use crate::cycle::{Cycle, LAST_START};
use crate::fault::{Fault, Refusal, RefusalKind};
use crate::ids::{InstanceId, InstanceType, LocationName};
use crate::ledger::{Actor, DrainKind, Event, EventKind, Ledger, NodeRecord};
use crate::observation::{Instance, NodeActivity, Observation, Reading};
use crate::outcome::{ActionEnd, ActionResult};
use crate::plan::{Action, NodeRef, Override, Plan, Start};
use crate::planner::remember_start;
use crate::policy::Mode;
use crate::ports::{
    Clock, FleetWrite, InstanceOrder, Lease, LeaseError, LedgerWrite, ManagementWrite, OverflowStart,
};

/// Rounds of substitutes: each can only be refused for a reason of its own.
const ROUNDS: usize = 8;

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) results: Vec<ActionResult>,
    pub(crate) events: Vec<Event>,
    pub(crate) faults: Vec<Fault>,
}

pub(crate) struct Apply<'a, 'p, F, M, L, C> {
    cycle: &'a Cycle<'p, F, M, L, C>,
    plan: &'a Plan,
    instances: BTreeMap<&'a InstanceId, &'a Instance>,
    ledger: Option<&'a Ledger>,
    lease: Option<&'a Lease>,
    /// How often each record was written under this lease already; its stored version is that much ahead.
    written: BTreeMap<InstanceId, u64>,
    /// What the outcome changes in the records, against the intent.
    changed: BTreeMap<InstanceId, NodeRecord>,
    done: Applied,
}

impl<'a, 'p, F, M, L, C> Apply<'a, 'p, F, M, L, C>
where
    F: FleetWrite,
    M: ManagementWrite + OverflowStart,
    L: LedgerWrite,
    C: Clock,
{
    pub(crate) fn new(
        cycle: &'a Cycle<'p, F, M, L, C>,
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

    fn out_of_time(&self) -> bool {
        let left: Duration = self.cycle.deadline.saturating_sub(self.cycle.ports.clock.monotonic());
        left < LAST_START
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
        let end = match action {
            Action::Start(_) => return,
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
        };
        self.ended(action.clone(), None, end);
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

    async fn begin_drain(&mut self, node: &NodeRef, kind: DrainKind, reason: &str) -> ActionEnd {
        let id = &node.instance;
        if kind == DrainKind::Auto {
            match self.cycle.ports.management.read_activity(node.address).await {
                Ok(activity) if activity.is_idle() => {}
                Ok(_) => {
                    let before = self.record_before(id).drain;
                    self.change(id, |record| {
                        record.drain = before;
                        record.quiet_since = None;
                    });
                    return ActionEnd::Busy { drain_cancelled: false };
                }
                Err(fault) => {
                    let before = self.record_before(id).drain;
                    self.change(id, |record| record.drain = before);
                    return ActionEnd::Failed(fault);
                }
            }
        }
        let mark = if self.record(id).retired {
            RETIRED_MARK.to_owned()
        } else {
            format!("{MAINTENANCE_MARK}: draining")
        };
        let text: String = format!("{mark}: {reason}").chars().take(250).collect();
        match self.cycle.ports.management.set_maintenance(node.id, true, &text).await {
            Ok(()) => {
                let now = self.now();
                self.change(id, |record| {
                    if let Some(drain) = &mut record.drain {
                        drain.began_at = now;
                        drain.maintenance_seen_at = Some(now);
                    }
                });
                let by = self.record(id).drain.map_or(Actor::Spillway, |drain| drain.by);
                self.event(EventKind::DrainBegan, node, by, reason.to_owned());
                ActionEnd::Done
            }
            // It may have been stored all the same: the intent stays, and the next cycle sees which.
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    async fn retire(&mut self, node: &NodeRef, reason: &str) -> ActionEnd {
        let text: String = format!("{RETIRED_MARK}: {reason}").chars().take(250).collect();
        match self.cycle.ports.management.set_maintenance(node.id, true, &text).await {
            Ok(()) => {
                self.event(EventKind::Retired, node, Actor::Spillway, reason.to_owned());
                ActionEnd::Done
            }
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    async fn clear_maintenance(&mut self, node: &NodeRef) -> ActionEnd {
        match self.cycle.ports.management.set_maintenance(node.id, false, "").await {
            Ok(()) => ActionEnd::Done,
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    /// Something runs on a draining node.
    async fn busy(&mut self, node: &NodeRef, cancel: bool) -> ActionEnd {
        let id = &node.instance;
        if !cancel {
            self.change(id, |record| {
                if let Some(drain) = &mut record.drain {
                    drain.idle_at = None;
                    drain.stop_ordered_at = None;
                }
            });
            return ActionEnd::Busy { drain_cancelled: false };
        }
        self.change(id, |record| {
            record.drain = None;
            record.quiet_since = None;
        });
        match self.clear_maintenance(node).await {
            ActionEnd::Done => {
                let why = "a call arrived while it was checked".to_owned();
                self.event(EventKind::DrainCancelled, node, Actor::Spillway, why);
                ActionEnd::Busy { drain_cancelled: true }
            }
            end => end,
        }
    }

    async fn confirm_idle(&mut self, node: &NodeRef, cancel_if_busy: bool) -> ActionEnd {
        match self.cycle.ports.management.read_activity(node.address).await {
            Ok(activity) if activity.is_idle() => {
                let now = self.now();
                self.change(&node.instance, |record| {
                    if let Some(drain) = &mut record.drain {
                        drain.idle_at = Some(now);
                    }
                });
                ActionEnd::Done
            }
            Ok(_) => self.busy(node, cancel_if_busy).await,
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    async fn stop(
        &mut self,
        node: &NodeRef,
        cancel_if_busy: bool,
        reason: &str,
        overridden: Option<&Override>,
    ) -> ActionEnd {
        let id = &node.instance;
        let idle = self.cycle.ports.management.read_activity(node.address).await;
        let not_ordered = |record: &mut NodeRecord| {
            if let Some(drain) = &mut record.drain {
                drain.stop_ordered_at = None;
            }
        };
        match idle {
            Ok(activity) if activity.is_idle() => {}
            // An operator said so, and is answered for what runs there by name.
            Ok(activity) if overridden.is_some_and(|each| each.calls) => {
                let NodeActivity { shards, participants, backplanes: _ } = activity;
                self.overrule(
                    node,
                    overridden,
                    &format!("{participants} participants in {shards} conferences dropped"),
                );
            }
            Err(fault) if overridden.is_some_and(|each| each.calls) => {
                self.overrule(node, overridden, &format!("what ran on it could not be read ({fault})"));
            }
            Ok(_) => return self.busy(node, cancel_if_busy).await,
            Err(fault) => {
                self.change(id, not_ordered);
                return ActionEnd::Failed(fault);
            }
        }
        let by = self.record(id).drain.map_or(Actor::Spillway, |drain| drain.by);
        let order = self.order(id);
        let results = match order {
            Some(order) => self.cycle.ports.fleet.stop_instances(&[order]).await,
            None => Vec::new(),
        };
        match results.into_iter().find(|(instance, _)| instance == id) {
            Some((_, Ok(()))) => {
                if overridden.is_some_and(|each| each.lifetime && !each.calls) {
                    self.overrule(node, overridden, "stopped before its minimum lifetime");
                }
                self.event(EventKind::Stop, node, by, reason.to_owned());
                ActionEnd::Done
            }
            Some((_, Err(refusal))) => {
                self.change(id, not_ordered);
                self.event(EventKind::StopRefused, node, Actor::Spillway, refusal.to_string());
                ActionEnd::Refused(refusal)
            }
            None => {
                self.change(id, not_ordered);
                ActionEnd::Refused(unanswered())
            }
        }
    }

    /// A rule set aside is a line of history of its own, under the operator's name.
    fn overrule(&mut self, node: &NodeRef, overridden: Option<&Override>, what: &str) {
        if let Some(Override { by, reason, .. }) = overridden {
            self.event(EventKind::Overridden, node, by.clone(), format!("{what}: {reason}"));
        }
    }

    fn order(&self, id: &InstanceId) -> Option<InstanceOrder> {
        let instance = self.instances.get(id)?;
        Some(InstanceOrder {
            instance: id.clone(),
            region: instance.region.clone(),
            zone: instance.zone.clone(),
            instance_type: instance.instance_type.clone(),
        })
    }

    /// All starts at once; then, for each that EC2 refuses, the next substitute that its location names.
    async fn start_all(&mut self) {
        let mut wanted: Vec<(Start, LocationName, Option<InstanceId>)> = self
            .plan
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Start(start) => Some((start.clone(), start.location.clone(), None)),
                _ => None,
            })
            .collect();
        let mut next: BTreeMap<&LocationName, usize> = BTreeMap::new();
        let mut sold_out: BTreeSet<(InstanceType, String)> = BTreeSet::new();
        for round in 0..=ROUNDS {
            if wanted.is_empty() {
                return;
            }
            if self.out_of_time() {
                for (start, _, in_place_of) in wanted {
                    self.forget_start(&start);
                    self.ended(Action::Start(start), in_place_of, ActionEnd::OutOfTime);
                }
                return;
            }
            if round > 0 {
                self.intend(&wanted).await;
            }
            let refused = self.start_round(wanted).await;
            wanted = Vec::new();
            for (start, for_location, refusal) in refused {
                if refusal.kind == RefusalKind::InstanceCapacity
                    && let Some(instance) = self.instances.get(&start.instance)
                {
                    sold_out.insert((instance.instance_type.clone(), instance.zone.clone()));
                }
                // A quota is the account's: nothing else would start either.
                if start.by_name || !refusal.kind.is_the_instances() || refusal.kind == RefusalKind::Quota {
                    continue;
                }
                let Some((key, named)) = self.plan.substitutes.get_key_value(&for_location) else { continue };
                let from = next.entry(key).or_default();
                while let Some(substitute) = named.get(*from) {
                    *from += 1;
                    let sold = self.instances.get(&substitute.instance).is_some_and(|instance| {
                        sold_out.contains(&(instance.instance_type.clone(), instance.zone.clone()))
                    });
                    if !sold {
                        wanted.push((substitute.clone(), for_location.clone(), Some(start.instance.clone())));
                        break;
                    }
                }
            }
        }
    }

    /// A substitute's intent is recorded before it is started, like any other.
    async fn intend(&mut self, wanted: &[(Start, LocationName, Option<InstanceId>)]) {
        let now = self.now();
        let mut records = Vec::new();
        for (start, ..) in wanted {
            let mut record = self.record(&start.instance);
            remember_start(&mut record, Actor::Spillway, start.reason.clone(), now);
            self.changed.insert(start.instance.clone(), record.clone());
            records.push((start.instance.clone(), record));
        }
        self.put(records).await;
    }

    async fn start_round(
        &mut self,
        wanted: Vec<(Start, LocationName, Option<InstanceId>)>,
    ) -> Vec<(Start, LocationName, Refusal)> {
        let orders: Vec<InstanceOrder> =
            wanted.iter().filter_map(|(start, ..)| self.order(&start.instance)).collect();
        let answers = match self.cycle.policy.mode {
            Mode::Control => self.cycle.ports.fleet.start_instances(&orders).await,
            Mode::Assist => {
                let Cycle { ports, deadline, .. } = self.cycle;
                start_through_pexip(ports.management, ports.clock, *deadline, &orders).await
            }
        };
        let mut results: BTreeMap<InstanceId, Result<(), Refusal>> = answers.into_iter().collect();
        let mut refused = Vec::new();
        for (start, for_location, in_place_of) in wanted {
            let result = results.remove(&start.instance).unwrap_or_else(|| Err(unanswered()));
            let (kind, reason, end) = match result {
                Ok(()) => (EventKind::Start, start.reason.clone(), ActionEnd::Done),
                Err(refusal) => {
                    self.refuse_start(&start, &refusal);
                    refused.push((start.clone(), for_location, refusal.clone()));
                    (EventKind::StartRefused, refusal.to_string(), ActionEnd::Refused(refusal))
                }
            };
            let word = if kind == EventKind::Start { "start" } else { "start_refused" };
            // Whoever asked for it by name; what EC2 refused is nobody's deed.
            let asked = self.record(&start.instance).life.map(|life| life.by);
            let event = Event {
                id: format!("{}-{}-{word}", self.plan.observed_at, start.instance),
                at: self.now(),
                kind,
                instance: Some(start.instance.clone()),
                node: start.node.clone(),
                location: Some(start.location.clone()),
                by: asked.filter(|_| kind == EventKind::Start).unwrap_or(Actor::Spillway),
                reason,
            };
            self.done.events.push(event);
            self.ended(Action::Start(start), in_place_of, end);
        }
        refused
    }

    fn forget_start(&mut self, start: &Start) {
        let before = self.record_before(&start.instance);
        self.change(&start.instance, |record| record.life = before.life);
    }

    fn refuse_start(&mut self, start: &Start, refusal: &Refusal) {
        let now = self.now();
        let back_off = self.cycle.policy.back_off;
        let before = self.record_before(&start.instance);
        let its_own = refusal.kind.is_the_instances();
        self.change(&start.instance, |record| {
            record.life = before.life;
            if its_own {
                record.failed_starts = record.failed_starts.saturating_add(1);
                record.back_off_until = Some(now + back_off.after(record.failed_starts));
            }
        });
    }
}

fn unanswered() -> Refusal {
    Refusal {
        kind: RefusalKind::NotAttempted,
        code: "NotAttempted".to_owned(),
        message: "the order was not carried out".to_owned(),
    }
}
