//! What a node's configuration and status say, each by itself: maintenance mode, freshness, load, version, upgrade.

use crate::ids::HdCalls;
use crate::observation::{Node, NodeStatus, Platform};
use crate::policy::Policy;

/// What begins the reason of every maintenance mode that Spillway sets.
pub const MAINTENANCE_MARK: &str = "Spillway";

/// What begins the reason of a node that an operator retired: it stays in maintenance mode while stopped.
pub const RETIRED_MARK: &str = "Spillway: retired";

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

/// Whether a node reports another version than the Management Node's.
pub(super) fn is_another_version(platform: &Platform, status: &NodeStatus) -> bool {
    !platform.version.is_empty() && !status.version.is_empty() && status.version != platform.version
}

/// Whether the Management Node, or a node that reports, says that it is being upgraded. What a stopped or silent node said
/// last says nothing about now.
pub fn shows_upgrade(policy: &Policy, platform: &Platform) -> bool {
    let upgrades = |status: &NodeStatus| status.upgrading && is_fresh(policy, platform, status);
    platform.upgrading || platform.nodes.iter().any(|node| node.status.as_ref().is_some_and(upgrades))
}
