//! An upgrade of the platform: the Management Node first, with a restart, then nodes by groups of ten. A node
//! takes no calls while it waits for its calls to clear; one that is not clear in an hour goes to the end of the
//! queue; the whole ends after a day, possibly with mixed versions (vendor documentation). Overflow nodes are
//! started for it only while Pexip's own bursting is on.

use jiff::SignedDuration;
use spillway_core::observation::InstanceState;

use super::ec2::Order;
use crate::state::instance::Initiator;
use crate::state::management::Upgrade;
use crate::state::node::{NodeIx, Service};
use crate::state::{Happening, World};

/// How often the Management Node looks at its upgrade (guess).
const LOOK: SignedDuration = SignedDuration::from_secs(15);

impl World {
    /// Begins an upgrade to a version, such as `39 (78000.0.0)`.
    pub fn begin_upgrade(&mut self, version: &str) {
        self.management.upgrading = true;
        self.management.down = true;
        let overflow_too = self.management.bursting.enabled;
        let mut waiting: Vec<NodeIx> = (0..self.nodes.len())
            .filter(|ix| self.nodes.get(*ix).is_some_and(|n| !n.deleted))
            .filter(|ix| overflow_too || self.nodes.get(*ix).is_some_and(|n| n.service == Service::Ready))
            .collect();
        // Always-on nodes first.
        waiting.sort_by_key(|ix| (self.nodes.get(*ix).is_some_and(|n| self.is_bursting(n.instance)), *ix));
        self.management.upgrade = Some(Upgrade {
            version: version.to_owned(),
            began: self.now,
            waiting: waiting.into(),
            current: Vec::new(),
        });
        self.plan(self.settings.upgrade.management, Happening::ManagementUpgraded);
    }

    /// Whether an upgrade of the platform is in progress.
    pub fn is_upgrading(&self) -> bool {
        self.management.upgrading
    }

    pub(crate) fn management_upgraded(&mut self) {
        self.management.down = false;
        if let Some(upgrade) = &self.management.upgrade {
            self.management.version.clone_from(&upgrade.version);
        }
        self.plan(SignedDuration::ZERO, Happening::UpgradeStep);
    }

    pub(crate) fn upgrade_step(&mut self) {
        let Some(mut upgrade) = self.management.upgrade.take() else { return };
        let settings = self.settings.upgrade.clone();
        let over = self.now.duration_since(upgrade.began) >= settings.limit;
        if over || (upgrade.waiting.is_empty() && upgrade.current.is_empty()) {
            for (ix, _, _) in &upgrade.current {
                self.end_node_upgrade(*ix);
            }
            self.management.upgrading = false;
            return;
        }
        let mut back = Vec::new();
        for (ix, since, installing) in &mut upgrade.current {
            let Some(node) = self.nodes.get_mut(*ix) else { continue };
            if *installing {
                continue;
            }
            if node.service == Service::Ready {
                node.upgrading = true;
            }
            if node.service == Service::Ready && !node.is_busy() {
                *installing = true;
                self.plan(settings.node, Happening::NodeUpgraded { node: *ix });
            } else if self.now.duration_since(*since) >= settings.patience {
                back.push(*ix);
            }
        }
        upgrade.current.retain(|(ix, _, _)| !back.contains(ix));
        for ix in back {
            self.end_node_upgrade(ix);
            upgrade.waiting.push_back(ix);
        }
        while upgrade.current.len() < settings.group {
            let Some(ix) = upgrade.waiting.pop_front() else { break };
            self.start_for_upgrade(ix);
            upgrade.current.push((ix, self.now, false));
            if let Some(node) = self.nodes.get_mut(ix).filter(|n| n.service == Service::Ready) {
                node.upgrading = true;
            }
            self.store_report_if_up(ix);
        }
        self.management.upgrade = Some(upgrade);
        self.plan(LOOK, Happening::UpgradeStep);
    }

    fn start_for_upgrade(&mut self, ix: NodeIx) {
        let Some(instance) = self.nodes.get(ix).and_then(|n| n.instance) else { return };
        let stopped = self.instances.get(instance).filter(|i| i.now.state == InstanceState::Stopped);
        if let Some(id) = stopped.map(|i| i.id.clone()) {
            self.history.reason = Some("Started for an upgrade".to_owned());
            self.order(Order::Start, &[id], Initiator::Pexip, None);
            self.history.reason = None;
        }
    }

    pub(crate) fn node_upgraded(&mut self, ix: NodeIx) {
        let Some(upgrade) = &mut self.management.upgrade else { return };
        let in_group = upgrade.current.iter().any(|(node, _, installing)| *node == ix && *installing);
        upgrade.current.retain(|(node, _, _)| *node != ix);
        let version = upgrade.version.clone();
        if let Some(node) = self.nodes.get_mut(ix).filter(|n| in_group && n.service != Service::Down) {
            node.version = version;
        }
        self.end_node_upgrade(ix);
    }

    fn end_node_upgrade(&mut self, ix: NodeIx) {
        if let Some(node) = self.nodes.get_mut(ix) {
            node.upgrading = false;
        }
        self.store_report_if_up(ix);
    }

    fn store_report_if_up(&mut self, ix: NodeIx) {
        if self.nodes.get(ix).is_some_and(|node| node.service != Service::Down) {
            self.store_report(ix);
        }
    }
}
