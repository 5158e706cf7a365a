//! What is left to do of an operation, and what is in its way. Pure: the same world gives the same steps, so an operation
//! that was interrupted is planned anew and goes on where it was.

use std::collections::BTreeSet;

use super::instance_type::{is_advised_against, needs_ena};
use super::step::{Operation, Seen, Step, Subject};
use crate::assess::is_our_maintenance;
use crate::ids::{AllocationId, InstanceType, LocationId, LocationName};
use crate::ledger::Actor;
use crate::observation::{InstanceState, Node, NodeRole};
use crate::policy::{Mode, Policy};
use crate::ports::ElasticAddress;
use crate::reconcile::ALLOCATION_TAG;
use crate::report::actor;
use crate::safety::TAG_KEY;

/// The tag by which an Elastic IP that was allocated for an instance is found again, before anything else is known of it.
pub const INSTANCE_TAG: &str = "spillway-instance";

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

/// The steps that are left, in order; none: it is as was asked.
///
/// # Errors
/// What is in the way of it as a whole.
pub fn plan_operation(
    policy: &Policy,
    operation: &Operation,
    subject: &Subject,
    seen: &Seen,
    by: &Actor,
) -> Result<Vec<Step>, Obstacle> {
    let node = seen.node(subject);
    let facts = Facts { policy, operation, seen, node };
    facts.check_ours(by)?;
    let steps = match operation {
        Operation::ToOverflow { location } => facts.to_overflow(location)?,
        Operation::ToAlwaysOn { location } => facts.to_always_on(location)?,
        Operation::Retire => facts.retire()?,
        Operation::Reinstate => facts.reinstate()?,
        Operation::Remove { terminate } => facts.remove(*terminate),
        Operation::EnableEna { leave_stopped } => facts.modify(Step::EnableEna, *leave_stopped)?,
        Operation::Resize { kind, leave_stopped } => facts.resize(kind, *leave_stopped)?,
        Operation::Address { allocation } => facts.address(allocation.as_ref())?,
    };
    // A node without the tag, or on its way to be without, is started by the operator and not by a cycle.
    let tagged = facts.is_tagged() && !steps.contains(&Step::Untag);
    if steps.iter().any(|step| *step == Step::Retire || (tagged && *step == Step::Start)) {
        facts.check_cycles()?;
    }
    Ok(steps)
}

/// What an operator should know before he says yes.
pub fn warnings(policy: &Policy, operation: &Operation, subject: &Subject, seen: &Seen) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(text);
    match operation {
        Operation::ToOverflow { location } => {
            let target = seen.platform.locations.iter().find(|each| each.name == *location);
            let id = target.map(|each| each.id);
            let tagged: BTreeSet<_> =
                seen.ledger.nodes.values().filter_map(|record| record.name.as_ref()).collect();
            let mixed = seen.platform.nodes.iter().any(|node| {
                Some(node.location) == id
                    && node.name != subject.name
                    && (node.distributed_database || node.role == NodeRole::Proxying)
                    && !tagged.contains(&node.name)
            });
            if mixed {
                warn(format!(
                    "{location} holds always-on or proxying nodes: the guide recommends not to mix them with bursting nodes"
                ));
            }
            let primary =
                seen.platform.locations.iter().any(|each| id.is_some() && each.overflow_location1 == id);
            if !primary {
                warn(format!(
                    "{location} is nobody's primary overflow location: its nodes are not started for need"
                ));
            }
        }
        Operation::ToAlwaysOn { location } => {
            let id = seen.platform.locations.iter().find(|each| each.name == *location).map(|each| each.id);
            let bursting = seen.ledger.nodes.values().any(|record| {
                record.location.as_ref().map(|(id, _)| *id) == id
                    && record.name.as_ref() != Some(&subject.name)
            });
            if bursting {
                warn(format!(
                    "{location} holds bursting nodes: the guide says to move the node to another location"
                ));
            }
        }
        Operation::Resize { kind, .. } => {
            if is_advised_against(kind) {
                warn(format!(
                    "{kind} has 36 vCPU or more: the guide recommends not to use such c4 or c5 instances"
                ));
            }
            warn("the capacity of a larger instance does not grow in proportion (guide)".to_owned());
        }
        Operation::Remove { terminate } => {
            warn(
                "the node is deleted from the Management Node: to have it back it must be deployed anew"
                    .to_owned(),
            );
            if !terminate && seen.is_up() && !seen.is_tagged(&policy.tag_value) {
                warn("its instance goes on running, and costing, without --terminate".to_owned());
            }
        }
        Operation::Address { .. } => {
            warn("an Elastic IP costs money also while the instance is stopped".to_owned());
        }
        Operation::Retire | Operation::Reinstate | Operation::EnableEna { .. } => {}
    }
    warnings
}

