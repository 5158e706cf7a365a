//! A platform brought to the minute before something happens: what the sweeps begin with, again and again.

use jiff::SignedDuration;
use spillway_core::fault::RefusalKind;
use spillway_core::ids::HdCalls;
use spillway_core::policy::{ForecastPolicy, Policy};
use spillway_harness::{Harness, TICK};
use spillway_world::{CallHandle, CallSpec, NodeSpec, fixtures};

/// A harness, and the calls that must live.
pub(crate) struct Situation {
    pub(crate) harness: Harness,
    pub(crate) calls: Vec<CallHandle>,
}

/// Two always-on nodes of 17 HD calls, four overflow nodes of two types, ready four minutes after a start.
pub(crate) fn platform() -> Harness {
    let world = fixtures::hq()
        .with(NodeSpec::always_on("HQ").count(2).named("hq"))
        .with(NodeSpec::overflow("Burst").count(3).named("burst"))
        .with(NodeSpec::overflow("Burst").count(1).named("spare").instance_type("c5.4xlarge"))
        .boots_in(SignedDuration::from_mins(4))
        .reports_every(SignedDuration::from_secs(20))
        .min_lifetime(10)
        .build()
        .expect("a world");
    let mut harness = Harness::new(
        world,
        Policy {
            threshold: Some(HdCalls(5)),
            forecast: ForecastPolicy::off(),
            ..Policy::with_defaults("manager")
        },
    );
    harness.cycle();
    harness
}

/// The situations, by name. The next cycle of each is the interesting one.
pub(crate) const SITUATIONS: [&str; 9] = [
    "nothing to do",
    "start",
    "substitute",
    "became ready",
    "drain",
    "confirm-idle",
    "stop",
    "clear-maintenance",
    "cancel-drain",
];

impl Situation {
    pub(crate) fn of(name: &str) -> Self {
        let mut this = Self { harness: platform(), calls: Vec::new() };
        match name {
            "nothing to do" => {
                this.call_in(10);
                this.harness.tick();
                this.harness.advance(TICK);
            }
            "start" => this.at_the_start(),
            "substitute" => {
                let instance =
                    this.harness.world().node("burst-1").and_then(|node| node.instance).expect("burst-1");
                this.harness.world().refuse_starts(&instance, 1, RefusalKind::InstanceCapacity);
                this.at_the_start();
            }
            "became ready" => {
                this.at_the_start();
                this.harness.cycle();
                for _ in 0..3 {
                    this.harness.tick();
                }
                this.harness.advance(TICK);
            }
            "cancel-drain" => {
                this.idle_again();
                this.until("confirm-idle");
                this.call_in(22);
                this.until("cancel-drain");
            }
            action => {
                this.idle_again();
                this.until(action);
            }
        }
        this
    }

    fn at_the_start(&mut self) {
        self.call_in(32);
        self.until("start");
    }

    /// One overflow node has come up, and the callers have gone: it will be drained.
    fn idle_again(&mut self) {
        self.at_the_start();
        for _ in 0..5 {
            self.harness.cycle();
            self.harness.advance(TICK);
        }
        let going = self.calls.split_off(10);
        self.harness.world().hang_up_all(&going);
    }

    fn call_in(&mut self, count: u32) {
        let calls = self.harness.world().call_many("HQ", count, CallSpec::HD);
        assert_eq!(calls.len(), count as usize, "there is room");
        self.calls.extend(calls);
    }

    /// Lets time pass until the next cycle would do this.
    fn until(&mut self, action: &str) {
        for _ in 0..120 {
            self.harness.advance(TICK);
            let plan = self.harness.plan().expect("a plan");
            if plan.actions.iter().any(|each| each.word() == action) {
                return;
            }
            self.harness.cycle();
        }
        panic!("no cycle came to {action}");
    }

    /// Clean cycles from here: everything comes to rest, nobody was dropped, nothing forbidden happened.
    pub(crate) fn converges(&mut self, what: &str) {
        self.harness.settle(600, 14).unwrap_or_else(|error| panic!("{what}: {error}"));
        let broken = self.harness.broken();
        assert!(broken.is_empty(), "{what}: {broken:?}");
        let world = self.harness.world();
        let lost = self.calls.iter().filter(|call| world.media_node_of(**call).is_none()).count();
        assert_eq!(lost, 0, "{what}: calls were dropped");
        let left: Vec<_> = world
            .nodes()
            .into_iter()
            .filter(|node| node.maintenance_configured)
            .map(|node| node.name)
            .collect();
        assert!(left.is_empty(), "{what}: maintenance mode left over on {left:?}");
        // Thirty-two calls or more need exactly one overflow node, fewer none.
        let needed = usize::from(self.calls.len() >= 29);
        let up = world
            .nodes()
            .iter()
            .filter(|node| node.is_overflow && node.service != spillway_world::ServiceView::Stopped)
            .count();
        assert_eq!(up, needed, "{what}: overflow nodes up at the end");
    }
}
