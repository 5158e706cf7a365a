//! One turn of an operation: look, plan, do the first step that is left. It waits for nothing: whoever drives it comes back
//! later, and what could not be seen yet is seen then.

mod instance;
mod service;

use jiff::Timestamp;

use crate::cycle::{LeaseMemory, Ports};
use crate::fault::{Fault, FaultKind, System};
use crate::ids::AllocationId;
use crate::ledger::{Actor, Event, EventKind, Request, Wish};
use crate::observation::Node;
use crate::operation::obstacle::Obstacle;
use crate::operation::plan::plan_operation;
use crate::operation::step::{Operation, Seen, Step, Subject};
use crate::policy::Policy;
use crate::ports::{
    Clock, ConfigurationWrite, FleetWrite, InstanceDetail, LedgerWrite, OperatorFleet, OverflowStart,
    PlatformScope,
};

/// A step that is carried out so often and still left has no effect.
const MOST_REPEATS: u32 = 6;

/// What one run of an operation remembers between turns. A new run begins with nothing: it repeats a few readings.
#[derive(Debug, Default)]
pub struct Memory {
    lease: LeaseMemory,
    /// When maintenance mode was set, or first found, in this run.
    aside_since: Option<Timestamp>,
    /// First idle reading in maintenance mode.
    idle_at: Option<Timestamp>,
    drained: bool,
    /// A drain of the cycle's was seen in this run.
    draining: bool,
    start_asked_at: Option<Timestamp>,
    allocated: Option<AllocationId>,
    last: Option<(&'static str, u32)>,
    waits_since: Option<(&'static str, Timestamp)>,
}

/// What became of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is left.
    Finished,
    /// This was done.
    Did(Step),
    /// This takes time.
    Waits {
        /// Which step.
        step: Step,
        /// What it waits for.
        why: String,
    },
}

/// Why an operation ended before its end. The same command goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It must not go on.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    /// Something could not be read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An operation at work on one node.
#[derive(Debug)]
pub struct Worker<'a, F, M, L, C, O> {
    /// The outside world, as a cycle has it.
    pub ports: Ports<'a, F, M, L, C>,
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

impl<F, M, L, C, O> Worker<'_, F, M, L, C, O>
where
    F: FleetWrite,
    M: ConfigurationWrite + OverflowStart,
    L: LedgerWrite,
    C: Clock,
    O: OperatorFleet,
{
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
        let mut seen = Seen { now, platform, ledger, detail, addresses, drained: memory.drained };
        // It is empty as long as our maintenance mode keeps it so.
        seen.drained &= seen.node(&self.subject).is_some_and(|node| seen.worked_on(node).is_some());
        Ok(seen)
    }

    /// The steps that are left.
    pub fn steps(&self, seen: &Seen) -> Result<Vec<Step>, Obstacle> {
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
            Step::Retire => return self.retire(memory, seen).await,
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

    fn node<'s>(&self, seen: &'s Seen) -> Result<&'s Node, Obstacle> {
        seen.node(&self.subject).ok_or(Obstacle::NoNode)
    }

    fn detail(seen: &Seen) -> Result<&InstanceDetail, Obstacle> {
        seen.detail.as_ref().ok_or(Obstacle::NoInstance)
    }

    async fn ask(&self, seen: &Seen, id: &str, wish: Wish) -> Result<(), Fault> {
        let request = Request {
            id: id.to_owned(),
            by: self.by.clone(),
            at: seen.now,
            reason: self.operation.reason(&self.why),
            wish,
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
