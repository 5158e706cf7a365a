//! Why a node's static NAT address is set, cleared or left as it is: one typed answer per instance, also for "nothing
//! to do".

use std::fmt;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AllocationId, InstanceId};

/// Why an address is as it is, or is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum AddressReason {
    /// It is the instance's public address.
    Right {
        /// The address.
        address: Ipv4Addr,
    },
    /// The node's location has private addresses only, and so has the node.
    PrivateOnly,
    /// A private-only node has an address: it is cleared.
    PrivateOnlyClear {
        /// The address.
        stored: Ipv4Addr,
    },
    /// The stored address is not the instance's any more: wrong for every call from outside, and set at once.
    WrongForEveryCall {
        /// The address stored.
        stored: Ipv4Addr,
        /// The instance's address.
        wanted: Ipv4Addr,
    },
    /// The node has no address yet and the instance has one.
    Missing {
        /// The instance's address.
        wanted: Ipv4Addr,
    },
    /// The change would touch calls that go on now: it waits until nothing runs on the node.
    WaitsForIdle {
        /// The address stored.
        stored: Option<Ipv4Addr>,
        /// The address it will have; none for a private-only node.
        wanted: Option<Ipv4Addr>,
        /// Whether something was seen on the node; else nobody has looked yet.
        busy: bool,
    },
    /// The address was set before and somebody set another one since.
    NotKept {
        /// When it was set.
        set_at: Timestamp,
    },
    /// The instance runs and has no public address, in a location that is not private-only.
    NoPublicAddress {
        /// The address stored: left alone, it may be one that only its operator knows about.
        stored: Option<Ipv4Addr>,
    },
    /// On its way up: what its address will be is not known.
    Starting,
    /// On its way down.
    Stopping,
    /// Stopped. A stale address stays until the next start.
    Stopped {
        /// The address stored.
        stored: Option<Ipv4Addr>,
    },
    /// Stopped, and the policy clears a dynamic address then.
    ClearedOnStop {
        /// The address stored.
        stored: Ipv4Addr,
    },
    /// Terminated.
    Gone,
    /// Its private address is no Conferencing Node's.
    NoSuchNode {
        /// The private address.
        address: Option<Ipv4Addr>,
    },
    /// Two instances, or two nodes, have the private address; or instances stand in several VPCs and the policy names none.
    Ambiguous {
        /// The private address.
        address: Ipv4Addr,
    },
    /// Its Elastic IP is free and is associated with it.
    ElasticIpFree {
        /// The allocation.
        allocation: AllocationId,
        /// The address.
        address: Ipv4Addr,
    },
    /// The tag `spillway-allocation` is no allocation's id.
    ElasticIpMalformed {
        /// Its value.
        value: String,
    },
    /// There is no such allocation in the instance's region.
    ElasticIpMissing {
        /// The allocation.
        allocation: AllocationId,
    },
    /// The Elastic IP lacks the platform's tag.
    ElasticIpNotOurs {
        /// The allocation.
        allocation: AllocationId,
    },
    /// The Elastic IP is associated with something else, and is never taken from it.
    ElasticIpTaken {
        /// The allocation.
        allocation: AllocationId,
        /// The instance that has it; none: something that is no instance.
        by: Option<InstanceId>,
    },
    /// The Elastic IP is the instance's, and leads to another of its private addresses than the node's.
    ElasticIpAside {
        /// The allocation.
        allocation: AllocationId,
        /// The private address that it is associated with.
        at: Ipv4Addr,
        /// The node's.
        node: Ipv4Addr,
    },
    /// EC2 did not say what becomes of the Elastic IP.
    ElasticIpUnread {
        /// The allocation.
        allocation: AllocationId,
    },
}

