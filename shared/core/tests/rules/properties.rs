//! Properties of every plan, over worlds that nobody would write down by hand.

use jiff::SignedDuration;
use proptest::prelude::*;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::HdCalls;
use spillway_core::ledger::{DrainKind, HoldAmount, HoldScope};
use spillway_core::observation::{InstanceState, Observation};
use spillway_core::plan::Action;
use spillway_core::safety::check;

use crate::common::{BURST, HQ, OTHER, Scene, minutes};

#[derive(Debug, Clone)]
struct NodeSketch {
    other: bool,
    state: u8,
    age: i64,
    used: u32,
    drain: Option<(bool, i64, Option<i64>, bool)>,
    spoil: u8,
}

fn node() -> impl Strategy<Value = NodeSketch> {
    let drain = prop::option::of((any::<bool>(), 0_i64..6, prop::option::of(0_i64..400), any::<bool>()));
    (any::<bool>(), 0_u8..6, 0_i64..120, 0_u32..18, drain, 0_u8..24).prop_map(
        |(other, state, age, used, drain, spoil)| NodeSketch { other, state, age, used, drain, spoil },
    )
}

prop_compose! {
    pub(crate) fn scene()(
        free in (0_u32..40, 0_u32..40),
        nodes in prop::collection::vec(node(), 0..12),
        holds in prop::collection::vec((any::<bool>(), 0_u8..3, 0_u32..40, -5_i64..5, 1_i64..9), 0..4),
        threshold in prop::option::of(1_u32..60),
        caps in (0_u32..6, 1_u32..12, 1_u32..4),
        platform in 0_u8..24,
    ) -> Scene {
        let mut scene = Scene::new().with_location(OTHER, "Zone b", None).always_on(HQ, free.0).always_on(HQ, free.1);
        scene.policy.threshold = threshold.map(HdCalls);
        scene.policy.starts_per_cycle = caps.1;
        scene.policy.drains_at_once = caps.2;
        if caps.0 < 4 {
            scene.policy.max_nodes.insert("AWS burst".into(), caps.0);
        }
        if caps.0 == 1 {
            scene.policy.fallback.insert("AWS burst".into(), "Zone b".into());
        }
        for sketch in nodes {
            scene = add(scene, &sketch);
        }
        for (all, kind, n, from, until) in holds {
            let scope = if all { HoldScope::All } else { HoldScope::Location("AWS burst".into()) };
            let amount = match kind {
                0 => HoldAmount::AllNodes,
                1 => HoldAmount::Nodes(n),
                _ => HoldAmount::HdCalls(HdCalls(n)),
            };
            let id = format!("h{}", scene.ledger.holds.len());
            scene = scene.hold(&id, scope, amount, from, until);
        }
        match platform {
            0 => scene.platform.upgrading = true,
            1 => scene.platform.bursting.enabled = true,
            2 => scene.platform.shards = None,
            3 => for node in scene.platform.nodes.iter_mut().take(2) { node.status = None },
            _ => {}
        }
        scene
    }
}

fn add(scene: Scene, sketch: &NodeSketch) -> Scene {
    let location = if sketch.other { OTHER } else { BURST };
    let mut scene = match sketch.state {
        0 | 1 => scene.stopped_in(location, if sketch.used > 8 { "c5.2xlarge" } else { "c4.2xlarge" }, 1),
        2 => scene.booting(location, sketch.age / 6),
        _ => scene.ready(location, sketch.age, sketch.used.saturating_sub(9)),
    };
    if let (true, Some((operator, since, idle, shows))) = (sketch.state > 2, sketch.drain) {
        let kind = if operator { DrainKind::Operator } else { DrainKind::Auto };
        scene = scene.draining(kind, since);
        let idle_at = idle.map(|seconds| scene.now - SignedDuration::from_secs(seconds));
        scene.last_record_mut().drain.as_mut().unwrap().idle_at = idle_at;
        scene.last_node_mut().status.as_mut().unwrap().maintenance_mode = shows;
    }
    let (now, id) = (scene.now, scene.last_id());
    match sketch.spoil {
        0 => scene.last_node_mut().maintenance_mode = true,
        1 => scene.last_node_mut().status = None,
        2 => scene.instance_mut(&id).state = InstanceState::Stopping,
        3 => scene.instance_mut(&id).state = InstanceState::Stopped,
        4 => scene.last_record_mut().run = None,
        5 => scene.instance_mut(&id).private_ip = None,
        6 => scene.last_record_mut().back_off_until = Some(now + minutes(1)),
        7 => drop(scene.ledger.nodes.remove(&id)),
        8 => scene.last_node_mut().maintenance_mode_reason = "anna".to_owned(),
        9 => scene.instance_mut(&id).launched_at = None,
        _ => {}
    }
    scene
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_passes_the_safety_check(scene in scene()) {
        let (observation, ledger) = (scene.observation(), Ok(scene.ledger.clone()));
        let plan = spillway_core::plan(&scene.policy, &observation, &ledger, scene.now);
        prop_assert_eq!(check(&scene.policy, &observation, &ledger, &plan, scene.now), Ok(()));
    }

    #[test]
    fn planning_twice_gives_the_same_plan(scene in scene()) {
        let (observation, ledger) = (scene.observation(), Ok(scene.ledger.clone()));
        let plan = || spillway_core::plan(&scene.policy, &observation, &ledger, scene.now);
        prop_assert_eq!(plan(), plan());
    }

    #[test]
    fn what_was_intended_is_not_intended_again(scene in scene()) {
        let observation = scene.observation();
        let first = spillway_core::plan(&scene.policy, &observation, &Ok(scene.ledger.clone()), scene.now);
        let mut ledger = scene.ledger.clone();
        ledger.nodes.extend(first.records.clone());
        let second = spillway_core::plan(&scene.policy, &observation, &Ok(ledger), scene.now);
        let started = |plan: &spillway_core::plan::Plan| -> Vec<_> {
            plan.actions
                .iter()
                .filter_map(|action| match action { Action::Start(start) => Some(start.instance.clone()), _ => None })
                .collect()
        };
        let again: Vec<_> = started(&second).into_iter().filter(|id| started(&first).contains(id)).collect();
        prop_assert!(again.is_empty(), "started twice: {again:?}");
    }

    #[test]
    fn nothing_ends_while_something_cannot_be_read(scene in scene(), which in 0_u8..3) {
        let fault = Fault::new(System::ManagementNode, FaultKind::Timeout, "no answer");
        let mut observation = scene.observation();
        let mut ledger = Ok(scene.ledger.clone());
        match which {
            0 => observation = Observation { platform: Err(fault), ..observation },
            1 => observation = Observation { fleet: Err(fault), ..observation },
            _ => ledger = Err(fault),
        }
        let plan = spillway_core::plan(&scene.policy, &observation, &ledger, scene.now);
        prop_assert!(plan.actions.iter().all(|action| matches!(action, Action::Start(_))));
        prop_assert_eq!(check(&scene.policy, &observation, &ledger, &plan, scene.now), Ok(()));
    }

    #[test]
    fn a_plan_survives_its_own_serialisation(scene in scene()) {
        let plan = spillway_core::plan(&scene.policy, &scene.observation(), &Ok(scene.ledger.clone()), scene.now);
        let json = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<spillway_core::plan::Plan>(&json).unwrap(), plan);
    }
}
