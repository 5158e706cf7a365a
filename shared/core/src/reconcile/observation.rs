//! What one pass read: instances, nodes, Elastic IPs, and what it asked beyond that. Much less than a cycle reads: what
//! cannot change an address is not asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::several_vpcs;
use crate::ids::{InstanceId, LocationId, LocationName, NodeId, NodeName};
use crate::observation::{ElasticAddress, Instance, Node, Reading};
use crate::policy::Policy;

/// A line of the Management Node's Conferencing Node history: that something happened to a node, and the platform's own
/// words for it. They are not documented: they are shown, and nothing is decided from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHistoryLine {
    /// When.
    pub at: Timestamp,
    /// The node, by configuration id.
    pub node: Option<NodeId>,
    /// The node, by name.
    pub name: Option<NodeName>,
    /// What the platform says.
    pub words: String,
}

impl NodeHistoryLine {
    /// The platform's fields as one text, empty ones left out.
    pub fn words(fields: &[&str]) -> String {
        let said: Vec<&str> =
            fields.iter().map(|field| field.trim()).filter(|field| !field.is_empty()).collect();
        said.join(", ")
    }
}

/// What one pass read of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddressObservation {
    /// When, by our own clock.
    pub observed_at: Timestamp,
    /// Whether everything was read (a sweep), or only what some instances need.
    pub sweep: bool,
    /// The instances the pass is about.
    pub asked: BTreeSet<InstanceId>,
    /// Those, and all others that could have the same private address.
    pub instances: Vec<Instance>,
    /// Whether they stand in several VPCs of a region and the policy names none: then no address says which node is meant.
    #[serde(default)]
    pub several_vpcs: bool,
    /// Instances whose run is open and that EC2 does not list any more, not even when asked for by id.
    pub unlisted: BTreeSet<InstanceId>,
    /// The nodes that have one of their private addresses, or all. Without a status where only the configuration was
    /// read.
    pub nodes: Vec<Node>,
    /// Names of locations, as far as they were read.
    pub locations: BTreeMap<LocationId, LocationName>,
    /// The Elastic IPs that running instances ask for; an allocation that is not there is left out.
    pub elastic: Reading<Vec<ElasticAddress>>,
    /// Instances on whose nodes everything that can run was looked for, and whether nothing was found.
    pub idle: BTreeMap<InstanceId, bool>,
    /// The Conferencing Node history, where it was asked for.
    pub history: Option<Vec<NodeHistoryLine>>,
}

impl AddressObservation {
    /// An observation of nothing.
    pub fn empty(observed_at: Timestamp, sweep: bool) -> Self {
        Self {
            observed_at,
            sweep,
            asked: BTreeSet::new(),
            instances: Vec::new(),
            several_vpcs: false,
            unlisted: BTreeSet::new(),
            nodes: Vec::new(),
            locations: BTreeMap::new(),
            elastic: Ok(Vec::new()),
            idle: BTreeMap::new(),
            history: None,
        }
    }

    /// Once the instances are read: whether they stand in more VPCs than the policy can tell apart.
    pub fn note_vpcs(&mut self, policy: &Policy) {
        self.several_vpcs = several_vpcs(policy, &self.instances).is_some();
    }
}
