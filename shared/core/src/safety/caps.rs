//! What a plan must not do as a whole: two orders for one node, more starts, nodes or drains than the policy allows.

use super::{Facts, Violation};
use crate::ids::LocationName;
use crate::ledger::{DrainKind, NodeRecord};
use crate::observation::{Instance, InstanceState};
use crate::plan::{Action, Plan};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

impl Facts<'_> {
    pub(super) fn check_lives(&self, plan: &Plan, violations: &mut Vec<Violation>) {
        let (mut starts, mut ends, mut undrained) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut addresses = BTreeSet::new();
        for action in &plan.actions {
            let id = action.instance();
            let first = match action {
                Action::Start(_) => {
                    let own =
                        self.instances.get(id).into_iter().flat_map(|instance| instance.private_addresses());
                    // Every address is taken, so that no other start may have one of them.
                    starts.insert(id) && own.filter(|address| !addresses.insert(*address)).count() == 0
                }
                Action::BeginDrain { .. } | Action::Stop { .. } => ends.insert(id),
                Action::CancelDrain { .. } => undrained.insert(id),
                Action::ConfirmIdle { .. } | Action::Retire { .. } | Action::ClearMaintenance { .. } => true,
            };
            if !first {
                violations.push(Violation::Contradiction { instance: id.clone() });
            }
        }
        for id in ends.iter().filter(|id| starts.contains(*id) || undrained.contains(*id)) {
            violations.push(Violation::Contradiction { instance: (*id).clone() });
        }
    }

    pub(super) fn check_caps(&self, plan: &Plan, violations: &mut Vec<Violation>) {
        let starts: Vec<_> = plan
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Start(start) => Some(start),
                _ => None,
            })
            .collect();
        let most = self.policy.starts_per_cycle;
        let count = u32::try_from(starts.len()).unwrap_or(u32::MAX);
        if count > most {
            violations.push(Violation::TooManyStarts { starts: count, most });
        }
        for (location, most) in &self.policy.max_nodes {
            let new = starts.iter().filter(|start| start.location == *location).count();
            let (running, failed) = self.running_in(location, plan);
            let up = running - failed + new;
            let too_many = up > *most as usize || running + new > 2 * *most as usize;
            if new > 0 && too_many {
                let up = u32::try_from(up).unwrap_or(u32::MAX);
                violations.push(Violation::TooManyNodes { location: location.clone(), up, most: *most });
            }
        }
        let begun = plan
            .actions
            .iter()
            .filter(|action| {
                matches!(action, Action::BeginDrain { node, kind: DrainKind::Auto, .. } if !self.is_draining(node))
            })
            .count();
        let addresses: Vec<_> =
            self.instances.values().flat_map(|instance| instance.private_addresses()).collect();
        let drains = |instance: &&&Instance| {
            self.remembered(plan, instance)
                .and_then(|record| record.drain.as_ref())
                .is_some_and(|drain| drain.kind == DrainKind::Auto)
        };
        // One that joins no node, or shares its address, is nobody's to drain, whatever is remembered of it.
        let joins = |instance: &&&Instance| {
            let only_its = |address: &Ipv4Addr| addresses.iter().filter(|each| *each == address).count() == 1;
            self.platform.is_some_and(|platform| {
                platform
                    .nodes
                    .iter()
                    .any(|node| instance.has_private(node.address) && only_its(&node.address))
            })
        };
        let going = self
            .instances
            .values()
            .filter(|instance| matches!(instance.state, InstanceState::Pending | InstanceState::Running))
            .filter(drains)
            .filter(joins)
            .count();
        if begun > 0 && going > self.policy.drains_at_once as usize {
            let drains = u32::try_from(going).unwrap_or(u32::MAX);
            violations.push(Violation::TooManyDrains { drains, most: self.policy.drains_at_once });
        }
    }

    /// What is remembered of an instance, with what the plan changes.
    fn remembered<'b>(&'b self, plan: &'b Plan, instance: &Instance) -> Option<&'b NodeRecord> {
        plan.records.get(&instance.id).or_else(|| self.ledger.nodes.get(&instance.id))
    }

    /// The instances that run in a location, and those of them whose start failed: they take no calls and leave their place
    /// to others, once.
    fn running_in(&self, location: &LocationName, plan: &Plan) -> (usize, usize) {
        let Some(platform) = self.platform else { return (0, 0) };
        let ids: BTreeSet<_> =
            platform.locations.iter().filter(|each| each.name == *location).map(|each| each.id).collect();
        let addresses: BTreeSet<_> = platform
            .nodes
            .iter()
            .filter(|node| ids.contains(&node.location))
            .map(|node| node.address)
            .collect();
        let running = self.instances.values().filter(|instance| {
            matches!(instance.state, InstanceState::Pending | InstanceState::Running)
                && instance.private_addresses().any(|address| addresses.contains(&address))
        });
        let failed = |instance: &&&Instance| {
            self.remembered(plan, instance)
                .and_then(|record| record.run.as_ref())
                .is_some_and(|run| run.failed)
        };
        (running.clone().count(), running.filter(failed).count())
    }
}
