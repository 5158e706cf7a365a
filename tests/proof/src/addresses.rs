//! Random hours of starts, stops, Elastic IPs, people and lost state changes. Whatever comes: no address that works is changed
//! under a call, no Elastic IP is taken, nothing is told twice; and when it ends, every address is right.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::outcome::ActionEnd;
use spillway_core::policy::Policy;
use spillway_core::reconcile::ReconcileReport;
use spillway_harness::Harness;
use spillway_harness::intercept::{CallFaults, Strike};
use spillway_world::{CallHandle, CallSpec, EventFaults, NodeSpec, NodeView, ServiceView, World, fixtures};

const NODES: [&str; 4] = ["burst-1", "burst-2", "burst-3", "burst-4"];

/// What may happen in a minute.
#[derive(Debug, Clone)]
enum Event {
    Starts(usize),
    Stops(usize),
    Calls(usize, u32),
    NobodyCalls,
    PersonSets(usize, Option<u8>),
    Asks(usize, Option<usize>),
    PersonTakes(usize, usize),
    Frees(usize),
    Tag(usize, bool),
    Terminates,
    StateChanges(EventFaults),
    LedgerForgets,
    CallFails(u64, bool),
    Sweep,
    Cycle,
}

fn event() -> impl Strategy<Value = Event> {
    let node = 0..NODES.len();
    let faults = (0.0..1.0, 0.0..1.0, 0.0..1.0, 0_i64..20).prop_map(|(dropped, doubled, late, by)| {
        EventFaults { dropped, doubled, late, late_by: SignedDuration::from_mins(by) }
    });
    prop_oneof![
        8 => node.clone().prop_map(Event::Starts),
        5 => node.clone().prop_map(Event::Stops),
        5 => (node.clone(), 0_u32..4).prop_map(|(node, calls)| Event::Calls(node, calls)),
        2 => Just(Event::NobodyCalls),
        3 => (node.clone(), proptest::option::of(any::<u8>())).prop_map(|(node, to)| Event::PersonSets(node, to)),
        4 => (node.clone(), proptest::option::of(0_usize..3)).prop_map(|(node, of)| Event::Asks(node, of)),
        2 => (node.clone(), 0_usize..3).prop_map(|(node, of)| Event::PersonTakes(node, of)),
        2 => (0_usize..3).prop_map(Event::Frees),
        1 => (node, any::<bool>()).prop_map(|(node, ours)| Event::Tag(node, ours)),
        1 => Just(Event::Terminates),
        3 => faults.prop_map(Event::StateChanges),
        1 => Just(Event::LedgerForgets),
        4 => (1_u64..10, any::<bool>()).prop_map(|(nth, after)| Event::CallFails(nth, after)),
        6 => Just(Event::Sweep),
        6 => Just(Event::Cycle),
    ]
}

struct Day {
    harness: Harness,
    elastic: Vec<AllocationId>,
    calls: Vec<CallHandle>,
    fault: Option<CallFaults>,
    forgot: bool,
}

impl Day {
    fn new(seed: u64) -> Self {
        let mut world = fixtures::hq()
            .seed(seed)
            .with(NodeSpec::always_on("HQ").named("hq"))
            .with(NodeSpec::overflow("Burst").count(NODES.len()).named("burst").public())
            .boots_in(SignedDuration::from_mins(4))
            // What EC2 shows is as it is: what the reconciler does is held against the world..ec2_shows_at_once()
            .build()
            .expect("a world");
        let tag = |value: &str| BTreeMap::from([("pexip-cloud".to_owned(), value.to_owned())]);
        let elastic = ["manager", "manager", "another"].map(|value| world.allocate_address(&tag(value)));
        let harness = Harness::new(world, Policy::with_defaults("manager"));
        Self { harness, elastic: elastic.to_vec(), calls: Vec::new(), fault: None, forgot: false }
    }

