//! Upgrading overflow nodes. With Pexip's own bursting off the Management Node may be unable to start stopped nodes for their
//! upgrade, so they are started and held, a batch at a time, until each runs the Management Node's version. Then it is let
//! go, and the stop rule does the rest.

use jiff::{SignedDuration, Timestamp};

use crate::assess::{Assessment, RETIRED_MARK, is_our_maintenance, is_upgrading};
use crate::blocker::Blocker;
use crate::ids::{HoldId, InstanceId, NodeName};
use crate::ledger::{Actor, Hold, HoldAmount, HoldScope, Ledger};
use crate::observation::{Fleet, Platform};
use crate::policy::Policy;

/// Nodes that are upgraded at once: the Management Node does groups of ten.
pub const BATCH: usize = 10;

/// What is known of an overflow node's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeState {
    /// It runs the Management Node's version, or did when it last reported.
    Current,
    /// It is stopped, or has not reported since it started.
    Waits,
    /// It runs another version, and reports.
    Runs(String),
}

/// An overflow node whose version is not the Management Node's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Instance.
    pub instance: InstanceId,
    /// Node.
    pub node: NodeName,
    /// Its version as last reported; empty when it never did.
    pub version: String,
    /// Why it is not started for it; `None`: it is.
    pub obstacle: Option<&'static str>,
}

/// One run over all nodes that are behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// How long one node may take.
    pub patience: SignedDuration,
    /// Nodes at once.
    pub batch: usize,
}

impl Default for Upgrade {
    fn default() -> Self {
        Self { patience: SignedDuration::from_hours(2), batch: BATCH }
    }
}

/// The overflow nodes that are behind, in the order of their names.
pub fn behind(
    policy: &Policy,
    platform: &Platform,
    fleet: &Fleet,
    ledger: &Ledger,
    now: Timestamp,
) -> Vec<Behind> {
    let view = Assessment::new(policy, platform, fleet, Some(ledger), now);
    view.nodes
        .iter()
        .filter_map(|node| {
            let version = node.node.status.as_ref().map(|status| status.version.clone()).unwrap_or_default();
            if version == platform.version {
                return None;
            }
            let retired = node.record.is_some_and(|record| record.retired)
                || node.node.maintenance_mode_reason.starts_with(RETIRED_MARK);
            let obstacle = if retired {
                Some("it is retired")
            } else if node.node.maintenance_mode && !is_our_maintenance(node.node) {
                Some("it is in maintenance mode that somebody else set")
            } else {
                None
            };
            Some(Behind {
                instance: node.instance.id.clone(),
                node: node.node.name.clone(),
                version,
                obstacle,
            })
        })
        .collect()
}

/// Whether an upgrade runs that would reach nodes that are started. One that is shown for longer than it can last upgrades
/// nothing any more.
///
/// # Errors
/// None does: a node that is behind is not being upgraded.
pub fn may_upgrade(
    policy: &Policy,
    platform: &Platform,
    ledger: &Ledger,
    now: Timestamp,
) -> Result<(), Blocker> {
    if is_upgrading(policy, platform, Some(ledger), now) { Ok(()) } else { Err(Blocker::NoUpgrade) }
}

/// How far one node is.
pub fn state_of(
    policy: &Policy,
    platform: &Platform,
    fleet: &Fleet,
    ledger: &Ledger,
    now: Timestamp,
    instance: &InstanceId,
) -> UpgradeState {
    let view = Assessment::new(policy, platform, fleet, Some(ledger), now);
    let Some(node) = view.nodes.iter().find(|node| node.instance.id == *instance) else {
        return UpgradeState::Waits;
    };
    match node.node.status.as_ref() {
        Some(status) if node.reported && node.is_running() => {
            if status.version == platform.version && !status.upgrading {
                UpgradeState::Current
            } else {
                UpgradeState::Runs(status.version.clone())
            }
        }
        _ => UpgradeState::Waits,
    }
}

/// The hold that keeps one node up while it is upgraded. The same node has the same hold.
pub fn hold_of(instance: &InstanceId, from: Timestamp, until: Timestamp, by: &Actor, why: &str) -> Hold {
    Hold {
        id: HoldId::new(format!("upgrade-{instance}")),
        scope: HoldScope::Node(instance.clone()),
        amount: HoldAmount::AllNodes,
        from,
        until,
        by: by.clone(),
        reason: why.to_owned(),
        spike_at: None,
        asked: None,
    }
}
