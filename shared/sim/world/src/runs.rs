//! The run of a node: it boots, reports, takes changes from the Management Node, and goes down.

use crate::dice::Draw;
use jiff::{SignedDuration, Timestamp};

use crate::state::instance::Initiator;
use crate::state::node::{Node, NodeIx, NodeSettings, Report, Service};
use crate::state::{Happening, World, later};

/// Time between two tries to send a change to a node that it does not reach (guess).
const RESENT: SignedDuration = SignedDuration::from_secs(15);

impl World {
    /// A boot begins; gives the number of this run. A node that was just started has no capacity to show until it
    /// reports one: what it could carry in its last run is not what it can carry now.
    pub(crate) fn begin_boot(&mut self, ix: NodeIx) -> u64 {
        let Some(node) = self.nodes.get_mut(ix) else { return 0 };
        node.epoch += 1;
        node.service = Service::Down;
        node.ready_at = None;
        node.report.capacity = None;
        node.epoch
    }

    /// The node contacts the Management Node for the first time in this run: it takes its configuration and
    /// reports, without a capacity, since it has not measured itself.
    pub(crate) fn node_contacts(&mut self, ix: NodeIx, epoch: u64) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(ix).filter(|node| node.epoch == epoch) else { return };
        node.service = Service::Contact;
        node.boot_time = Some(whole_second(later(now, SignedDuration::from_secs(-20))));
        node.effective = node.configured.clone();
        node.replicating.clear();
        self.store_report(ix);
        self.plan_report(ix, epoch);
    }

    pub(crate) fn node_ready(&mut self, ix: NodeIx, epoch: u64) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(ix).filter(|node| node.epoch == epoch) else { return };
        node.service = Service::Ready;
        node.ready_at = Some(now);
        self.store_report(ix);
    }

    pub(crate) fn node_reports(&mut self, ix: NodeIx, epoch: u64) {
        if self.nodes.get(ix).is_some_and(|node| node.epoch == epoch && node.service != Service::Down) {
            self.store_report(ix);
            self.plan_report(ix, epoch);
        }
    }

    pub(crate) fn plan_report(&mut self, ix: NodeIx, epoch: u64) {
        let Some(node) = self.nodes.get_mut(ix) else { return };
        node.reports += 1;
        let wait = self.dice.between(Draw::Report, ix as u64, node.reports, self.settings.reporting.every);
        self.plan(wait, Happening::NodeReports { node: ix, epoch });
    }

    /// What the node says about itself now reaches the Management Node.
    pub(crate) fn store_report(&mut self, ix: NodeIx) {
        let now = self.now;
        let connections = self.settings.placement.proxy_connections;
        let Some(node) = self.nodes.get_mut(ix) else { return };
        if node.silent {
            return;
        }
        node.report = Report {
            last_updated: Some(now),
            boot_time: node.boot_time,
            maintenance: node.effective.maintenance || node.upgrading,
            maintenance_reason: if node.upgrading && !node.effective.maintenance {
                "Upgrade in progress".to_owned()
            } else {
                node.effective.maintenance_reason.clone()
            },
            media_load: node.media_load(connections),
            capacity: (node.service == Service::Ready).then_some(node.capacity),
            used: node.load,
            signalling: node.signalling,
            version: node.version.clone(),
            upgrading: node.upgrading,
        };
    }

    /// The node stops answering; whatever it carried is gone.
    pub(crate) fn node_goes_down(&mut self, ix: NodeIx, by: Initiator) {
        self.drop_calls_on(ix, by);
        let Some(node) = self.nodes.get_mut(ix) else { return };
        node.epoch += 1;
        node.service = Service::Down;
        node.ready_at = None;
        node.upgrading = false;
    }

    /// Changes the configuration of a node on the Management Node; it reaches the node later.
    pub(crate) fn configure_node(&mut self, ix: NodeIx, change: impl FnOnce(&mut NodeSettings)) {
        let Some(node) = self.nodes.get_mut(ix) else { return };
        let before = node.configured.clone();
        change(&mut node.configured);
        if node.configured == before {
            return;
        }
        self.replicate(ix);
    }

    /// Sends a node its configuration as it is now.
    pub(crate) fn replicate(&mut self, ix: NodeIx) {
        let delay = self.replication_delay();
        let Some(node) = self.nodes.get_mut(ix) else { return };
        node.changes += 1;
        let change = node.changes;
        node.replicating.push_back((change, node.configured.clone()));
        self.plan(delay, Happening::Replicated { node: ix, change });
    }

    /// About a minute, longer above 60 nodes (vendor documentation).
    pub(crate) fn replication_delay(&self) -> SignedDuration {
        let reporting = &self.settings.reporting;
        let nodes = self.nodes.iter().filter(|node| !node.deleted).count();
        let above = nodes.saturating_sub(reporting.replication_slower_above);
        let more = i32::try_from(above).unwrap_or(i32::MAX);
        reporting.replication.saturating_add(reporting.replication_per_node_above.saturating_mul(more))
    }

    pub(crate) fn replicated(&mut self, ix: NodeIx, change: u64) {
        let Some(node) = self.nodes.get_mut(ix) else { return };
        if node.cut_off {
            // It is sent again and again.
            self.plan(RESENT, Happening::Replicated { node: ix, change });
            return;
        }
        // A node that booted meanwhile took its whole configuration then: the change is not on its way any more.
        while node.replicating.front().is_some_and(|(number, _)| *number <= change)
            && let Some((_, settings)) = node.replicating.pop_front()
        {
            if node.service != Service::Down {
                node.effective = settings;
            }
        }
    }

    /// The status page's word for the synchronisation of a node.
    pub(crate) fn sync_status(&self, node: &Node) -> &'static str {
        let silent_for = node.report.last_updated.map(|at| self.now.duration_since(at));
        match silent_for {
            Some(time) if time <= self.settings.reporting.unreachable_after => {
                if node.service == Service::Ready && node.replicating.is_empty() {
                    "SYNCED"
                } else {
                    "SYNCING"
                }
            }
            _ => "UNREACHABLE",
        }
    }
}

/// Some times are shown without a fraction (and so never have one).
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
