//! What must not last for ever: an upgrade, a maintenance mode that is cleared, a drain, a veto, a node without calls.

use spillway_core::assess::{Issue, NodePhase};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::ledger::{
    Actor, CurrentRun, Digest, DrainKind, GivenUpDrain, OperatorCommand, Outcome, Request,
};
use spillway_core::observation::{InstanceState, NodeStatus, UnreadableRegion};
use spillway_core::outcome::CycleReport;
use spillway_core::policy::Mode;

use crate::common::{BURST, HQ, Scene, minutes, now, short, starts, why};

/// Idle for long, past its lifetime, not needed.
fn idle_node() -> Scene {
    Scene::new().always_on(HQ, 90).ready(BURST, 60, 0)
}

fn upgrade_since(scene: &mut Scene, hours: i64) {
    scene.ledger.cycle.digest = Some(Digest {
        outcome: Some(Outcome::NoOp),
        upgrade_since: Some(now() - minutes(hours * 60)),
        ..Digest::new(now() - minutes(1))
    });
}

fn last_status(scene: &mut Scene) -> &mut NodeStatus {
    scene.last_node_mut().status.as_mut().expect("a status")
}

#[test]
fn what_a_stopped_node_said_of_an_upgrade_a_month_ago_freezes_nothing() {
    let mut scene = Scene::new().always_on(HQ, 90).stopped(1);
    let month_ago = Some(now() - minutes(30 * 24 * 60));
    let status = scene.platform.nodes[0].status.clone().map(|status| NodeStatus {
        last_updated: month_ago,
        upgrading: true,
        ..status
    });
    scene.last_node_mut().status = status;
    let mut scene = scene.ready(BURST, 60, 0);
    assert_eq!(scene.actions(), ["drain i-00003"]);
    last_status(&mut scene).upgrading = true;
    assert!(scene.actions().is_empty(), "one that reports is being upgraded");
}

#[test]
fn an_upgrade_freezes_stops_for_24_hours_and_is_then_an_issue() {
    for (hours, expected) in [(0, ""), (23, ""), (24, "drain i-00002")] {
        let mut scene = idle_node();
        scene.platform.upgrading = true;
        upgrade_since(&mut scene, hours);
        let plan = scene.plan();
        assert_eq!(short(&plan).join(""), expected, "{hours} h");
        let overdue = plan.report.issues.iter().any(|issue| matches!(issue, Issue::UpgradeOverdue { .. }));
        assert_eq!(overdue, hours >= 24, "{hours} h");
        assert_eq!(plan.report.attention().stuck_upgrades, u32::from(hours >= 24));
    }
}

#[test]
fn a_node_of_another_version_freezes_no_other() {
    let mut scene = idle_node().ready(BURST, 60, 0);
    last_status(&mut scene).version = "37".to_owned();
    let plan = scene.plan();
    assert_eq!(short(&plan), ["drain i-00002"]);
    let said = why(&plan, &scene.last_id());
    assert!(said.contains("runs another version"), "{said}");
}

#[test]
fn a_node_that_an_upgrade_left_behind_is_drained_after_a_day() {
    for (hours, expected) in [(23, ""), (24, "drain i-00002")] {
        let mut scene = idle_node();
        last_status(&mut scene).version = "37".to_owned();
        scene.last_record_mut().no_calls_since = Some(now() - minutes(hours * 60));
        let plan = scene.plan();
        assert_eq!(short(&plan).join(""), expected, "{hours} h");
        assert_eq!(plan.report.attention().stuck_upgrades, u32::from(hours >= 24));
    }
}

#[test]
fn an_operator_stops_a_node_that_an_upgrade_left_behind_at_once() {
    let mut scene = idle_node();
    last_status(&mut scene).version = "37".to_owned();
    let command = OperatorCommand::Stop(scene.last_id());
    scene.ledger.requests.push(Request {
        id: "r".to_owned(),
        at: now(),
        by: Actor::Person("anna".to_owned()),
        reason: "left behind".to_owned(),
        command,
    });
    assert_eq!(scene.actions(), ["drain i-00002"]);
}

