//! How far an overflow node is (booting, ready, stopping), and what it carries. The ledger is asked for one thing only: whether it was
//! ready in this run, since a change of ours unsets what the Management Node shows.

use jiff::{SignedDuration, Timestamp};

use super::phase::NodePhase;
use super::shards::Shards;
use super::status::{
    free_hd_calls, in_maintenance, is_another_version, is_fresh, is_our_maintenance, ready_load,
};
use crate::ids::HdCalls;
use crate::ledger::NodeRecord;
use crate::observation::{Instance, InstanceState, Node, Platform};
use crate::policy::Policy;

/// How a start that was ordered is counted as on its way although EC2 does not show it yet: EC2 is eventually
/// consistent, and a second evaluator must not order it again.
pub const ORDER_GRACE: SignedDuration = SignedDuration::from_secs(90);

/// What begins the cause of a start that EC2 accepted and that ended in `stopped`.
pub(crate) const STOPPED_BEFORE_READY: &str = "stopped before it was ready";

/// Allowance between our clock and EC2's when a launch time is compared with an order.
pub(crate) const CLOCK_ALLOWANCE: SignedDuration = SignedDuration::from_secs(30);

/// How long an upgrade can be in progress: Pexip Infinity ends it after 24 hours and leaves behind the nodes that it
/// could not reach until then. What still reads as an upgrade after that stops nothing.
pub const UPGRADE_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// How long a node takes from its start until it is ready (guide: *it takes approximately 5 minutes for an overflow node to be
/// ready*).
pub const BOOT_TAKES: SignedDuration = SignedDuration::from_mins(5);

/// A node that runs for longer than this and takes no calls, although nobody asked for it, needs a person.
pub const WITHOUT_CALLS: SignedDuration = SignedDuration::from_hours(1);

/// How far an overflow node is: booting, ready, stopping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Stopped, and not on its way.
    Stopped,
    /// Started, not yet ready, within the boot limit. Its capacity counts as on its way.
    Booting {
        /// Since when.
        since: Timestamp,
    },
    /// Capacity.
    Ready,
    /// Was ready in this run and has not reported for longer than the policy's staleness, or its load is not
    /// known.
    Degraded,
    /// Not ready at the boot limit, or stopped again before it was ready.
    FailedStart {
        /// EC2's state reason, or what is missing.
        cause: String,
    },
    /// In maintenance mode.
    Maintenance {
        /// Whether Spillway set it.
        ours: bool,
    },
    /// On its way down.
    Stopping,
    /// Terminated, or about to be.
    Gone,
}

impl Phase {
    /// It without what is told with it.
    pub fn kind(&self) -> NodePhase {
        match self {
            Self::Stopped => NodePhase::Stopped,
            Self::Booting { .. } => NodePhase::Booting,
            Self::Ready => NodePhase::Ready,
            Self::Degraded => NodePhase::Degraded,
            Self::FailedStart { .. } => NodePhase::FailedStart,
            Self::Maintenance { .. } => NodePhase::Maintenance,
            Self::Stopping => NodePhase::Stopping,
            Self::Gone => NodePhase::Gone,
        }
    }

    /// The word for people, as used in logs and tables.
    pub fn word(&self) -> &'static str {
        self.kind().word()
    }
}

/// A node on an instance of ours.
#[derive(Debug, Clone)]
pub struct OverflowNode<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// The node.
    pub node: &'a Node,
    /// What is remembered of it.
    pub record: Option<&'a NodeRecord>,
    /// How far it is.
    pub phase: Phase,
    /// What it carries when empty: reported, else remembered, else by instance type.
    pub capacity: HdCalls,
    /// Free HD calls while ready, else 0.
    pub free: HdCalls,
    /// Whether anything is known to run on it.
    pub hosts: bool,
    /// Conferences seen on it although the instance is stopping: calls that are being dropped.
    pub dropping: u32,
    /// Whether nothing is seen to run on it: no shard, and no tokens in use (not asked of a node in maintenance,
    /// whose load reads 100). Needs a reading of the shards. Not proof of idleness.
    pub seems_idle: bool,
    /// Whether the Management Node has heard of the node since its launch.
    pub reported: bool,
    /// Whether it has reported lately, by the Management Node's clock.
    pub fresh: bool,
    /// Whether it runs, and reports another version than the Management Node's: it takes no calls until it is upgraded.
    pub behind: bool,
}

