//! What the planner makes of the holds that pre-warm windows write: readiness, `assist` mode, many nodes that are let go
//! at once.

use spillway_core::assess::MAINTENANCE_MARK;
use spillway_core::ids::HdCalls;
use spillway_core::ledger::{DrainKind, HoldAmount, HoldScope};
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Mode;
use spillway_core::report::{HoldReason, Readiness};

use crate::common::{BURST, HQ, Scene, minutes, now, short, starts};

/// The scene with its last hold asking for a spike so many minutes from now.
fn spike(mut scene: Scene, minutes_away: i64) -> Scene {
    let hold = scene.ledger.holds.last_mut().expect("a hold");
    hold.spike_at = Some(now() + minutes(minutes_away));
    scene
}

fn held(amount: HoldAmount) -> impl Fn(Scene) -> Scene {
    move |scene| spike(scene.hold("w", HoldScope::All, amount, -7, 60), 3)
}

fn readiness(plan: &Plan) -> Readiness {
    plan.report.holds[0].readiness.expect("what was read")
}

fn assist(mut scene: Scene) -> Scene {
    scene.policy.mode = Mode::Assist;
    scene.platform.bursting.enabled = true;
    scene
}

#[test]
fn how_much_is_ready_is_measured_in_what_was_asked() {
    let scene = || Scene::new().always_on(HQ, 90).ready(BURST, 6, 0).ready(BURST, 6, 0).booting(BURST, 4);
    let table = [
        (HoldAmount::AllNodes, 66),
        (HoldAmount::Nodes(2), 100),
        (HoldAmount::Nodes(4), 50),
        (HoldAmount::HdCalls(HdCalls(34)), 100),
        (HoldAmount::HdCalls(HdCalls(40)), 85),
        (HoldAmount::HdCalls(HdCalls(0)), 100),
    ];
    for (amount, percent) in table {
        let plan = held(amount)(scene()).plan();
        assert_eq!(readiness(&plan).percent, percent, "{amount}");
        assert_eq!(plan.report.prewarm_ready(now(), Some(now())), Some(percent));
        assert_eq!(plan.report.prewarm_ready(now() - minutes(1), Some(now())), None, "four minutes before");
        assert_eq!(plan.report.prewarm_ready(now() + minutes(3), Some(now())), Some(percent), "at the spike");
        assert_eq!(plan.report.prewarm_ready(now() + minutes(4), Some(now())), None, "after it");
    }
}

#[test]
fn ready_late_failed_address_and_version_are_told_apart() {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 6, 0);
    scene = scene.ready(BURST, 6, 0);
    let wrong_address = scene.last_id();
    scene.instance_mut(&wrong_address).public_ip = Some([203, 0, 113, 7].into());
    scene = scene.booting(BURST, 4).booting(BURST, 12).booting(BURST, 5);
    let behind = scene.last_id();
    let at = now() - minutes(1);
    let status = Scene::new().ready(BURST, 6, 0).last_node_mut().status.clone().expect("a status");
    scene.node_mut(&behind).status = Some(spillway_core::observation::NodeStatus {
        version: "37".to_owned(),
        last_updated: Some(at),
        ..status
    });
    scene.policy.starts_per_cycle = 1;
    let plan = held(HoldAmount::AllNodes)(scene).plan();
    let expected =
        Readiness { ready: 1, booting: 2, failed: 1, nat_wrong: 1, version_behind: 1, percent: 20 };
    assert_eq!(readiness(&plan), expected);
}

#[test]
fn a_private_location_needs_no_address() {
    let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 6, 0);
    let id = scene.last_id();
    scene.instance_mut(&id).public_ip = Some([203, 0, 113, 7].into());
    assert_eq!(readiness(&held(HoldAmount::AllNodes)(scene.clone()).plan()).percent, 0);
    scene.policy.nat.private_only.push("AWS burst".into());
    assert_eq!(readiness(&held(HoldAmount::AllNodes)(scene).plan()).percent, 100);
}

