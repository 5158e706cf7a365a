//! A Management Node that answers slowly: starts are made when they are needed, drains end, and no invocation is killed with its
//! lease.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::now;
use jiff::SignedDuration;
use spillway_core::fault::Fault;
use spillway_core::ids::{HdCalls, HoldId};
use spillway_core::ledger::{Actor, Hold, HoldAmount, HoldScope};
use spillway_core::policy::{ForecastPolicy, Policy};
use spillway_engine::ports::LedgerWrite;
use spillway_harness::Harness;
use spillway_harness::intercept::{Call, Interceptor};
use spillway_world::{CallSpec, NodeSpec, ServiceView, SharedWorld, fixtures, lock};

/// What the function has until it is killed.
const KILLED_AFTER: SignedDuration = SignedDuration::from_secs(45);

const STEP: SignedDuration = SignedDuration::from_millis(200);

/// Each request takes this long; what is read together is asked at once, and pages come one after the other.
#[derive(Clone)]
struct Slow {
    world: SharedWorld,
    reply: Duration,
}

impl Interceptor for Slow {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        let requests = match call {
            Call::ReadPlatform | Call::ReadActivity(_) => 2,
            Call::SetMaintenance => 1,
            _ => return Ok(()),
        };
        for _ in 0..(self.reply * requests).as_millis() / 200 {
            lock(&self.world).advance_by(STEP);
            // Whoever gave the call a limit can give it up here.
            let mut asked = false;
            poll_fn(|_| if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending })
                .await;
        }
        Ok(())
    }
}

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
        let slow = Slow { world: harness.shared_world().clone(), reply: Duration::from_millis(millis) };
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
            let report = harness.cycle_through(&slow);
            assert!(report.took < KILLED_AFTER, "{millis} ms, minute {minute}: {:#}", report.took);
            assert!(minute > 0 || up(&harness) == 12, "{millis} ms: the first cycle starts what is needed");
            let next = began + SignedDuration::from_mins(minute + 1);
            harness.advance(next.duration_since(harness.now()).max(SignedDuration::ZERO));
        }
        assert_eq!(up(&harness), 0, "{millis} ms a reply: drains end");
    }
}