/// The status shows maintenance mode, the configuration does not, since so many minutes; a call more is needed.
fn clearing(minutes_ago: Option<i64>) -> Scene {
    let mut scene = Scene::new().always_on(HQ, 3).ready(BURST, 60, 0);
    last_status(&mut scene).maintenance_mode = true;
    last_status(&mut scene).media_load = Some(100.0);
    scene.last_record_mut().clearing_since = minutes_ago.map(|ago| now() - minutes(ago));
    scene.stopped(1)
}

#[test]
fn a_maintenance_mode_that_is_cleared_counts_as_capacity_only_until_it_must_have_arrived() {
    // A minute for the replication, and three until the node has reported.
    for (ago, expected) in [(None, 0), (Some(0), 0), (Some(4), 0), (Some(5), 1), (Some(600), 1)] {
        let plan = clearing(ago).plan();
        assert_eq!(starts(&plan), expected, "{ago:?} minutes ago");
    }
    assert_eq!(clearing(None).plan().records[&"i-00002".into()].clearing_since, Some(now()), "remembered");
}

#[test]
fn during_an_upgrade_a_node_in_maintenance_mode_is_no_capacity() {
    let mut scene = clearing(None);
    scene.platform.upgrading = true;
    assert_eq!(starts(&scene.plan()), 1);
}

#[test]
fn an_operators_drains_take_no_place_from_automatic_ones() {
    let mut scene = Scene::new().always_on(HQ, 90);
    for _ in 0..3 {
        scene = scene.ready(BURST, 60, 0).draining(DrainKind::Operator, 600);
    }
    let scene = scene.ready(BURST, 60, 0);
    let plan = scene.plan();
    assert!(short(&plan).contains(&"drain i-00005".to_owned()), "{}", why(&plan, &scene.last_id()));
}

#[test]
fn a_drain_whose_stop_is_refused_three_times_is_given_up_and_gives_its_place_to_another() {
    let table = [(0, false), (2, false), (3, true)];
    for (refused, given_up) in table {
        for kind in [DrainKind::Auto, DrainKind::Operator] {
            let mut scene = idle_node().draining(kind, 10);
            let drain = scene.last_record_mut().drain.as_mut().expect("a drain");
            drain.refused_stops = refused;
            drain.refusal = Some("OperationNotPermitted: disableApiStop".to_owned());
            let plan = scene.plan();
            let id = scene.last_id();
            assert_eq!(short(&plan) == ["cancel-drain i-00002"], given_up, "{refused}: {:?}", short(&plan));
            let Some(GivenUpDrain { until, cause, stop_refused, .. }) =
                plan.records.get(&id).and_then(|record| record.given_up.clone())
            else {
                assert!(!given_up);
                continue;
            };
            assert!(stop_refused && cause.contains("disableApiStop"), "{cause}");
            assert_eq!(until, now() + minutes(60));
        }
    }
}

#[test]
fn a_retired_node_whose_stop_is_refused_stays_in_maintenance_mode_and_is_an_issue() {
    let mut scene = idle_node().draining(DrainKind::Operator, 10);
    scene.last_record_mut().retired = true;
    scene.last_record_mut().drain.as_mut().expect("a drain").refused_stops = 3;
    let plan = scene.plan();
    assert_eq!(short(&plan), ["confirm-idle i-00002"]);
    assert_eq!(plan.report.attention().refused_stops, 1);
}

#[test]
fn a_drain_that_makes_no_progress_is_given_up_after_half_an_hour() {
    for (since, given_up) in [(30, false), (31, true)] {
        let mut scene = idle_node().draining(DrainKind::Auto, since);
        last_status(&mut scene).last_updated = Some(now() - minutes(20));
        let plan = scene.plan();
        assert_eq!(short(&plan) == ["cancel-drain i-00002"], given_up, "{since} min: {:?}", short(&plan));
    }
    let mut operators = idle_node().draining(DrainKind::Operator, 600);
    last_status(&mut operators).last_updated = Some(now() - minutes(20));
    assert!(operators.actions().is_empty(), "an operator's waits");
}

