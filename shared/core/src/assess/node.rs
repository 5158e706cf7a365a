//! How far an overflow node is (booting, ready, stopping), and what it carries. The ledger is asked for one thing only: whether it was
//! ready in this run, since a change of ours unsets what the Management Node shows.

use jiff::{SignedDuration, Timestamp};

use super::phase::NodePhase;
use super::shards::Shards;
use crate::ids::HdCalls;
use crate::ledger::NodeRecord;
use crate::observation::{Instance, InstanceState, Node, NodeStatus, Platform};
use crate::policy::Policy;

/// How a start that was ordered is counted as on its way although EC2 does not show it yet: EC2 is eventually
/// consistent, and a second evaluator must not order it again.
pub const ORDER_GRACE: SignedDuration = SignedDuration::from_secs(90);

/// Allowance between our clock and EC2's when a launch time is compared with an order.
pub(crate) const CLOCK_ALLOWANCE: SignedDuration = SignedDuration::from_secs(30);

/// What begins the reason of every maintenance mode that Spillway sets.
pub const MAINTENANCE_MARK: &str = "Spillway";

/// What begins the reason of a node that an operator retired: it stays in maintenance mode while stopped.
pub const RETIRED_MARK: &str = "Spillway: retired";

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

    /// Whether the Management Node has never heard of the node since it was launched: it cannot have taken a
    /// call, although it does not report that it has none.
    pub fn never_reported(&self) -> bool {
        !self.was_ready() && !self.reported
    }
}

/// A node is in maintenance mode when it is configured so or still runs so.
pub fn in_maintenance(node: &Node) -> bool {
    node.maintenance_mode || node.status.as_ref().is_some_and(|status| status.maintenance_mode)
}

/// Whether a maintenance mode is Spillway's.
pub fn is_our_maintenance(node: &Node) -> bool {
    node.maintenance_mode && node.maintenance_mode_reason.starts_with(MAINTENANCE_MARK)
}

/// Whether a node has reported lately, by the Management Node's own clock.
pub fn is_fresh(policy: &Policy, platform: &Platform, status: &NodeStatus) -> bool {
    status.last_updated.is_some_and(|at| platform.server_time.duration_since(at) <= policy.staleness)
}

/// Whether a node reports: capacity and load known, and fresh by the Management Node's own clock.
pub(super) fn ready_load(policy: &Policy, platform: &Platform, node: &Node) -> Option<(HdCalls, HdCalls)> {
    let status = node.status.as_ref()?;
    if !is_fresh(policy, platform, status) || status.max_hd_calls.0 == 0 {
        return None;
    }
    Some((status.max_hd_calls, free_hd_calls(status)?))
}

/// Free HD calls of one node, rounded down: from the media tokens where the release has them, since a whole
/// percent can read one call low; else from the load. `None`: not known, which is not "none in use".
pub fn free_hd_calls(status: &NodeStatus) -> Option<HdCalls> {
    let max = u64::from(status.max_hd_calls.0);
    let free = if status.max_media_tokens > 0 {
        let left = status.max_media_tokens.saturating_sub(status.media_tokens_used);
        max.saturating_mul(left) / status.max_media_tokens
    } else {
        let load = status.media_load?.clamp(0.0, 100.0);
        // A whole percent of a whole number: the allowance keeps 17 x 100 % from becoming 16.999….
        ((max as f64) * (100.0 - load) / 100.0 + 1e-9) as u64
    };
    Some(HdCalls(u32::try_from(free).unwrap_or(u32::MAX)))
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
                Phase::FailedStart { cause: format!("stopped before it was ready: {why}") }
            } else if now.duration_since(run.started_at) < ORDER_GRACE {
                Phase::Booting { since: run.started_at }
            } else {
                Phase::Stopped
            }
        }
        InstanceState::Pending | InstanceState::Running => {
            if in_maintenance(node) {
                if !node.maintenance_mode {
                    // Cleared a moment ago, and not yet replicated to the node: its capacity is on its way.
                    let fresh = node.status.as_ref().is_some_and(|status| is_fresh(policy, platform, status));
                    return match (fresh, was_ready(instance, record)) {
                        (true, _) => Phase::Booting { since: now },
                        (false, true) => Phase::Degraded,
                        (false, false) => booting(policy, instance, run, now, "in maintenance mode"),
                    };
                }
                return Phase::Maintenance { ours: is_our_maintenance(node) };
            }
            running_phase(policy, platform, instance, node, record, now)
        }
    }
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

/// Whether a node has reported since its launch, and another version than the Management Node's: it takes no calls until
/// it is upgraded.
pub fn runs_another_version(platform: &Platform, node: &OverflowNode<'_>) -> bool {
    node.instance.state == InstanceState::Running
        && !platform.version.is_empty()
        && node.reported
        && node
            .node
            .status
            .as_ref()
            .is_some_and(|status| !status.version.is_empty() && status.version != platform.version)
}
