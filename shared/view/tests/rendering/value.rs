//! The value: its shape is a promise, and its numbers are right.

use jiff::tz::TimeZone;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, LocationId};
use spillway_core::ledger::{HoldAmount, HoldScope};
use spillway_core::observation::NodeRole;
use spillway_core::report::HoldStatus;
use spillway_view::{Paint, Status, Tone, View, render};

use crate::scene::{LONDON, Life0, Scene, ago, location, monday, now, unreachable};

#[test]
fn the_shape_of_the_json_is_kept() {
    insta::assert_json_snapshot!(monday().status());
}

#[test]
fn a_status_survives_its_own_serialisation() {
    let status = monday().status();
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
}

#[test]
fn room_is_what_is_free_and_in_five_minutes_what_boots_as_well() {
    let mut scene = Scene::london();
    scene.node("london-1", LONDON, NodeRole::Transcoding, 17, 10);
    scene.burst("b-1", &Life0::Ready(30, 5));
    scene.burst("b-2", &Life0::Booting(2));
    scene.burst("b-3", &Life0::Draining(90, 1));
    scene.burst("b-4", &Life0::Stopped);
    let first = scene.status().first;
    assert_eq!(first.room_now, Some(HdCalls(7 + 12)));
    assert_eq!(first.room_in_5_minutes, Some(HdCalls(7 + 12 + 17)));
    assert_eq!(first.oldest_report_s, Some(20));
    scene.platform = Err(unreachable());
    assert_eq!(scene.status().first.room_now, None);
}

#[test]
fn a_held_node_that_callers_do_not_reach_is_late() {
    let held = |scene: &Scene| scene.status().first.held;
    let mut scene = monday();
    assert_eq!((held(&scene).ready, held(&scene).late), (2, 1));
    // Ready, and it tells callers the address of its last life.
    let first = scene.fleet.as_ref().unwrap().instances[0].id.clone();
    scene.instance(&first).public_ip = Some([203, 0, 113, 9].into());
    assert_eq!((held(&scene).ready, held(&scene).late), (1, 2));
    assert!(
        scene
            .text(false)
            .contains("its static NAT address is 198.51.100.8, and its instance's address is 203.0.113.9")
    );
    // Where the location is private the node must have none.
    scene.policy.nat.private_only.push("AWS burst".into());
    assert_eq!(held(&scene).ready, 0, "both tell an address");
    assert!(scene.text(false).contains("its location has private addresses only"), "{}", scene.text(false));
    for node in &mut scene.platform().nodes {
        node.static_nat_address = None;
    }
    assert_eq!(held(&scene).ready, 2);
}

#[test]
fn a_held_node_with_another_version_is_late_and_not_booting() {
    let mut scene = monday();
    scene.ledger().holds[0].spike_at = None;
    let instance = scene.fleet.as_ref().unwrap().instances[2].id.clone();
    scene.instance(&instance).launched_at = Some(crate::scene::ago(2));
    assert_eq!(scene.status().first.held.booting, 1);
    let booting = scene.platform().nodes.iter_mut().find(|node| node.name.as_str() == "aws-burst-3").unwrap();
    let status = booting.status.as_mut().unwrap();
    status.version = "37".to_owned();
    status.last_updated = Some(crate::scene::ago(1));
    let held = scene.status().first.held;
    assert_eq!((held.booting, held.late), (0, 1));
}

#[test]
fn held_nodes_are_ready_booting_late_or_failed() {
    let held = |scene: &Scene| scene.status().first.held;
    let mut scene = monday();
    assert_eq!(held(&scene), HoldStatus { asked: 4, ready: 2, booting: 0, late: 1, failed: 1 });
    // The same nodes before the spike is near: one boots, and within its time.
    scene.ledger().holds[0].spike_at = None;
    assert_eq!(held(&scene).late, 1, "a boot of seven minutes is late whatever was said");
    let instance = scene.fleet.as_ref().unwrap().instances[2].id.clone();
    scene.instance(&instance).launched_at = Some(crate::scene::ago(2));
    assert_eq!(held(&scene), HoldStatus { asked: 4, ready: 2, booting: 1, late: 0, failed: 1 });
    // A second hold on the same nodes asks for nothing more.
    scene.hold("another", HoldScope::All, HoldAmount::HdCalls(HdCalls(20)));
    assert_eq!(held(&scene).asked, 4);
    scene.hold("all of them", HoldScope::All, HoldAmount::AllNodes);
    assert_eq!(held(&scene).asked, 6);
}

