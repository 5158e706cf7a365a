//! What is left to do of an operation, and what is in its way. Pure: the same world gives the same steps, so an operation
//! that was interrupted is planned anew and goes on where it was.

use super::instance_type::needs_ena;
use super::step::{Operation, Seen, Step, Subject};
use crate::blocker::{Blocker, may_act, may_change};
use crate::ids::{AllocationId, InstanceType, LocationId, LocationName};
use crate::ledger::Actor;
use crate::observation::{ElasticAddress, InstanceState, Node, NodeRole};
use crate::policy::{Mode, Policy};

use crate::assess::{ALLOCATION_TAG, is_upgrading};
use crate::report::actor;
use crate::safety::TAG_KEY;

/// The tag by which an Elastic IP that was allocated for an instance is found again, before anything else is known of it.
pub const INSTANCE_TAG: &str = "spillway-instance";

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
) -> Result<Vec<Step>, Blocker> {
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
    facts.check_upgrade(&steps)?;
    // A node without the tag, or on its way to be without, is started by the operator and not by a cycle.
    let tagged = facts.is_tagged() && !steps.contains(&Step::Untag);
    let retires = |step: &Step| matches!(step, Step::Retire | Step::KeepStopped);
    if steps.iter().any(|step| retires(step) || (tagged && *step == Step::Start)) {
        facts.check_cycles()?;
    }
    Ok(steps)
}

struct Facts<'a> {
    policy: &'a Policy,
    operation: &'a Operation,
    seen: &'a Seen,
    node: Option<&'a Node>,
}

impl<'a> Facts<'a> {
    /// Nobody else's maintenance mode, nobody else's operation.
    fn check_ours(&self, by: &Actor) -> Result<(), Blocker> {
        let Some(node) = self.node else { return Ok(()) };
        let reinstating = matches!(self.operation, Operation::Reinstate);
        if !reinstating {
            may_change(node)?;
        }
        if let Some((word, who)) = self.seen.worked_on(node)
            && (word != self.operation.word() || who != actor(by))
        {
            return Err(Blocker::Taken { operation: word.to_owned(), by: who.to_owned() });
        }
        Ok(())
    }

    /// As the planner has it: nothing is drained or stopped while the platform is upgraded, and what is out of service comes back.
    fn check_upgrade(&self, steps: &[Step]) -> Result<(), Blocker> {
        let comes_back =
            |step: &Step| matches!(step, Step::Start | Step::Nat | Step::AwaitReady | Step::TakeCalls);
        let Seen { platform, ledger, now, .. } = self.seen;
        if !steps.iter().all(comes_back) && is_upgrading(self.policy, platform, Some(ledger), *now) {
            return Err(Blocker::Upgrading);
        }
        Ok(())
    }

    fn check_cycles(&self) -> Result<(), Blocker> {
        may_act(self.policy, &self.seen.ledger, self.seen.now)?;
        if self.policy.mode == Mode::Assist {
            return Err(Blocker::PexipStops);
        }
        if self.seen.platform.bursting.enabled {
            return Err(Blocker::BurstingEnabled);
        }
        Ok(())
    }

