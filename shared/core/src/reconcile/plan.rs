//! What a pass of the reconciler would do, as a value.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::reason::AddressReason;
use super::record::NatRecord;
use crate::ids::{AllocationId, InstanceId, LocationName, NodeName};
use crate::ledger::Event;
use crate::observation::InterfaceAddress;
use crate::plan::NodeRef;
use crate::report::Suspension;

/// One thing to do. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum AddressAction {
    /// Set the static NAT address.
    SetStaticNat {
        /// Which node.
        node: NodeRef,
        /// The address stored.
        from: Option<Ipv4Addr>,
        /// The address.
        to: Ipv4Addr,
    },
    /// Clear the static NAT address.
    ClearStaticNat {
        /// Which node.
        node: NodeRef,
        /// The address stored.
        from: Ipv4Addr,
    },
    /// Associate the Elastic IP with the instance, never taking it from another, then set it as the static NAT address.
    AssociateAddress {
        /// Which node.
        node: NodeRef,
        /// The instance's region.
        region: String,
        /// The Elastic IP's allocation.
        allocation: AllocationId,
        /// Which of the instance's private addresses it is for, where there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<InterfaceAddress>,
        /// The address stored.
        from: Option<Ipv4Addr>,
        /// The Elastic IP.
        to: Ipv4Addr,
        /// What is set instead when EC2 refuses; none: the stored address stays.
        instead: Option<Ipv4Addr>,
    },
}

impl AddressAction {
    /// The node it is about.
    pub fn node(&self) -> &NodeRef {
        match self {
            Self::SetStaticNat { node, .. }
            | Self::ClearStaticNat { node, .. }
            | Self::AssociateAddress { node, .. } => node,
        }
    }

    /// One word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::SetStaticNat { .. } => "set-static-nat",
            Self::ClearStaticNat { .. } => "clear-static-nat",
            Self::AssociateAddress { .. } => "associate-address",
        }
    }
}

/// What was found about one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// Instance.
    pub instance: InstanceId,
    /// Its node, where it joins one.
    pub node: Option<NodeName>,
    /// The node's location, where its name is known.
    pub location: Option<LocationName>,
    /// The static NAT address as configured.
    pub stored: Option<Ipv4Addr>,
    /// What it should be, while the instance runs.
    pub wanted: Option<Ipv4Addr>,
    /// Whether callers from outside cannot reach the node as it is.
    pub wrong: bool,
    /// Why.
    pub reasons: Vec<AddressReason>,
}

/// A record as it will be, if no action changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRecord {
    /// The record.
    pub record: NatRecord,
    /// Whether it says anything new.
    pub is_new: bool,
}

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddressPlan {
    /// When the world was observed.
    pub observed_at: Timestamp,
    /// Why nothing may be done, where that is so.
    pub suspension: Option<Suspension>,
    /// What to do.
    pub actions: Vec<AddressAction>,
    /// One entry per instance.
    pub nodes: Vec<NodeAddress>,
    /// What to remember, where it is new or an action will change it.
    pub records: BTreeMap<InstanceId, PlannedRecord>,
    /// Runs that began or ended.
    pub events: Vec<Event>,
    /// Nodes of which it has to be known whether anything runs on them.
    pub is_idle: Vec<(InstanceId, Ipv4Addr)>,
    /// The Conferencing Node history that has to be known to say who started or stopped something.
    pub history: Option<HistoryWindow>,
}

impl AddressPlan {
    /// A plan that does nothing.
    pub fn empty(observed_at: Timestamp) -> Self {
        Self {
            observed_at,
            suspension: None,
            actions: Vec::new(),
            nodes: Vec::new(),
            records: BTreeMap::new(),
            events: Vec::new(),
            is_idle: Vec::new(),
            history: None,
        }
    }
}

/// A part of the Conferencing Node history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryWindow {
    /// From this instant.
    pub from: Timestamp,
    /// Until this one, excluded.
    pub until: Timestamp,
}
