//! The start rule (guide: *Configuring the bursting threshold*), as tables.

use crate::common::{BURST, HQ, OTHER, SECOND, Scene, minutes, now, short, starts, why, why_location};
use spillway_core::assess::Issue;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::HdCalls;
use spillway_core::ledger::{Actor, OperatorCommand, Request};
use spillway_core::observation::NodeRole;
use spillway_core::policy::{BackOff, Mode};
use spillway_core::report::{Suspension, ThresholdWord};

#[test]
fn a_node_is_started_at_the_threshold_and_not_above_it() {
    use ThresholdWord::{ApproachingThreshold, BurstingThresholdReached, Normal};
    for (free, expected, word) in [
        (8, 0, Normal),
        (7, 0, ApproachingThreshold),
        (6, 0, ApproachingThreshold),
        (5, 1, BurstingThresholdReached),
        (0, 1, BurstingThresholdReached),
    ] {
        let plan = Scene::new().always_on(HQ, free).stopped(3).plan();
        assert_eq!(starts(&plan), expected, "{free} free");
        assert_eq!(plan.report.locations[0].word, word, "{free} free");
    }
}

#[test]
fn the_first_stopped_node_by_name_is_started() {
    assert_eq!(Scene::new().always_on(HQ, 5).stopped(3).actions(), ["start i-00002"]);
}

#[test]
fn a_booting_node_counts_so_that_nothing_more_is_started() {
    for age in 0..=10 {
        let plan = Scene::new().always_on(HQ, 0).booting(BURST, age).stopped(3).plan();
        assert_eq!(starts(&plan), 0, "{age} minutes");
        assert!(why_location(&plan, "AWS burst").contains("17 booting suffice"));
    }
    let plan = Scene::new().always_on(HQ, 0).booting(BURST, 11).stopped(3).plan();
    assert_eq!(starts(&plan), 1, "after the boot limit it is a failed start and another is started");
}

#[test]
fn an_order_that_ec2_does_not_show_yet_counts_for_ninety_seconds() {
    for (seconds, expected) in [(0, 0), (89, 0), (90, 1)] {
        let mut scene = Scene::new().always_on(HQ, 0).stopped(1);
        let id = scene.last_id();
        let first = short(&scene.plan());
        assert_eq!(first, [format!("start {id}")]);
        scene.ledger.nodes = scene.plan().records;
        scene.now += jiff::SignedDuration::from_secs(seconds);
        scene.platform.server_time = scene.now;
        scene.platform.nodes[0].status.as_mut().unwrap().last_updated = Some(scene.now);
        let plan = scene.plan();
        assert_eq!(starts(&plan), expected, "{seconds} s after the order");
        let backs_off = plan.records.get(&id).is_some_and(|record| record.failed_starts > 0);
        assert!(!backs_off, "an order that was lost is not the instance's failure");
    }
}

#[test]
fn an_ordered_start_counts_although_ec2_does_not_list_the_instance_at_all() {
    for (seconds, expected) in [(10, 0), (89, 0), (90, 1)] {
        let mut scene = Scene::new().always_on(HQ, 0).stopped(2);
        scene.ledger.nodes = scene.plan().records;
        scene.fleet.instances.remove(0);
        scene.now += jiff::SignedDuration::from_secs(seconds);
        scene.platform.server_time = scene.now;
        scene.platform.nodes[0].status.as_mut().unwrap().last_updated = Some(scene.now);
        assert_eq!(starts(&scene.plan()), expected, "{seconds} s after the order");
    }
}

#[test]
fn a_large_threshold_asks_for_the_headroom_at_once_and_stops_there() {
    let mut scene = Scene::new().always_on(HQ, 20).stopped(10);
    scene.policy.threshold = Some(HdCalls(30));
    assert_eq!(scene.actions(), ["start i-00002", "start i-00003"], "two nodes of 17 exceed 30");
}

