//! Random loads and random misfortunes over hours of simulated time. Whatever comes: no call is dropped by us, no node
//! has two runs at once, none is stopped before its minimum lifetime; and when the misfortunes end, everything comes to rest.

use jiff::SignedDuration;
use proptest::prelude::*;
use spillway_core::fault::{Fault, FaultKind, RefusalKind, System};
use spillway_core::ids::HdCalls;
use spillway_core::policy::Policy;
use spillway_harness::intercept::{CallFaults, Death, Strike};
use spillway_harness::{Harness, TICK};
use spillway_world::{BootFailure, CallHandle, CallSpec, NodeSpec, fixtures};

const OVERFLOW: [&str; 5] = ["burst-1", "burst-2", "burst-3", "large-1", "large-2"];

/// What may happen in a minute.
#[derive(Debug, Clone)]
enum Event {
    Callers(usize),
    CallsOn(usize, u32),
    CallFails(u64, bool),
    Dies(u64),
    Management(Option<FaultKind>),
    Fleet(bool),
    Ledger(bool),
    LedgerForgets,
    Silent(usize, bool),
    HqSilent(bool),
    LoadHidden(usize, bool),
    Room(Option<usize>),
    Refuse(usize, u32),
    NeverReady(usize),
    StopsAgain(usize),
    Unlisted(usize),
    PersonMaintains(usize, bool),
    PersonStarts(usize),
    Bursting,
    FailsOver,
    SecondEvaluator,
}

fn event() -> impl Strategy<Value = Event> {
    let node = 0..OVERFLOW.len();
    prop_oneof![
        12 => (0_usize..90).prop_map(Event::Callers),
        3 => (node.clone(), 0_u32..6).prop_map(|(node, calls)| Event::CallsOn(node, calls)),
        6 => (1_u64..16, any::<bool>()).prop_map(|(nth, after)| Event::CallFails(nth, after)),
        4 => (1_u64..32).prop_map(Event::Dies),
        2 => Just(Event::Management(Some(FaultKind::Server))),
        3 => Just(Event::Management(None)),
        2 => any::<bool>().prop_map(Event::Fleet),
        2 => any::<bool>().prop_map(Event::Ledger),
        1 => Just(Event::LedgerForgets),
        2 => (node.clone(), any::<bool>()).prop_map(|(node, on)| Event::Silent(node, on)),
        1 => any::<bool>().prop_map(Event::HqSilent),
        1 => (node.clone(), any::<bool>()).prop_map(|(node, on)| Event::LoadHidden(node, on)),
        1 => proptest::option::of(2_usize..6).prop_map(Event::Room),
        2 => (node.clone(), 1_u32..3).prop_map(|(node, times)| Event::Refuse(node, times)),
        1 => node.clone().prop_map(Event::NeverReady),
        1 => node.clone().prop_map(Event::StopsAgain),
        1 => node.clone().prop_map(Event::Unlisted),
        2 => (node.clone(), any::<bool>()).prop_map(|(node, on)| Event::PersonMaintains(node, on)),
        1 => node.prop_map(Event::PersonStarts),
        1 => Just(Event::Bursting),
        1 => Just(Event::FailsOver),
        2 => Just(Event::SecondEvaluator),
    ]
}

struct Day {
    harness: Harness,
    callers: Vec<CallHandle>,
    seated: Vec<CallHandle>,
}

impl Day {
    fn new(seed: u64) -> Self {
        let world = fixtures::hq()
            .seed(seed)
            .with(NodeSpec::always_on("HQ").count(2).named("hq"))
            .with(NodeSpec::overflow("Burst").count(3).named("burst"))
            .with(NodeSpec::overflow("Burst").count(2).named("large").instance_type("c5.4xlarge"))
            .min_lifetime(10)
            .settings(|settings| settings.controller.present = false)
            .with_standby()
            .build()
            .expect("a world");
        let policy = Policy { threshold: Some(HdCalls(5)), ..Policy::with_defaults("manager") };
        Self { harness: Harness::new(world, policy), callers: Vec::new(), seated: Vec::new() }
    }

    fn fault(system: System) -> Fault {
        Fault::new(system, FaultKind::Unreachable, "a random misfortune")
    }

    fn hang_up_to(&mut self, calls: usize) {
        while self.callers.len() > calls {
            if let Some(call) = self.callers.pop() {
                self.harness.world().hang_up(call);
            }
        }
    }

