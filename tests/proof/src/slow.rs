//! A Management Node that answers slowly: starts are made when they are needed, drains end, and no invocation is killed with its
//! lease.

use std::time::Duration;

use crate::now;
use jiff::SignedDuration;
use spillway_core::ids::{HdCalls, HoldId};
use spillway_core::ledger::{Actor, Hold, HoldAmount, HoldScope};
use spillway_core::policy::{ForecastPolicy, Policy};
use spillway_engine::ports::LedgerWrite;
use spillway_harness::Harness;
use spillway_harness::intercept::Disturbance;
use spillway_world::{CallSpec, NodeSpec, ServiceView, fixtures};

fn up(harness: &Harness) -> usize {
    let world = harness.world();
    world.nodes().iter().filter(|node| node.is_overflow && node.service != ServiceView::Stopped).count()
}

#[test]
fn with_a_slow_management_node_starts_are_made_drains_end_and_no_invocation_is_killed() {
    for millis in [200, 1_000, 3_000, 5_000] {
        let world = fixtures::hq()
            .with(NodeSpec::always_on("HQ").count(900).named("hq"))
            .with(NodeSpec::overflow("Burst").count(100).named("burst"))
            .boots_in(SignedDuration::from_mins(4))
            .reports_every(SignedDuration::from_secs(20))
            .min_lifetime(10)
            .build()
            .expect("a world");
        let policy = Policy {
            threshold: Some(HdCalls(5)),
            forecast: ForecastPolicy::off(),
            ..Policy::with_defaults("manager")
        };
        let mut harness = Harness::new(world, policy);
        let seated = harness.world().call_many("HQ", 10_000, CallSpec::HD);
        assert_eq!(seated.len(), 10_000);
        let began = harness.now();
        now(harness.ledger().put_hold(&Hold {
            id: HoldId::new("drill"),
            scope: HoldScope::All,
            amount: HoldAmount::Nodes(12),
            from: began,
            until: began + SignedDuration::from_mins(20),
            by: Actor::Person("anna".to_owned()),
            reason: "a drill".to_owned(),
            spike_at: None,
            asked: None,
        }))
        .expect("a hold");
        for minute in 0..180 {
            let slow = Disturbance::none(harness.shared_world()).answers_after(Duration::from_millis(millis));
            let ended = harness.cycle_disturbed(&slow);
            assert!(ended.is_some(), "{millis} ms, minute {minute}: the function is killed");
            assert!(minute > 0 || up(&harness) == 12, "{millis} ms: the first cycle starts what is needed");
            let next = began + SignedDuration::from_mins(minute + 1);
            harness.advance(next.duration_since(harness.now()).max(SignedDuration::ZERO));
        }
        assert_eq!(up(&harness), 0, "{millis} ms a reply: drains end");
    }
}