#[test]
fn when_the_overflow_location_fills_the_next_node_is_started_whatever_is_free_at_the_origin() {
    for (used, expected) in [(11, 0), (12, 1), (17, 1)] {
        let plan = Scene::new().always_on(HQ, 90).ready(BURST, 20, used).stopped(2).plan();
        assert_eq!(starts(&plan), expected, "{used} of 17 in use");
    }
}

#[test]
fn an_empty_overflow_location_that_nobody_needs_starts_nothing() {
    let plan = Scene::new().always_on(HQ, 50).stopped(3).plan();
    assert!(plan.is_no_op());
    assert_eq!(why_location(&plan, "AWS burst"), "not needed");
}

#[test]
fn two_principal_locations_share_one_overflow_location() {
    let scene = Scene::new().with_location(OTHER, "Branch", Some(BURST)).always_on(HQ, 3).always_on(OTHER, 2);
    let plan = scene.stopped(4).plan();
    assert_eq!(starts(&plan), 1, "one node serves both");
    assert!(
        why_location(&plan, "AWS burst").contains("Branch has 2 HD calls free"),
        "the worse one is named"
    );
}

#[test]
fn a_secondary_overflow_location_is_used_but_never_started() {
    let mut scene = Scene::new().with_location(SECOND, "Second", None).always_on(HQ, 0);
    scene.location_mut(HQ).overflow_location1 = None;
    scene.location_mut(HQ).overflow_location2 = Some(SECOND);
    let scene = scene.stopped_in(SECOND, "c5.2xlarge", 2);
    let plan = scene.plan();
    assert!(plan.is_no_op());
    assert!(format!("{:?}", plan.report.issues).contains("SecondaryOnly"));
}

#[test]
fn a_location_of_proxying_nodes_is_measured_at_its_transcoding_location() {
    let mut scene =
        Scene::new().with_location(OTHER, "Edge", Some(BURST)).always_on(HQ, 4).always_on(OTHER, 90);
    scene.location_mut(HQ).overflow_location1 = None;
    scene.location_mut(OTHER).transcoding_location = Some(HQ);
    scene.platform.nodes[1].role = NodeRole::Proxying;
    let plan = scene.stopped(1).plan();
    assert_eq!(starts(&plan), 1, "the edge's own load is no HD capacity");
    assert!(why_location(&plan, "AWS burst").contains("HQ has 4 HD calls free"));
}

#[test]
fn nodes_of_mixed_size_are_chosen_to_fit_the_need() {
    let mut scene =
        Scene::new().always_on(HQ, 0).stopped_in(BURST, "c5.large", 2).stopped_in(BURST, "c5.4xlarge", 2);
    scene.policy.hd_calls.insert("c5.large".into(), HdCalls(4));
    scene.policy.hd_calls.insert("c5.4xlarge".into(), HdCalls(30));
    assert_eq!(scene.actions(), ["start i-00004"], "one large node instead of two small ones");
    scene.policy.threshold = Some(HdCalls(3));
    assert_eq!(scene.actions(), ["start i-00002"], "a small one is enough");
}

#[test]
fn substitutes_are_of_another_type_first() {
    let mut scene = Scene::new().always_on(HQ, 0).stopped(2).stopped_in(BURST, "c4.2xlarge", 1);
    scene.policy.fallback.insert("AWS burst".into(), "Zone b".into());
    let scene = scene.with_location(OTHER, "Zone b", None).stopped_in(OTHER, "c5.2xlarge", 1);
    let plan = scene.plan();
    assert_eq!(short(&plan), ["start i-00002"]);
    let named: Vec<&str> =
        plan.substitutes[&"AWS burst".into()].iter().map(|start| start.instance.as_str()).collect();
    assert_eq!(named, ["i-00004", "i-00003", "i-00005"]);
}

