//! What is so now, all of it: an operator's command does not act on half a picture. Here names that were typed become nodes
//! and locations.

use jiff::Timestamp;
use spillway_core::assess::Assessment;
use spillway_core::ids::{InstanceId, LocationName, NodeName};
use spillway_core::ledger::{Hold, HoldScope, Ledger};
use spillway_core::observation::{Fleet, Instance, Node, Platform};
use spillway_core::policy::Policy;
use spillway_engine::operator::About;

use crate::exit::Failure;

/// Nodes that are named where a name was wrong.
const NAMED: usize = 12;

/// Management Node, EC2 and ledger, read together.
#[derive(Debug)]
pub(crate) struct KnownState {
    pub(crate) platform: Platform,
    pub(crate) fleet: Fleet,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
}

/// An overflow node by all its names.
#[derive(Debug, Clone)]
pub(crate) struct FoundNode {
    pub(crate) instance: Instance,
    pub(crate) node: Node,
    pub(crate) location: LocationName,
    pub(crate) phase: &'static str,
}

impl FoundNode {
    /// It as the history names it.
    pub(crate) fn about(&self) -> About {
        About {
            instance: self.instance.id.clone(),
            node: self.node.name.clone(),
            location: self.location.clone(),
        }
    }
}

impl KnownState {
    /// The overflow node with this name or instance id.
    pub(crate) fn find(&self, policy: &Policy, name: &str) -> Result<FoundNode, Failure> {
        let view = self.assessed(policy);
        let wanted = |id: &InstanceId, node: &NodeName| id.as_str() == name || node.as_str() == name;
        view.nodes
            .iter()
            .find(|node| wanted(&node.instance.id, &node.node.name))
            .map(|node| FoundNode {
                instance: node.instance.clone(),
                node: node.node.clone(),
                location: view.location_name(node.node.location),
                phase: node.phase.word(),
            })
            .ok_or_else(|| {
                let names: Vec<&str> =
                    view.nodes.iter().take(NAMED).map(|node| node.node.name.as_str()).collect();
                let more = if view.nodes.len() > NAMED { ", …" } else { "" };
                Failure::usage(format!("{name} is not an overflow node of this platform"))
                    .remedy(format!("overflow nodes are: {}{more}", names.join(", ")))
            })
    }

    /// The node that a hold is about, where it is about one.
    pub(crate) fn held_node(&self, policy: &Policy, hold: &Hold) -> Option<FoundNode> {
        match &hold.scope {
            HoldScope::Node(id) => self.find(policy, id.as_str()).ok(),
            HoldScope::All | HoldScope::Location(_) => None,
        }
    }

    /// The overflow location with this name.
    pub(crate) fn overflow_location(&self, policy: &Policy, name: &str) -> Result<LocationName, Failure> {
        let view = self.assessed(policy);
        let names: Vec<LocationName> =
            view.overflow_locations().map(|(_, location)| location.location.name.clone()).collect();
        names.iter().find(|each| each.as_str() == name).cloned().ok_or_else(|| {
            let names: Vec<&str> = names.iter().map(LocationName::as_str).collect();
            Failure::usage(format!("{name} is not an overflow location"))
                .remedy(format!("overflow locations are: {}", names.join(", ")))
        })
    }

    /// The holds of this node alone, which a stop of it releases.
    pub(crate) fn own_holds(&self, instance: &InstanceId) -> Vec<&Hold> {
        let own = HoldScope::Node(instance.clone());
        self.ledger.holds.iter().filter(|hold| hold.scope == own).collect()
    }

    /// It, made sense of.
    pub(crate) fn assessed<'a>(&'a self, policy: &'a Policy) -> Assessment<'a> {
        Assessment::new(policy, &self.platform, &self.fleet, Some(&self.ledger), self.now)
    }
}
