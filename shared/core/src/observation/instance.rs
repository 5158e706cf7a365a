//! EC2 instances, and Elastic IPs.

use crate::fault::Fault;
use crate::ids::{AllocationId, InstanceId, InstanceType};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The instances that carry the platform's tag, in the policy's regions and VPCs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// The instances, in no order.
    pub instances: Vec<Instance>,
    /// Regions that could not be read beside others that could: what runs there is not known.
    #[serde(default)]
    pub unreadable: Vec<UnreadableRegion>,
}

/// A region of the policy that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRegion {
    /// The region.
    pub region: String,
    /// Why.
    pub fault: Fault,
}

/// An EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Instance id.
    pub id: InstanceId,
    /// The `Name` tag, or empty.
    pub name: String,
    /// Region, such as `eu-west-1`.
    pub region: String,
    /// Availability zone.
    pub zone: String,
    /// VPC id.
    pub vpc: String,
    /// Instance type.
    pub instance_type: InstanceType,
    /// State.
    pub state: InstanceState,
    /// EC2's `StateReason` code and message for the last transition, or empty.
    pub state_reason: String,
    /// When it was last launched (on EC2 this changes at every start).
    pub launched_at: Option<Timestamp>,
    /// Private IPv4 address.
    pub private_ip: Option<Ipv4Addr>,
    /// Public IPv4 address, dynamic or elastic, while it has one: that of its primary private address.
    pub public_ip: Option<Ipv4Addr>,
    /// Every private address of every network interface, where EC2 lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<InterfaceAddress>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// One private address of one of an instance's network interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceAddress {
    /// The interface: `eni-…`.
    pub interface: String,
    /// The private address.
    pub private: Ipv4Addr,
    /// The public address that is associated with it, while there is one.
    pub public: Option<Ipv4Addr>,
}

impl Instance {
    /// Every private address, each once, the primary one first.
    pub fn private_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let others = self.addresses.iter().map(|each| each.private);
        self.private_ip.into_iter().chain(others.filter(|address| Some(*address) != self.private_ip))
    }

    /// Whether a private address is one of its own.
    pub fn has_private(&self, address: Ipv4Addr) -> bool {
        self.private_addresses().any(|each| each == address)
    }

    /// The public address by which one of its private addresses is reached, while there is one.
    pub fn public_of(&self, private: Ipv4Addr) -> Option<Ipv4Addr> {
        match self.addresses.iter().find(|each| each.private == private) {
            Some(listed) => listed.public,
            None => self.public_ip.filter(|_| self.private_ip == Some(private)),
        }
    }

    /// Which of several private addresses is meant; `None` where there is only one, and the instance's id says it.
    pub fn one_of_several(&self, private: Ipv4Addr) -> Option<&InterfaceAddress> {
        let listed = self.addresses.iter().find(|each| each.private == private);
        listed.filter(|_| self.addresses.len() > 1)
    }

    /// When it was stopped or terminated, where EC2 says so: it is the last thing in the state reason, in parentheses.
    /// `None` while it runs, and for a time that cannot belong to this run.
    pub fn stopped_at(&self) -> Option<Timestamp> {
        if matches!(self.state, InstanceState::Pending | InstanceState::Running | InstanceState::Unknown) {
            return None;
        }
        let (_, tail) = self.state_reason.rsplit_once('(')?;
        let text = tail.split_once(')')?.0.trim();
        let at = text
            .parse()
            .ok()
            // EC2: `User initiated (2026-03-02 08:00:00 GMT)`.
            .or_else(|| format!("{}Z", text.strip_suffix(" GMT")?.replacen(' ', "T", 1)).parse().ok())?;
        self.launched_at.is_none_or(|launched| launched <= at).then_some(at)
    }
}

/// The states of an EC2 instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// `pending`.
    Pending,
    /// `running`.
    Running,
    /// `stopping`.
    Stopping,
    /// `stopped`.
    Stopped,
    /// `shutting-down`.
    ShuttingDown,
    /// `terminated`.
    Terminated,
    /// Anything EC2 may add.
    Unknown,
}

/// One instance as an operator sees it, tagged or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceDetail {
    /// The instance.
    pub instance: Instance,
    /// Whether it has ENA support.
    pub ena: bool,
    /// `dedicated`, `host` or `default` (guide: overflow nodes run as dedicated instances).
    pub tenancy: String,
}

/// An Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticAddress {
    /// Its allocation.
    pub allocation: AllocationId,
    /// The address.
    pub address: Ipv4Addr,
    /// Whose it is now.
    pub instance: Option<InstanceId>,
    /// Which of the instance's private addresses it is associated with, where EC2 says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<Ipv4Addr>,
    /// Whether something that is no instance has it: a NAT gateway, an interface.
    pub elsewhere: bool,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}
