//! Which instance is which node, by private address, as in a cycle. An address that two have is nobody's.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::observation::AddressObservation;
use crate::observation::{Instance, InstanceState, Node};

/// Where an instance belongs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place<'a> {
    /// It is this node.
    Node(&'a Node),
    /// It is no node.
    None(Option<Ipv4Addr>),
    /// It could be several, or another platform's.
    Ambiguous(Ipv4Addr),
}

/// All places.
pub(super) struct Places<'a> {
    nodes: BTreeMap<Ipv4Addr, Option<&'a Node>>,
    claims: BTreeMap<Ipv4Addr, u32>,
    several_vpcs: bool,
}

impl<'a> Places<'a> {
    pub(super) fn new(observation: &'a AddressObservation) -> Self {
        let mut nodes: BTreeMap<Ipv4Addr, Option<&Node>> = BTreeMap::new();
        for node in &observation.nodes {
            nodes.entry(node.address).and_modify(|found| *found = None).or_insert(Some(node));
        }
        let mut claims: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
        for instance in observation.instances.iter().filter(|instance| !is_gone(instance)) {
            for address in instance.private_addresses() {
                *claims.entry(address).or_default() += 1;
            }
        }
        Self { nodes, claims, several_vpcs: observation.several_vpcs }
    }

    pub(super) fn of(&self, instance: &Instance) -> Place<'a> {
        let Some(primary) = instance.private_ip.filter(|_| !is_gone(instance)) else {
            return Place::None(instance.private_ip);
        };
        if self.several_vpcs {
            return Place::Ambiguous(primary);
        }
        let mut found = instance
            .private_addresses()
            .filter_map(|address| self.nodes.get(&address).map(|node| (address, *node)));
        let Some((address, node)) = found.next() else { return Place::None(Some(primary)) };
        let claimed_twice = self.claims.get(&address).is_some_and(|claims| *claims > 1);
        match (node, found.next()) {
            (Some(node), None) if !claimed_twice => Place::Node(node),
            (_, another) => Place::Ambiguous(another.map_or(address, |(address, _)| address)),
        }
    }
}

/// Whether an instance is terminated, or about to be: its address may be another's already.
pub(super) fn is_gone(instance: &Instance) -> bool {
    matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated)
}
