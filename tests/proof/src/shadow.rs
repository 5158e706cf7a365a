//! What a cycle would have done and did not: told once, and again when it is something else. It is what Pexip's own
//! bursting is compared with before it is switched off.

use std::sync::Arc;

use jiff::SignedDuration;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ledger::{Actor, EventKind};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::policy::{ForecastPolicy, Mode, Policy};
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::ports::Ports;

use crate::now;
use spillway_harness::ports::{MemoryLedger, SimClock, SimFleet, SimManagement};
use spillway_world::{CallSpec, SharedWorld, fixtures, lock};

/// A platform with Pexip's own bursting on or off, and a ledger.
struct Shadow {
    world: SharedWorld,
    ledger: MemoryLedger,
    policy: Policy,
    cycles: u64,
}

impl Shadow {
    fn new(policy: Policy, bursting: bool) -> Self {
        let world = fixtures::london()
            .always_on("London", 1)
            .overflow_nodes("AWS burst", 3)
            .bursting(bursting)
            .boots_in(SignedDuration::from_mins(5))
            .ec2_shows_at_once()
            .build_shared()
            .unwrap();
        Self { world, ledger: MemoryLedger::new(), policy, cycles: 0 }
    }

    fn assist() -> Self {
        Self::new(
            Policy {
                mode: Mode::Assist,
                forecast: ForecastPolicy::off(),
                ..Policy::with_defaults("manager")
            },
            true,
        )
    }

    /// So many HD calls at London from now on, seen by the next cycle. Pexip is slower here: nothing else moves.
    fn calls(&self, count: u32) {
        let mut world = lock(&self.world);
        let node = world.nodes().iter().find(|node| !node.is_overflow).unwrap().name.clone();
        assert_eq!(world.seat_calls(node.as_str(), count, CallSpec::HD).len(), count as usize);
    }

    fn cycle(&mut self) -> CycleReport {
        self.cycles += 1;
        lock(&self.world).advance_by(SignedDuration::from_secs(60));
        let (fleet, management) =
            (SimFleet::new(Arc::clone(&self.world), "manager"), SimManagement::new(Arc::clone(&self.world)));
        let clock = SimClock::new(Arc::clone(&self.world));
        let ports = Ports::of(&fleet, &management, &self.ledger, &clock);
        let deadline = std::time::Duration::from_secs(self.cycles * 60 + 45);
        let cycle = Cycle {
            ports,
            policy: &self.policy,
            owner: format!("owner-{}", self.cycles),
            deadline,
            profiles: None,
        };
        now(cycle.run(&mut LeaseMemory::default()))
    }

    fn told(&self) -> Vec<String> {
        let events = self.ledger.events();
        let withheld = events.iter().filter(|event| event.kind == EventKind::Withheld);
        withheld
            .inspect(|event| assert_eq!(event.by, Actor::Spillway))
            .map(|event| event.reason.clone())
            .collect()
    }
}

fn dry() -> Shadow {
    Shadow::new(Policy { dry_run: true, ..Policy::with_defaults("manager") }, false)
}

#[test]
fn where_nothing_would_be_done_nothing_is_told() {
    for mut shadow in [Shadow::assist(), dry()] {
        assert_eq!(shadow.cycle().outcome, Outcome::NoOp);
        assert!(shadow.told().is_empty());
    }
}

#[test]
fn what_would_be_done_is_told_once_and_again_when_it_is_something_else() {
    let mut shadow = dry();
    shadow.calls(13);
    for _ in 0..3 {
        assert_eq!(shadow.cycle().outcome, Outcome::Withheld);
    }
    let told = shadow.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("start aws-burst-1"), "{told:?}");
    // A larger threshold asks for more nodes: another plan.
    shadow.policy.threshold = Some(spillway_core::ids::HdCalls(20));
    shadow.cycle();
    shadow.cycle();
    let told = shadow.told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("start aws-burst-2"), "{told:?}");
    assert!(
        lock(&shadow.world).nodes().iter().all(|node| !node.is_overflow || !node.busy),
        "nothing was started"
    );
    assert_eq!(lock(&shadow.world).stats().starts_total(), 0);
}

#[test]
fn in_assist_mode_it_is_told_before_pexip_starts_the_node() {
    let mut shadow = Shadow::assist();
    // Twice Pexip's threshold: the rules would start a node while Pexip waits.
    shadow.policy.threshold = Some(spillway_core::ids::HdCalls(10));
    shadow.cycle();
    shadow.calls(8);
    let outcomes: Vec<Outcome> = (0..3).map(|_| shadow.cycle().outcome).collect();
    assert_eq!(outcomes, [Outcome::Withheld; 3]);
    let told = shadow.told();
    assert!(told.len() == 1 && told[0].contains("start aws-burst-1"), "{told:?}");
    assert_eq!(lock(&shadow.world).stats().starts_total(), 0, "Pexip's threshold is not reached");
    shadow.calls(5);
    let outcomes: Vec<Outcome> = (0..3).map(|_| shadow.cycle().outcome).collect();
    assert_eq!(outcomes, [Outcome::NoOp; 3], "nothing is left to be done");
    assert_eq!(lock(&shadow.world).stats().starts_total(), 1, "by Pexip");
    assert_eq!(shadow.told().len(), 1);
    assert!(shadow.ledger.events().iter().all(|event| event.kind != EventKind::Start));
}

#[test]
fn an_outage_withholds_nothing_and_a_history_that_cannot_be_written_is_a_fault_of_the_report() {
    let mut shadow = dry();
    shadow.calls(13);
    shadow.ledger.set_fault(Some(Fault::new(System::Ledger, FaultKind::Unreachable, "no route")));
    let report = shadow.cycle();
    assert_ne!(report.outcome, Outcome::Withheld, "without the ledger it is not known what was told");
    shadow.ledger.set_fault(None);
    assert!(shadow.told().is_empty());
    assert_eq!(shadow.cycle().outcome, Outcome::Withheld);
    assert_eq!(shadow.told().len(), 1);
}