#[test]
fn the_fallback_location_is_started_when_nothing_is_left_and_not_over_and_over() {
    let mut scene = Scene::new().with_location(OTHER, "Zone b", None).always_on(HQ, 0);
    scene.policy.fallback.insert("AWS burst".into(), "Zone b".into());
    let mut scene = scene.stopped(1).stopped_in(OTHER, "c5.2xlarge", 3);
    let only = scene.fleet.instances[0].id.clone();
    scene.node_mut(&only).maintenance_mode = true;
    assert_eq!(scene.actions(), ["start i-00003"], "the only node of the location is in foreign maintenance");
    scene.ledger.nodes = scene.plan().records;
    assert!(scene.actions().is_empty(), "what boots in the fallback location counts");
}

type Spoil = fn(&mut Scene);

#[test]
fn who_is_not_started() {
    let table: [(&str, Spoil); 4] = [
        ("in maintenance mode set by somebody else", |scene| scene.last_node_mut().maintenance_mode = true),
        ("retired by an operator", |scene| scene.last_record_mut().retired = true),
        ("not started again before", |scene| {
            scene.last_record_mut().back_off_until = Some(now() + minutes(1));
        }),
        ("retired by an operator", |scene| {
            let node = scene.last_node_mut();
            node.maintenance_mode = true;
            node.maintenance_mode_reason = "Spillway: retired: broken".to_owned();
        }),
    ];
    for (says, spoil) in table {
        let mut scene = Scene::new().always_on(HQ, 0).stopped(1);
        spoil(&mut scene);
        let plan = scene.plan();
        assert!(plan.is_no_op(), "{says}");
        assert!(why(&plan, &scene.last_id()).contains(says), "{}", why(&plan, &scene.last_id()));
        assert!(why_location(&plan, "AWS burst").contains("no stopped node is left"));
    }
}

#[test]
fn our_own_leftover_maintenance_mode_is_cleared_before_the_start() {
    let mut scene = Scene::new().always_on(HQ, 0).stopped(1);
    let node = scene.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = "Spillway: draining: idle".to_owned();
    assert_eq!(scene.actions(), ["clear-maintenance i-00002", "start i-00002"]);
}

#[test]
fn the_policys_caps_are_kept_and_said() {
    let mut scene = Scene::new().always_on(HQ, 0).stopped(10);
    scene.policy.threshold = Some(HdCalls(100));
    scene.policy.max_nodes.insert("AWS burst".into(), 2);
    let plan = scene.plan();
    assert_eq!(starts(&plan), 2);
    assert!(why_location(&plan, "AWS burst").contains("67 HD calls short: max_nodes is reached"));
    scene.policy.max_nodes.clear();
    scene.policy.starts_per_cycle = 3;
    assert_eq!(starts(&scene.plan()), 3);
    assert!(why_location(&scene.plan(), "AWS burst").contains("starts_per_cycle is reached"));
}

#[test]
fn the_threshold_comes_from_the_location_then_the_policy_then_the_management_node() {
    let mut scene = Scene::new().always_on(HQ, 10).stopped(1);
    assert_eq!(starts(&scene.plan()), 0, "the Management Node says 5");
    scene.policy.threshold = Some(HdCalls(10));
    assert_eq!(starts(&scene.plan()), 1);
    scene.policy.thresholds.insert("HQ".into(), HdCalls(9));
    assert_eq!(starts(&scene.plan()), 0);
}

#[test]
fn an_instance_that_joins_no_node_or_two_is_an_issue_and_never_an_action() {
    let mut scene = Scene::new().always_on(HQ, 0).stopped(3);
    scene.fleet.instances[0].private_ip = Some([10, 9, 9, 9].into());
    scene.fleet.instances[2].private_ip = scene.fleet.instances[1].private_ip;
    let plan = scene.plan();
    assert!(plan.is_no_op());
    let issues = format!("{:?}", plan.report.issues);
    assert!(issues.contains("NoSuchNode") && issues.contains("Ambiguous"), "{issues}");
}

