//! The Management Node's clock may be wrong: ages are compared, each by its own clock.

use spillway_core::ids::HdCalls;

use crate::common::{BURST, HQ, Scene, minutes, starts, why_location};

#[test]
fn a_management_node_whose_clock_is_wrong_makes_no_serving_node_a_failed_start() {
    for off in [-45, -30, 0, 30, 45] {
        // Up for twenty minutes, and this is the first reading of it.
        let mut scene = Scene::new().always_on(HQ, 0).ready(BURST, 20, 0).stopped(1);
        scene.ledger.nodes.values_mut().next().unwrap().run.as_mut().unwrap().ready_at = None;
        scene.platform.server_time += minutes(off);
        for status in scene.platform.nodes.iter_mut().filter_map(|node| node.status.as_mut()) {
            status.last_updated = status.last_updated.map(|at| at + minutes(off));
        }
        let plan = scene.plan();
        assert_eq!(starts(&plan), 0, "{off} minutes: {}", why_location(&plan, "AWS burst"));
        assert_eq!(plan.report.nodes[0].free, HdCalls(17), "{off} minutes");
    }
}

#[test]
fn a_report_from_before_the_launch_is_none_whatever_the_management_nodes_clock_says() {
    for off in [-45, 0, 45] {
        let mut scene = Scene::new().always_on(HQ, 90).ready(BURST, 2, 0);
        scene.ledger.nodes.values_mut().next().unwrap().run.as_mut().unwrap().ready_at = None;
        scene.platform.server_time += minutes(off);
        let reported = scene.platform.server_time - minutes(3);
        for node in &mut scene.platform.nodes {
            if let Some(status) = &mut node.status {
                let age =
                    if node.distributed_database { jiff::SignedDuration::from_secs(20) } else { minutes(3) };
                status.last_updated = Some(scene.platform.server_time - age);
            }
        }
        let plan = scene.plan();
        assert_eq!(plan.report.nodes[0].free, HdCalls(0), "{off} minutes: last report at {reported}");
    }
}