#[test]
fn a_node_whose_drain_was_given_up_is_left_alone_for_a_while_and_is_an_issue() {
    for (left, expected) in [(1, ""), (0, "drain i-00002")] {
        let mut scene = idle_node();
        scene.last_record_mut().given_up = Some(GivenUpDrain {
            at: now() - minutes(60),
            times: 1,
            until: now() + minutes(left),
            cause: "the node does not report".to_owned(),
            stop_refused: false,
        });
        let plan = scene.plan();
        assert_eq!(short(&plan).join(""), expected, "{left} minutes left");
        assert_eq!(plan.report.attention().stuck_drains, 1);
    }
}

#[test]
fn a_reading_that_is_older_than_our_maintenance_mode_is_no_veto() {
    let mut scene = idle_node().draining(DrainKind::Auto, 2);
    scene.last_node_mut().maintenance_mode = false;
    scene.last_record_mut().drain.as_mut().expect("a drain").maintenance_seen_at = Some(now() - minutes(1));
    assert!(scene.plan().records[&scene.last_id()].drain_vetoed, "a person cleared it");
    // Another cycle read it after this one's reading.
    let mut observation = scene.observation();
    observation.observed_at = now() - minutes(2);
    let plan = scene.plan_with(&observation);
    assert!(plan.records.get(&scene.last_id()).is_none_or(|record| !record.drain_vetoed));
}

#[test]
fn a_veto_lasts_for_twelve_hours() {
    for (hours, expected) in [(11, ""), (12, "drain i-00002")] {
        let mut scene = idle_node();
        scene.last_record_mut().drain_vetoed = true;
        scene.last_record_mut().vetoed_at = Some(now() - minutes(hours * 60));
        assert_eq!(scene.actions().join(""), expected, "{hours} h");
    }
}

/// A node that reports since its launch and never became ready.
fn never_ready(age: i64) -> Scene {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, age, 0);
    last_status(&mut scene).synced = false;
    let record = scene.last_record_mut();
    let run = record.run.take().map(|run| CurrentRun { ready_at: None, failed: true, ..run });
    record.run = run;
    record.no_calls_since = Some(now() - minutes(age - 10));
    scene
}

#[test]
fn a_node_that_reports_and_never_becomes_ready_is_drained_when_it_is_old_enough() {
    assert!(never_ready(49).actions().is_empty());
    assert_eq!(never_ready(50).actions(), ["drain i-00002"]);
    let mut silent = never_ready(600);
    last_status(&mut silent).last_updated = Some(now() - minutes(30));
    assert!(silent.actions().is_empty(), "of a silent one nothing is known");
}

#[test]
fn a_node_that_runs_for_an_hour_without_calls_is_an_issue() {
    let mut silent = idle_node();
    last_status(&mut silent).last_updated = Some(now() - minutes(30));
    for (minutes_ago, issues) in [(59, 0), (60, 1)] {
        silent.last_record_mut().no_calls_since = Some(now() - minutes(minutes_ago));
        let plan = silent.plan();
        assert_eq!(plan.report.attention().nodes_without_calls, issues, "{minutes_ago} minutes");
        let said = Issue::TakesNoCalls {
            instance: silent.last_id(),
            since: now() - minutes(minutes_ago),
            phase: NodePhase::Degraded,
        };
        assert_eq!(plan.report.issues.contains(&said), issues == 1);
    }
}

#[test]
fn a_failed_start_leaves_its_place_under_max_nodes_to_another_once() {
    let burst = LocationName::new("AWS burst");
    for (failed, most, expected) in [(0, 1, 1), (1, 1, 1), (2, 1, 0), (1, 2, 2)] {
        let mut scene = Scene::new().always_on(HQ, 0);
        for _ in 0..failed {
            scene = scene.booting(BURST, 20);
            scene.last_record_mut().run.as_mut().expect("a run").failed = true;
        }
        scene.policy.max_nodes.insert(burst.clone(), most);
        scene.policy.threshold = Some(HdCalls(30));
        let plan = scene.stopped(3).plan();
        assert_eq!(starts(&plan), expected, "{failed} failed, at most {most}");
    }
}

