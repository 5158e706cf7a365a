//! The words of an operation: what is asked, what is seen, and the steps.

use std::fmt;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assess::wrong_address;
use crate::assess::{RETIRED_MARK, is_our_maintenance};
use crate::ids::{AllocationId, InstanceId, InstanceType, LocationId, LocationName, NodeName};
use crate::ledger::{Actor, Ledger, NodeRecord};
use crate::observation::{ElasticAddress, InstanceDetail, InstanceState, Node, Platform};
use crate::policy::Policy;
use crate::report::actor;
use crate::safety::TAG_KEY;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "operation")]
pub enum Operation {
    /// An always-on node becomes an overflow node of this location.
    ToOverflow {
        /// The overflow location.
        location: LocationName,
    },
    /// An overflow node becomes an always-on node of this location.
    ToAlwaysOn {
        /// The location.
        location: LocationName,
    },
    /// The node is drained and stopped, and stays so.
    Retire,
    /// The node is started again and takes calls.
    Reinstate,
    /// The node leaves the platform.
    Remove {
        /// Whether its instance is terminated as well.
        terminate: bool,
    },
    /// The instance gets ENA support.
    EnableEna {
        /// Whether it is left stopped afterwards.
        leave_stopped: bool,
    },
    /// The instance gets another type.
    Resize {
        /// Which.
        kind: InstanceType,
        /// Whether it is left stopped afterwards.
        leave_stopped: bool,
    },
    /// The node gets a persistent public address.
    Address {
        /// This Elastic IP; `None`: the one it has, or a new one.
        allocation: Option<AllocationId>,
    },
}

impl Operation {
    /// The word that marks the maintenance mode of a node that is being worked on.
    pub fn word(&self) -> &'static str {
        match self {
            Self::ToOverflow { .. } => "to-overflow",
            Self::ToAlwaysOn { .. } => "to-always-on",
            Self::Retire => "retire",
            Self::Reinstate => "reinstate",
            Self::Remove { .. } => "remove",
            Self::EnableEna { .. } => "enable-ena",
            Self::Resize { .. } => "resize",
            Self::Address { .. } => "address",
        }
    }

    /// What a command of this operation, or its maintenance mode, says: the operation, the reason, and by whom.
    pub fn reason(&self, why: &str) -> String {
        match self {
            Self::Retire => why.to_owned(),
            _ => format!("[{}] {why}", self.word()),
        }
    }

    /// The maintenance reason of a node that this operation sets aside.
    pub fn mark(&self, why: &str, by: &Actor) -> String {
        let text = format!("{RETIRED_MARK}: {}, asked by {}", self.reason(why), actor(by));
        text.chars().take(250).collect()
    }
}

/// Which node an operation is about. Both halves are found once: a node that is deleted, or an instance that lost its tag, is
/// still the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The node's name.
    pub name: NodeName,
    /// Its private address, which joins node and instance; `None` where the node is not configured any more.
    pub address: Option<Ipv4Addr>,
    /// Its instance.
    pub instance: Option<InstanceId>,
}

/// The world as an operation sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When.
    pub now: Timestamp,
    /// The Management Node's view.
    pub platform: Platform,
    /// The ledger.
    pub ledger: Ledger,
    /// The instance.
    pub detail: Option<InstanceDetail>,
    /// Elastic IPs of the account; read for an operation on addresses only.
    pub addresses: Vec<ElasticAddress>,
    /// Whether the node is known to be empty and to stay so: in maintenance mode, shown by the node itself, and read idle
    /// twice. What one reading cannot know, and the driver remembers.
    pub drained: bool,
    /// Whether EC2 offers the type that the instance is to have in its zone; `None`: not asked, or not known.
    pub offered: Option<bool>,
}

impl Seen {
    /// The node of a subject.
    pub fn node(&self, subject: &Subject) -> Option<&Node> {
        let address = subject.address?;
        self.platform.nodes.iter().find(|node| node.address == address && node.name == subject.name)
    }

    /// What is remembered of its instance.
    pub fn record(&self) -> Option<&NodeRecord> {
        self.ledger.nodes.get(&self.detail.as_ref()?.instance.id)
    }

    /// EC2's state of the instance.
    pub fn state(&self) -> Option<InstanceState> {
        self.detail.as_ref().map(|detail| detail.instance.state)
    }

    /// Whether the instance occupies capacity.
    pub fn is_up(&self) -> bool {
        matches!(self.state(), Some(InstanceState::Pending | InstanceState::Running))
    }

    /// Whether the instance carries this platform's tag.
    pub fn is_tagged(&self, tag_value: &str) -> bool {
        self.detail
            .as_ref()
            .is_some_and(|detail| detail.instance.tags.get(TAG_KEY).map(String::as_str) == Some(tag_value))
    }

