//! Actions, holds and people in words.

use spillway_core::ledger::{DrainKind, HoldScope};
use spillway_core::plan::{Action, Start};

use crate::status::OverflowNode;

/// An action, one sentence.
pub fn action(action: &Action) -> String {
    match action {
        Action::Start(Start { instance, node, location, reason, .. }) => {
            let name = node.as_ref().map_or_else(|| instance.to_string(), ToString::to_string);
            format!("start {name} in {location}: {reason}")
        }
        Action::BeginDrain { node, kind: DrainKind::Auto, reason } => {
            format!("drain {}: {reason}", node.name)
        }
        Action::BeginDrain { node, kind: DrainKind::Operator, reason } => {
            format!("drain {} for an operator: {reason}", node.name)
        }
        Action::CancelDrain { node, because } => format!("cancel the drain of {}: {because}", node.name),
        Action::ConfirmIdle { node, .. } => format!("check that nothing runs on {}", node.name),
        Action::Stop { node, reason, overridden, .. } => match overridden {
            None => format!("stop {}: {reason}", node.name),
            Some(_) => format!("stop {} now, by an operator's override: {reason}", node.name),
        },
        Action::Retire { node, reason } => format!("retire {}: {reason}", node.name),
        Action::ClearMaintenance { node } => format!("clear our maintenance mode on {}", node.name),
    }
}

/// Where a hold applies, with a node by its name where it is listed.
pub fn place(scope: &HoldScope, nodes: &[OverflowNode]) -> String {
    match scope {
        HoldScope::Node(id) => nodes
            .iter()
            .find(|node| node.instance == *id)
            .map_or_else(|| id.to_string(), |node| node.name.to_string()),
        HoldScope::All | HoldScope::Location(_) => self::scope(scope),
    }
}

/// Where a hold applies.
pub fn scope(scope: &HoldScope) -> String {
    match scope {
        HoldScope::All => "all overflow locations".to_owned(),
        HoldScope::Location(name) => name.to_string(),
        HoldScope::Node(id) => id.to_string(),
    }
}