impl OverflowNode<'_> {
    /// Whether it is capacity, or on its way to be, or was a moment ago.
    pub fn is_up(&self) -> bool {
        matches!(
            self.phase,
            Phase::Booting { .. } | Phase::Ready | Phase::Degraded | Phase::Maintenance { .. }
        )
    }

    /// Whether EC2 shows it running or starting, ready or not.
    pub fn is_running(&self) -> bool {
        matches!(self.instance.state, InstanceState::Pending | InstanceState::Running)
    }

    /// When this run began, by EC2's launch time, else by the order.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.instance.launched_at.or_else(|| self.record?.run.as_ref().map(|run| run.started_at))
    }

    /// Whether the node was ready in this run.
    pub fn was_ready(&self) -> bool {
        was_ready(self.instance, self.record)
    }

    /// Whether it runs and takes no calls although nobody asked for that: a start that failed, or a node that was ready
    /// and does not report.
    pub fn runs_without_calls(&self) -> bool {
        self.is_running() && matches!(self.phase, Phase::FailedStart { .. } | Phase::Degraded)
    }

    /// How long it has run without taking calls, by what is remembered.
    pub fn without_calls(&self, now: Timestamp) -> SignedDuration {
        let since =
            self.record.filter(|_| self.runs_without_calls()).and_then(|record| record.no_calls_since);
        since.map_or(SignedDuration::ZERO, |since| now.duration_since(since))
    }

    /// Whether it is known that a running node that is not ready takes no calls: the Management Node never heard of it
    /// since its launch, or hears of it that it is not ready. Of a silent node nothing is known.
    pub fn is_known_useless(&self) -> bool {
        match self.phase {
            Phase::FailedStart { .. } => self.is_running() && (self.never_reported() || self.fresh),
            Phase::Degraded => self.is_running() && self.behind && self.fresh,
            _ => false,
        }
    }

    /// Whether it still runs in a maintenance mode that is cleared in its configuration.
    pub fn is_clearing(&self) -> bool {
        self.is_running()
            && !self.node.maintenance_mode
            && self.node.status.as_ref().is_some_and(|status| status.maintenance_mode)
    }

    /// Whether the Management Node has never heard of the node since it was launched: it cannot have taken a
    /// call, although it does not report that it has none.
    pub fn never_reported(&self) -> bool {
        !self.was_ready() && !self.reported
    }
}

/// Whether a node has reported since its launch. The report is dated by the Management Node's clock and the launch by EC2's;
/// so ages are compared, each by its own clock: a Management Node whose clock is wrong must not make serving nodes failed starts.
fn reported_since_launch(platform: &Platform, instance: &Instance, node: &Node, now: Timestamp) -> bool {
    match (node.status.as_ref().and_then(|status| status.last_updated), instance.launched_at) {
        (Some(updated), Some(launched)) => {
            platform.server_time.duration_since(updated) < now.duration_since(launched)
        }
        (Some(_), None) => true,
        (None, _) => false,
    }
}

pub(super) fn was_ready(instance: &Instance, record: Option<&NodeRecord>) -> bool {
    record.and_then(|record| record.run.as_ref()).is_some_and(|run| {
        run.ready_at.is_some() && (run.launched_at.is_none() || run.launched_at == instance.launched_at)
    })
}

pub(super) fn overflow_node<'a>(
    policy: &Policy,
    platform: &Platform,
    instance: &'a Instance,
    node: &'a Node,
    record: Option<&'a NodeRecord>,
    shards: Option<&Shards>,
    now: Timestamp,
) -> OverflowNode<'a> {
    let measured = node.status.as_ref().map(|status| status.max_hd_calls).filter(|calls| calls.0 > 0);
    let capacity = measured
        .or_else(|| record.and_then(|record| record.capacity))
        .unwrap_or_else(|| policy.hd_calls_of(&instance.instance_type));
    let reported = reported_since_launch(platform, instance, node, now);
    let behind = instance.state == InstanceState::Running
        && reported
        && node.status.as_ref().is_some_and(|status| is_another_version(platform, status));
    let phase = phase_of(policy, platform, instance, node, record, now);
    let free = match phase {
        Phase::Ready => node.status.as_ref().and_then(free_hd_calls).unwrap_or_default(),
        _ => HdCalls(0),
    };
    let on_it = shards.map_or(0, |shards| shards.on(node.address));
    let runs = instance.state == InstanceState::Running;
    // Not asked of a node in maintenance mode, whose load reads 100, nor of one that has not reported in this run.
    let asked = !in_maintenance(node) && (was_ready(instance, record) || reported);
    let tokens = node.status.as_ref().filter(|_| asked).map_or(0, |status| {
        if status.max_media_tokens > 0 {
            status.media_tokens_used
        } else {
            // Without tokens a load above nothing is the only trace of use besides the shards.
            status.media_load.map_or(1, |load| u64::from(load > 0.0))
        }
    });
    OverflowNode {
        instance,
        node,
        record,
        phase,
        capacity,
        free,
        hosts: runs && on_it > 0,
        dropping: if instance.state == InstanceState::Stopping { on_it } else { 0 },
        seems_idle: runs && shards.is_some_and(|shards| shards.none_on(node.address)) && tokens == 0,
        reported,
        fresh: node.status.as_ref().is_some_and(|status| is_fresh(policy, platform, status)),
        behind,
    }
}