    /// A minute, with what happens in it, and its cycle.
    fn minute(&mut self, event: Option<&Event>) {
        self.harness.advance(TICK);
        let Some(event) = event else {
            self.harness.cycle();
            return;
        };
        let name = |node: &usize| OVERFLOW[*node];
        match event {
            Event::Callers(calls) => {
                self.hang_up_to(*calls);
                let more = u32::try_from(calls - self.callers.len()).expect("few");
                let came = self.harness.world().call_many("HQ", more, CallSpec::HD);
                self.callers.extend(came);
            }
            Event::CallsOn(node, calls) => {
                let before = std::mem::take(&mut self.seated);
                self.harness.world().hang_up_all(&before);
                // The platform puts calls only where they are taken.
                let ready = self.harness.world().node(name(node)).map(|node| node.service);
                if ready == Some(spillway_world::ServiceView::Ready) {
                    self.seated = self.harness.world().seat_calls(name(node), *calls, CallSpec::HD);
                }
            }
            Event::CallFails(nth, after) => {
                let strike = if *after { Strike::After } else { Strike::Before };
                self.harness.cycle_through(&CallFaults::nth(*nth, strike));
                return;
            }
            Event::Dies(point) => {
                self.harness.cycle_dies(&Death::at(*point));
                return;
            }
            Event::Management(kind) => {
                let fault = kind.map(|kind| Fault::new(System::ManagementNode, kind, "503"));
                self.harness.world().set_management_fault(fault);
            }
            Event::Fleet(fails) => {
                self.harness.fleet().inner().set_fault(fails.then(|| Self::fault(System::Ec2)));
            }
            Event::Ledger(fails) => {
                self.harness.ledger().set_fault(fails.then(|| Self::fault(System::Ledger)));
            }
            Event::LedgerForgets => self.harness.ledger().forget(),
            Event::Silent(node, silent) => self.harness.world().silence(name(node), *silent),
            Event::HqSilent(silent) => {
                self.harness.world().silence("hq-1", *silent);
                self.harness.world().silence("hq-2", *silent);
            }
            Event::LoadHidden(node, hidden) => self.harness.world().hide_media_load(name(node), *hidden),
            Event::Room(room) => {
                self.harness.world().set_capacity("c5.2xlarge", "eu-west-1a", room.map(|room| room + 2));
            }
            Event::Refuse(node, times) => {
                let instance = self.harness.world().node(name(node)).and_then(|node| node.instance);
                if let Some(instance) = instance {
                    self.harness.world().refuse_starts(&instance, *times, RefusalKind::WrongState);
                }
            }
            Event::NeverReady(node) => {
                self.harness.world().fail_next_boot(name(node), BootFailure::NeverReady);
            }
            Event::StopsAgain(node) => {
                let after = BootFailure::StopsAgain(SignedDuration::from_secs(100));
                self.harness.world().fail_next_boot(name(node), after);
            }
            Event::Unlisted(node) => {
                self.harness.world().unlist_for(name(node), SignedDuration::from_secs(70));
            }
            Event::PersonMaintains(node, on) => {
                self.harness.world().person_sets_maintenance(name(node), *on, "a technician");
            }
            Event::PersonStarts(node) => self.harness.world().outside_starts(name(node)),
            Event::Bursting => {
                self.harness.world().set_bursting(true);
                self.harness.cycle();
                self.harness.world().set_bursting(false);
                return;
            }
            Event::FailsOver => self.harness.world().fail_over(SignedDuration::from_secs(90)),
            Event::SecondEvaluator => {
                self.harness.cycle();
            }
        }
        self.harness.cycle();
    }

    fn heal(&mut self) {
        self.harness.world().set_management_fault(None);
        self.harness.fleet().inner().set_fault(None);
        self.harness.ledger().set_fault(None);
        let mut world = self.harness.world();
        world.set_capacity("c5.2xlarge", "eu-west-1a", None);
        for node in OVERFLOW.iter().chain(&["hq-1", "hq-2"]) {
            world.silence(node, false);
            world.hide_media_load(node, false);
            world.person_sets_maintenance(node, false, "");
        }
    }

    fn nobody_was_dropped(&self) -> Result<(), TestCaseError> {
        let broken = self.harness.broken();
        prop_assert!(broken.is_empty(), "{broken:?}");
        let world = self.harness.world();
        let lost = self
            .callers
            .iter()
            .chain(&self.seated)
            .filter(|call| world.media_node_of(**call).is_none())
            .count();
        prop_assert_eq!(lost, 0, "calls were dropped");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_for_hours_no_call_is_dropped_by_us(
        seed in 0_u64..1_000_000,
        // One thing every few minutes, for about five hours.
        happenings in proptest::collection::vec((1_usize..6, event()), 40..100),
    ) {
        let mut day = Day::new(seed);
        for (minutes, event) in &happenings {
            for _ in 1..*minutes {
                day.minute(None);
            }
            day.minute(Some(event));
            day.nobody_was_dropped()?;
        }
        day.heal();
        let rest = day.harness.settle(600, 20);
        prop_assert!(rest.is_ok(), "{rest:?}");
        day.nobody_was_dropped()?;
        // Everybody leaves, and every overflow node goes: one whose drain was given up is left alone for an hour first.
        day.hang_up_to(0);
        let seated = std::mem::take(&mut day.seated);
        day.harness.world().hang_up_all(&seated);
        let rest = day.harness.settle(600, 75);
        prop_assert!(rest.is_ok(), "{rest:?}");
        day.nobody_was_dropped()?;
        let up: Vec<_> = day
            .harness
            .world()
            .nodes()
            .into_iter()
            .filter(|node| node.is_overflow && node.service != spillway_world::ServiceView::Stopped)
            .map(|node| node.name)
            .collect();
        // A node whose drain a person vetoed stays up for the rest of its life.
        let events = day.harness.ledger().events();
        let vetoed = events.iter().any(|event| event.kind == spillway_core::ledger::EventKind::DrainVetoed);
        prop_assert!(up.is_empty() || vetoed, "still up: {up:?}");
    }
}