    /// The operation and the operator that a maintenance mode of ours names; `None`: no operation works on the node.
    pub fn worked_on<'a>(&self, node: &'a Node) -> Option<(&'a str, &'a str)> {
        if !is_our_maintenance(node) {
            return None;
        }
        let rest = node.maintenance_mode_reason.strip_prefix(RETIRED_MARK)?.strip_prefix(": [")?;
        let (word, rest) = rest.split_once("] ")?;
        let by = rest.rsplit_once(", asked by ").map_or("", |(_, by)| by);
        Some((word, by))
    }

    /// Whether the node is kept out of service by us: retired, or set aside for an operation.
    pub fn is_set_aside(&self, node: &Node) -> bool {
        is_our_maintenance(node) && node.maintenance_mode_reason.starts_with(RETIRED_MARK)
    }

    /// What the static NAT address has to be changed to, an address or none at all; `None`: it is right, or there is
    /// nothing to change it to.
    pub fn right_nat(&self, policy: &Policy, node: &Node) -> Option<Option<Ipv4Addr>> {
        let instance = &self.detail.as_ref().filter(|_| self.is_up())?.instance;
        let location = self.platform.locations.iter().find(|each| each.id == node.location);
        wrong_address(policy, location.map(|location| &location.name), instance, node)?.remedy()
    }
}

/// One step of an operation. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// A cycle drains the node and stops it; it stays in maintenance mode and is started by no rule.
    Retire,
    /// The same of a node that is stopped: a cycle sets maintenance mode, so that no rule starts it.
    KeepStopped,
    /// Maintenance mode, until nothing runs on the node. Nothing is stopped.
    SetAside,
    /// Set the tag `pexip-cloud`.
    Tag,
    /// Remove the tag `pexip-cloud`.
    Untag,
    /// Start the instance; the node stays in maintenance mode.
    Start,
    /// Set the static NAT address to the public address.
    Nat,
    /// Change the system location. The node restarts.
    Move {
        /// To this one.
        location: LocationId,
        /// Its name.
        name: LocationName,
    },
    /// Switch the node's part in the distributed database.
    DistributedDatabase {
        /// On or off.
        on: bool,
    },
    /// Add ENA support, and read it back.
    EnableEna,
    /// Change the instance type, and read it back.
    Resize {
        /// To this one.
        kind: InstanceType,
    },
    /// Wait until the node reports itself ready.
    AwaitReady,
    /// Maintenance mode off.
    TakeCalls,
    /// Delete the node from the Management Node.
    Delete,
    /// Terminate the instance.
    Terminate,
    /// Allocate an Elastic IP.
    Allocate,
    /// Tag the Elastic IP as the platform's.
    TagAddress {
        /// Which.
        allocation: AllocationId,
    },
    /// Tag the instance with the Elastic IP that it keeps.
    TagInstance {
        /// Which; `None`: the one that is allocated first.
        allocation: Option<AllocationId>,
    },
    /// Give the Elastic IP to the instance.
    Associate {
        /// Which; `None`: the one that is allocated first.
        allocation: Option<AllocationId>,
    },
}

/// An Elastic IP in a sentence.
fn elastic(allocation: Option<&AllocationId>) -> &str {
    allocation.map_or("the new Elastic IP", AllocationId::as_str)
}

impl Step {
    /// One word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Retire => "retire",
            Self::KeepStopped => "keep-stopped",
            Self::SetAside => "set-aside",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Start => "start",
            Self::Nat => "nat",
            Self::Move { .. } => "move",
            Self::DistributedDatabase { .. } => "distributed-database",
            Self::EnableEna => "enable-ena",
            Self::Resize { .. } => "resize",
            Self::AwaitReady => "await-ready",
            Self::TakeCalls => "take-calls",
            Self::Delete => "delete",
            Self::Terminate => "terminate",
            Self::Allocate => "allocate",
            Self::TagAddress { .. } => "tag-address",
            Self::TagInstance { .. } => "tag-instance",
            Self::Associate { .. } => "associate",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retire => f.write_str(
                "drain: maintenance mode on, wait until its calls have ended, stop the instance; it stays in maintenance mode",
            ),
            Self::KeepStopped => f.write_str("maintenance mode on: no rule starts the node, which is stopped"),
            Self::SetAside => f.write_str("maintenance mode on, and wait until its calls have ended"),
            Self::Tag => f.write_str("set the tag pexip-cloud on the instance"),
            Self::Untag => f.write_str("remove the tag pexip-cloud from the instance"),
            Self::Start => f.write_str("start the instance; the node stays in maintenance mode"),
            Self::Nat => f.write_str("set the static NAT address to the instance's public address, if it has one"),
            Self::Move { name, .. } => write!(f, "move the node to location {name} (it restarts)"),
            Self::DistributedDatabase { on } => {
                write!(f, "distributed database {}", if *on { "on" } else { "off" })
            }
            Self::EnableEna => f.write_str("add ENA support to the instance, and check it"),
            Self::Resize { kind } => write!(f, "change the instance type to {kind}, and check it"),
            Self::AwaitReady => f.write_str("wait until the node reports itself ready"),
            Self::TakeCalls => f.write_str("maintenance mode off: it takes calls when it runs"),
            Self::Delete => f.write_str("delete the node from the Management Node"),
            Self::Terminate => f.write_str("terminate the instance; there is no way back"),
            Self::Allocate => f.write_str("allocate an Elastic IP"),
            Self::TagAddress { allocation } => write!(f, "tag {allocation} as this platform's"),
            Self::TagInstance { allocation } => {
                write!(f, "tag the instance: it keeps {}", elastic(allocation.as_ref()))
            }
            Self::Associate { allocation } => {
                write!(f, "give {} to the instance", elastic(allocation.as_ref()))
            }
        }
    }
}
