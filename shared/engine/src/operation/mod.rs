//! One turn of an operation: look, plan, do the first step that is left. It waits for nothing: whoever drives it comes back
//! later, and what could not be seen yet is seen then.

use crate::ports::LedgerRead;
use crate::ports::ManagementRead;
use crate::ports::ManagementWrite;
mod instance;
mod service;
mod turn;

use crate::cycle::CycleSystems;
use crate::ports::Systems;

use crate::ports::Ports;
use crate::ports::{Clock, ConfigurationWrite, LedgerWrite, OperatorFleet};
use spillway_core::blocker::Blocker;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ledger::{Actor, Event, EventKind, OperatorCommand, Request};
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{InstanceDetail, Node};
use spillway_core::operation::plan_operation;
use spillway_core::operation::{Operation, Seen, Step, Subject};
use spillway_core::policy::Policy;

pub use turn::{Memory, Stopped, Turn};

/// A step that is carried out so often and still left has no effect.
const MOST_REPEATS: u32 = 6;

/// What an operation needs of the systems, beside EC2 with the operator's own rights.
pub trait OperationSystems: CycleSystems + Systems<Management: ConfigurationWrite> {}

impl<S> OperationSystems for S where S: CycleSystems + Systems<Management: ConfigurationWrite> {}

/// An operation at work on one node.
#[derive(Debug)]
pub struct Worker<'a, S: Systems, O> {
    /// The outside world, as a cycle has it.
    pub ports: Ports<'a, S>,
    /// EC2 with the operator's own rights.
    pub operator: &'a O,
    /// The policy.
    pub policy: &'a Policy,
    /// What is asked.
    pub operation: &'a Operation,
    /// Of which node.
    pub subject: Subject,
    /// By whom.
    pub by: Actor,
    /// Why.
    pub why: String,
    /// Whether its stop does not wait for the minimum lifetime: an override, which the history shows.
    pub ignore_lifetime: bool,
}

