//! What keeps a node from being used, for the status page. An issue is never an action.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::node::{OverflowNode, is_our_maintenance, runs_another_version};
use super::{LocationView, WatchedPair};
use crate::ids::{InstanceId, LocationId, LocationName};
use crate::observation::Platform;

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
    },
}

pub(super) fn note_issues(
    platform: &Platform,
    nodes: &[OverflowNode<'_>],
    locations: &BTreeMap<LocationId, LocationView<'_>>,
    pairs: &[WatchedPair],
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
        if runs_another_version(platform, node) {
            let version = node.node.status.as_ref().map(|status| status.version.clone()).unwrap_or_default();
            issues.push(Issue::VersionBehind { instance, version });
        }
    }
}