#[test]
fn a_start_that_ec2_accepts_and_that_falls_back_to_stopped_counts_like_a_refused_one() {
    let mut scene = Scene::new().always_on(HQ, 0).booting(BURST, 2).stopped(1);
    let id = scene.fleet.instances[0].id.clone();
    let instance = scene.instance_mut(&id);
    instance.state = InstanceState::Stopped;
    instance.state_reason = "Client.InvalidKMSKey.InvalidState: the key is disabled".to_owned();
    let report = CycleReport {
        outcome: Outcome::Acted,
        began_at: now(),
        took: minutes(0),
        last_good: None,
        plan: scene.plan(),
        results: Vec::new(),
        violations: Vec::new(),
        faults: Vec::new(),
    };
    assert_eq!((report.unreplaced_starts(), report.starts_that_fell_back()), (0, 1));
}

#[test]
fn an_overflow_location_that_is_full_is_no_shortfall_while_callers_find_room_above_it() {
    let uncovered =
        |free| Scene::new().always_on(HQ, free).ready(BURST, 60, 17).plan().report.uncovered_shortfall();
    assert_eq!(uncovered(90), HdCalls(0), "every node is up, and the principal location is empty");
    assert!(uncovered(5) > HdCalls(0));
}

#[test]
fn a_pause_ends_automatic_drains_and_those_that_are_released() {
    let asks = |id: &str, command| Request {
        id: id.to_owned(),
        at: now(),
        by: Actor::Person("anna".to_owned()),
        reason: "moving racks".to_owned(),
        command,
    };
    let pause = |kind, released: bool, mode| {
        let mut scene = Scene::new().always_on(HQ, 0).ready(BURST, 60, 0).draining(kind, 3);
        scene.policy.mode = mode;
        let drained = scene.last_id();
        scene.ledger.requests.push(asks("p", OperatorCommand::Pause { until: now() + minutes(60) }));
        scene = scene.stopped(1);
        if released {
            scene.ledger.requests.push(asks("r", OperatorCommand::Release(drained)));
            scene.ledger.requests.push(asks("s", OperatorCommand::Reinstate(scene.last_id())));
        }
        let plan = scene.plan();
        (short(&plan), plan.done_requests)
    };
    let ended = || vec!["cancel-drain i-00002".to_owned()];
    for mode in [Mode::Control, Mode::Assist] {
        let (does, _) = pause(DrainKind::Auto, false, mode);
        assert_eq!(does, ended(), "its seats are free while callers are refused");
        assert!(pause(DrainKind::Operator, false, mode).0.is_empty());
        let (does, done) = pause(DrainKind::Operator, true, mode);
        assert_eq!((does, done), (ended(), vec!["r".to_owned()]), "given back; the start waits");
    }
}

#[test]
fn a_region_that_refuses_stops_no_other_and_its_nodes_are_neither_capacity_nor_idle() {
    let fault = Fault::new(System::Ec2, FaultKind::Unauthorized, "AuthFailure");
    // One overflow node of 17 is up there, as the Management Node says; its instance cannot be listed.
    let mut scene = Scene::new().always_on(HQ, 3).ready(BURST, 60, 0).stopped(1);
    scene.fleet.instances.remove(0);
    let unreadable = || vec![UnreadableRegion { region: "ap-southeast-3".to_owned(), fault: fault.clone() }];
    scene.fleet.unreadable = unreadable();
    let plan = scene.plan();
    assert_eq!(short(&plan), ["start i-00003"], "needed, and the other region can be used");
    let issue = plan.report.issues.iter().find(|issue| matches!(issue, Issue::RegionUnreadable { .. }));
    assert!(issue.is_some() && !plan.report.issues.iter().any(|i| matches!(i, Issue::MixedLocation { .. })));
    // Idle nodes of the other region are stopped as ever.
    let mut idle = idle_node();
    idle.fleet.unreadable = unreadable();
    assert_eq!(idle.actions(), ["drain i-00002"]);
}
