//! The plan is a value: it can be printed, stored, compared and serialised before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{HoldId, InstanceId, LocationName, NodeId, NodeName};
use crate::ledger::{Actor, DrainKind, Event, LocationLoad, NodeRecord};
use crate::outlook::{Forecasts, RecentDemand};
use crate::report::{CancelReason, Report};

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// When the world was observed.
    pub observed_at: Timestamp,
    /// What to do, in order. Actions are fully resolved.
    pub actions: Vec<Action>,
    /// Per location, what to start instead when a start of it is refused, in order.
    pub substitutes: BTreeMap<LocationName, Vec<Start>>,
    /// What was seen and is remembered whatever becomes of the actions.
    pub seen: BTreeMap<InstanceId, NodeRecord>,
    /// What to remember before acting: what was seen, and the intent.
    pub records: BTreeMap<InstanceId, NodeRecord>,
    /// What was seen, for the history.
    pub events: Vec<Event>,
    /// Requests that are met or void.
    pub done_requests: Vec<String>,
    /// The load of this minute.
    pub load: Vec<LocationLoad>,
    /// Demand of the last half hour, to be remembered.
    #[serde(skip)]
    pub recent: RecentDemand,
    /// What is expected, to be remembered; none: it was not reckoned anew.
    #[serde(skip)]
    pub expected: Option<Forecasts>,
    /// Why.
    pub report: Report,
}

impl Plan {
    /// A plan that does nothing.
    pub fn empty(observed_at: Timestamp) -> Self {
        Self {
            observed_at,
            actions: Vec::new(),
            substitutes: BTreeMap::new(),
            seen: BTreeMap::new(),
            records: BTreeMap::new(),
            events: Vec::new(),
            done_requests: Vec::new(),
            load: Vec::new(),
            recent: RecentDemand::new(),
            expected: None,
            report: Report::default(),
        }
    }

    /// Whether nothing outside the ledger would change.
    pub fn is_no_op(&self) -> bool {
        self.actions.is_empty()
    }

    /// What of the plan is carried out where Pexip's own bursting decides: the starts that holds ask for, and whatever gives
    /// a node back that a drain of ours keeps from taking calls. Everything else is only reported.
    #[must_use]
    pub fn carried_in_assist(&self) -> Self {
        let is_carried = |action: &Action| match action {
            Action::Start(start) => start.hold.is_some(),
            Action::CancelDrain { .. } | Action::ClearMaintenance { .. } => true,
            Action::BeginDrain { .. }
            | Action::ConfirmIdle { .. }
            | Action::Stop { .. }
            | Action::Retire { .. } => false,
        };
        // What is withheld is not remembered as done either.
        let withheld: BTreeSet<&InstanceId> =
            self.actions.iter().filter(|action| !is_carried(action)).map(Action::instance).collect();
        let mut records = self.seen.clone();
        let wanted = self.records.iter().filter(|(id, _)| !withheld.contains(id));
        records.extend(wanted.map(|(id, record)| (id.clone(), record.clone())));
        Self {
            actions: self.actions.iter().filter(|action| is_carried(action)).cloned().collect(),
            records,
            done_requests: Vec::new(),
            ..self.clone()
        }
    }
}

/// An instance to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Instance.
    pub instance: InstanceId,
    /// Node, where known.
    pub node: Option<NodeName>,
    /// Its location, where known.
    pub location: LocationName,
    /// Why, one sentence.
    pub reason: String,
    /// Asked for by name: when it is refused, nothing else is started in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_name: bool,
    /// The hold that asks for it, where it is one: what `assist` mode carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Whether it is started for what is expected, and no other rule asks for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forecast: bool,
}

/// A node, by all its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRef {
    /// Instance.
    pub instance: InstanceId,
    /// Configuration id.
    pub id: NodeId,
    /// Name.
    pub name: NodeName,
    /// Private address.
    pub address: Ipv4Addr,
    /// Location.
    pub location: LocationName,
}

/// An operator sets rules aside for one node, once. Only an operator's own command carries one, and it ends with the
/// cycle that the command runs: it is never stored, so no function can act on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// For which instance.
    pub instance: InstanceId,
    /// Stop it although calls run on it, without a drain: they are dropped.
    pub calls: bool,
    /// Stop it although it is younger than the minimum lifetime.
    pub lifetime: bool,
    /// Who.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// One thing to do. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Start an instance; when EC2 refuses, the next of the location's substitutes.
    Start(Start),
    /// Set maintenance mode. Precondition: nothing runs on the node, read right before.
    BeginDrain {
        /// Which.
        node: NodeRef,
        /// Kind.
        kind: DrainKind,
        /// Why, one sentence; stored with the maintenance mode.
        reason: String,
    },
    /// Clear maintenance mode and forget the drain.
    CancelDrain {
        /// Which.
        node: NodeRef,
        /// Why.
        because: CancelReason,
    },
    /// Read everything that can run on the draining node, for the first time.
    ConfirmIdle {
        /// Which.
        node: NodeRef,
        /// Whether the drain is cancelled when something runs there.
        cancel_if_busy: bool,
    },
    /// Stop the instance. Precondition: nothing runs on the node, read again right before.
    Stop {
        /// Which.
        node: NodeRef,
        /// Whether the drain is cancelled when something runs there.
        cancel_if_busy: bool,
        /// Why, one sentence.
        reason: String,
        /// The rules that an operator set aside for it; such a stop is only carried out by the operator's command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overridden: Option<Override>,
    },
    /// Set maintenance mode on a stopped node that stays out of service.
    Retire {
        /// Which.
        node: NodeRef,
        /// Why, one sentence; stored with the maintenance mode.
        reason: String,
    },
    /// Clear our maintenance mode on a stopped node, so that its next start takes calls.
    ClearMaintenance {
        /// Which.
        node: NodeRef,
    },
}

impl Action {
    /// The instance it is about.
    pub fn instance(&self) -> &InstanceId {
        match self {
            Self::Start(start) => &start.instance,
            Self::BeginDrain { node, .. }
            | Self::CancelDrain { node, .. }
            | Self::ConfirmIdle { node, .. }
            | Self::Stop { node, .. }
            | Self::Retire { node, .. }
            | Self::ClearMaintenance { node } => &node.instance,
        }
    }

    /// One word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::BeginDrain { .. } => "drain",
            Self::CancelDrain { .. } => "cancel-drain",
            Self::ConfirmIdle { .. } => "confirm-idle",
            Self::Stop { .. } => "stop",
            Self::Retire { .. } => "retire",
            Self::ClearMaintenance { .. } => "clear-maintenance",
        }
    }
}
