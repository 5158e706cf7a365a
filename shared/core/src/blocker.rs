//! What keeps a thing that an operator asks for from being done, and what to do about it. One list for starts, stops and
//! node operations, so that the command line and the status page say the same of the same thing.

use jiff::Timestamp;

use crate::assess::is_our_maintenance;
use crate::ids::{AllocationId, InstanceType, LocationName, NodeName};
use crate::ledger::{Ledger, NodeRecord};
use crate::observation::Node;
use crate::policy::{Mode, Policy};
use crate::report::actor;

/// What keeps an operator's command from being carried out. Nothing was changed for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocker {
    /// An operator paused Spillway: no cycle changes anything.
    #[error("Spillway is paused until {until} by {by}: {reason}")]
    Paused {
        /// Its end.
        until: Timestamp,
        /// Who asked for it.
        by: String,
        /// Why.
        reason: String,
    },
    /// The policy lets no cycle change anything.
    #[error("the policy says dry_run: no cycle changes anything")]
    DryRun,
    /// Pexip's own bursting decides what stops.
    #[error("the policy's mode is assist: Pexip's own bursting stops nodes, Spillway does not")]
    PexipStops,
    /// Pexip's own bursting is on although the policy says that Spillway decides.
    #[error(
        "the policy's mode is control, but bursting is enabled on the Management Node: no cycle stops a node"
    )]
    BurstingEnabled,
    /// The node is in maintenance mode that Spillway did not set.
    #[error("{node} is in maintenance mode that somebody else set: {reason}")]
    ForeignMaintenance {
        /// Which.
        node: NodeName,
        /// The reason given there.
        reason: String,
    },
    /// An operator took the node out of service.
    #[error("{0} is retired")]
    Retired(NodeName),
    /// Another operation works on the node.
    #[error("{by} works on it already: {operation}")]
    Taken {
        /// The operation, one word.
        operation: String,
        /// Who.
        by: String,
    },
    /// There is no instance under the node.
    #[error("no instance with the node's private address was found in the policy's regions and VPCs")]
    NoInstance,
    /// The node is not configured (any more).
    #[error("the Management Node has no such node")]
    NoNode,
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
    /// EC2 has no such type where the instance is.
    #[error("EC2 offers no instance type {0} in zone {1}")]
    NotOffered(InstanceType, String),
    /// No upgrade runs that would upgrade nodes.
    #[error(
        "no upgrade runs on the Management Node: nodes that are started now keep the version that they have"
    )]
    NoUpgrade,
    /// The type starts only with ENA support.
    #[error("an instance of type {0} starts only with ENA support, which this one does not have")]
    NeedsEna(InstanceType),
    /// The Elastic IP is another's.
    #[error("{0} belongs to {1}")]
    AddressTaken(AllocationId, String),
    /// There is no such Elastic IP.
    #[error("there is no Elastic IP {0} in the instance's region")]
    NoAddress(AllocationId),
    /// A cycle dismissed the request.
    #[error("{0}")]
    Dismissed(String),
    /// A person cleared the maintenance mode while the node drained.
    #[error("a person cleared the maintenance mode of the node: its drain is over")]
    Vetoed,
}

impl Blocker {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Paused { .. } => "end the pause first: spillway resume --reason …",
            Self::DryRun => "take dry_run out of the policy: spillway policy set",
            Self::PexipStops => {
                "to stop a node by hand, put it into maintenance mode and stop its instance as the guide says"
            }
            Self::BurstingEnabled => {
                "disable it under Platform > Global Settings > Cloud Bursting, or set `mode` to assist: spillway policy set"
            }
            Self::ForeignMaintenance { .. } => {
                "clear it under Platform > Conferencing Nodes first, if it is not needed any more"
            }
            Self::Retired(node) => return format!("take it back into service: spillway node reinstate {node}"),
            Self::Taken { .. } => {
                "let that operation end; if it was given up, end it: spillway release <node>"
            }
            Self::NoInstance => "check `regions` and `vpcs` in the policy, or name the instance: --instance i-…",
            Self::NoNode => "check the name under Platform > Conferencing Nodes",
            Self::NotAnOverflowNode => {
                "put it into maintenance mode and stop its instance as the guide says (Temporarily removing), then run this again"
            }
            Self::Proxying => "choose a transcoding node",
            Self::NoLocation(_) => "check the name under Platform > Locations",
            Self::Upgrading => "run it again when the upgrade is over, which takes 24 hours at the longest",
            Self::NoUpgrade => {
                "start the upgrade again on the Management Node (Utilities > Upgrade), then run this again; or add --before-upgrade to \
                 have the nodes up first"
            }
            Self::NotOffered(kind, zone) => {
                return format!(
                    "check the spelling; to list what there is: aws ec2 describe-instance-type-offerings --location-type \
                     availability-zone --filters Name=location,Values={zone} Name=instance-type,Values='{}.*'",
                    kind.as_str().split('.').next().unwrap_or_default()
                );
            }
            Self::NeedsEna(_) => "add it first: spillway node enable-ena <node>",
            Self::AddressTaken(..) => {
                "choose another, or disassociate it there first; it is never taken away"
            }
            Self::NoAddress(_) => "check the allocation id and the region, or leave it out to allocate one",
            Self::Dismissed(_) => "spillway status shows what is wrong with the node",
            Self::Vetoed => "ask that person; to drain it all the same, give the command again",
        }
        .to_owned()
    }
}

/// Whether a pause or the policy keeps every cycle from acting.
///
/// # Errors
/// Which of them.
pub fn may_act(policy: &Policy, ledger: &Ledger, now: Timestamp) -> Result<(), Blocker> {
    if let Some(pause) = ledger.pause(now) {
        let (by, reason) = (actor(pause.by).to_owned(), pause.reason.to_owned());
        return Err(Blocker::Paused { until: pause.until, by, reason });
    }
    if policy.dry_run { Err(Blocker::DryRun) } else { Ok(()) }
}

/// Whether a node can be asked for by name.
///
/// # Errors
/// What keeps it from being started.
pub fn may_start(node: &Node, record: Option<&NodeRecord>) -> Result<(), Blocker> {
    if record.is_some_and(|record| record.retired) {
        return Err(Blocker::Retired(node.name.clone()));
    }
    may_change(node)
}

/// Whether a node can be drained and stopped.
///
/// # Errors
/// What keeps it from being stopped.
pub fn may_stop(policy: &Policy, node: &Node) -> Result<(), Blocker> {
    if policy.mode == Mode::Assist {
        return Err(Blocker::PexipStops);
    }
    may_change(node)
}

/// Whether nobody else keeps the node in maintenance mode.
///
/// # Errors
/// Somebody does.
pub fn may_change(node: &Node) -> Result<(), Blocker> {
    if node.maintenance_mode && !is_our_maintenance(node) {
        let reason = node.maintenance_mode_reason.clone();
        return Err(Blocker::ForeignMaintenance { node: node.name.clone(), reason });
    }
    Ok(())
}
