//! What keeps a node from being used, for the status page. An issue is never an action.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::node::{OverflowNode, UPGRADE_LASTS, WITHOUT_CALLS};
use super::phase::NodePhase;
use super::status::is_our_maintenance;
use super::{LocationView, WatchedPair};
use crate::ids::{InstanceId, LocationId, LocationName};

/// Something that keeps a node from being used, for the status page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "issue")]
pub enum Issue {
    /// The instance's private address belongs to no Conferencing Node.
    NoSuchNode {
        /// Instance.
        instance: InstanceId,
        /// Its private address.
        address: Option<Ipv4Addr>,
    },
    /// Two instances, or two nodes, have the same private address.
    Ambiguous {
        /// Instance.
        instance: InstanceId,
        /// The address.
        address: Ipv4Addr,
    },
    /// Tagged instances stand in several VPCs of a region, and the policy names none: nothing joins.
    SeveralVpcs {
        /// The VPCs.
        vpcs: Vec<String>,
    },
    /// A tagged instance that is a proxying node: never HD capacity.
    ProxyingNode {
        /// Instance.
        instance: InstanceId,
    },
    /// Always-on and overflow nodes, or proxying and transcoding nodes, in one location.
    MixedLocation {
        /// Location.
        location: LocationName,
    },
    /// An overflow location that is only somebody's secondary overflow: used if running, never started.
    SecondaryOnly {
        /// Location.
        location: LocationName,
    },
    /// Not in a location that anything overflows to.
    NotAnOverflowLocation {
        /// Location.
        location: LocationName,
    },
    /// An overflow node with the distributed database on.
    DistributedDatabase {
        /// Instance.
        instance: InstanceId,
    },
    /// In maintenance mode set by somebody else.
    ForeignMaintenance {
        /// Instance.
        instance: InstanceId,
        /// The reason given there.
        reason: String,
    },
    /// Runs another version than the Management Node.
    VersionBehind {
        /// Instance.
        instance: InstanceId,
        /// Its version.
        version: String,
        /// Whether it has taken no calls for longer than an upgrade can last: the upgrade left it behind.
        #[serde(default)]
        left_behind: bool,
    },
    /// A region of the policy cannot be read, and others can: its nodes are left as they are.
    RegionUnreadable {
        /// The region.
        region: String,
        /// What EC2 said.
        detail: String,
        /// What to do about it.
        remedy: String,
    },
    /// An upgrade is in progress for longer than one can last.
    UpgradeOverdue {
        /// Since when it is seen.
        since: Timestamp,
    },
    /// It runs, and has taken no calls for longer than an hour.
    TakesNoCalls {
        /// Instance.
        instance: InstanceId,
        /// Since when.
        since: Timestamp,
        /// How far it is.
        phase: NodePhase,
    },
    /// EC2 refuses to stop it.
    StopRefused {
        /// Instance.
        instance: InstanceId,
        /// What EC2 said.
        cause: String,
    },
    /// Its drain could not be ended and was given up: it takes calls again, and is tried again later.
    DrainGivenUp {
        /// Instance.
        instance: InstanceId,
        /// What was in the way.
        cause: String,
        /// Not drained again before.
        until: Timestamp,
    },
}

pub(super) fn note_issues(
    nodes: &[OverflowNode<'_>],
    locations: &BTreeMap<LocationId, LocationView<'_>>,
    pairs: &[WatchedPair],
    now: Timestamp,
    issues: &mut Vec<Issue>,
) {
    let secondaries: BTreeSet<LocationId> =
        locations.values().filter_map(|view| view.location.overflow_location2).collect();
    for view in locations.values() {
        if view.mixed {
            issues.push(Issue::MixedLocation { location: view.location.name.clone() });
        }
        if view.overflow.is_empty() {
            continue;
        }
        let id = view.location.id;
        if pairs.binary_search_by_key(&id, |pair| pair.overflow).is_ok() {
            continue;
        }
        let location = view.location.name.clone();
        let secondary = secondaries.contains(&id);
        issues.push(if secondary {
            Issue::SecondaryOnly { location }
        } else {
            Issue::NotAnOverflowLocation { location }
        });
    }
    for node in nodes {
        let instance = node.instance.id.clone();
        if node.node.distributed_database {
            issues.push(Issue::DistributedDatabase { instance: instance.clone() });
        }
        if node.node.maintenance_mode && !is_our_maintenance(node.node) {
            let reason = node.node.maintenance_mode_reason.clone();
            issues.push(Issue::ForeignMaintenance { instance: instance.clone(), reason });
        }
        if node.behind {
            let version = node.node.status.as_ref().map(|status| status.version.clone()).unwrap_or_default();
            let left_behind = node.without_calls(now) >= UPGRADE_LASTS;
            issues.push(Issue::VersionBehind { instance: instance.clone(), version, left_behind });
        }
        note_what_needs_a_person(node, instance, now, issues);
    }
}

fn note_what_needs_a_person(
    node: &OverflowNode<'_>,
    instance: InstanceId,
    now: Timestamp,
    issues: &mut Vec<Issue>,
) {
    let Some(record) = node.record.filter(|_| node.is_running()) else { return };
    if let Some(since) = record.no_calls_since.filter(|_| node.without_calls(now) >= WITHOUT_CALLS) {
        let phase = node.phase.kind();
        issues.push(Issue::TakesNoCalls { instance: instance.clone(), since, phase });
    }
    let refused = record.drain.as_ref().filter(|drain| drain.is_stop_refused());
    if let Some(drain) = refused {
        let cause = drain.refusal.clone().unwrap_or_default();
        issues.push(Issue::StopRefused { instance, cause });
    } else if let Some(given_up) = &record.given_up {
        let cause = given_up.cause.clone();
        issues.push(if given_up.stop_refused {
            Issue::StopRefused { instance, cause }
        } else {
            Issue::DrainGivenUp { instance, cause, until: given_up.until }
        });
    }
}