impl<S: OperationSystems, O: OperatorFleet> Worker<'_, S, O> {
    /// Reads everything that the operation asks about.
    pub async fn look(&self, memory: &Memory) -> Result<Seen, Fault> {
        let ports = self.ports;
        let now = ports.clock.now();
        let platform = ports.management.read_platform(PlatformScope { shards: false }).await?;
        let ledger = ports.ledger.read_ledger(now).await?;
        let detail = match &self.subject.instance {
            Some(id) => self.operator.read_instance(id).await?,
            None => None,
        };
        let addresses = match (self.operation, &detail) {
            (Operation::Address { .. }, Some(detail)) => {
                self.operator.read_addresses(&detail.instance).await?
            }
            _ => Vec::new(),
        };
        let offered = match (self.operation, &detail) {
            (Operation::Resize { kind, .. }, Some(detail)) if detail.instance.instance_type != *kind => {
                match self.operator.is_offered(&detail.instance, kind).await {
                    Ok(offered) => Some(offered),
                    // Who may change a type may not always ask which there are: it is said, and does not end the operation.
                    Err(fault) if fault.kind == FaultKind::Forbidden => None,
                    Err(fault) => return Err(fault),
                }
            }
            _ => None,
        };
        let drained = memory.drained;
        let mut seen = Seen { now, platform, ledger, detail, addresses, drained, offered };
        // It is empty as long as our maintenance mode keeps it so.
        seen.drained &= seen.node(&self.subject).is_some_and(|node| seen.worked_on(node).is_some());
        Ok(seen)
    }

    /// The steps that are left.
    pub fn steps(&self, seen: &Seen) -> Result<Vec<Step>, Blocker> {
        plan_operation(self.policy, self.operation, &self.subject, seen, &self.by)
    }

    /// One turn.
    pub async fn turn(&self, memory: &mut Memory) -> Result<Turn, Stopped> {
        let seen = self.look(memory).await?;
        for step in self.steps(&seen)? {
            // A wait that is over is no step any more.
            if step == Step::AwaitReady {
                match self.not_ready(&seen) {
                    None => continue,
                    Some(why) => return self.waits(memory, &seen, step, why),
                }
            }
            let ended = self.carry_out(&step, memory, &seen).await?;
            return match ended {
                None => Self::did(memory, step),
                Some(why) => self.waits(memory, &seen, step, why),
            };
        }
        Ok(Turn::Finished)
    }

    fn did(memory: &mut Memory, step: Step) -> Result<Turn, Stopped> {
        memory.waits_since = None;
        let times = match memory.last {
            Some((word, times)) if word == step.word() => times + 1,
            _ => 1,
        };
        memory.last = Some((step.word(), times));
        if times > MOST_REPEATS {
            let detail = format!("{step}: accepted {times} times, and not seen to have happened");
            let system = match step {
                Step::Nat | Step::Move { .. } | Step::DistributedDatabase { .. } | Step::Delete => {
                    System::ManagementNode
                }
                _ => System::Ec2,
            };
            return Err(Fault::new(system, FaultKind::Malformed, detail).into());
        }
        Ok(Turn::Did(step))
    }

    /// A drain may take hours; a start that takes twice its limit has failed.
    fn waits(&self, memory: &mut Memory, seen: &Seen, step: Step, why: String) -> Result<Turn, Stopped> {
        let since = match memory.waits_since {
            Some((word, since)) if word == step.word() => since,
            _ => seen.now,
        };
        memory.waits_since = Some((step.word(), since));
        let limited = matches!(step, Step::Start | Step::AwaitReady | Step::Nat | Step::Allocate);
        let limit = self.policy.boot_limit.saturating_mul(2);
        if limited && seen.now.duration_since(since) > limit {
            let detail = format!("{step}: not after {limit:#}: {why}");
            return Err(Fault::new(System::ManagementNode, FaultKind::Timeout, detail)
                .with_remedy("look at the node; the same command goes on from here")
                .into());
        }
        Ok(Turn::Waits { step, why })
    }

    /// Carries out one step; gives what it waits for, where it is not done at once.
    async fn carry_out(
        &self,
        step: &Step,
        memory: &mut Memory,
        seen: &Seen,
    ) -> Result<Option<String>, Stopped> {
        match step {
            Step::Retire | Step::KeepStopped => return self.retire(memory, seen).await,
            Step::SetAside => return self.set_aside(memory, seen).await,
            Step::Start => return self.start(memory, seen).await,
            Step::AwaitReady => {}
            Step::TakeCalls => self.take_calls(memory, seen).await?,
            Step::Nat => {
                let node = self.node(seen)?;
                let Some(right) = seen.right_nat(self.policy, node) else {
                    return Ok(Some("it has no public address yet".to_owned()));
                };
                self.ports.management.set_static_nat(node.id, right).await?;
                let right = right.map_or_else(|| "cleared".to_owned(), |address| address.to_string());
                self.tell(seen, EventKind::AddressChanged, "nat", format!("static NAT address {right}"))
                    .await?;
            }
            Step::Move { location, name } => {
                if let Some(why) = self.busy(seen).await? {
                    (memory.drained, memory.idle_at) = (false, None);
                    return Ok(Some(why));
                }
                self.ports.management.set_location(self.node(seen)?.id, *location).await?;
                self.operated(seen, "move", format!("moved to {name}")).await?;
            }
            Step::DistributedDatabase { on } => {
                self.ports.management.set_distributed_database(self.node(seen)?.id, *on).await?;
                let text = format!("distributed database {}", if *on { "on" } else { "off" });
                self.operated(seen, "distributed-database", text).await?;
            }
            Step::Delete => {
                if seen.is_up()
                    && let Some(why) = self.busy(seen).await?
                {
                    (memory.drained, memory.idle_at) = (false, None);
                    return Ok(Some(why));
                }
                self.ports.management.delete_node(self.node(seen)?.id).await?;
                self.operated(seen, "delete", "deleted from the Management Node".to_owned()).await?;
            }
            _ => return self.change_instance(step, memory, seen).await,
        }
        Ok(None)
    }

    fn node<'s>(&self, seen: &'s Seen) -> Result<&'s Node, Blocker> {
        seen.node(&self.subject).ok_or(Blocker::NoNode)
    }

    fn detail(seen: &Seen) -> Result<&InstanceDetail, Blocker> {
        seen.detail.as_ref().ok_or(Blocker::NoInstance)
    }

    async fn ask(&self, seen: &Seen, id: &str, command: OperatorCommand) -> Result<(), Fault> {
        let request = Request {
            id: id.to_owned(),
            by: self.by.clone(),
            at: seen.now,
            reason: self.operation.reason(&self.why),
            command,
        };
        self.ports.ledger.put_request(&request).await
    }

    async fn operated(&self, seen: &Seen, word: &str, what: String) -> Result<(), Fault> {
        self.tell(seen, EventKind::Operated, word, what).await
    }

    /// A line of history under the operator's name.
    async fn tell(&self, seen: &Seen, kind: EventKind, word: &str, what: String) -> Result<(), Fault> {
        let instance = self.subject.instance.clone();
        let location = seen.node(&self.subject).and_then(|node| {
            let found = seen.platform.locations.iter().find(|each| each.id == node.location);
            found.map(|location| location.name.clone())
        });
        let event = Event {
            id: format!("{}-{}-{}-{word}", seen.now, self.subject.name, self.operation.word()),
            at: seen.now,
            kind,
            instance,
            node: Some(self.subject.name.clone()),
            location,
            by: self.by.clone(),
            reason: format!("{what}: {}", self.why),
        };
        self.ports.ledger.append_events(&[event]).await
    }
}
