//! The guard: whatever is forecast, the vendor's rule is underneath. A forecast only adds starts and cancelled drains, and only
//! keeps nodes that would be drained; whatever else a plan does is as without it, and so are the caps and the safety check.
//!
//! `PROPTEST_CASES=1000000 cargo test --release -p spillway-core --test rules guard` tries a million worlds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Time, time};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use spillway_core::ids::{InstanceId, LocationId, LocationName};
use spillway_core::ledger::{Actor, DrainKind, OperatorCommand, Request};
use spillway_core::outlook::Forecasts;
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Mode;
use spillway_core::safety::check;
use spillway_core::{Given, plan_given};
use spillway_forecast::{DayKind, Expected, Forecast};

use crate::common::{BURST, OTHER, Scene, minutes};
use crate::properties::scene;

/// A second principal location.
const BRANCH: LocationId = LocationId(5);

/// HD calls as a forecast may have them: mostly some that matter here, and everything that a number can be.
fn calls() -> impl Strategy<Value = f64> {
    prop_oneof![
        5 => 180.0..330.0_f64,
        2 => 0.0..100.0_f64,
        1 => prop::num::f64::ANY,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -20.0, f64::MAX]),
    ]
}

prop_compose! {
    fn forecast()(
        start in calls(),
        further in calls(),
        odd in any::<bool>(),
        expected in prop::option::of((calls(), calls(), any::<u32>(), calls())),
        rise in prop::option::of(calls()),
    ) -> Forecast {
        let expected = expected.map(|(demand, margin, days, level)| Expected {
            demand,
            margin,
            by: time(9, 0, 0, 0),
            kept_until: time(9, 20, 0, 0),
            days,
            kind: DayKind::Working,
            level,
        });
        // What is kept for is more than what is started for; but who knows.
        let stop = if odd { further } else { start + further };
        Forecast { start, stop, demand: further, expected, rise, at: Time::midnight() }
    }
}

prop_compose! {
    /// Worlds of [`scene`] with a few more nodes that are stopped, idle or draining; some with a second principal location on the same overflow location or on another, in `assist` mode,
    /// paused, or with an operator at work; and a forecast for some of the principal locations.
    fn world()(
        scene in scene(),
        branch in prop::option::of((any::<bool>(), 0_u32..100)),
        forecasts in (prop::option::weighted(0.9, forecast()), prop::option::of(forecast())),
        more in (0_usize..4, 0_usize..3, 0_usize..3, any::<bool>()),
        most in prop::option::weighted(0.2, 0_u32..4),
        odd in 0_u8..12,
    ) -> (Scene, Forecasts) {
        let mut scene = scene;
        if let Some((shared, free)) = branch {
            let overflow = if shared { BURST } else { OTHER };
            scene = scene.with_location(BRANCH, "Branch", Some(overflow)).always_on(BRANCH, free);
        }
        let (stopped, idle, draining, capped) = more;
        scene = scene.stopped(stopped);
        for _ in 0..idle {
            scene = scene.ready(BURST, 70, 0);
        }
        for n in 0..draining {
            scene = scene.ready(if n == 0 { BURST } else { OTHER }, 90, 0).draining(DrainKind::Auto, 3);
        }
        if !capped {
            scene.policy.max_nodes.clear();
        }
        scene.policy.forecast.max_extra_nodes = most;
        match odd {
            0 => {
                scene.policy.mode = Mode::Assist;
                scene.platform.bursting.enabled = true;
            }
            1 => ask(&mut scene, |scene| Some(OperatorCommand::Pause { until: scene.now + minutes(5) })),
            2 => ask(&mut scene, |scene| scene.fleet.instances.last().map(|each| OperatorCommand::Stop(each.id.clone()))),
            3 => ask(&mut scene, |scene| scene.fleet.instances.first().map(|each| OperatorCommand::Release(each.id.clone()))),
            _ => {}
        }
        let named = [("HQ", forecasts.0), ("Branch", forecasts.1)];
        let given = named.into_iter().filter_map(|(name, forecast)| Some((LocationName::new(name), forecast?)));
        (scene, given.collect())
    }
}

fn ask(scene: &mut Scene, command: impl Fn(&Scene) -> Option<OperatorCommand>) {
    if let Some(command) = command(scene) {
        let (by, reason) = (Actor::Person("anna".to_owned()), "a test".to_owned());
        scene.ledger.requests.push(Request { id: "r1".to_owned(), by, at: scene.now, reason, command });
    }
}

fn plan(scene: &Scene, forecasts: Option<&Forecasts>) -> Plan {
    let given = Given { forecasts, ..Given::default() };
    plan_given(&scene.policy, &scene.observation(), &Ok(scene.ledger.clone()), scene.now, given)
}

