//! The plan in the making. Steps talk to each other through it: what one has started, cancelled or claimed, the
//! next one counts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::assess::{Assessment, OverflowNode, Phase, RETIRED_MARK, is_our_maintenance};
use crate::ids::{HdCalls, InstanceId, LocationId, LocationName};
use crate::ledger::{Actor, CurrentRun, Event, EventKind, Hold, HoldScope, Ledger, NodeRecord};
use crate::outlook::Forecasts;
use crate::plan::{Action, NodeRef, Override, Plan, Start};
use crate::policy::{LifetimeFrom, Policy};
use crate::report::{CancelReason, LocationReason, NodeReason};

/// Nothing is expected.
static NONE_EXPECTED: Forecasts = Forecasts::new();

pub(super) struct Draft<'a> {
    pub(super) policy: &'a Policy,
    pub(super) view: &'a Assessment<'a>,
    pub(super) ledger: &'a Ledger,
    pub(super) now: Timestamp,
    pub(super) plan: Plan,
    /// Instances started in this plan.
    pub(super) started: HashSet<InstanceId>,
    /// Instances whose drain is cancelled in this plan, or was vetoed.
    pub(super) undrained: HashSet<InstanceId>,
    /// Instances that begin to drain, or stop, in this plan.
    pub(super) leaving: HashSet<InstanceId>,
    /// What is expected, by principal location.
    pub(super) forecasts: &'a Forecasts,
    /// Instances that are started, or whose drain is cancelled, for what is expected: the vendor's rule knows nothing of them.
    pub(super) for_forecast: HashSet<InstanceId>,
    /// Rules that an operator has set aside.
    pub(super) overrides: &'a [Override],
    /// Starts that the policy still allows in this cycle.
    pub(super) starts_left: u32,
    /// Overflow nodes up or on their way down, by location, with those this plan starts; and how many of them failed to
    /// start.
    running: BTreeMap<LocationId, (u32, u32)>,
    pub(super) node_reasons: HashMap<InstanceId, Vec<NodeReason>>,
    pub(super) location_reasons: BTreeMap<LocationId, Vec<LocationReason>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        view: &'a Assessment<'a>,
        ledger: &'a Ledger,
        now: Timestamp,
        plan: Plan,
    ) -> Self {
        let mut this = Self {
            running: BTreeMap::new(),
            policy,
            view,
            ledger,
            now,
            plan,
            started: HashSet::default(),
            undrained: HashSet::default(),
            leaving: HashSet::default(),
            forecasts: &NONE_EXPECTED,
            for_forecast: HashSet::default(),
            overrides: &[],
            starts_left: policy.starts_per_cycle,
            node_reasons: HashMap::default(),
            location_reasons: BTreeMap::new(),
        };
        this.count_running();
        this
    }

    /// Counts what runs, by what is remembered by now.
    pub(super) fn count_running(&mut self) {
        let view = self.view;
        let mut running: BTreeMap<LocationId, (u32, u32)> = BTreeMap::new();
        for node in &view.nodes {
            if node.is_running() || node.is_up() || node.phase == Phase::Stopping {
                let run = self.record(node).and_then(|record| record.run.as_ref());
                let failed = node.is_running() && run.is_some_and(|run| run.failed);
                let (all, of_them) = running.entry(node.node.location).or_default();
                *all += 1;
                *of_them += u32::from(failed);
            }
        }
        self.running = running;
    }

    /// What is remembered of a node, with what this plan changes.
    pub(super) fn record<'b>(&'b self, node: &OverflowNode<'b>) -> Option<&'b NodeRecord> {
        self.plan.records.get(&node.instance.id).or(node.record)
    }

    /// The same, to be changed.
    pub(super) fn record_mut(&mut self, id: &InstanceId) -> &mut NodeRecord {
        let ledger = self.ledger;
        self.plan
            .records
            .entry(id.clone())
            .or_insert_with(|| ledger.nodes.get(id).cloned().unwrap_or_default())
    }

    pub(super) fn why(&mut self, node: &OverflowNode<'_>, reason: NodeReason) {
        self.node_reasons.entry(node.instance.id.clone()).or_default().push(reason);
    }

    pub(super) fn why_location(&mut self, id: LocationId, reason: LocationReason) {
        self.location_reasons.entry(id).or_default().push(reason);
    }

    pub(super) fn node_ref(&self, node: &OverflowNode<'_>) -> NodeRef {
        NodeRef {
            instance: node.instance.id.clone(),
            id: node.node.id,
            name: node.node.name.clone(),
            address: node.node.address,
            location: self.view.location_name(node.node.location),
        }
    }

    /// A line of history about something seen. Id and instant are the same however often it is seen, and whoever sees
    /// it: so it is one item of the history.
    pub(super) fn saw(
        &mut self,
        node: &OverflowNode<'_>,
        at: Timestamp,
        kind: EventKind,
        by: Actor,
        reason: String,
    ) {
        self.plan.events.push(Event {
            id: Event::id_of_seen(&node.instance.id, node.started_at(), kind),
            at,
            kind,
            instance: Some(node.instance.id.clone()),
            node: Some(node.node.name.clone()),
            location: Some(self.view.location_name(node.node.location)),
            by,
            reason,
        });
    }

    /// Whether a node counts as up after this plan: up now and not leaving, or started by the plan.
    pub(super) fn is_up(&self, node: &OverflowNode<'_>) -> bool {
        let id = &node.instance.id;
        if self.started.contains(id) || self.undrained.contains(id) {
            return true;
        }
        if self.leaving.contains(id) {
            return false;
        }
        match node.phase {
            Phase::Booting { .. } | Phase::Ready | Phase::Degraded => true,
            Phase::Maintenance { .. }
            | Phase::Stopped
            | Phase::FailedStart { .. }
            | Phase::Stopping
            | Phase::Gone => false,
        }
    }

    /// Why a node that is down is not started; `None`: it may be.
    pub(super) fn start_obstacle(&self, node: &OverflowNode<'_>) -> Option<NodeReason> {
        let record = self.record(node);
        if self.started.contains(&node.instance.id) {
            return Some(NodeReason::Starting);
        }
        match &node.phase {
            Phase::Stopped => {}
            Phase::FailedStart { cause } => return Some(NodeReason::FailedStart { cause: cause.clone() }),
            _ => return Some(NodeReason::Starting),
        }
        if record.is_some_and(|record| record.retired)
            || (node.node.maintenance_mode && node.node.maintenance_mode_reason.starts_with(RETIRED_MARK))
        {
            return Some(NodeReason::Retired);
        }
        if node.node.maintenance_mode && !is_our_maintenance(node.node) {
            return Some(NodeReason::ForeignMaintenance);
        }
        match record.and_then(|record| record.back_off_until) {
            Some(until) if self.now < until => Some(NodeReason::BackingOff { until }),
            _ => None,
        }
    }

    /// How many more nodes of a location the policy allows to be up.
    pub(super) fn slots_left(&self, id: LocationId) -> u32 {
        let Some(view) = self.view.locations.get(&id) else { return 0 };
        let most = self.policy.max_nodes.get(&view.location.name).copied().unwrap_or(u32::MAX);
        let (all, failed) = self.running.get(&id).copied().unwrap_or_default();
        // A node that failed to start takes no calls: it leaves its place to another, and only once, since it is paid for.
        most.saturating_sub(all - failed).min(most.saturating_mul(2).saturating_sub(all))
    }

    /// Orders a start and remembers it.
    pub(super) fn start(&mut self, node: &OverflowNode<'_>, reason: String) {
        let start = self.start_of(node, reason);
        self.order(node, start);
    }

    /// The same for a hold; where it names a node, it is this node that is wanted, and no other.
    pub(super) fn start_for(&mut self, node: &OverflowNode<'_>, hold: &Hold) {
        let reason = format!("hold {}: {}", hold.id, hold.reason);
        let by_name = matches!(hold.scope, HoldScope::Node(_));
        let start = Start { by_name, hold: Some(hold.id.clone()), ..self.start_of(node, reason) };
        self.order(node, start);
    }

    /// The same for what is expected.
    pub(super) fn start_expected(&mut self, node: &OverflowNode<'_>, reason: String) {
        let start = Start { forecast: true, ..self.start_of(node, reason) };
        self.for_forecast.insert(node.instance.id.clone());
        self.order(node, start);
        if let Some(run) = &mut self.record_mut(&node.instance.id).run {
            run.forecast = true;
        }
    }

    fn order(&mut self, node: &OverflowNode<'_>, start: Start) {
        let reason = start.reason.clone();
        if node.node.maintenance_mode {
            // Left over from our last drain: without this it would come up refusing calls.
            let node = self.node_ref(node);
            self.plan.actions.push(Action::ClearMaintenance { node });
        }
        self.plan.actions.push(Action::Start(start));
        self.started.insert(node.instance.id.clone());
        self.starts_left = self.starts_left.saturating_sub(1);
        self.running.entry(node.node.location).or_default().0 += 1;
        self.why(node, NodeReason::Starting);
        let now = self.now;
        remember_start(self.record_mut(&node.instance.id), Actor::Spillway, reason, now);
    }

    /// Orders a start that an operator asked for by name, of a node that stays in maintenance mode.
    pub(super) fn start_retired(&mut self, node: &OverflowNode<'_>, by: &Actor, reason: &str) {
        let start = Start { by_name: true, ..self.start_of(node, reason.to_owned()) };
        self.plan.actions.push(Action::Start(start));
        self.started.insert(node.instance.id.clone());
        self.starts_left = self.starts_left.saturating_sub(1);
        self.running.entry(node.node.location).or_default().0 += 1;
        self.why(node, NodeReason::Starting);
        let now = self.now;
        remember_start(self.record_mut(&node.instance.id), by.clone(), reason.to_owned(), now);
    }

    /// The override that an operator gave for a node.
    pub(super) fn override_of(&self, id: &InstanceId) -> Option<&'a Override> {
        self.overrides.iter().find(|each| each.instance == *id)
    }

    pub(super) fn start_of(&self, node: &OverflowNode<'_>, reason: String) -> Start {
        Start {
            instance: node.instance.id.clone(),
            node: Some(node.node.name.clone()),
            location: self.view.location_name(node.node.location),
            reason,
            by_name: false,
            hold: None,
            forecast: false,
        }
    }

    /// Cancels a drain.
    pub(super) fn cancel_drain(&mut self, node: &OverflowNode<'_>, because: CancelReason) {
        let action = Action::CancelDrain { node: self.node_ref(node), because: because.clone() };
        self.plan.actions.push(action);
        self.undrained.insert(node.instance.id.clone());
        if because == CancelReason::Expected {
            self.for_forecast.insert(node.instance.id.clone());
        }
        self.why(node, NodeReason::DrainCancelled { because });
        let record = self.record_mut(&node.instance.id);
        record.drain = None;
        record.idle_since = None;
    }

    /// What is left of a node's minimum lifetime; `None` when it is over.
    ///
    /// # Errors
    /// Nothing is known of when the run began.
    pub(super) fn lifetime_left(&self, node: &OverflowNode<'_>) -> Result<Option<SignedDuration>, ()> {
        let run = self.record(node).and_then(|record| record.run.as_ref());
        let since = match self.policy.lifetime_from {
            LifetimeFrom::Launch => node.instance.launched_at,
            LifetimeFrom::Ready => run.and_then(|run| run.ready_at).or_else(|| {
                // One that never became ready is counted from its launch, else it would run for ever.
                run.filter(|run| run.failed).and(node.instance.launched_at)
            }),
        };
        let left = self.policy.min_lifetime_of(&self.view.platform.bursting)
            - self.now.duration_since(since.ok_or(())?);
        Ok((left > SignedDuration::ZERO).then_some(left))
    }

    pub(super) fn threshold(&self, location: &LocationName) -> HdCalls {
        self.policy.threshold_of(location, &self.view.platform.bursting)
    }
}

/// Writes an ordered start into a record.
pub fn remember_start(record: &mut NodeRecord, by: Actor, reason: String, now: Timestamp) {
    record.run = Some(CurrentRun {
        started_at: now,
        by,
        reason,
        launched_at: None,
        ready_at: None,
        failed: false,
        forecast: false,
    });
    record.forget_run_state();
}