#[test]
fn instances_in_several_vpcs_join_nothing_until_the_policy_names_the_platforms() {
    // (region and VPC of the last instance, the policy's VPCs, starts)
    let table = [
        ("eu-west-1", "vpc-1", None, 1),
        ("eu-west-1", "vpc-2", None, 0),
        ("eu-west-1", "vpc-2", Some(["vpc-1", "vpc-2"]), 1),
        ("us-east-1", "vpc-2", None, 1),
    ];
    for (region, vpc, named, expected) in table {
        let mut scene = Scene::new().always_on(HQ, 0).stopped(2);
        scene.policy.regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
        scene.policy.vpcs = named.into_iter().flatten().map(str::to_owned).collect();
        let last = scene.fleet.instances.last_mut().unwrap();
        (last.region, last.vpc) = (region.to_owned(), vpc.to_owned());
        let plan = scene.plan();
        assert_eq!(starts(&plan), expected, "{region} {vpc} {named:?}");
        assert_eq!(plan.is_no_op(), expected == 0, "{region} {vpc} {named:?}");
        let vpcs = vec!["vpc-1".to_owned(), "vpc-2".to_owned()];
        assert_eq!(
            plan.report.issues.contains(&Issue::SeveralVpcs { vpcs }),
            expected == 0,
            "{region} {vpc}"
        );
    }
}

#[test]
fn most_always_on_nodes_stale_together_is_an_outage() {
    for (stale, outage) in [(1, false), (2, true), (3, true)] {
        let mut scene = Scene::new().always_on(HQ, 0).always_on(HQ, 0).always_on(HQ, 0).stopped(3);
        for node in scene.platform.nodes.iter_mut().take(stale) {
            node.status.as_mut().unwrap().last_updated = Some(now() - minutes(4));
        }
        let plan = scene.plan();
        assert_eq!(
            matches!(plan.report.suspension, Some(Suspension::MostNodesStale { .. })),
            outage,
            "{stale} of 3"
        );
        assert_eq!(starts(&plan), usize::from(!outage), "{stale} of 3");
    }
}

#[test]
fn nodes_whose_instances_lost_the_tag_are_no_outage() {
    let mut scene = Scene::new().always_on(HQ, 0).stopped(4);
    scene.fleet.instances.truncate(1);
    assert_eq!(
        starts(&scene.plan()),
        1,
        "three silent nodes without an instance of ours, one always-on node"
    );
}

#[test]
fn a_null_load_is_not_a_free_node_and_not_a_full_one() {
    let mut scene = Scene::new().always_on(HQ, 90).always_on(HQ, 90).stopped(1);
    for node in scene.platform.nodes.iter_mut().take(2) {
        let status = node.status.as_mut().unwrap();
        status.media_load = None;
        status.max_media_tokens = 0;
    }
    assert!(matches!(scene.plan().report.suspension, Some(Suspension::MostNodesStale { stale: 2, all: 2 })));
}

#[test]
fn no_rule_acts_while_the_mode_does_not_fit() {
    for (mode, enabled) in [(Mode::Control, true), (Mode::Assist, false)] {
        let mut scene = Scene::new().always_on(HQ, 0).stopped(2);
        scene.policy.mode = mode;
        scene.platform.bursting.enabled = enabled;
        let plan = scene.plan();
        assert!(plan.is_no_op());
        assert_eq!(plan.report.suspension, Some(Suspension::ModeMismatch { bursting_enabled: enabled }));
    }
}