fn phase_of(
    policy: &Policy,
    platform: &Platform,
    instance: &Instance,
    node: &Node,
    record: Option<&NodeRecord>,
    now: Timestamp,
) -> Phase {
    let run = record.and_then(|record| record.run.as_ref());
    match instance.state {
        InstanceState::ShuttingDown | InstanceState::Terminated | InstanceState::Unknown => Phase::Gone,
        InstanceState::Stopping => Phase::Stopping,
        InstanceState::Stopped => {
            let Some(run) = run else { return Phase::Stopped };
            let launched_since = run.launched_at.is_some()
                || instance.launched_at.is_some_and(|at| at + CLOCK_ALLOWANCE > run.started_at);
            let stop_ordered =
                record.and_then(|record| record.drain.as_ref()).is_some_and(|d| d.stop_ordered_at.is_some());
            if run.ready_at.is_some() || stop_ordered {
                Phase::Stopped
            } else if launched_since {
                let why =
                    if instance.state_reason.is_empty() { "no reason given" } else { &instance.state_reason };
                Phase::FailedStart { cause: format!("{STOPPED_BEFORE_READY}: {why}") }
            } else if now.duration_since(run.started_at) < ORDER_GRACE {
                Phase::Booting { since: run.started_at }
            } else {
                Phase::Stopped
            }
        }
        InstanceState::Pending | InstanceState::Running => {
            if in_maintenance(node) {
                if !node.maintenance_mode {
                    return clearing(policy, platform, instance, node, record, now);
                }
                return Phase::Maintenance { ours: is_our_maintenance(node) };
            }
            running_phase(policy, platform, instance, node, record, now)
        }
    }
}

/// A node that still shows a maintenance mode which is not configured. Cleared a moment ago, its capacity is on its way
/// until the change has reached it and it has reported again. Whoever shows it for longer is in maintenance mode for a
/// reason that is not in the configuration (an upgrade, a processor that Pexip Infinity does not support, replication that
/// failed), and is no capacity: neither is a node that is being upgraded.
fn clearing(
    policy: &Policy,
    platform: &Platform,
    instance: &Instance,
    node: &Node,
    record: Option<&NodeRecord>,
    now: Timestamp,
) -> Phase {
    let status = node.status.as_ref();
    let fresh = status.is_some_and(|status| is_fresh(policy, platform, status));
    let upgraded = platform.upgrading
        || status.is_some_and(|status| status.upgrading || is_another_version(platform, status));
    if fresh && upgraded {
        // One that was ready is not replaced for a hold: it comes back when it is upgraded.
        let ready = was_ready(instance, record);
        return if ready { Phase::Degraded } else { Phase::Maintenance { ours: false } };
    }
    let since = record.and_then(|record| record.clearing_since).unwrap_or(now);
    let limit = policy.replication_of(platform.nodes.len()) + policy.staleness;
    if fresh && now.duration_since(since) <= limit {
        return Phase::Booting { since: now };
    }
    if was_ready(instance, record) {
        return Phase::Degraded;
    }
    let run = record.and_then(|record| record.run.as_ref());
    booting(policy, instance, run, now, "in maintenance mode, which is not in its configuration")
}

fn running_phase(
    policy: &Policy,
    platform: &Platform,
    instance: &Instance,
    node: &Node,
    record: Option<&NodeRecord>,
    now: Timestamp,
) -> Phase {
    let run = record.and_then(|record| record.run.as_ref());
    let was_ready = was_ready(instance, record);
    let reported = reported_since_launch(platform, instance, node, now);
    let synced = node.status.as_ref().is_some_and(|status| status.synced);
    let version = node.status.as_ref().map_or("", |status| status.version.as_str());
    let same_version = platform.version.is_empty() || version == platform.version;
    let load = ready_load(policy, platform, node);
    if instance.state == InstanceState::Running
        && reported
        && load.is_some()
        && same_version
        && (was_ready || synced)
    {
        return Phase::Ready;
    }
    if was_ready {
        return Phase::Degraded;
    }
    let missing = if !reported {
        "it has not reported to the Management Node since its launch"
    } else if !same_version {
        "its version is not the Management Node's"
    } else if load.is_none() {
        "it reports no capacity"
    } else {
        "its configuration is not synchronised"
    };
    booting(policy, instance, run, now, missing)
}

fn booting(
    policy: &Policy,
    instance: &Instance,
    run: Option<&crate::ledger::CurrentRun>,
    now: Timestamp,
    missing: &str,
) -> Phase {
    let since = instance.launched_at.or_else(|| run.map(|run| run.started_at)).unwrap_or(now);
    if now.duration_since(since) <= policy.boot_limit {
        Phase::Booting { since }
    } else {
        Phase::FailedStart { cause: format!("not ready {:#} after its launch: {missing}", policy.boot_limit) }
    }
}
