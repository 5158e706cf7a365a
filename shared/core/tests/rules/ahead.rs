//! What a plan does for what is expected, as tables. That it does nothing else is in `guard`.

use jiff::civil::time;
use spillway_core::ids::HdCalls;
use spillway_core::ledger::{Actor, DrainKind, OperatorCommand, Request};
use spillway_core::outlook::Forecasts;
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Mode;
use spillway_core::safety::check;
use spillway_core::{Given, plan_given};
use spillway_forecast::{DayKind, Expected, Forecast};

use crate::common::{BURST, HQ, OTHER, Scene, minutes, now, short, why, why_location};

/// Twenty working days say: `start` HD calls by 09:10, a tenth of them margin, and `stop` by 09:30.
fn expected(start: f64, stop: f64) -> Forecast {
    let expected = Expected {
        demand: start * 0.9,
        margin: start * 0.1,
        by: time(9, 10, 0, 0),
        kept_until: time(9, 30, 0, 0),
        days: 20,
        kind: DayKind::Working,
        level: 1.08,
    };
    Forecast { start, stop, demand: 50.0, expected: Some(expected), rise: None, at: time(9, 0, 0, 0) }
}

fn ahead(scene: &Scene, forecasts: &[(&str, Forecast)]) -> Plan {
    let forecasts: Forecasts = forecasts.iter().map(|(name, forecast)| ((*name).into(), *forecast)).collect();
    let (observation, ledger) = (scene.observation(), Ok(scene.ledger.clone()));
    let given = Given { forecasts: Some(&forecasts), ..Given::default() };
    let plan = plan_given(&scene.policy, &observation, &ledger, scene.now, given);
    check(&scene.policy, &observation, &ledger, &plan, scene.now).expect("a safe plan");
    plan
}

/// HQ carries 100 HD calls.
fn roomy() -> Scene {
    Scene::new().always_on(HQ, 60)
}

#[test]
fn nodes_are_started_until_what_is_up_or_booting_is_what_is_expected() {
    for (start, nodes) in [(100.0, 0), (100.2, 1), (117.0, 1), (117.1, 2), (130.0, 2), (1e9, 4)] {
        let plan = ahead(&roomy().stopped(4), &[("HQ", expected(start, start))]);
        assert_eq!(crate::common::starts(&plan), nodes, "{start}");
    }
    let plan =
        ahead(&roomy().ready(BURST, 10, 0).booting(BURST, 2).stopped(4), &[("HQ", expected(135.0, 135.0))]);
    assert_eq!(short(&plan), ["start i-00004"], "a ready and a booting node count");
}

#[test]
fn a_start_says_what_is_expected_and_is_known_as_the_forecasts() {
    let plan = ahead(&roomy().ready(BURST, 10, 3).stopped(4), &[("HQ", expected(150.0, 150.0))]);
    let why = "expected up to 150 HD calls by 09:10 (20 working days, today 8 % above usual, margin 15)";
    assert_eq!(why_location(&plan, "AWS burst").split("; ").last(), Some("117 up or booting: start 2"));
    assert!(why_location(&plan, "AWS burst").contains(why), "{}", why_location(&plan, "AWS burst"));
    let starts = plan.actions.iter().filter_map(|action| match action {
        Action::Start(start) => Some((start.reason.as_str(), start.forecast)),
        _ => None,
    });
    assert_eq!(starts.collect::<Vec<_>>(), [(why, true), (why, true)]);
    let run = plan.records[&"i-00003".into()].run.as_ref().expect("a run");
    assert!(run.forecast && run.reason == why);
    let rising = Forecast { expected: None, rise: Some(6.0), ..expected(150.0, 150.0) };
    let plan = ahead(&roomy().stopped(4), &[("HQ", rising)]);
    assert!(
        why_location(&plan, "AWS burst").contains("load is rising 6 a minute; 100 up or booting: start 3")
    );
}

#[test]
fn a_drain_is_cancelled_before_a_node_is_started() {
    let scene = roomy().ready(BURST, 90, 0).draining(DrainKind::Auto, 2).stopped(2);
    assert_eq!(short(&ahead(&scene, &[("HQ", expected(110.0, 110.0))])), ["cancel-drain i-00002"]);
    let plan = ahead(&scene, &[("HQ", expected(120.0, 120.0))]);
    assert_eq!(short(&plan), ["cancel-drain i-00002", "start i-00003"]);
    assert!(why(&plan, &"i-00002".into()).contains("more is expected than is up without the node"));
    let scene = roomy().ready(BURST, 90, 0).draining(DrainKind::Operator, 2).stopped(2);
    assert!(
        !short(&ahead(&scene, &[("HQ", expected(110.0, 110.0))]))
            .contains(&"cancel-drain i-00002".to_owned()),
        "an operator's drain is the operator's"
    );
}

#[test]
fn an_idle_node_is_kept_as_long_as_it_is_expected_to_be_needed() {
    let scene = || roomy().ready(BURST, 90, 0).ready(BURST, 90, 0);
    for (stop, drained) in [
        (100.0, vec!["drain i-00003", "drain i-00002"]),
        (100.1, vec!["drain i-00003"]),
        (117.0, vec!["drain i-00003"]),
        (117.1, vec![]),
    ] {
        let plan = ahead(&scene(), &[("HQ", expected(50.0, stop))]);
        assert_eq!(short(&plan), drained, "{stop}");
    }
    let plan = ahead(&scene(), &[("HQ", expected(50.0, 117.0))]);
    assert_eq!(why(&plan, &"i-00002".into()), "kept: up to 117 expected by 09:30");
}

