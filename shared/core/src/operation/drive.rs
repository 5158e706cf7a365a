//! One turn of an operation: look, plan, do the first step that is left. It waits for nothing: whoever drives it comes back
//! later, and what could not be seen yet is seen then.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::plan::{INSTANCE_TAG, Obstacle, plan_operation};
use super::step::{Operation, Seen, Step, Subject};
use crate::assess::{is_fresh, is_our_maintenance};
use crate::cycle::{Cycle, LeaseMemory, Ports};
use crate::fault::{Fault, FaultKind, System};
use crate::ids::{AllocationId, InstanceId};
use crate::ledger::{Actor, Event, EventKind, Request, Wish};
use crate::observation::{InstanceState, Node, NodeRole};
use crate::outcome::{ActionEnd, CycleReport, Outcome};
use crate::plan::Override;
use crate::planner::IDLE_GAP;
use crate::policy::Policy;
use crate::ports::{
    Clock, ConfigurationWrite, FleetWrite, InstanceDetail, LedgerWrite, OperatorFleet, OverflowStart,
    PlatformScope,
};
use crate::reconcile::ALLOCATION_TAG;
use crate::report::actor;
use crate::safety::TAG_KEY;

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
    /// How long one cycle may take.
    pub cycle_time: Duration,
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
                let Some(wanted) = seen.wanted_nat() else {
                    return Ok(Some("it has no public address yet".to_owned()));
                };
                let node = self.node(seen)?;
                self.ports.management.set_static_nat(node.id, Some(wanted)).await?;
                self.tell(seen, EventKind::AddressChanged, "nat", format!("static NAT address {wanted}"))
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

    /// The steps on EC2.
    async fn change_instance(
        &self,
        step: &Step,
        memory: &mut Memory,
        seen: &Seen,
    ) -> Result<Option<String>, Stopped> {
        let instance = &Self::detail(seen)?.instance;
        let operator = self.operator;
        let said = match step {
            Step::Tag => {
                operator.set_tag(instance, TAG_KEY, Some(&self.policy.tag_value)).await?;
                format!("tagged {TAG_KEY}={}", self.policy.tag_value)
            }
            Step::Untag => {
                operator.set_tag(instance, TAG_KEY, None).await?;
                format!("the tag {TAG_KEY} removed")
            }
            Step::EnableEna => {
                operator.enable_ena(instance).await?;
                "ENA support added".to_owned()
            }
            Step::Resize { kind } => {
                operator.set_instance_type(instance, kind).await?;
                format!("instance type {} changed to {kind}", instance.instance_type)
            }
            Step::Terminate => {
                operator.terminate_instance(instance).await?;
                "instance terminated".to_owned()
            }
            Step::Allocate => {
                if let Some(allocation) = &memory.allocated {
                    return Ok(Some(format!("{allocation} is allocated, and not listed yet")));
                }
                // With its tags from the beginning, it is found again whatever happens next.
                let tags = [
                    (TAG_KEY.to_owned(), self.policy.tag_value.clone()),
                    (INSTANCE_TAG.to_owned(), instance.id.to_string()),
                    ("Name".to_owned(), self.subject.name.to_string()),
                ];
                let allocation = operator.allocate_address(instance, &tags.into()).await?;
                let said = format!("Elastic IP {allocation} allocated");
                memory.allocated = Some(allocation);
                said
            }
            Step::TagAddress { allocation } => {
                operator.tag_address(instance, allocation, TAG_KEY, &self.policy.tag_value).await?;
                format!("{allocation} tagged as the platform's")
            }
            Step::TagInstance { allocation } => {
                operator.set_tag(instance, ALLOCATION_TAG, Some(allocation.as_str())).await?;
                format!("tagged {ALLOCATION_TAG}={allocation}")
            }
            Step::Associate { allocation } => {
                if seen.is_up()
                    && let Some(why) = self.busy(seen).await?
                {
                    (memory.drained, memory.idle_at) = (false, None);
                    return Ok(Some(why));
                }
                operator.associate_address(instance, allocation).await?;
                format!("{allocation} associated")
            }
            _ => return Ok(None),
        };
        self.operated(seen, step.word(), said).await?;
        Ok(None)
    }

    /// The cycle drains and stops. One runs here as well, so that it goes on also where no function runs.
    async fn retire(&self, memory: &mut Memory, seen: &Seen) -> Result<Option<String>, Stopped> {
        let id = Self::detail(seen)?.instance.id.clone();
        let record = seen.record();
        let draining = record.is_some_and(|record| record.retired && record.drain.is_some());
        if memory.draining && !draining && seen.is_up() && record.is_some_and(|record| record.drain_vetoed) {
            return Err(Obstacle::Vetoed.into());
        }
        memory.draining |= draining;
        let wish = format!("retire-{id}");
        let pending = seen.ledger.requests.iter().any(|request| request.id == wish);
        let on_its_way = seen.state() == Some(InstanceState::Stopping) || (seen.is_up() && draining);
        if !pending && !on_its_way {
            self.ask(seen, &wish, Wish::Retire(id.clone())).await?;
            self.tell(seen, EventKind::Asked, "asked", "drain, stop and keep stopped".to_owned()).await?;
        }
        let overrides = [Override {
            instance: id.clone(),
            calls: false,
            lifetime: true,
            by: self.by.clone(),
            reason: self.why.clone(),
        }];
        let overrides = if self.ignore_lifetime { &overrides[..] } else { &[] };
        let report = self.cycle(memory, overrides).await;
        if let Some(event) = report
            .plan
            .events
            .iter()
            .find(|event| event.kind == EventKind::RequestDone && event.instance.as_ref() == Some(&id))
        {
            return Err(Obstacle::Dismissed(event.reason.clone()).into());
        }
        Ok(Some(Self::why_from(&report, &id)))
    }

    async fn set_aside(&self, memory: &mut Memory, seen: &Seen) -> Result<Option<String>, Stopped> {
        let node = self.node(seen)?;
        if seen.worked_on(node).is_none() {
            if memory.aside_since.is_some() {
                return Err(Obstacle::Vetoed.into());
            }
            let mark = self.operation.mark(&self.why, &self.by);
            self.ports.management.set_maintenance(node.id, true, &mark).await?;
            memory.aside_since = Some(seen.now);
            let text = format!("maintenance mode on for {}", self.operation.word());
            self.tell(seen, EventKind::Retired, "set-aside", text).await?;
            return Ok(None);
        }
        let since = *memory.aside_since.get_or_insert(seen.now);
        let replication = self.policy.replication_of(seen.platform.nodes.len());
        let shown = node
            .status
            .as_ref()
            .is_some_and(|status| status.maintenance_mode && is_fresh(self.policy, &seen.platform, status));
        if !shown || seen.now.duration_since(since) < replication {
            return Ok(Some("maintenance mode has not reached the node yet".to_owned()));
        }
        if let Some(why) = self.busy(seen).await? {
            memory.idle_at = None;
            return Ok(Some(why));
        }
        let first = *memory.idle_at.get_or_insert(seen.now);
        if seen.now.duration_since(first) < IDLE_GAP {
            return Ok(Some("nothing runs on it, to be read again".to_owned()));
        }
        memory.drained = true;
        Ok(None)
    }

    async fn start(&self, memory: &mut Memory, seen: &Seen) -> Result<Option<String>, Stopped> {
        let instance = &Self::detail(seen)?.instance;
        match instance.state {
            InstanceState::Pending => return Ok(Some("the instance starts".to_owned())),
            InstanceState::Stopping => return Ok(Some("the instance is still stopping".to_owned())),
            _ => {}
        }
        let lately = memory
            .start_asked_at
            .is_some_and(|at| seen.now.duration_since(at) < SignedDuration::from_secs(120));
        if !seen.is_tagged(&self.policy.tag_value) {
            if !lately {
                self.operator.start_instance(instance).await?;
                memory.start_asked_at = Some(seen.now);
                self.tell(seen, EventKind::Start, "start", "started".to_owned()).await?;
            }
            return Ok(Some("the instance starts".to_owned()));
        }
        let id = instance.id.clone();
        if !lately {
            self.ask(seen, &format!("reinstate-{id}"), Wish::Reinstate(id.clone())).await?;
            memory.start_asked_at = Some(seen.now);
        }
        let report = self.cycle(memory, &[]).await;
        Ok(Some(Self::why_from(&report, &id)))
    }

    /// Retirement ends first: whoever takes the wish up clears the maintenance mode as well, should this end here.
    async fn take_calls(&self, memory: &mut Memory, seen: &Seen) -> Result<(), Stopped> {
        let node = self.node(seen)?;
        let retired = seen.record().is_some_and(|record| record.retired);
        if let (true, Some(detail)) = (retired, &seen.detail) {
            let id = detail.instance.id.clone();
            for word in ["retire", "reinstate"] {
                self.ports.ledger.remove_request(&format!("{word}-{id}")).await?;
            }
            self.ask(seen, &format!("release-{id}"), Wish::Release(id)).await?;
        }
        if node.maintenance_mode {
            let whose = if is_our_maintenance(node) {
                String::new()
            } else {
                format!(" that somebody else set ({})", node.maintenance_mode_reason)
            };
            self.ports.management.set_maintenance(node.id, false, "").await?;
            let text = format!("maintenance mode{whose} off after {}", self.operation.word());
            self.tell(seen, EventKind::MaintenanceCleared, "take-calls", text).await?;
        }
        if retired {
            self.cycle(memory, &[]).await;
        }
        Ok(())
    }

    /// What runs on the node, in words; `None`: nothing.
    async fn busy(&self, seen: &Seen) -> Result<Option<String>, Stopped> {
        if !seen.is_up() {
            return Ok(None);
        }
        let activity = self.ports.management.read_activity(self.node(seen)?.address).await?;
        if activity.is_idle() {
            return Ok(None);
        }
        Ok(Some(format!(
            "{} participants in {} conferences are on it",
            activity.participants, activity.shards
        )))
    }

    /// What the node lacks to take calls; `None`: nothing.
    fn not_ready(&self, seen: &Seen) -> Option<String> {
        let Some(node) = seen.node(&self.subject) else { return Some("it is not configured".to_owned()) };
        let launched = seen.detail.as_ref().and_then(|detail| detail.instance.launched_at);
        let Some(status) = &node.status else { return Some("it has never reported".to_owned()) };
        let since_launch =
            status.last_updated.is_some_and(|at| launched.is_none_or(|launched| at > launched));
        if !since_launch || !is_fresh(self.policy, &seen.platform, status) {
            return Some("it has not reported since it started".to_owned());
        }
        if !seen.platform.version.is_empty() && status.version != seen.platform.version {
            return Some(format!("it runs version {}; the Management Node upgrades it", status.version));
        }
        if node.role == NodeRole::Transcoding && status.max_hd_calls.0 == 0 {
            return Some("it has not measured its capacity yet".to_owned());
        }
        (!status.synced).then(|| "its configuration is not synchronised yet".to_owned())
    }

    async fn cycle(&self, memory: &mut Memory, overrides: &[Override]) -> CycleReport {
        let clock = self.ports.clock;
        let owner =
            format!("{} at the command line ({}), {}", actor(&self.by), self.operation.word(), clock.now());
        let deadline = clock.monotonic() + self.cycle_time;
        let cycle = Cycle { ports: self.ports, policy: self.policy, owner, deadline };
        Box::pin(cycle.run_overridden(&mut memory.lease, overrides)).await
    }

    /// Why the cycle has not come further with the node.
    fn why_from(report: &CycleReport, id: &InstanceId) -> String {
        let refused = report.results.iter().find_map(|result| match &result.end {
            ActionEnd::Refused(refusal) if result.action.instance() == id => {
                Some(format!("EC2 refuses: {refusal}"))
            }
            ActionEnd::Failed(fault) if result.action.instance() == id => Some(fault.to_string()),
            _ => None,
        });
        if let Some(refused) = refused {
            return refused;
        }
        if report.outcome == Outcome::Stale {
            return "another cycle has the lease; it goes on with it".to_owned();
        }
        if report.gate().is_some() || !report.violations.is_empty() {
            return report.summary();
        }
        let node = report.plan.report.nodes.iter().find(|node| node.instance == *id);
        node.map_or_else(
            || "the cycle does not see the node yet".to_owned(),
            |node| node.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        )
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