/// The actions of each kind, by instance.
fn actions(plan: &Plan) -> BTreeMap<&'static str, BTreeMap<InstanceId, Action>> {
    let mut actions: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for action in &plan.actions {
        let (word, instance) = (action.word(), action.instance().clone());
        actions.entry(word).or_default().insert(instance, action.clone());
    }
    actions
}

/// What a forecast changes in a plan: instances started, instances whose drain is cancelled, instances kept.
#[derive(Debug, Default)]
struct Change {
    started: BTreeSet<InstanceId>,
    undrained: BTreeSet<InstanceId>,
    kept: BTreeSet<InstanceId>,
}

/// What a forecast changes; an error where it changes what it must not.
fn change(scene: &Scene, forecasts: &Forecasts) -> Result<Change, TestCaseError> {
    let (without, with) = (plan(scene, None), plan(scene, Some(forecasts)));
    let (before, after) = (actions(&without), actions(&with));
    let of = |actions: &BTreeMap<&str, BTreeMap<InstanceId, Action>>, word| {
        actions.get(word).cloned().unwrap_or_default()
    };
    // Nothing that the rules without it do is lost, or done for another reason.
    let added = |word| {
        let (before, mut after) = (of(&before, word), of(&after, word));
        for (instance, action) in before {
            prop_assert_eq!(after.remove(&instance), Some(action), "{} is missing or another", word);
        }
        Ok(after.into_keys().collect::<BTreeSet<_>>())
    };
    let (started, undrained) = (added("start")?, added("cancel-drain")?);
    // No drain begins that would not have begun.
    let (mut kept, drains) = (of(&before, "drain"), of(&after, "drain"));
    for (instance, action) in drains {
        prop_assert_eq!(
            kept.remove(&instance),
            Some(action),
            "a drain that the vendor's rule does not begin"
        );
    }
    // A drain goes on as before, unless it was cancelled.
    for word in ["confirm-idle", "stop"] {
        let mut before = of(&before, word);
        before.retain(|instance, _| !undrained.contains(instance));
        prop_assert_eq!(before, of(&after, word), "{}", word);
    }
    for word in ["retire", "clear-maintenance"] {
        prop_assert_eq!(of(&before, word), of(&after, word), "{}", word);
    }
    let rest = |plan: &Plan| {
        let Plan { events, seen, load, done_requests, report, .. } = plan.clone();
        (events, seen, load, done_requests, report.suspension, report.issues)
    };
    prop_assert_eq!(rest(&without), rest(&with));
    let (observation, ledger) = (scene.observation(), Ok(scene.ledger.clone()));
    prop_assert_eq!(check(&scene.policy, &observation, &ledger, &with, scene.now), Ok(()));
    Ok(Change { started, undrained, kept: kept.into_keys().collect() })
}

proptest! {
    #[test]
    fn a_forecast_only_adds_starts_and_cancelled_drains_and_only_keeps_nodes((scene, forecasts) in world()) {
        let change = change(&scene, &forecasts)?;
        // Every start says that it is the forecast's, and why; so does every node that is kept.
        let with = plan(&scene, Some(&forecasts));
        for action in &with.actions {
            if let Action::Start(start) = action {
                prop_assert_eq!(start.forecast, change.started.contains(&start.instance));
                prop_assert!(!start.reason.is_empty());
            }
        }
        for instance in &change.kept {
            let node = with.report.nodes.iter().find(|node| node.instance == *instance);
            prop_assert!(node.is_some_and(|node| !node.reasons.is_empty()));
        }
    }

    #[test]
    fn without_a_forecast_the_plan_is_the_same((scene, _) in world()) {
        let observation = scene.observation();
        let before = spillway_core::plan(&scene.policy, &observation, &Ok(scene.ledger.clone()), scene.now);
        prop_assert_eq!(plan(&scene, None), before.clone());
        prop_assert_eq!(plan(&scene, Some(&Forecasts::new())), before);
    }
}

#[test]
fn the_worlds_of_the_guard_are_those_in_which_a_forecast_matters() {
    let mut runner = TestRunner::deterministic();
    let (mut started, mut undrained, mut kept) = (0, 0, 0);
    for _ in 0..400 {
        let (scene, forecasts) = world().new_tree(&mut runner).unwrap().current();
        let change = change(&scene, &forecasts).unwrap();
        started += u32::from(!change.started.is_empty());
        undrained += u32::from(!change.undrained.is_empty());
        kept += u32::from(!change.kept.is_empty());
    }
    assert!(started >= 40 && undrained >= 8 && kept >= 8, "{started} {undrained} {kept} of 400");
}
