//! A Conferencing Node: what it is configured to be, what it really does, and what it last told the Management
//! Node. The three differ on purpose: a change takes a minute to arrive, and a report is up to a minute old.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Map, Value};
use spillway_core::ids::{HdCalls, NodeName};
use spillway_core::observation::NodeRole;

use super::instance::InstanceIx;
use super::location::LocationIx;
use crate::capacity::{Load, NodeCapacity};

/// Position of a node in the world.
pub(crate) type NodeIx = usize;

/// The part of the configuration that replicates to the node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NodeSettings {
    pub(crate) maintenance: bool,
    pub(crate) maintenance_reason: String,
    pub(crate) static_nat: Option<Ipv4Addr>,
    pub(crate) media_priority_weight: i64,
}

/// What the Management Node last heard from the node.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) last_updated: Option<Timestamp>,
    pub(crate) boot_time: Option<Timestamp>,
    pub(crate) maintenance: bool,
    pub(crate) maintenance_reason: String,
    /// Percent, not rounded.
    pub(crate) media_load: f64,
    pub(crate) capacity: Option<NodeCapacity>,
    pub(crate) used: Load,
    pub(crate) signalling: u32,
    pub(crate) version: String,
    pub(crate) upgrading: bool,
}

/// How far a started node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// The instance does not run, or Pexip on it does not answer yet.
    Down,
    /// In contact with the Management Node, capacity not measured yet.
    Contact,
    /// Takes calls.
    Ready,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: NodeName,
    pub(crate) hostname: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) location: LocationIx,
    pub(crate) role: NodeRole,
    pub(crate) distributed_database: bool,
    pub(crate) capacity: NodeCapacity,
    pub(crate) instance: Option<InstanceIx>,
    /// As configured on the Management Node.
    pub(crate) configured: NodeSettings,
    /// As the node runs.
    pub(crate) effective: NodeSettings,
    /// Changes on their way, by number, oldest first.
    pub(crate) replicating: VecDeque<(u64, NodeSettings)>,
    pub(crate) changes: u64,
    pub(crate) service: Service,
    /// Counts boots, so that what was scheduled for an earlier run is ignored.
    pub(crate) epoch: u64,
    pub(crate) boot_time: Option<Timestamp>,
    /// When it first took calls in this run.
    pub(crate) ready_at: Option<Timestamp>,
    pub(crate) version: String,
    /// Maintenance for an upgrade: refuses calls like maintenance mode, without the configuration saying so.
    pub(crate) upgrading: bool,
    pub(crate) report: Report,
    pub(crate) reports: u64,
    /// A test keeps changes from reaching it.
    pub(crate) cut_off: bool,
    /// A test holds the reports back.
    pub(crate) silent: bool,
    /// A test makes the Management Node have no media load for the node.
    pub(crate) hides_load: bool,
    /// Load of calls and backplanes.
    pub(crate) load: Load,
    /// Legs whose media is here.
    pub(crate) media_legs: u32,
    /// Legs signalled here.
    pub(crate) signalling: u32,
    /// Conferences with a part here.
    pub(crate) parts: u32,
    /// Fields that the world does not act on, as they were written.
    pub(crate) other: Map<String, Value>,
    pub(crate) deleted: bool,
}

impl Node {
    /// Whether a new call may be put here.
    pub(crate) fn takes_calls(&self) -> bool {
        self.service == Service::Ready && !self.effective.maintenance && !self.upgrading && !self.deleted
    }

    /// Room for media, in load units; none where no new call may be put.
    pub(crate) fn room(&self) -> Load {
        if self.takes_calls() && self.role == NodeRole::Transcoding {
            self.capacity.load() - self.load
        } else {
            Load::NONE
        }
    }

    /// Whole HD calls that still fit.
    pub(crate) fn free_hd(&self) -> HdCalls {
        self.room().whole_hd()
    }

    /// Whether anything at all runs here.
    pub(crate) fn is_busy(&self) -> bool {
        self.media_legs > 0 || self.signalling > 0 || self.parts > 0
    }

    /// Percent of the node that is in use, 100 in maintenance mode (vendor documentation).
    pub(crate) fn media_load(&self, proxy_connections: u32) -> f64 {
        if self.effective.maintenance || self.upgrading {
            return 100.0;
        }
        match self.role {
            NodeRole::Transcoding => 100.0 * self.load.0 as f64 / self.capacity.load().0.max(1) as f64,
            NodeRole::Proxying => {
                (100.0 * f64::from(self.signalling) / f64::from(proxy_connections.max(1))).min(100.0)
            }
        }
    }
}

/// Nodes by private address.
pub(crate) type ByAddress = BTreeMap<Ipv4Addr, NodeIx>;