#[test]
fn readiness_is_reported_where_no_rule_acts() {
    let mut scene = held(HoldAmount::AllNodes)(Scene::new().always_on(HQ, 90).ready(BURST, 6, 0).stopped(1));
    // A mode that does not fit: nothing is started, and somebody should know before the spike.
    scene.platform.bursting.enabled = true;
    let plan = scene.plan();
    assert_eq!(starts(&plan), 0);
    assert_eq!(plan.report.prewarm_ready(now(), Some(now())), Some(50));
}

#[test]
fn assist_starts_what_holds_ask_for_and_nothing_else() {
    // The rules would start two for the need at HQ, and drain the idle one.
    let scene = assist(Scene::new().always_on(HQ, 5).stopped(4));
    assert!(starts(&scene.plan()) > 0, "the shadow plan says what the rules would do");
    assert!(scene.plan().carried_in_assist().is_no_op());
    let scene = spike(scene.hold("w", HoldScope::All, HoldAmount::Nodes(3), 0, 70), 10);
    let carried = scene.plan().carried_in_assist();
    assert_eq!(short(&carried), ["start i-00002", "start i-00003", "start i-00004"]);
    let intended = carried.records.values().filter(|record| record.run.is_some()).count();
    assert_eq!(intended, 3, "and what they intend is remembered, beside what was seen");
    assert!(carried.done_requests.is_empty());
}

#[test]
fn assist_clears_what_would_keep_a_started_node_from_taking_calls() {
    let mut scene = assist(Scene::new().always_on(HQ, 90).stopped(1));
    let node = scene.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = format!("{MAINTENANCE_MARK}: draining: a test");
    let scene = spike(scene.hold("w", HoldScope::All, HoldAmount::AllNodes, 0, 70), 10);
    assert_eq!(short(&scene.plan().carried_in_assist()), ["clear-maintenance i-00002", "start i-00002"]);
}

#[test]
fn assist_gives_back_what_a_drain_of_ours_left_in_maintenance_mode() {
    let draining = |retired: bool, enabled: bool| {
        let mut scene =
            assist(Scene::new().always_on(HQ, 90).ready(BURST, 300, 0).draining(DrainKind::Auto, 10));
        let id = scene.last_id();
        scene.ledger.nodes.get_mut(&id).expect("its record").retired = retired;
        scene.platform.bursting.enabled = enabled;
        scene
    };
    // Bursting still off is a mismatch, and drains are given back all the same.
    for enabled in [true, false] {
        let scene = draining(false, enabled);
        let carried = scene.plan().carried_in_assist();
        assert_eq!(short(&carried), ["cancel-drain i-00002"], "bursting {enabled}");
        let record = carried.records.get(&scene.last_id()).expect("its record goes with it");
        assert!(record.drain.is_none() && record.idle_since.is_none());
        assert!(draining(true, enabled).plan().carried_in_assist().is_no_op(), "what is retired stays so");
    }
    // A stopped one: cleared although the start that the rules would order of it is withheld, and so is what that would remember.
    let mut scene = assist(Scene::new().always_on(HQ, 0).stopped(1));
    let node = scene.last_node_mut();
    node.maintenance_mode = true;
    node.maintenance_mode_reason = format!("{MAINTENANCE_MARK}: draining: a test");
    let plan = scene.plan();
    assert_eq!(short(&plan), ["clear-maintenance i-00002", "start i-00002"]);
    let carried = plan.carried_in_assist();
    assert_eq!(short(&carried), ["clear-maintenance i-00002"]);
    assert!(carried.records.values().all(|record| record.run.is_none()), "{:?}", carried.records);
}

