//! Nodes that stay in a state for too long: in our maintenance mode, or up without need.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::InstanceId;
use spillway_core::observation::InstanceState;
use spillway_core::policy::LifetimeFrom;
use spillway_world::ServiceView;

use super::seen::{Seen, SeenNode, covers};
use super::{Watch, minutes};
use crate::rule::Rule;

/// How long a drain may take once its maintenance mode has reached the node (design: *What must not last*).
const DRAIN_LASTS: u32 = 30;

/// How long a node may be up that is idle, unneeded and past its lifetime.
const IDLE_LASTS: u32 = 60;

/// A few minutes more, for what is seen a minute later.
const GRACE: u32 = 6;

/// How long a person's veto lasts.
const VETO_LASTS: SignedDuration = SignedDuration::from_hours(12);

/// What is remembered of a node.
#[derive(Debug, Default)]
pub(super) struct NodeWatch {
    /// An operator asked for its stop.
    pub(super) operator: bool,
    /// When a start of it was refused last, or came to nothing.
    pub(super) trouble_at: Option<Timestamp>,
    /// The launch of the run in which it was ready last.
    pub(super) ready_in: Option<Timestamp>,
    vetoed_until: Option<Timestamp>,
    /// When its maintenance mode was last seen in the configuration.
    maintained_at: Option<Timestamp>,
    was_up: bool,
    in_maintenance: u32,
    idle: u32,
}

impl NodeWatch {
    pub(super) fn vetoed(&mut self, now: Timestamp) {
        let lasts = VETO_LASTS + SignedDuration::from_mins(i64::from(GRACE));
        self.vetoed_until = now.checked_add(lasts).ok();
    }

    /// Whether the node may back off.
    pub(super) fn is_troubled(&self, seen: &Seen<'_>) -> bool {
        let lasts = seen.policy.back_off.longest + SignedDuration::from_mins(2);
        self.trouble_at.is_some_and(|at| seen.now.duration_since(at) <= lasts)
    }

    fn is_vetoed(&self, seen: &Seen<'_>) -> bool {
        self.vetoed_until.is_some_and(|until| seen.now < until)
    }
}

impl Watch {
    pub(super) fn remember(&mut self, seen: &Seen<'_>, refused: &BTreeSet<&InstanceId>) {
        for node in &seen.nodes {
            let watch = self.nodes.entry(node.view.name.clone()).or_default();
            if node.node.maintenance_mode {
                watch.maintained_at = Some(seen.now);
            }
            let ready = matches!(node.view.service, ServiceView::Ready | ServiceView::Maintenance);
            if ready {
                watch.ready_in = node.view.launched_at;
            }
            let was_ready = watch.ready_in.is_some() && watch.ready_in == node.view.launched_at;
            let late =
                node.is_running() && !was_ready && node.age.is_some_and(|age| age > seen.policy.boot_limit);
            let fell_back = watch.was_up && !node.is_running() && !was_ready;
            let was_refused = node.view.instance.as_ref().is_some_and(|id| refused.contains(id));
            if late || fell_back || was_refused {
                watch.trouble_at = Some(seen.now);
            }
            watch.was_up = node.is_running();
            if node.view.state == Some(InstanceState::Stopped) {
                watch.operator = false;
            }
        }
    }

    /// HD calls that are free on a node at most, or on their way.
    pub(super) fn most(&self, seen: &Seen<'_>, node: &SeenNode) -> u32 {
        let reaches = seen.policy.replication_of(seen.nodes.len()) + seen.policy.staleness;
        let within = reaches + SignedDuration::from_mins(2);
        let watch = self.nodes.get(&node.view.name);
        let cleared = watch
            .and_then(|watch| watch.maintained_at)
            .is_some_and(|at| seen.now.duration_since(at) <= within);
        seen.at_most_free(node, cleared)
    }

    pub(super) fn check_maintenance(&mut self, seen: &Seen<'_>, counts: u32) {
        let limit = DRAIN_LASTS + minutes(seen.policy.replication_of(seen.nodes.len())) + GRACE;
        for node in seen.ours() {
            let watch = self.nodes.entry(node.view.name.clone()).or_default();
            let ours = node.is_in_our_maintenance() && !node.is_retired() && !watch.operator;
            watch.in_maintenance = if ours { watch.in_maintenance + counts } else { 0 };
            let cycles = watch.in_maintenance;
            if cycles > limit {
                let what = format!("in our maintenance mode for {cycles} cycles, the limit is {limit}");
                self.note(seen.now, Rule::Maintenance, node.view.name.as_str(), &what);
            }
        }
    }

    pub(super) fn check_idle(&mut self, seen: &Seen<'_>, counts: u32) {
        let ours = seen.ours().count();
        let rounds = ours.div_ceil(seen.policy.drains_at_once.max(1) as usize);
        let limit = IDLE_LASTS + GRACE * u32::try_from(rounds + 1).unwrap_or(u32::MAX);
        for node in seen.ours() {
            let idle = self.should_go(seen, node);
            let watch = self.nodes.entry(node.view.name.clone()).or_default();
            watch.idle = if idle { watch.idle + counts } else { 0 };
            let cycles = watch.idle;
            if cycles > limit {
                let what =
                    format!("idle, not needed and past its lifetime for {cycles} cycles, and still up");
                self.note(seen.now, Rule::IdleNode, node.view.name.as_str(), &what);
            }
        }
    }

    /// Whether nothing speaks for a node that is up: nobody needs it, nothing is known that keeps it from being stopped.
    fn should_go(&self, seen: &Seen<'_>, node: &SeenNode) -> bool {
        let watch = self.nodes.get(&node.view.name);
        let since_ready = match seen.policy.lifetime_from {
            LifetimeFrom::Launch => SignedDuration::ZERO,
            LifetimeFrom::Ready => seen.policy.boot_limit,
        };
        let lifetime = seen.policy.min_lifetime_of(&seen.platform.bursting) + since_ready;
        let status = node.node.status.as_ref();
        let known = !node.reported
            || node.fresh
                && status.is_some_and(|status| status.media_load.is_some())
                && !node.another_version(&seen.platform);
        // It shows a maintenance mode that is not configured: it takes no calls, and nobody knows why.
        let odd = node.shows_maintenance() && !node.node.maintenance_mode;
        let given_up = seen.record(node).and_then(|record| record.given_up.as_ref());
        let in_use = status.is_some_and(|status| {
            node.reported
                && !status.maintenance_mode
                && (status.media_tokens_used > 0 || status.media_load > Some(0.0))
        });
        let location = node.node.location;
        let room: u32 = seen.nodes_in(location).map(|each| seen.at_least_free(each)).sum();
        let left = room.saturating_sub(seen.at_least_free(node));
        let enough = left > seen.threshold(&node.view.location) + seen.policy.stop_margin.0;
        node.view.state == Some(InstanceState::Running)
            && node.shown.is_some()
            && !seen.upgrading
            && !node.view.busy
            && !in_use
            && node.shards == 0
            && node.age.is_some_and(|age| age > lifetime)
            && known
            && !odd
            && !node.is_in_anothers_maintenance()
            && !node.is_retired()
            && !watch.is_some_and(|watch| watch.is_vetoed(seen) || watch.operator)
            && given_up.is_none_or(|given_up| given_up.until < seen.now)
            && !seen.holds().any(|hold| covers(hold, node))
            && (!seen.may_be_needed(location) || enough)
            && !seen.is_leant_on(&node.view.location, left)
    }
}