impl AddressReason {
    /// Whether somebody should look at it: it does not heal by itself.
    pub fn is_issue(&self) -> bool {
        match self {
            Self::NoPublicAddress { stored } => stored.is_some(),
            Self::NoSuchNode { .. }
            | Self::Ambiguous { .. }
            | Self::NotKept { .. }
            | Self::ElasticIpMalformed { .. }
            | Self::ElasticIpMissing { .. }
            | Self::ElasticIpNotOurs { .. }
            | Self::ElasticIpTaken { .. }
            | Self::ElasticIpAside { .. } => true,
            Self::Right { .. }
            | Self::PrivateOnly
            | Self::PrivateOnlyClear { .. }
            | Self::WrongForEveryCall { .. }
            | Self::Missing { .. }
            | Self::WaitsForIdle { .. }
            | Self::Starting
            | Self::Stopping
            | Self::Stopped { .. }
            | Self::ClearedOnStop { .. }
            | Self::Gone
            | Self::ElasticIpFree { .. }
            | Self::ElasticIpUnread { .. } => false,
        }
    }
}

/// An address, or `none`.
fn or_none(address: Option<Ipv4Addr>) -> String {
    address.map_or_else(|| "none".to_owned(), |address| address.to_string())
}

impl fmt::Display for AddressReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right { address } => write!(f, "{address} is right"),
            Self::PrivateOnly => f.write_str("private-only, and has no static NAT address"),
            Self::PrivateOnlyClear { stored } => {
                write!(f, "its location is private-only: {stored} is cleared")
            }
            Self::WrongForEveryCall { stored, wanted } => {
                write!(f, "{stored} no longer belongs to the instance and is replaced by {wanted} at once")
            }
            Self::Missing { wanted } => {
                write!(f, "it has no static NAT address, and {wanted} is its address")
            }
            Self::WaitsForIdle { stored, wanted, busy } => {
                let why = if *busy { "something runs on it" } else { "it is not known to be idle" };
                write!(f, "{} becomes {} once it is idle: {why}", or_none(*stored), or_none(*wanted))
            }
            Self::NotKept { set_at } => {
                write!(f, "it was set at {set_at:.0} and has been changed since, by somebody else")
            }
            Self::NoPublicAddress { stored } => write!(
                f,
                "the instance runs without a public address; {} is left as it is. If the location is meant to be \
                 private, name it in the policy's nat.private_only",
                or_none(*stored)
            ),
            Self::Starting => f.write_str("starting"),
            Self::Stopping => f.write_str("stopping"),
            Self::Stopped { stored } => write!(f, "stopped; {} stays until its next start", or_none(*stored)),
            Self::ClearedOnStop { stored } => {
                write!(f, "stopped: {stored} no longer belongs to the instance")
            }
            Self::Gone => f.write_str("terminated"),
            Self::NoSuchNode { address } => {
                write!(f, "no Conferencing Node has its private address {}", or_none(*address))
            }
            Self::Ambiguous { address } => {
                write!(
                    f,
                    "{address} is the private address of two instances or two nodes, or the tagged instances are in \
                     several VPCs and the policy names none (`vpcs`): nothing is changed"
                )
            }
            Self::ElasticIpFree { allocation, address } => {
                write!(f, "its Elastic IP {address} ({allocation}) is free and becomes its address")
            }
            Self::ElasticIpMalformed { value } => {
                write!(f, "its tag spillway-allocation is {value:?}; write an allocation id, eipalloc-…")
            }
            Self::ElasticIpMissing { allocation } => {
                write!(f, "there is no Elastic IP {allocation} in its region; its dynamic address is used")
            }
            Self::ElasticIpNotOurs { allocation } => write!(
                f,
                "the Elastic IP {allocation} lacks the platform's tag pexip-cloud; its dynamic address is used"
            ),
            Self::ElasticIpTaken { allocation, by } => write!(
                f,
                "the Elastic IP {allocation} is associated with {}, from which it is not taken; its dynamic \
                 address is used",
                by.as_ref().map_or("something that is no instance", InstanceId::as_str)
            ),
            Self::ElasticIpAside { allocation, at, node } => write!(
                f,
                "the Elastic IP {allocation} is associated with {at} of its instance, and the node is {node}; it is left \
                 there. Associate it with {node}, or remove the tag spillway-allocation"
            ),
            Self::ElasticIpUnread { allocation } => {
                write!(f, "EC2 did not say whose the Elastic IP {allocation} is; its present address is used")
            }
        }
    }
}
