//! Which instance is which node. They are joined by private address, which never changes while an instance exists.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use rustc_hash::{FxBuildHasher, FxHashMap as HashMap, FxHashSet as HashSet};

use super::issue::Issue;
use super::node::ORDER_GRACE;
use super::vpcs::several_vpcs;
use crate::ids::{HdCalls, InstanceId, LocationId};
use crate::ledger::{Ledger, NodeRecord};
use crate::observation::{Fleet, Instance, InstanceState, Node, NodeRole, Platform};
use crate::policy::Policy;

/// Capacity of starts that were just ordered and whose instances EC2 does not list at all.
pub(super) fn ordered_and_not_listed(
    policy: &Policy,
    fleet: &Fleet,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Vec<(LocationId, HdCalls)> {
    let ordered = |record: &NodeRecord| {
        record.run.as_ref().is_some_and(|run| {
            run.ready_at.is_none() && !run.failed && now.duration_since(run.started_at) < ORDER_GRACE
        })
    };
    let lately: Vec<(&InstanceId, &NodeRecord)> =
        ledger.into_iter().flat_map(|ledger| &ledger.nodes).filter(|(_, record)| ordered(record)).collect();
    if lately.is_empty() {
        return Vec::new();
    }
    let listed: HashSet<&InstanceId> = fleet.instances.iter().map(|instance| &instance.id).collect();
    lately
        .into_iter()
        .filter(|(id, _)| !listed.contains(id))
        .filter_map(|(_, record)| {
            let (location, _) = record.location.as_ref()?;
            let unknown = || policy.hd_calls.values().min().copied().unwrap_or(HdCalls::RECOMMENDED_NODE);
            Some((*location, record.capacity.unwrap_or_else(unknown)))
        })
        .collect()
}

/// Pairs instances with nodes by private address. One that joins none, or two, is an issue and never an action.
pub(super) fn join<'a>(
    policy: &Policy,
    platform: &'a Platform,
    fleet: &'a Fleet,
    issues: &mut Vec<Issue>,
) -> Vec<(&'a Instance, &'a Node)> {
    if let Some(vpcs) = several_vpcs(policy, &fleet.instances) {
        issues.push(Issue::SeveralVpcs { vpcs });
        return Vec::new();
    }
    // `None`: two nodes have the address.
    let mut by_address: HashMap<Ipv4Addr, Option<&Node>> =
        HashMap::with_capacity_and_hasher(platform.nodes.len(), FxBuildHasher);
    for node in &platform.nodes {
        by_address.entry(node.address).and_modify(|found| *found = None).or_insert(Some(node));
    }
    let mut claims: HashMap<Ipv4Addr, u32> =
        HashMap::with_capacity_and_hasher(fleet.instances.len(), FxBuildHasher);
    for instance in &fleet.instances {
        for address in instance.private_addresses() {
            *claims.entry(address).or_default() += 1;
        }
    }
    let mut joined = Vec::with_capacity(fleet.instances.len());
    for instance in &fleet.instances {
        if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            continue;
        }
        // An instance may have several interfaces, and a node's address may be any of theirs.
        let mut found = instance
            .private_addresses()
            .filter_map(|address| by_address.get(&address).map(|node| (address, *node)));
        let first = found.next();
        let another = found.next().map(|(address, _)| address);
        match first {
            None => {
                issues
                    .push(Issue::NoSuchNode { instance: instance.id.clone(), address: instance.private_ip });
            }
            Some((address, Some(node)))
                if another.is_none() && claims.get(&address).copied().unwrap_or(0) == 1 =>
            {
                if node.role == NodeRole::Proxying {
                    issues.push(Issue::ProxyingNode { instance: instance.id.clone() });
                } else {
                    joined.push((instance, node));
                }
            }
            Some((address, _)) => {
                let address = another.unwrap_or(address);
                issues.push(Issue::Ambiguous { instance: instance.id.clone(), address });
            }
        }
    }
    joined
}
