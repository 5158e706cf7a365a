//! Holds: demand floors between two instants.

use super::event::Actor;
use crate::ids::{HdCalls, HoldId, InstanceId, LocationName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a hold applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldScope {
    /// Every overflow location.
    All,
    /// One overflow location.
    Location(LocationName),
    /// One overflow node: an operator started it, and wants it up.
    Node(InstanceId),
}

/// How much a hold asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldAmount {
    /// Every node.
    AllNodes,
    /// This many nodes.
    Nodes(u32),
    /// Capacity for this many HD calls.
    HdCalls(HdCalls),
}

impl fmt::Display for HoldAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllNodes => f.write_str("all nodes"),
            Self::Nodes(1) => f.write_str("1 node"),
            Self::Nodes(nodes) => write!(f, "{nodes} nodes"),
            Self::HdCalls(HdCalls(1)) => f.write_str("1 HD call"),
            Self::HdCalls(calls) => write!(f, "{calls} HD calls"),
        }
    }
}

/// A demand floor: this much capacity is up between two instants, whatever the load says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Id.
    pub id: HoldId,
    /// Where.
    pub scope: HoldScope,
    /// How much.
    pub amount: HoldAmount,
    /// From when (inclusive).
    pub from: Timestamp,
    /// Until when (exclusive).
    pub until: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When the nodes have to be ready, for a pre-warm window and for an operator who said so: what it is measured by.
    #[serde(default)]
    pub spike_at: Option<Timestamp>,
    /// What was asked, where licences leave no room for all of it and `amount` is less.
    #[serde(default)]
    pub asked: Option<HoldAmount>,
}

impl Hold {
    /// Whether it counts at this instant.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it is about a node. Of a node whose location is not known it is where it is about all nodes, or this one.
    pub fn covers(&self, instance: &InstanceId, location: Option<&LocationName>) -> bool {
        match &self.scope {
            HoldScope::All => true,
            HoldScope::Location(name) => location == Some(name),
            HoldScope::Node(id) => id == instance,
        }
    }
}