#[test]
fn what_is_free_in_one_principal_location_is_of_no_use_to_another() {
    let scene = || roomy().with_location(OTHER, "Branch", Some(BURST)).always_on(OTHER, 100).stopped(6);
    let plan = ahead(&scene(), &[("HQ", expected(117.0, 117.0)), ("Branch", expected(20.0, 20.0))]);
    assert_eq!(short(&plan), ["start i-00003"], "80 of Branch are free; one node for HQ");
    let plan = ahead(&scene(), &[("HQ", expected(117.0, 117.0)), ("Branch", expected(134.0, 134.0))]);
    assert_eq!(short(&plan).len(), 3, "the needs add: 17 and 34");
    assert!(why_location(&plan, "AWS burst").contains("expected up to 134"), "the larger need is named");
}

#[test]
fn what_the_vendors_rule_starts_counts() {
    let scene = Scene::new().always_on(HQ, 3).stopped(4);
    let plan = ahead(&scene, &[("HQ", expected(117.0, 117.0))]);
    assert_eq!(short(&plan), ["start i-00002"]);
    assert!(plan.actions.iter().all(|action| !matches!(action, Action::Start(start) if start.forecast)));
    let plan = ahead(&scene, &[("HQ", expected(118.0, 118.0))]);
    assert_eq!(short(&plan), ["start i-00002", "start i-00003"]);
}

#[test]
fn every_cap_of_the_policy_holds() {
    let mut scene = roomy().stopped(9);
    let started = |scene: &Scene| crate::common::starts(&ahead(scene, &[("HQ", expected(900.0, 900.0))]));
    assert_eq!(started(&scene), 9);
    scene.policy.starts_per_cycle = 4;
    assert_eq!(started(&scene), 4);
    scene.policy.max_nodes.insert("AWS burst".into(), 3);
    assert_eq!(started(&scene), 3);
    scene.policy.forecast.max_extra_nodes = Some(2);
    assert_eq!(started(&scene), 2);
}

#[test]
fn nodes_that_were_started_for_the_forecast_count_as_extra_until_they_stop() {
    let mut scene = roomy().stopped(5);
    scene.policy.forecast.max_extra_nodes = Some(2);
    let given = [("HQ", expected(900.0, 900.0))];
    let first = ahead(&scene, &given);
    scene.ledger.nodes = first.records;
    scene.now += jiff::SignedDuration::from_secs(60);
    scene.platform.server_time = scene.now;
    scene.platform.nodes[0].status.as_mut().expect("a status").last_updated = Some(scene.now);
    assert!(
        ahead(&scene, &given).is_no_op(),
        "two were ordered a minute ago, and EC2 does not show them yet"
    );
}

#[test]
fn what_is_no_number_is_not_expected() {
    for nothing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
        let plan = ahead(&roomy().stopped(3), &[("HQ", expected(nothing, nothing))]);
        assert!(plan.is_no_op(), "{nothing}");
    }
}

#[test]
fn a_forecast_for_a_location_that_is_gone_or_renamed_does_nothing() {
    assert!(ahead(&roomy().stopped(3), &[("Head office", expected(200.0, 200.0))]).is_no_op());
}

#[test]
fn nothing_is_started_while_no_rule_acts() {
    let given = [("HQ", expected(200.0, 200.0))];
    let mut outage = roomy().stopped(3);
    outage.platform.nodes[0].status = None;
    let mut mismatch = roomy().stopped(3);
    mismatch.platform.bursting.enabled = true;
    let mut paused = roomy().stopped(3);
    paused.ledger.requests.push(Request {
        id: "r1".to_owned(),
        by: Actor::Person("anna".to_owned()),
        at: now(),
        reason: "a test".to_owned(),
        command: OperatorCommand::Pause { until: now() + minutes(5) },
    });
    for (name, scene) in [("outage", outage), ("mismatch", mismatch), ("paused", paused)] {
        assert!(ahead(&scene, &given).is_no_op(), "{name}");
    }
}

#[test]
fn in_assist_mode_it_is_said_and_not_carried_out() {
    let mut scene = roomy().stopped(3);
    scene.policy.mode = Mode::Assist;
    scene.platform.bursting.enabled = true;
    let plan = ahead(&scene, &[("HQ", expected(117.0, 117.0))]);
    assert_eq!(short(&plan), ["start i-00002"]);
    assert!(plan.carried_in_assist().is_no_op());
}

#[test]
fn a_drain_that_is_cancelled_for_the_forecast_keeps_its_place() {
    // An idle node elsewhere would begin to drain, if a place were free.
    let mut scene = roomy().with_location(OTHER, "Zone b", None);
    scene.policy.drains_at_once = 1;
    let scene = scene.ready(BURST, 90, 0).draining(DrainKind::Auto, 2).ready(OTHER, 90, 0);
    assert_eq!(short(&ahead(&scene, &[])), ["confirm-idle i-00002"]);
    let plan = ahead(&scene, &[("HQ", expected(117.0, 117.0))]);
    assert_eq!(short(&plan), ["cancel-drain i-00002"]);
    assert_eq!(why(&plan, &"i-00003".into()), "waits for other drains");
}

#[test]
fn a_node_that_is_started_for_the_forecast_meets_no_hold() {
    use spillway_core::ledger::{HoldAmount, HoldScope};
    let scene = roomy().with_location(OTHER, "Zone b", None).stopped(1).ready(OTHER, 90, 0);
    let scene = scene.hold("h1", HoldScope::All, HoldAmount::HdCalls(HdCalls(10)), -1, 9);
    let plan = ahead(&scene, &[("HQ", expected(117.0, 117.0))]);
    assert_eq!(
        short(&plan),
        ["start i-00002"],
        "the held node is not let go for a node that is not there yet"
    );
    assert_eq!(why(&plan, &"i-00003".into()), "held by h1");
}