    fn happen(&mut self, event: &Event) {
        let name = |node: &usize| NODES[*node % NODES.len()];
        match event {
            Event::Starts(node) => self.harness.world().outside_starts(name(node)),
            Event::Stops(node) => self.harness.world().outside_stops(name(node)),
            Event::Calls(node, calls) => {
                // Only a node that is ready has calls.
                if view(&self.harness.world(), name(node)).service == ServiceView::Ready {
                    let calls = self.harness.world().seat_calls(name(node), *calls, CallSpec::HD);
                    self.calls.extend(calls);
                }
            }
            Event::NobodyCalls => self.hang_up(),
            Event::PersonSets(node, to) => {
                let view = view(&self.harness.world(), name(node));
                let to = to.map(|last| std::net::Ipv4Addr::new(203, 0, 113, last));
                let _ = self.harness.world().set_static_nat(view.id, to);
            }
            Event::Asks(node, of) => {
                let text = of.map(|of| self.elastic[of].to_string());
                self.harness.world().tag_allocation(name(node), text.as_deref());
            }
            Event::PersonTakes(node, of) => {
                self.harness.world().person_associates(name(node), &self.elastic[*of]);
            }
            Event::Frees(of) => self.harness.world().disassociate_address(&self.elastic[*of]),
            Event::Tag(node, ours) => {
                let tag = if *ours { "manager" } else { "another" };
                self.harness.world().set_tag(name(node), "pexip-cloud", Some(tag));
            }
            Event::Terminates => self.harness.world().outside_terminates(NODES[3]),
            Event::StateChanges(faults) => self.harness.world().set_event_faults(*faults),
            Event::LedgerForgets => {
                self.harness.ledger().forget();
                self.forgot = true;
            }
            Event::CallFails(nth, after) => {
                let strike = if *after { Strike::After } else { Strike::Before };
                self.fault = Some(CallFaults::nth(*nth, strike));
            }
            Event::Sweep => self.pass(None),
            Event::Cycle => {
                self.harness.cycle();
            }
        }
    }

    fn hang_up(&mut self) {
        let calls = std::mem::take(&mut self.calls);
        self.harness.world().hang_up_all(&calls);
    }

    /// A minute passes, and the state changes that arrived in it are looked at.
    fn minute(&mut self) {
        self.harness.advance(SignedDuration::from_mins(1));
        let changes = self.harness.world().take_state_changes();
        let instances: Vec<InstanceId> = changes.into_iter().map(|change| change.instance).collect();
        if !instances.is_empty() {
            self.pass(Some(&instances));
        }
    }

    fn pass(&mut self, instances: Option<&[InstanceId]>) {
        let before: BTreeMap<InstanceId, NodeView> = {
            let nodes = self.harness.world().nodes();
            nodes.into_iter().filter_map(|node| Some((node.instance.clone()?, node))).collect()
        };
        let faults = self.fault.take().unwrap_or_else(CallFaults::none);
        let report = self.harness.reconcile_through(instances, &faults).expect("a pass ends");
        check_pass(&before, &report);
    }
}

fn view(world: &World, node: &str) -> NodeView {
    world.node(node).expect("a node")
}

/// Nothing of somebody else's was touched, and no address that works was changed under a call.
fn check_pass(before: &BTreeMap<InstanceId, NodeView>, report: &ReconcileReport) {
    for result in report.results.iter().filter(|result| result.end == ActionEnd::Done) {
        let node = &before[&result.action.node().instance];
        assert!(node.is_overflow, "{} is not ours: {:?}", node.name, result.action);
        let works = node.static_nat.is_some() && node.static_nat == node.public_ip;
        assert!(!(works && node.busy), "{} was changed under a call: {:?}", node.name, result.action);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_every_address_is_right_in_the_end_and_no_call_lost_its_own(
        seed in 0_u64..1_000,
        events in proptest::collection::vec(event(), 0..60),
    ) {
        let mut day = Day::new(seed);
        for event in &events {
            day.happen(event);
            day.minute();
        }
        // It ends: state changes arrive or not, calls end, and a few sweeps come: one may fail yet, one sets, one reads back.
        day.hang_up();
        for _ in 0..5 {
            for _ in 0..5 {
                day.minute();
            }
            day.pass(None);
        }
        for node in day.harness.world().nodes().iter().filter(|node| node.is_overflow) {
            prop_assert!(!node.stored_is_wrong(), "{} has {:?} and not {:?}", node.name, node.static_nat, node.public_ip);
        }
        let report = day.harness.reconcile(None).expect("a pass ends");
        prop_assert_eq!(report.changed(), 0, "at rest: {:?}", report.results);
        prop_assert!(report.plan.records.is_empty() && report.plan.events.is_empty(), "{:?}", report.plan);
        prop_assert_eq!(day.harness.broken(), Vec::<String>::new());
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for event in day.harness.ledger().stored_events() {
            *told.entry(event.id).or_default() += 1;
        }
        let twice: Vec<_> = told.iter().filter(|(_, times)| **times > 1).collect();
        prop_assert!(twice.is_empty() || day.forgot, "{twice:?}");
    }
}