struct Facts<'a> {
    policy: &'a Policy,
    operation: &'a Operation,
    seen: &'a Seen,
    node: Option<&'a Node>,
}

impl<'a> Facts<'a> {
    /// Nobody else's maintenance mode, nobody else's operation, no upgrade in progress.
    fn check_ours(&self, by: &Actor) -> Result<(), Obstacle> {
        let Some(node) = self.node else { return Ok(()) };
        let reinstating = matches!(self.operation, Operation::Reinstate);
        if node.maintenance_mode && !is_our_maintenance(node) && !reinstating {
            return Err(Obstacle::Foreign { reason: node.maintenance_mode_reason.clone() });
        }
        if let Some((word, who)) = self.seen.worked_on(node)
            && (word != self.operation.word() || who != actor(by))
        {
            return Err(Obstacle::Taken { word: word.to_owned(), by: who.to_owned() });
        }
        if self.seen.platform.upgrading {
            return Err(Obstacle::Upgrading);
        }
        Ok(())
    }

    fn check_cycles(&self) -> Result<(), Obstacle> {
        if let Some(pause) = self.seen.ledger.pause(self.seen.now) {
            let text =
                format!("Spillway is paused until {} by {}: {}", pause.until, actor(pause.by), pause.reason);
            return Err(Obstacle::Paused(text));
        }
        if self.policy.dry_run {
            return Err(Obstacle::Withheld("dry_run is true"));
        }
        if self.policy.mode == Mode::Assist {
            return Err(Obstacle::Withheld("mode is assist"));
        }
        if self.seen.platform.bursting.enabled {
            return Err(Obstacle::Withheld(
                "mode is control, but bursting is enabled on the Management Node",
            ));
        }
        Ok(())
    }

