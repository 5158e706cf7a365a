//! An operation on a node of the simulated world, turn by turn, with an evaluator beside it.

use jiff::SignedDuration;
use spillway_core::ids::{HdCalls, InstanceId};
use spillway_core::ledger::Actor;
use spillway_core::observation::InstanceState;
use spillway_core::operation::{Operation, Step, Subject};
use spillway_core::policy::Policy;
use spillway_engine::operation::{Memory, Stopped, Turn, Worker};
use spillway_engine::ports::Ports;
use spillway_harness::Harness;
use spillway_harness::HarnessFleet;
use spillway_harness::finish;
use spillway_harness::ports::{MemoryLedger, SimClock, SimManagement, SimOperator};
use spillway_world::{NodeSpec, fixtures};

pub(super) const LOOK: SignedDuration = SignedDuration::from_secs(20);

/// An operation at work on the simulated world.
type SimWorker<'a> = Worker<'a, (HarnessFleet, SimManagement, MemoryLedger, SimClock), SimOperator>;

pub(super) fn harness() -> Harness {
    let world = fixtures::hq()
        .with(NodeSpec::always_on("HQ").count(3).named("hq").public())
        .with(NodeSpec::overflow("Burst").count(2).named("burst").public())
        .with(NodeSpec::overflow("Burst").count(1).named("old").instance_type("c4.2xlarge").without_ena())
        .boots_in(SignedDuration::from_mins(4))
        .reports_every(SignedDuration::from_secs(20))
        // Longer than any of this takes: the stop rule has no part in it.
        .min_lifetime(240)
        .build()
        .expect("a world");
    let mut harness =
        Harness::new(world, Policy { threshold: Some(HdCalls(5)), ..Policy::with_defaults("manager") });
    harness.cycle();
    harness
}

pub(super) fn subject(harness: &Harness, name: &str) -> Subject {
    let world = harness.world();
    let node = world.node(name).expect("a node");
    Subject { name: node.name, address: Some(node.address), instance: node.instance }
}

pub(super) struct Run<'a> {
    pub(super) harness: &'a mut Harness,
    pub(super) operation: Operation,
    pub(super) subject: Subject,
    pub(super) by: &'static str,
    pub(super) memory: Memory,
    pub(super) did: Vec<String>,
}

impl<'a> Run<'a> {
    pub(super) fn of(harness: &'a mut Harness, name: &str, operation: Operation) -> Self {
        let subject = subject(harness, name);
        Self::on(harness, subject, operation)
    }

    pub(super) fn on(harness: &'a mut Harness, subject: Subject, operation: Operation) -> Self {
        Self { harness, operation, subject, by: "anna", memory: Memory::default(), did: Vec::new() }
    }

    pub(super) fn turn(&mut self) -> Result<Turn, Stopped> {
        let mut memory = std::mem::take(&mut self.memory);
        let turn = self.worker(|worker| finish(worker.turn(&mut memory)).expect("nothing waits"));
        self.memory = memory;
        turn
    }

    /// What is shown before anything is done.
    pub(super) fn planned(&self) -> Result<Vec<Step>, Stopped> {
        self.worker(|worker| {
            let seen = finish(worker.look(&self.memory)).expect("nothing waits")?;
            Ok(worker.steps(&seen)?)
        })
    }

    fn worker<T>(&self, work: impl FnOnce(&SimWorker<'_>) -> T) -> T {
        let world = self.harness.shared_world();
        let (management, clock, operator) = (
            SimManagement::new(world.clone()),
            SimClock::new(world.clone()),
            SimOperator::new(world.clone()),
        );
        let ports = Ports::of(self.harness.fleet(), &management, self.harness.ledger(), &clock);
        work(&Worker {
            ports,
            operator: &operator,
            policy: self.harness.policy(),
            operation: &self.operation,
            subject: self.subject.clone(),
            by: Actor::Person(self.by.to_owned()),
            why: "a test".to_owned(),
            ignore_lifetime: false,
        })
    }

    /// Turns until it is over, a look every twenty seconds; an evaluator beside it, once a minute.
    pub(super) fn finish(&mut self) -> Result<(), Stopped> {
        for look in 0..600 {
            match self.turn()? {
                Turn::Finished => return Ok(()),
                Turn::Did(step) => self.did.push(step.word().to_owned()),
                Turn::Waits { .. } => {}
            }
            self.harness.advance(LOOK);
            if look % 3 == 0 {
                self.harness.cycle();
            }
        }
        let last = self.turn();
        panic!("{:?} did not end: {:?}; then {last:?}", self.operation, self.did);
    }
}

pub(super) fn instance(harness: &Harness, name: &str) -> InstanceId {
    harness.world().node(name).and_then(|node| node.instance).expect("an instance")
}

pub(super) fn state(harness: &Harness, name: &str) -> InstanceState {
    harness.world().node(name).and_then(|node| node.state).expect("a state")
}

pub(super) fn is_distributed(harness: &Harness, name: &str) -> bool {
    let platform = harness
        .world()
        .platform(spillway_core::observation::PlatformScope { shards: false })
        .expect("the Management Node answers");
    platform.nodes.iter().find(|node| node.name.as_str() == name).expect("a node").distributed_database
}

pub(super) fn is_tagged(harness: &Harness, id: &InstanceId) -> bool {
    harness.world().instance_detail(id).expect("an instance").instance.tags.contains_key("pexip-cloud")
}

pub(super) fn to_overflow() -> Operation {
    Operation::ToOverflow { location: "Burst".into() }
}

pub(super) fn to_always_on() -> Operation {
    Operation::ToAlwaysOn { location: "HQ".into() }
}
