//! The nodes that are to be stopped: their names, what a cycle says of them, and the holds that may start them again.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use spillway_core::ids::{InstanceId, NodeName};
use spillway_core::ledger::{Hold, HoldScope};
use spillway_core::plan::Plan;

use crate::known::{FoundNode, KnownState};

pub(super) fn names(nodes: &[FoundNode]) -> Vec<String> {
    nodes.iter().map(|found| found.node.name.to_string()).collect()
}

/// What a plan says of these instances, one text for each: its name and the reasons.
pub(super) fn reasons(plan: &Plan, about: impl Fn(&InstanceId) -> bool) -> Vec<String> {
    let nodes = plan.report.nodes.iter().filter(|node| about(&node.instance));
    nodes
        .map(|node| {
            let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
            format!("{}: {}", node.node, reasons.join("; "))
        })
        .collect()
}

/// A node whose drain has not begun, and why: its request is stored and waits.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Waiting {
    pub(super) node: NodeName,
    pub(super) why: String,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, why } = self;
        write!(
            f,
            "{node} is not drained yet ({why}): the request is stored, and a cycle begins the drain when it may; to take it back: \
             spillway release {node}"
        )
    }
}

/// Those whose request the cycle neither met nor dismissed: an upgrade runs, or another Management Node took over.
pub(super) fn waiting(plan: &Plan, nodes: &[FoundNode]) -> Vec<Waiting> {
    let met = |found: &FoundNode| plan.done_requests.contains(&format!("stop-{}", found.instance.id));
    let why = |found: &FoundNode| {
        let report = plan.report.nodes.iter().find(|node| node.instance == found.instance.id);
        let reasons = report.map(|node| node.reasons.iter().map(ToString::to_string).collect::<Vec<_>>());
        let suspended = plan.report.suspension.as_ref().map(ToString::to_string);
        suspended.unwrap_or_else(|| reasons.unwrap_or_default().join("; "))
    };
    let left = nodes.iter().filter(|found| !met(found));
    left.map(|found| Waiting { node: found.node.name.clone(), why: why(found) }).collect()
}

/// A node that is to be stopped, and a hold that asks for it or for one of several: the next cycle may start it again.
pub(super) struct CoveredNode<'a> {
    pub(super) node: &'a NodeName,
    pub(super) hold: &'a Hold,
}

impl CoveredNode<'_> {
    pub(super) fn json(&self) -> Value {
        json!({"node": self.node, "hold": self.hold.id, "until": self.hold.until})
    }
}

/// The holds in force that cover the nodes. A node's own is released with the stop, and is not among them.
pub(super) fn covered<'a>(known: &'a KnownState, nodes: &'a [FoundNode]) -> Vec<CoveredNode<'a>> {
    let now = known.now;
    let current = || known.ledger.holds.iter().filter(move |hold| hold.is_current(now));
    nodes
        .iter()
        .flat_map(|found| {
            let own = HoldScope::Node(found.instance.id.clone());
            let holds = current().filter(move |hold| {
                hold.scope != own && hold.covers(&found.instance.id, Some(&found.location))
            });
            holds.map(|hold| CoveredNode { node: &found.node.name, hold })
        })
        .collect()
}