    fn node(&self) -> Result<&'a Node, Obstacle> {
        self.node.ok_or(Obstacle::NoNode)
    }

    fn instance(&self) -> Result<&'a crate::observation::Instance, Obstacle> {
        let detail = self.seen.detail.as_ref().ok_or(Obstacle::NoInstance)?;
        match detail.instance.state {
            InstanceState::Terminated | InstanceState::ShuttingDown => Err(Obstacle::NoInstance),
            _ => Ok(&detail.instance),
        }
    }

    fn location(&self, name: &LocationName) -> Result<LocationId, Obstacle> {
        let found = self.seen.platform.locations.iter().find(|each| each.name == *name);
        found.map(|each| each.id).ok_or_else(|| Obstacle::NoLocation(name.clone()))
    }

    fn is_tagged(&self) -> bool {
        self.seen.is_tagged(&self.policy.tag_value)
    }

    fn is_stopped(&self) -> bool {
        self.seen.state() == Some(InstanceState::Stopped)
    }

    /// Retired or set aside, whoever remembers it.
    fn is_retired(&self, node: &Node) -> bool {
        self.seen.is_set_aside(node) || self.seen.record().is_some_and(|record| record.retired)
    }

    /// The static NAT address differs from the public address. A node of a location with private addresses only has none.
    fn nat_is_wrong(&self, node: &Node) -> bool {
        let name = self.seen.platform.locations.iter().find(|each| each.id == node.location);
        let private = name.is_some_and(|location| self.policy.nat.private_only.contains(&location.name));
        !private && self.seen.wanted_nat().is_some_and(|wanted| node.static_nat_address != Some(wanted))
    }

    /// The way back into service of a node that is in maintenance mode: up, address right, ready, calls.
    fn back_into_service(&self, node: &Node) -> Vec<Step> {
        let mut steps = Vec::new();
        let up = self.seen.is_up();
        if self.seen.state() != Some(InstanceState::Running) {
            steps.push(Step::Start);
        }
        // Of one that is not up yet the address is not known: it is looked at again when it is.
        if self.nat_is_wrong(node) || !up {
            steps.push(Step::Nat);
        }
        steps.push(Step::AwaitReady);
        steps.push(Step::TakeCalls);
        steps
    }

    fn to_overflow(&self, name: &LocationName) -> Result<Vec<Step>, Obstacle> {
        let (node, to) = (self.node()?, self.location(name)?);
        self.instance()?;
        if node.role == NodeRole::Proxying {
            return Err(Obstacle::Proxying);
        }
        let (tagged, there) = (self.is_tagged(), node.location == to);
        let ours = self.seen.worked_on(node).is_some();
        if tagged && there && !node.distributed_database && !ours {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        let empty = self.is_stopped() || self.seen.drained;
        // With the mark no rule starts it as soon as it is tagged, and no call comes in while it is moved.
        if !ours || (!there && !empty) {
            steps.push(Step::SetAside);
        }
        if !tagged {
            steps.push(Step::Tag);
        }
        if !there {
            steps.push(Step::Move { location: to, name: name.clone() });
        }
        if node.distributed_database {
            steps.push(Step::DistributedDatabase { on: false });
        }
        if !self.is_stopped() {
            steps.push(Step::Retire);
        }
        steps.push(Step::TakeCalls);
        Ok(steps)
    }

    fn to_always_on(&self, name: &LocationName) -> Result<Vec<Step>, Obstacle> {
        let (node, to) = (self.node()?, self.location(name)?);
        self.instance()?;
        let (tagged, there) = (self.is_tagged(), node.location == to);
        let ours = self.seen.worked_on(node).is_some();
        if !tagged && there && node.distributed_database && !ours {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        let empty = !self.seen.is_up() || self.seen.drained;
        if !ours || (!there && !empty) {
            steps.push(Step::SetAside);
        }
        if tagged {
            steps.push(Step::Untag);
        }
        if self.seen.state() != Some(InstanceState::Running) {
            steps.push(Step::Start);
        }
        if self.nat_is_wrong(node) || !self.seen.is_up() {
            steps.push(Step::Nat);
        }
        if !there {
            steps.push(Step::Move { location: to, name: name.clone() });
        }
        if !node.distributed_database {
            steps.push(Step::DistributedDatabase { on: true });
        }
        steps.push(Step::AwaitReady);
        steps.push(Step::TakeCalls);
        Ok(steps)
    }

    fn retire(&self) -> Result<Vec<Step>, Obstacle> {
        let node = self.node()?;
        self.instance()?;
        if !self.is_tagged() {
            return Err(Obstacle::NotAnOverflowNode);
        }
        let done = self.is_stopped() && node.maintenance_mode && self.is_retired(node);
        Ok(if done { Vec::new() } else { vec![Step::Retire] })
    }

    fn reinstate(&self) -> Result<Vec<Step>, Obstacle> {
        let node = self.node()?;
        self.instance()?;
        let kept = node.maintenance_mode || self.is_retired(node);
        let mut steps = self.back_into_service(node);
        if self.seen.state() == Some(InstanceState::Running) && !kept {
            steps.retain(|step| matches!(step, Step::Nat));
        }
        Ok(steps)
    }

    fn remove(&self, terminate: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        let there = self.seen.detail.as_ref().is_some_and(|detail| {
            !matches!(detail.instance.state, InstanceState::Terminated | InstanceState::ShuttingDown)
        });
        if self.node.is_some() {
            if there && !self.is_stopped() {
                if self.is_tagged() {
                    steps.push(Step::Retire);
                } else if !self.seen.drained {
                    steps.push(Step::SetAside);
                }
            }
            steps.push(Step::Delete);
        }
        if terminate && there {
            steps.push(Step::Terminate);
        }
        steps
    }

    fn resize(&self, kind: &InstanceType, leave_stopped: bool) -> Result<Vec<Step>, Obstacle> {
        let detail = self.seen.detail.as_ref().ok_or(Obstacle::NoInstance)?;
        if needs_ena(kind) && !detail.ena {
            return Err(Obstacle::NeedsEna(kind.clone()));
        }
        self.modify(Step::Resize { kind: kind.clone() }, leave_stopped)
    }

    /// Stop, change, check, start. What the operator retired before stays retired.
    fn modify(&self, change: Step, leave_stopped: bool) -> Result<Vec<Step>, Obstacle> {
        let (node, instance) = (self.node()?, self.instance()?);
        let wanted = match &change {
            Step::Resize { kind } => instance.instance_type != *kind,
            _ => !self.seen.detail.as_ref().is_some_and(|detail| detail.ena),
        };
        let ours = self.seen.worked_on(node).is_some();
        let mut steps = Vec::new();
        if wanted {
            if !self.is_tagged() {
                if !self.is_stopped() {
                    return Err(Obstacle::NotAnOverflowNode);
                }
                return Ok(vec![change]);
            }
            let retired = self.is_stopped() && node.maintenance_mode && self.is_retired(node);
            if !retired {
                steps.push(Step::Retire);
            }
            steps.push(change);
            if retired && !ours {
                return Ok(steps);
            }
        } else if !ours {
            return Ok(Vec::new());
        }
        if leave_stopped {
            steps.push(Step::TakeCalls);
        } else if wanted {
            steps.extend([Step::Start, Step::Nat, Step::AwaitReady, Step::TakeCalls]);
        } else {
            steps.extend(self.back_into_service(node));
        }
        Ok(steps)
    }

    fn address(&self, asked: Option<&AllocationId>) -> Result<Vec<Step>, Obstacle> {
        let (node, instance) = (self.node()?, self.instance()?);
        let kept = instance.tags.get(ALLOCATION_TAG).map(|tag| AllocationId::new(tag.clone()));
        let find = |id: &AllocationId| self.seen.addresses.iter().find(|each| each.allocation == *id);
        let chosen: Option<&ElasticAddress> = match (asked, &kept) {
            (Some(id), _) => Some(find(id).ok_or_else(|| Obstacle::NoAddress(id.clone()))?),
            // One that is tagged and gone is replaced.
            (None, Some(id)) if find(id).is_some() => find(id),
            _ => self.seen.addresses.iter().find(|each| {
                each.instance.as_ref() == Some(&instance.id)
                    || each.tags.get(INSTANCE_TAG).map(String::as_str) == Some(instance.id.as_str())
            }),
        };
        let mut steps = Vec::new();
        let ours = self.seen.worked_on(node).is_some();
        let Some(chosen) = chosen else {
            return Ok(vec![Step::Allocate]);
        };
        let id = chosen.allocation.clone();
        if let Some(other) = chosen.instance.as_ref().filter(|other| **other != instance.id) {
            return Err(Obstacle::AddressTaken(id, other.to_string()));
        }
        if chosen.elsewhere {
            return Err(Obstacle::AddressTaken(id, "a network interface or NAT gateway".to_owned()));
        }
        if chosen.tags.get(TAG_KEY) != Some(&self.policy.tag_value) {
            steps.push(Step::TagAddress { allocation: id.clone() });
        }
        if kept.as_ref() != Some(&id) {
            steps.push(Step::TagInstance { allocation: id.clone() });
        }
        if chosen.instance.is_none() {
            // The public address changes at once, under every call that uses it.
            let empty = self.is_stopped() || (ours && self.seen.drained);
            if !empty {
                steps.insert(0, Step::SetAside);
            }
            steps.push(Step::Associate { allocation: id });
            if !self.is_stopped() {
                steps.push(Step::Nat);
                steps.push(Step::TakeCalls);
            } else if ours {
                steps.push(Step::TakeCalls);
            }
        } else {
            if self.nat_is_wrong(node) {
                steps.push(Step::Nat);
            }
            if ours {
                steps.push(Step::TakeCalls);
            }
        }
        Ok(steps)
    }
}
