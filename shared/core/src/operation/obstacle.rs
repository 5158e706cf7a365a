//! Why an operation must not go on, and what to do about it.

use crate::ids::{AllocationId, InstanceType, LocationName};

/// Why an operation must not go on. Nothing was changed for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// There is no instance under the node.
    #[error("no instance with the node's private address was found in the policy's regions and VPCs")]
    NoInstance,
    /// The node is not configured (any more).
    #[error("the Management Node has no such node")]
    NoNode,
    /// Somebody else's maintenance mode.
    #[error("it is in maintenance mode that somebody else set: {reason}")]
    Foreign {
        /// The reason given there.
        reason: String,
    },
    /// Another operation works on the node.
    #[error("{by} works on it already: {word}")]
    Taken {
        /// The operation.
        word: String,
        /// Who.
        by: String,
    },
    /// An always-on node runs: Spillway stops overflow nodes only.
    #[error("it does not carry this platform's tag, and Spillway stops overflow nodes only")]
    NotAnOverflowNode,
    /// A proxying node is never an overflow node.
    #[error("it is a proxying node, and those do not burst")]
    Proxying,
    /// There is no such location.
    #[error("there is no location {0}")]
    NoLocation(LocationName),
    /// The platform is being upgraded.
    #[error("the platform is being upgraded")]
    Upgrading,
    /// The type starts only with ENA support.
    #[error("an instance of type {0} starts only with ENA support, which this one does not have")]
    NeedsEna(InstanceType),
    /// The Elastic IP is another's.
    #[error("{0} belongs to {1}")]
    AddressTaken(AllocationId, String),
    /// There is no such Elastic IP.
    #[error("there is no Elastic IP {0} in the instance's region")]
    NoAddress(AllocationId),
    /// No cycle acts under this policy.
    #[error("the policy lets no cycle stop a node: {0}")]
    Withheld(&'static str),
    /// A pause is in force.
    #[error("{0}")]
    Paused(String),
    /// A cycle dismissed the wish.
    #[error("{0}")]
    Dismissed(String),
    /// A person cleared the maintenance mode while the node drained.
    #[error("a person cleared the maintenance mode of the node: its drain is over")]
    Vetoed,
}

impl Obstacle {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoInstance => {
                "check `regions` and `vpcs` in the policy, or name the instance: --instance i-…"
            }
            Self::NoNode => "check the name under Platform > Conferencing Nodes",
            Self::Foreign { .. } => {
                "clear it under Platform > Conferencing Nodes, if it is not needed any more"
            }
            Self::Taken { .. } => {
                "let that operation end; if it was given up, end it: spillway release <node>"
            }
            Self::NotAnOverflowNode => {
                "put it into maintenance mode and stop its instance as the guide says (Temporarily removing), then run this again"
            }
            Self::Proxying => "choose a transcoding node",
            Self::NoLocation(_) => "check the name under Platform > Locations",
            Self::Upgrading => "run it again when the upgrade is over",
            Self::NeedsEna(_) => "add it first: spillway node enable-ena <node>",
            Self::AddressTaken(..) => {
                "choose another, or disassociate it there first; it is never taken away"
            }
            Self::NoAddress(_) => "check the allocation id and the region, or leave it out to allocate one",
            Self::Withheld(_) => "change `mode` or `dry_run` in the policy: spillway policy set",
            Self::Paused(_) => "end the pause: spillway resume",
            Self::Dismissed(_) => "spillway status shows what is wrong with the node",
            Self::Vetoed => "ask that person; the same command again insists",
        }
    }
}