#[test]
fn a_hold_of_one_node_is_shown_with_the_nodes_name() {
    let mut scene = monday();
    let first = scene.fleet.as_ref().unwrap().instances[0].id.clone();
    scene.hold("node-hold", HoldScope::Node(first), HoldAmount::AllNodes);
    scene.hold("gone", HoldScope::Node("i-gone".into()), HoldAmount::AllNodes);
    let text = scene.text(false);
    let row = |id: &str| text.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(row("node-hold").contains(" aws-burst-1 "), "{text}");
    assert!(row("gone").contains(" i-gone "), "{text}");
}

#[test]
fn the_first_line_tells_of_the_callers_who_have_no_room_and_not_of_room_that_they_cannot_reach() {
    let mut scene = Scene::london();
    scene.node("london-1", LONDON, NodeRole::Transcoding, 17, 17);
    let (oslo, oslo_burst) = (LocationId(8), LocationId(9));
    scene.platform().locations.push(location(oslo, "Oslo", Some(oslo_burst)));
    scene.platform().locations.push(location(oslo_burst, "Oslo burst", None));
    scene.node("oslo-1", oslo, NodeRole::Transcoding, 17, 1);
    scene.burst("oslo-burst-1", &Life0::Stopped);
    scene.platform().nodes.last_mut().unwrap().location = oslo_burst;
    scene.burst("aws-burst-1", &Life0::Booting(2));
    let status = scene.status();
    let text = scene.text(false);
    let line = text.lines().next().unwrap();
    assert!(line.contains("London: NO ROOM (0, overflow 0; 1 node ready in 3 min)"), "{line}");
    assert!(!line.contains("16 HD calls"), "{line}");
    assert_eq!(status.first.worst.unwrap().location.as_str(), "London");
    // What runs in a secondary overflow location is room.
    scene.platform().locations[0].overflow_location2 = Some(oslo);
    let text = scene.text(false);
    assert!(!text.contains("NO ROOM"), "{text}");
}

#[test]
fn five_minutes_without_a_cycle_are_said_first_and_are_no_success() {
    for (minutes, healthy) in [(5, true), (6, false)] {
        let mut scene = monday();
        scene.ledger().cycle.digest.as_mut().unwrap().at = ago(minutes);
        let status = scene.status();
        assert_eq!(status.is_read(), healthy, "{minutes} min");
        assert_eq!(status.trouble.iter().any(|trouble| trouble.what.starts_with("no cycle")), !healthy);
        assert_eq!(scene.text(false).contains("NO CYCLE RUNS"), !healthy);
    }
}

#[test]
fn a_platform_where_no_cycle_ever_ran_is_no_success_either_and_one_that_cannot_be_read_is_not_said_to_be_it()
{
    let mut scene = monday();
    scene.ledger().cycle.digest = None;
    let status = scene.status();
    assert!(!status.is_read() && status.is_without_cycles());
    assert!(status.trouble[0].what.starts_with("no cycle has ever run"), "{:?}", status.trouble);
    assert!(scene.text(false).contains("NO CYCLE RUNS"));
    scene.ledger = Err(Fault::new(System::Ledger, FaultKind::Timeout, "no answer"));
    let status = scene.status();
    assert!(!status.is_read() && !status.is_without_cycles(), "nothing is known of cycles");
}

/// Shows the tone in front of each line.
struct Tones;

impl Paint for Tones {
    fn paint(&self, tone: Tone, line: &str) -> String {
        format!("{tone:?} {line}")
    }
}

#[test]
fn the_first_line_is_red_while_no_cycle_runs() {
    for (minutes, tone) in [(1, "Plain "), (6, "Bad ")] {
        let mut scene = monday();
        scene.ledger().cycle.digest.as_mut().unwrap().at = ago(minutes);
        let view = View { zone: TimeZone::UTC, now: now(), all: false, width: None };
        let text = render(&scene.status(), &view, &Tones);
        assert!(text.lines().next().unwrap().starts_with(tone), "{minutes} min: {text}");
    }
}
