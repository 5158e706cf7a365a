//! What has to be true before a node is drained, stopped or retired.

use super::{Facts, Violation};
use crate::ledger::DrainKind;
use crate::observation::InstanceState;
use crate::plan::{NodeRef, Override};
use crate::policy::LifetimeFrom;
use jiff::SignedDuration;

impl Facts<'_> {
    pub(super) fn check_idle(&self, wanted: &NodeRef) -> Option<Violation> {
        let not_idle = || Violation::NotIdle { instance: wanted.instance.clone() };
        let Some(platform) = self.platform else { return Some(not_idle()) };
        let Some(shards) = &platform.shards else { return Some(not_idle()) };
        let Some(node) = self.node(wanted) else { return Some(not_idle()) };
        if node.address != wanted.address
            || shards.iter().any(|shard| shard.node.is_none_or(|at| at == node.address))
        {
            return Some(not_idle());
        }
        let instance = self.instances.get(&wanted.instance)?;
        if !instance.has_private(node.address) {
            return Some(not_idle());
        }
        // Either it reported lately, or the Management Node has not heard of it since it was launched.
        let updated = node.status.as_ref().and_then(|status| status.last_updated);
        // Each by its own clock: how old the report is by the Management Node's, and the launch by ours.
        let heard = updated.is_some_and(|at| {
            let age = platform.server_time.duration_since(at);
            instance.launched_at.is_none_or(|launched| age < self.now.duration_since(launched))
        });
        let fresh =
            updated.is_some_and(|at| platform.server_time.duration_since(at) <= self.policy.staleness);
        let in_use = node.status.as_ref().is_some_and(|status| {
            !status.maintenance_mode && !node.maintenance_mode && status.media_tokens_used > 0
        });
        (heard && (!fresh || in_use)).then(not_idle)
    }

    pub(super) fn check_drain(&self, node: &NodeRef, kind: DrainKind) -> Option<Violation> {
        if let Some(violation) = self.check_foreign(node) {
            return Some(violation);
        }
        if self.is_bad_moment() {
            return Some(Violation::BadMoment { instance: node.instance.clone() });
        }
        match kind {
            // A repeated order: the node drains already, and calls may have come.
            DrainKind::Auto if self.is_draining(node) => None,
            DrainKind::Auto => self.check_idle(node).or_else(|| self.check_lifetime(node)),
            DrainKind::Operator => None,
        }
    }

    pub(super) fn is_draining(&self, node: &NodeRef) -> bool {
        self.ledger.nodes.get(&node.instance).is_some_and(|record| record.drain.is_some())
    }

    pub(super) fn check_draining(&self, node: &NodeRef) -> Option<Violation> {
        (!self.is_draining(node)).then(|| Violation::NotDrained { instance: node.instance.clone() })
    }

    pub(super) fn check_lifetime(&self, node: &NodeRef) -> Option<Violation> {
        let young = || Violation::Young { instance: node.instance.clone() };
        let Some(platform) = self.platform else { return Some(young()) };
        let Some(instance) = self.instances.get(&node.instance) else { return Some(young()) };
        let run = self.ledger.nodes.get(&node.instance).and_then(|record| record.run.as_ref());
        let since = match self.policy.lifetime_from {
            LifetimeFrom::Launch => instance.launched_at,
            LifetimeFrom::Ready => run.and_then(|run| run.ready_at).or(instance.launched_at),
        };
        let least = self
            .policy
            .min_lifetime
            .unwrap_or_else(|| SignedDuration::from_mins(i64::from(platform.bursting.min_lifetime_minutes)));
        let old = since.is_some_and(|since| self.now.duration_since(since) >= least);
        (!old).then(young)
    }

    /// Only a stopped node is retired without a drain.
    pub(super) fn check_retired(&self, node: &NodeRef) -> Option<Violation> {
        let stopped = self
            .instances
            .get(&node.instance)
            .is_some_and(|instance| instance.state == InstanceState::Stopped);
        if stopped {
            self.check_foreign(node)
        } else {
            Some(Violation::NotDrained { instance: node.instance.clone() })
        }
    }

    pub(super) fn check_stop(
        &self,
        node: &NodeRef,
        overridden: Option<&Override>,
        granted: &[Override],
    ) -> Option<Violation> {
        let instance = node.instance.clone();
        if self.is_bad_moment() {
            return Some(Violation::BadMoment { instance });
        }
        if overridden.is_some_and(|each| each.instance != instance || !granted.contains(each)) {
            return Some(Violation::NotGranted { instance });
        }
        if overridden.is_some_and(|each| each.calls) {
            return self.check_foreign(node);
        }
        let drain = self.ledger.nodes.get(&instance).and_then(|record| record.drain.as_ref());
        let configured = self.node(node).is_some_and(|node| node.maintenance_mode);
        let drained = drain.is_some_and(|drain| {
            configured
                && drain.idle_at.is_some_and(|at| {
                    at > drain.began_at && self.now.duration_since(at) >= SignedDuration::from_secs(30)
                })
                && self.now.duration_since(drain.began_at) >= self.policy.replication
        });
        if !drained {
            return Some(Violation::NotDrained { instance });
        }
        let young = || match overridden {
            Some(each) if each.lifetime => None,
            _ => self.check_lifetime(node),
        };
        self.check_foreign(node).or_else(|| self.check_idle(node)).or_else(young)
    }

    pub(super) fn check_foreign(&self, wanted: &NodeRef) -> Option<Violation> {
        let node = self.node(wanted)?;
        let foreign = node.maintenance_mode && !node.maintenance_mode_reason.starts_with("Spillway");
        foreign.then(|| Violation::ForeignMaintenance { instance: wanted.instance.clone() })
    }

    pub(super) fn check_maintenance(&self, wanted: &NodeRef) -> Option<Violation> {
        self.check_foreign(wanted)
    }
}
