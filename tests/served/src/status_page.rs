//! The buttons of the status page, pressed in a simulated world: what is asked is seen in EC2, on the Management Node and in
//! the ledger, and nothing else is.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, EventKind, HoldScope, OperatorCommand, Request};
use spillway_core::observation::InstanceState;
use spillway_core::policy::{Mode, Policy};
use spillway_dashboard::{Answer, Memory, PageAction, PageActions, Preview, read_page};
use spillway_engine::ports::Ports;
use spillway_engine::ports::{Clock, FleetRead, LedgerRead, LedgerWrite};
use spillway_harness::ports::{MemoryLedger, SimClock, SimFleet, SimManagement};
use spillway_view::NodeState;
use spillway_world::{SharedWorld, fixtures, lock};

type WorldActions<'a> = PageActions<'a, (SimFleet, SimManagement, MemoryLedger, SimClock)>;

struct Platform {
    world: SharedWorld,
    fleet: SimFleet,
    management: SimManagement,
    ledger: MemoryLedger,
    clock: SimClock,
    policy: Policy,
}

impl Platform {
    fn new(mode: Mode) -> Self {
        let world = fixtures::london()
            .always_on("London", 2)
            .overflow_nodes("AWS burst", 2)
            .bursting(mode == Mode::Assist)
            .boots_in(SignedDuration::from_mins(4))
            .ec2_shows_at_once()
            .build_shared()
            .unwrap();
        Self {
            fleet: SimFleet::new(Arc::clone(&world), "manager"),
            management: SimManagement::new(Arc::clone(&world)),
            ledger: MemoryLedger::new(),
            clock: SimClock::new(Arc::clone(&world)),
            policy: Policy { mode, ..Policy::with_defaults("manager") },
            world,
        }
    }

    fn ports(&self) -> Ports<'_, (SimFleet, SimManagement, MemoryLedger, SimClock)> {
        let Self { fleet, management, ledger, clock, .. } = self;
        Ports::of(fleet, management, ledger, clock)
    }

    fn actions(&self) -> WorldActions<'_> {
        PageActions { ports: self.ports(), policy: &self.policy, by: Actor::Person("user/anna".to_owned()) }
    }

    async fn preview(&self, action: &PageAction) -> Preview {
        self.actions().preview(action).await.unwrap()
    }

    async fn act(&self, action: &PageAction) -> Answer {
        self.actions().act(action).await.unwrap()
    }

    async fn states(&self) -> Vec<InstanceState> {
        self.fleet.read_fleet().await.unwrap().instances.iter().map(|instance| instance.state).collect()
    }

    async fn first(&self) -> InstanceId {
        self.fleet.read_fleet().await.unwrap().instances[0].id.clone()
    }

    fn later(&self, minutes: i64) {
        lock(&self.world).advance_by(SignedDuration::from_mins(minutes));
    }

    fn asked(&self) -> Vec<String> {
        let events = self.ledger.events();
        events
            .iter()
            .filter(|event| event.kind == EventKind::Asked)
            .map(|event| event.reason.clone())
            .collect()
    }
}

fn start(instance: &InstanceId, hold_minutes: u32) -> PageAction {
    PageAction::Start { instance: instance.clone(), hold_minutes, reason: "a talk".to_owned() }
}

fn stop(instance: &InstanceId) -> PageAction {
    PageAction::Stop { instance: instance.clone(), reason: String::new() }
}

#[tokio::test]
async fn a_plan_changes_nothing_and_says_what_would_be() {
    let platform = Platform::new(Mode::Control);
    let id = platform.first().await;
    let preview = platform.preview(&start(&id, 60)).await;
    assert_eq!(preview.refused, None);
    assert!(preview.plan[0].contains("hold it for 60 minutes, for user/anna"), "{preview:?}");
    assert!(preview.plan.iter().any(|line| line.starts_with("The next cycle: start")), "{preview:?}");
    assert_eq!(platform.ledger.writes(), 0);
    assert_eq!(platform.states().await, [InstanceState::Stopped; 2]);
}

#[tokio::test]
async fn a_start_is_a_hold_that_the_cycle_meets_and_asking_again_moves_its_end() {
    let platform = Platform::new(Mode::Control);
    let id = platform.first().await;
    let answer = platform.act(&start(&id, 60)).await;
    assert!(answer.done, "{answer:?}");
    assert_eq!(platform.states().await, [InstanceState::Pending, InstanceState::Stopped]);
    assert_eq!(platform.asked(), ["start and hold for 60 minutes: a talk"]);
    let named = platform.ledger.events();
    assert!(named.iter().all(|event| event.node.is_some() && event.location.is_some()), "{named:?}");
    platform.later(1);
    platform.act(&start(&id, 120)).await;
    let ledger = platform.ledger.read_ledger(platform.clock.now()).await.unwrap();
    assert_eq!(ledger.holds.len(), 1);
    assert_eq!(ledger.holds[0].scope, HoldScope::Node(id));
    assert_eq!(ledger.holds[0].until, platform.clock.now() + SignedDuration::from_mins(120));
    assert_eq!(platform.states().await[1], InstanceState::Stopped);
}