    fn node(&self) -> Result<&'a Node, Blocker> {
        self.node.ok_or(Blocker::NoNode)
    }

    fn instance(&self) -> Result<&'a crate::observation::Instance, Blocker> {
        let detail = self.seen.detail.as_ref().ok_or(Blocker::NoInstance)?;
        match detail.instance.state {
            InstanceState::Terminated | InstanceState::ShuttingDown => Err(Blocker::NoInstance),
            _ => Ok(&detail.instance),
        }
    }

    fn location(&self, name: &LocationName) -> Result<LocationId, Blocker> {
        let found = self.seen.platform.locations.iter().find(|each| each.name == *name);
        found.map(|each| each.id).ok_or_else(|| Blocker::NoLocation(name.clone()))
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

    /// The static NAT address is wrong, and can be put right.
    fn nat_is_wrong(&self, node: &Node) -> bool {
        self.seen.right_nat(self.policy, node).is_some()
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

    fn to_overflow(&self, name: &LocationName) -> Result<Vec<Step>, Blocker> {
        let (node, to) = (self.node()?, self.location(name)?);
        self.instance()?;
        if node.role == NodeRole::Proxying {
            return Err(Blocker::Proxying);
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

    fn to_always_on(&self, name: &LocationName) -> Result<Vec<Step>, Blocker> {
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

    fn retire(&self) -> Result<Vec<Step>, Blocker> {
        let node = self.node()?;
        self.instance()?;
        if !self.is_tagged() {
            return Err(Blocker::NotAnOverflowNode);
        }
        let done = self.is_stopped() && node.maintenance_mode && self.is_retired(node);
        Ok(if done { Vec::new() } else { vec![self.keep_down()] })
    }

    /// Drained and stopped by a cycle, and kept so; of a node that is stopped only the last.
    fn keep_down(&self) -> Step {
        if self.is_stopped() { Step::KeepStopped } else { Step::Retire }
    }

    fn reinstate(&self) -> Result<Vec<Step>, Blocker> {
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

    fn resize(&self, kind: &InstanceType, leave_stopped: bool) -> Result<Vec<Step>, Blocker> {
        let detail = self.seen.detail.as_ref().ok_or(Blocker::NoInstance)?;
        if self.seen.offered == Some(false) {
            return Err(Blocker::NotOffered(kind.clone(), detail.instance.zone.clone()));
        }
        if needs_ena(kind) && !detail.ena {
            return Err(Blocker::NeedsEna(kind.clone()));
        }
        self.modify(Step::Resize { kind: kind.clone() }, leave_stopped)
    }

    /// Stop, change, check, start. What the operator retired before stays retired.
    fn modify(&self, change: Step, leave_stopped: bool) -> Result<Vec<Step>, Blocker> {
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
                    return Err(Blocker::NotAnOverflowNode);
                }
                return Ok(vec![change]);
            }
            let retired = self.is_stopped() && node.maintenance_mode && self.is_retired(node);
            if !retired {
                steps.push(self.keep_down());
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

    fn address(&self, asked: Option<&AllocationId>) -> Result<Vec<Step>, Blocker> {
        let (node, instance) = (self.node()?, self.instance()?);
        let kept = instance.tags.get(ALLOCATION_TAG).map(|tag| AllocationId::new(tag.clone()));
        let find = |id: &AllocationId| self.seen.addresses.iter().find(|each| each.allocation == *id);
        let chosen: Option<&ElasticAddress> = match (asked, &kept) {
            (Some(id), _) => Some(find(id).ok_or_else(|| Blocker::NoAddress(id.clone()))?),
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
            steps.extend([Step::Allocate, Step::TagInstance { allocation: None }]);
            self.associate(&mut steps, 1, None, ours);
            return Ok(steps);
        };
        let id = chosen.allocation.clone();
        if let Some(other) = chosen.instance.as_ref().filter(|other| **other != instance.id) {
            return Err(Blocker::AddressTaken(id, other.to_string()));
        }
        if let Some(private) = chosen.private.filter(|private| *private != node.address) {
            return Err(Blocker::AddressTaken(id, format!("{private}, another address of its instance")));
        }
        if chosen.elsewhere {
            return Err(Blocker::AddressTaken(id, "a network interface or NAT gateway".to_owned()));
        }
        if chosen.tags.get(TAG_KEY) != Some(&self.policy.tag_value) {
            steps.push(Step::TagAddress { allocation: id.clone() });
        }
        if kept.as_ref() != Some(&id) {
            steps.push(Step::TagInstance { allocation: Some(id.clone()) });
        }
        if chosen.instance.is_none() {
            self.associate(&mut steps, 0, Some(id), ours);
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

    /// The public address changes at once, under every call that uses it: the node is set aside, `first` among the steps.
    fn associate(&self, steps: &mut Vec<Step>, first: usize, allocation: Option<AllocationId>, ours: bool) {
        let empty = self.is_stopped() || (ours && self.seen.drained);
        if !empty {
            steps.insert(first, Step::SetAside);
        }
        steps.push(Step::Associate { allocation });
        if !self.is_stopped() {
            steps.extend([Step::Nat, Step::TakeCalls]);
        } else if ours {
            steps.push(Step::TakeCalls);
        }
    }
}