#[test]
fn assist_starts_no_earlier_than_nodes_survive_and_never_after_the_spike() {
    // The platform's minimum lifetime is 50 minutes.
    let table = [(51, 0), (50, 2), (10, 2), (1, 2), (0, 0), (-5, 0)];
    for (minutes_away, expected) in table {
        let scene = assist(Scene::new().always_on(HQ, 90).stopped(2));
        let scene = spike(scene.hold("w", HoldScope::All, HoldAmount::AllNodes, -10, 90), minutes_away);
        let plan = scene.plan();
        assert_eq!(starts(&plan.carried_in_assist()), expected, "spike in {minutes_away} minutes");
        let reason = plan.report.holds[0].reasons.first();
        let early = Some(&HoldReason::TooEarly { from: now() + minutes(1) });
        assert_eq!(reason == early, minutes_away == 51, "{reason:?}");
        assert_eq!(reason == Some(&HoldReason::PexipDecides), minutes_away <= 0, "{reason:?}");
    }
    // An operator's hold has no spike: it has as long as a boot may take.
    for (since, expected) in [(-1, 1), (-9, 1), (-10, 0)] {
        let scene = assist(Scene::new().always_on(HQ, 90).stopped(2));
        let scene = scene.hold("show", HoldScope::All, HoldAmount::Nodes(1), since, 90);
        assert_eq!(starts(&scene.plan().carried_in_assist()), expected, "since {since}");
    }
}

#[test]
fn forty_nodes_of_two_windows_that_end_together_are_let_go_a_few_at_a_time() {
    let mut scene = Scene::new().always_on(HQ, 90);
    for _ in 0..40 {
        scene = scene.ready(BURST, 70, 0);
    }
    let scene = |until: i64| {
        scene.clone().hold("one", HoldScope::All, HoldAmount::AllNodes, -70, until).hold(
            "two",
            HoldScope::Location("AWS burst".into()),
            HoldAmount::Nodes(40),
            -60,
            until,
        )
    };
    assert!(scene(1).plan().is_no_op(), "a minute before the end");
    let plan = scene(0).plan();
    let drains = plan.actions.iter().filter(|action| matches!(action, Action::BeginDrain { .. })).count();
    assert_eq!((drains, plan.actions.len()), (3, 3), "drains_at_once");
}

#[test]
fn a_window_that_was_cut_says_so() {
    let mut scene = Scene::new().always_on(HQ, 90).stopped(4);
    scene = spike(scene.hold("w", HoldScope::All, HoldAmount::HdCalls(HdCalls(20)), 0, 70), 10);
    scene.ledger.holds[0].asked = Some(HoldAmount::AllNodes);
    let plan = scene.plan();
    assert_eq!(starts(&plan), 2);
    let said = plan.report.holds[0].reasons[0].to_string();
    assert_eq!(said, "asked for all nodes, held are 20 HD calls: licences leave no room for more");
}

#[test]
fn what_licences_cut_off_counts_as_asked() {
    let scene = || Scene::new().always_on(HQ, 90).ready(BURST, 6, 0).ready(BURST, 6, 0).stopped(2);
    // A node carries 17 HD calls.
    let table = [
        (HoldAmount::HdCalls(HdCalls(0)), HoldAmount::HdCalls(HdCalls(40)), 85),
        (HoldAmount::HdCalls(HdCalls(34)), HoldAmount::AllNodes, 50),
        (HoldAmount::HdCalls(HdCalls(34)), HoldAmount::Nodes(8), 25),
    ];
    for (amount, asked, percent) in table {
        let mut scene = held(amount)(scene());
        scene.ledger.holds[0].asked = Some(asked);
        let plan = scene.plan();
        assert_eq!(readiness(&plan).percent, percent, "{amount} of {asked}");
        assert_eq!(plan.report.prewarm_ready(now(), Some(now())), Some(percent));
    }
    let mut none_up = held(HoldAmount::HdCalls(HdCalls(0)))(Scene::new().always_on(HQ, 90).stopped(2));
    none_up.ledger.holds[0].asked = Some(HoldAmount::AllNodes);
    assert_eq!(readiness(&none_up.plan()).percent, 0, "nothing was left, and that is not all there");
}