#[tokio::test]
async fn a_stop_is_a_drain_that_lets_go_of_the_nodes_own_hold() {
    let platform = Platform::new(Mode::Control);
    let id = platform.first().await;
    platform.act(&start(&id, 600)).await;
    platform.later(60);
    let preview = platform.preview(&stop(&id)).await;
    assert!(preview.plan.iter().any(|line| line.contains("No call is dropped")), "{preview:?}");
    let answer = platform.act(&stop(&id)).await;
    assert!(answer.done, "{answer:?}");
    assert!(answer.lines.iter().any(|line| line.contains("is released")), "{answer:?}");
    assert_eq!(platform.states().await[0], InstanceState::Running);
    let ledger = platform.ledger.read_ledger(platform.clock.now()).await.unwrap();
    assert!(ledger.holds.is_empty() && ledger.requests.is_empty(), "{ledger:?}");
    assert!(ledger.nodes[&id].drain.is_some());
    let refused = platform.preview(&stop(&platform.second().await)).await.refused;
    assert!(refused.is_some_and(|why| why.contains("does not run")));
}

impl Platform {
    async fn second(&self) -> InstanceId {
        self.fleet.read_fleet().await.unwrap().instances[1].id.clone()
    }
}

#[tokio::test]
async fn while_paused_or_in_a_dry_run_nothing_is_promised_and_nothing_stored() {
    let mut platform = Platform::new(Mode::Control);
    let id = platform.first().await;
    let until = platform.clock.now() + SignedDuration::from_mins(30);
    let by = Actor::Person("user/bob".to_owned());
    let at = platform.clock.now();
    let pause = Request {
        id: "p".to_owned(),
        by,
        at,
        reason: "works".to_owned(),
        command: OperatorCommand::Pause { until },
    };
    platform.ledger.put_request(&pause).await.unwrap();
    let refused = platform.preview(&start(&id, 60)).await.refused.unwrap();
    assert!(refused.contains("paused") && refused.contains("user/bob: works"), "{refused}");
    let answer = platform.act(&start(&id, 60)).await;
    assert!(!answer.done && answer.lines[0].starts_with("Nothing was changed"), "{answer:?}");
    platform.ledger.remove_request("p").await.unwrap();
    platform.policy.dry_run = true;
    assert!(platform.preview(&start(&id, 60)).await.refused.unwrap().contains("dry_run"));
    let ledger = platform.ledger.read_ledger(platform.clock.now()).await.unwrap();
    assert!(ledger.holds.is_empty() && platform.asked().is_empty());
}

#[tokio::test]
async fn whoever_has_the_lease_meets_what_was_asked() {
    let platform = Platform::new(Mode::Control);
    let id = platform.first().await;
    let now = platform.clock.now();
    let cycle = platform.ledger.read_ledger(now).await.unwrap().cycle;
    platform.ledger.take_lease(&cycle, "evaluator", now).await.unwrap();
    let answer = platform.act(&start(&id, 60)).await;
    assert!(
        answer.done && answer.lines.iter().any(|line| line.contains("evaluator has the lease")),
        "{answer:?}"
    );
    assert_eq!(platform.states().await, [InstanceState::Stopped; 2]);
    assert_eq!(platform.ledger.read_ledger(now).await.unwrap().holds.len(), 1);
}

#[tokio::test]
async fn in_assist_mode_pexip_starts_the_node_and_nobody_here_stops_one() {
    let platform = Platform::new(Mode::Assist);
    let id = platform.first().await;
    let preview = platform.preview(&start(&id, 60)).await;
    assert!(preview.plan[0].contains("Ask the Management Node"), "{preview:?}");
    assert!(platform.act(&start(&id, 60)).await.done);
    assert_ne!(platform.states().await[0], InstanceState::Stopped);
    assert!(platform.preview(&stop(&id)).await.refused.unwrap().contains("assist"));
    let ledger = platform.ledger.read_ledger(platform.clock.now()).await.unwrap();
    assert_eq!(platform.asked(), ["start and hold for 60 minutes: a talk"]);
    assert_eq!(ledger.holds.len(), 1, "it says who wanted it until when; Pexip decides how long it stays");
    // What the rules would do beside that is withheld, which is no failure of what was asked.
    platform.later(6);
    let answer = platform.act(&start(&id, 60)).await;
    assert!(answer.done, "{answer:?}");
}

#[tokio::test]
async fn what_is_no_overflow_node_is_refused() {
    let platform = Platform::new(Mode::Control);
    let refused = platform.preview(&start(&"i-0123".into(), 60)).await.refused.unwrap();
    assert!(refused.contains("not an overflow node"), "{refused}");
    assert!(!platform.act(&stop(&"i-0123".into())).await.done);
    assert_eq!(platform.ledger.writes(), 0);
}

#[tokio::test]
async fn a_refresh_shows_the_run_the_hold_and_the_load() {
    let platform = Platform::new(Mode::Control);
    let id = platform.first().await;
    platform.act(&start(&id, 60)).await;
    platform.later(6);
    platform.act(&start(&id, 60)).await;
    let mut memory = Memory::default();
    let zone = jiff::tz::TimeZone::UTC;
    let data = read_page(platform.ports(), &platform.policy, "acme", &zone, &mut memory, Vec::new()).await;
    let node = data.status.nodes.iter().find(|node| node.instance == id).unwrap();
    assert_eq!(node.state, NodeState::Ready);
    assert_eq!(data.runs.len(), 1);
    let run = &data.runs[0];
    assert!(run.reason.contains("a talk") && run.until.is_none() && run.ready.is_some(), "{run:?}");
    assert_eq!(data.status.holds.len(), 1);
    assert_eq!(data.load.len(), 2);
    assert!(data.line.contains("acme: room for"), "{}", data.line);
    assert!(platform.clock.monotonic() > Duration::ZERO);
}
