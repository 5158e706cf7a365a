//! Operations around an upgrade of the platform: a node that is behind is not being upgraded, and an upgrade that does not end
//! is over after a day.

use jiff::SignedDuration;
use spillway_core::blocker::Blocker;
use spillway_core::ids::HdCalls;
use spillway_core::ledger::Actor;
use spillway_core::observation::InstanceState;
use spillway_core::operation::{Operation, UpgradeState, behind, hold_of, may_upgrade, state_of};
use spillway_core::policy::Policy;
use spillway_core::report::NodeReason;
use spillway_engine::operation::Stopped;
use spillway_engine::ports::{LedgerRead, LedgerWrite};
use spillway_harness::{Harness, finish};
use spillway_world::{CallSpec, NodeSpec, WorldBuilder, fixtures};

use super::run::{Run, state};

fn world() -> WorldBuilder {
    fixtures::hq()
        .with(NodeSpec::always_on("HQ").count(3).named("hq"))
        .boots_in(SignedDuration::from_mins(4))
        .reports_every(SignedDuration::from_secs(20))
        .min_lifetime(5)
}

fn harness(world: WorldBuilder) -> Harness {
    let policy = Policy { threshold: Some(HdCalls(5)), ..Policy::with_defaults("manager") };
    let mut harness = Harness::new(world.build().expect("a world"), policy);
    harness.cycle();
    harness
}

/// Whether an upgrade runs, as `spillway node upgrade` asks.
fn runs(harness: &Harness) -> Result<(), Blocker> {
    let platform = harness.observe().expect("nothing waits").platform.expect("read");
    let ledger =
        finish(harness.ledger().read_ledger(harness.now())).expect("nothing waits").expect("a ledger");
    may_upgrade(harness.policy(), &platform, &ledger, harness.now())
}

#[test]
fn after_an_upgrade_that_left_nodes_behind_nothing_is_being_upgraded() {
    let world = world()
        .with(NodeSpec::overflow("Burst").count(1).named("new").running(true))
        .with(NodeSpec::overflow("Burst").count(2).named("behind").running(true).version("37 (70000.0.0)"));
    let mut harness = harness(world);
    assert_eq!(runs(&harness), Err(Blocker::NoUpgrade), "the command says so instead of waiting");
    let report = harness.tick();
    for node in &report.plan.report.nodes {
        assert!(!node.reasons.contains(&NodeReason::Upgrade), "{}: {:?}", node.node, node.reasons);
    }
    // Neither waits for an upgrade that is over.
    for name in ["new-1", "behind-1"] {
        let mut run = Run::of(&mut harness, name, Operation::Retire);
        run.finish().unwrap_or_else(|stopped| panic!("{name}: {stopped}"));
        assert_eq!(state(&harness, name), InstanceState::Stopped, "{name}");
    }
}

#[test]
fn an_operation_waits_for_an_upgrade_and_not_for_one_that_does_not_end() {
    let world = world()
        .with(NodeSpec::overflow("Burst").count(2).named("burst").running(true))
        .settings(|settings| settings.upgrade.limit = SignedDuration::from_hours(100));
    let mut harness = harness(world);
    // It waits for calls that do not end.
    harness.world().seat_calls("hq-1", 1, CallSpec::HD);
    let version = harness.observe().expect("nothing waits").platform.expect("read").version;
    harness.world().begin_upgrade(&version);
    for _ in 0..60 {
        harness.tick();
    }
    assert_eq!(runs(&harness), Ok(()));
    let turn = Run::of(&mut harness, "burst-1", Operation::Retire).turn();
    assert_eq!(turn, Err(Stopped::Blocked(Blocker::Upgrading)), "it says so at once");
    assert!(Run::of(&mut harness, "burst-1", Operation::Reinstate).planned().is_ok(), "a node may come back");
    for _ in 0..24 * 12 {
        harness.advance(SignedDuration::from_mins(4));
        harness.tick();
    }
    assert_eq!(runs(&harness), Err(Blocker::NoUpgrade), "a day is as long as one can last");
    let mut run = Run::of(&mut harness, "burst-1", Operation::Reinstate);
    run.finish().expect("it is not refused");
    let mut run = Run::of(&mut harness, "burst-1", Operation::Retire);
    run.finish().expect("it ends");
    assert_eq!(state(&harness, "burst-1"), InstanceState::Stopped);
}

#[test]
fn a_node_that_missed_an_upgrade_is_started_and_held_until_it_runs_the_management_nodes_version() {
    let world = fixtures::hq()
        .with(NodeSpec::always_on("HQ").count(3).named("hq"))
        .with(NodeSpec::overflow("Burst").count(1).named("burst"))
        .with(NodeSpec::overflow("Burst").count(1).named("behind").version("37 (70000.0.0)"))
        .boots_in(SignedDuration::from_mins(4))
        .reports_every(SignedDuration::from_secs(20))
        .build()
        .expect("a world");
    let mut harness =
        Harness::new(world, Policy { threshold: Some(HdCalls(5)), ..Policy::with_defaults("manager") });
    harness.cycle();
    let look = |harness: &Harness| {
        let observation = harness.observe().expect("nothing waits");
        let ledger =
            finish(harness.ledger().read_ledger(harness.now())).expect("nothing waits").expect("a ledger");
        (observation.platform.expect("read"), observation.fleet.expect("read"), ledger)
    };
    let (platform, fleet, ledger) = look(&harness);
    let nodes = behind(harness.policy(), &platform, &fleet, &ledger, harness.now());
    let names: Vec<&str> = nodes.iter().map(|each| each.node.as_str()).collect();
    assert_eq!(names, ["behind-1"]);
    let id = nodes[0].instance.clone();
    let state = |harness: &Harness| {
        let (platform, fleet, ledger) = look(harness);
        state_of(harness.policy(), &platform, &fleet, &ledger, harness.now(), &id)
    };
    assert_eq!(state(&harness), UpgradeState::Waits);
    let until = harness.now() + SignedDuration::from_hours(2);
    let hold = hold_of(&id, harness.now(), until, &Actor::Person("anna".to_owned()), "39");
    finish(harness.ledger().put_hold(&hold)).expect("nothing waits").expect("stored");
    for _ in 0..7 {
        harness.tick();
    }
    assert_eq!(state(&harness), UpgradeState::Runs("37 (70000.0.0)".to_owned()), "up, and held");
    // The Management Node upgrades what it reaches.
    let version = platform.version.clone();
    harness.world().begin_upgrade(&version);
    for _ in 0..45 {
        harness.tick();
    }
    assert_eq!(state(&harness), UpgradeState::Current);
    let (platform, fleet, ledger) = look(&harness);
    assert!(behind(harness.policy(), &platform, &fleet, &ledger, harness.now()).is_empty());
}