#[test]
fn a_pause_holds_until_its_end_and_a_later_one_takes_its_place() {
    let request = |id: &str, at: i64, command| Request {
        id: id.to_owned(),
        by: Actor::Person("anna".to_owned()),
        at: now() + minutes(at),
        reason: "moving racks".to_owned(),
        command,
    };
    let pause = |until| OperatorCommand::Pause { until: now() + minutes(until) };
    for (requests, expected, done) in [
        (vec![], 1, vec![]),
        (vec![request("1", -5, pause(5))], 0, vec![]),
        (vec![request("1", -5, pause(0))], 1, vec!["1"]),
        (vec![request("1", -5, pause(5)), request("2", -4, pause(6))], 0, vec![]),
        // The later is shorter, and over: the first does not come back, neither now nor when the later is gone.
        (vec![request("1", -5, pause(5)), request("2", -4, pause(0))], 1, vec!["1", "2"]),
    ] {
        let mut scene = Scene::new().always_on(HQ, 0).stopped(2);
        scene.ledger.requests = requests;
        let plan = scene.plan();
        assert_eq!(starts(&plan), expected, "{:?}", scene.ledger.requests);
        assert_eq!(plan.done_requests, done, "{:?}", scene.ledger.requests);
    }
}

#[test]
fn without_the_ledger_one_start_per_needed_location_and_none_after_a_recent_launch() {
    let fault = Err(Fault::new(System::Ledger, FaultKind::Unreachable, "no route"));
    let plan = |scene: &Scene| {
        let observation = scene.observation();
        let plan = spillway_core::plan(&scene.policy, &observation, &fault, scene.now);
        spillway_core::safety::check(&scene.policy, &observation, &fault, &plan, scene.now).expect("safe");
        plan
    };
    let mut scene = Scene::new().always_on(HQ, 0).stopped(5);
    scene.policy.threshold = Some(HdCalls(40));
    assert_eq!(short(&plan(&scene)), ["start i-00002"]);
    assert!(plan(&scene).records.is_empty(), "nothing can be remembered");
    let scene = scene.booting(BURST, 9);
    assert!(plan(&scene).is_no_op(), "launched within the boot limit");
    let idle = Scene::new().always_on(HQ, 90).ready(BURST, 300, 0);
    assert!(plan(&idle).is_no_op(), "no drain without the ledger");
}

#[test]
fn a_failed_start_backs_off_longer_each_time() {
    let mut scene = Scene::new().always_on(HQ, 0).booting(BURST, 11);
    let id = scene.last_id();
    scene.last_record_mut().failed_starts = 2;
    let plan = scene.plan();
    let record = &plan.records[&id];
    assert_eq!(record.failed_starts, 3);
    assert_eq!(record.back_off_until, Some(now() + BackOff::default().after(3)));
    scene.ledger.nodes = plan.records;
    scene.now += minutes(1);
    let again = scene.plan();
    assert!(again.records.get(&id).is_none_or(|record| record.failed_starts == 3), "counted once per run");
}

#[test]
fn a_node_that_stops_while_booting_is_a_failed_start_with_ec2s_reason() {
    let mut scene = Scene::new().always_on(HQ, 0).booting(BURST, 2).stopped(1);
    let id = scene.fleet.instances[0].id.clone();
    let instance = scene.instance_mut(&id);
    instance.state = spillway_core::observation::InstanceState::Stopped;
    instance.state_reason = "Server.InternalError".to_owned();
    let plan = scene.plan();
    assert_eq!(starts(&plan), 1, "another is started in the same cycle");
    assert_eq!(plan.records[&id].failed_starts, 1);
    assert!(plan.events.iter().any(|event| event.reason.contains("Server.InternalError")));
}

#[test]
fn a_shortfall_that_nothing_is_left_for_is_summed_up() {
    let covered = Scene::new().always_on(HQ, 5).stopped(1).plan();
    assert_eq!(covered.report.uncovered_shortfall().0, 0);
    let mut scene = Scene::new().always_on(HQ, 5).stopped(1);
    scene.policy.threshold = Some(spillway_core::ids::HdCalls(30));
    assert_eq!(scene.plan().report.uncovered_shortfall().0, 14, "17 of 31 HD calls can be had");
}
