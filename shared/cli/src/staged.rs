//! A simulated platform as a command reads it, for tests of what commands show before they ask.

use jiff::SignedDuration;
use spillway_core::ids::HdCalls;
use spillway_core::ledger::{Actor, Hold, HoldAmount, HoldScope};
use spillway_core::policy::Policy;
use spillway_engine::ports::LedgerRead;
use spillway_harness::{Harness, finish};
use spillway_world::{NodeSpec, fixtures};

use crate::known::KnownState;

/// Two always-on nodes in `HQ`, three overflow nodes in `Burst`, of which as many run as are named; Monday, 08:00 UTC.
pub(crate) fn harness(running: usize) -> Harness {
    let world = fixtures::hq()
        .with(NodeSpec::always_on("HQ").count(2).named("hq").public())
        .with(NodeSpec::overflow("Burst").count(running).named("up").running(true).public())
        .with(NodeSpec::overflow("Burst").count(3 - running).named("down").public())
        .boots_in(SignedDuration::from_mins(4))
        .reports_every(SignedDuration::from_secs(20))
        .min_lifetime(5)
        .build()
        .unwrap();
    let mut policy = Policy { threshold: Some(HdCalls(5)), ..Policy::with_defaults("manager") };
    policy.price_per_hour.insert("c5.2xlarge".into(), 0.5);
    let mut harness = Harness::new(world, policy);
    harness.cycle();
    harness
}

/// What a command reads of it.
pub(crate) fn known(harness: &Harness) -> KnownState {
    let observation = harness.observe().unwrap();
    let ledger = finish(harness.ledger().read_ledger(harness.now())).unwrap().unwrap();
    KnownState {
        platform: observation.platform.unwrap(),
        fleet: observation.fleet.unwrap(),
        ledger,
        now: harness.now(),
    }
}

/// A hold from now on for an hour.
pub(crate) fn hold(harness: &Harness, id: &str, scope: HoldScope, amount: HoldAmount) -> Hold {
    let from = harness.now();
    let (by, until) = (Actor::Person("anna".to_owned()), from + SignedDuration::from_hours(1));
    let reason = "a rehearsal".to_owned();
    Hold { id: id.into(), scope, amount, from, until, by, reason, spike_at: None, asked: None }
}
