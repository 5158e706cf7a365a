//! The text, whole, as snapshots that a person accepts.

use jiff::SignedDuration;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::CertificateId;
use spillway_core::ledger::{Actor, HoldAmount, HoldScope, Ledger, OperatorCommand, Request};
use spillway_core::observation::{Certificate, Fleet, NodeRole};
use spillway_core::policy::Mode;

use crate::scene::{BURST, LONDON, Life0, Scene, ago, monday, now, unreachable};

#[test]
fn monday_at_0858() {
    insta::assert_snapshot!(monday().text(false));
}

#[test]
fn monday_at_0858_with_stopped_nodes() {
    insta::assert_snapshot!(monday().text(true));
}

#[test]
fn a_quiet_evening_with_a_drain() {
    let mut scene = Scene::london();
    scene.node("london-1", LONDON, NodeRole::Transcoding, 85, 3);
    scene.burst("aws-burst-1", &Life0::Draining(190, 2));
    scene.burst("aws-burst-2", &Life0::Stopped);
    insta::assert_snapshot!(scene.text(false));
}

#[test]
fn the_management_node_does_not_answer() {
    let mut scene = monday();
    scene.platform = Err(unreachable());
    scene.licences = None;
    insta::assert_snapshot!(scene.text(false));
}

#[test]
fn nothing_answers() {
    let mut scene = Scene::london();
    let down = |system| Fault::new(system, FaultKind::Unreachable, "no connection");
    (scene.platform, scene.licences) = (Err(unreachable()), None);
    scene.fleet = Err(down(System::Ec2));
    scene.ledger = Err(down(System::Ledger));
    insta::assert_snapshot!(scene.text(false));
}

#[test]
fn most_always_on_nodes_are_silent() {
    let mut scene = monday();
    for node in scene.platform().nodes.iter_mut().take(4) {
        node.status.as_mut().unwrap().last_updated = Some(ago(30));
    }
    insta::assert_snapshot!(scene.text(false));
}

#[test]
fn an_operator_paused_it() {
    let mut scene = Scene::london();
    scene.node("london-1", LONDON, NodeRole::Transcoding, 17, 10);
    scene.burst("aws-burst-1", &Life0::Stopped);
    scene.ledger().requests.push(Request {
        id: "1".to_owned(),
        by: Actor::Person("user/anna".to_owned()),
        at: ago(5),
        reason: "firewall work".to_owned(),
        command: OperatorCommand::Pause { until: now() + SignedDuration::from_mins(55) },
    });
    insta::assert_snapshot!(scene.text(false));
}

#[test]
fn everything_that_keeps_a_node_from_being_used() {
    let mut scene = Scene::london();
    scene.policy.mode = Mode::Assist;
    scene.platform().bursting.enabled = true;
    scene.node("london-1", LONDON, NodeRole::Transcoding, 17, 0);
    scene.node("odd-one-out", BURST, NodeRole::Proxying, 0, 0);
    scene.burst("aws-burst-1", &Life0::Ready(30, 0));
    let other_address = scene.burst("aws-burst-2", &Life0::Ready(30, 0));
    scene.instance(&other_address).public_ip = Some([203, 0, 113, 9].into());
    let nobody = scene.burst("aws-burst-3", &Life0::Stopped);
    scene.instance(&nobody).private_ip = Some([10, 9, 9, 9].into());
    scene.burst("aws-burst-4", &Life0::Stopped);
    let nodes = &mut scene.platform().nodes;
    nodes[2].distributed_database = true;
    nodes[3].status.as_mut().unwrap().version = "37".to_owned();
    let last = nodes.last_mut().unwrap();
    (last.maintenance_mode, last.maintenance_mode_reason) = (true, "new disks".to_owned());
    insta::assert_snapshot!(scene.text(false));
}

#[test]
fn nodes_that_missed_an_upgrade_are_one_issue_for_each_version() {
    let mut scene = Scene::london();
    scene.node("london-1", LONDON, NodeRole::Transcoding, 17, 0);
    for (name, version) in
        [("aws-burst-1", "36"), ("aws-burst-2", "37"), ("aws-burst-3", "37"), ("aws-burst-4", "38")]
    {
        scene.burst(name, &Life0::Stopped);
        let node = scene.platform().nodes.last_mut().unwrap();
        node.status.as_mut().unwrap().version = version.to_owned();
    }
    let issues = scene.status().issues;
    let lines: Vec<(&str, &str)> = issues
        .iter()
        .filter(|issue| issue.what.contains("version"))
        .map(|issue| (issue.about.as_str(), issue.what.as_str()))
        .collect();
    let what = |version: &str| {
        format!("reported version {version} last, which is not the Management Node's version")
    };
    assert_eq!(
        lines,
        [("aws-burst-1", what("36").as_str()), ("aws-burst-2 and 1 more", what("37").as_str())]
    );
}

#[test]
fn a_start_that_fell_back_to_stopped_for_a_key_names_the_stacks_parameter() {
    let mut scene = Scene::london();
    for (name, reason) in [
        ("aws-burst-1", "Client.InvalidKMSKey.InvalidState: The KMS key is disabled"),
        ("aws-burst-2", "Client.InternalError: Client error on launch"),
        ("aws-burst-3", "Client.UserInitiatedShutdown: User initiated shutdown"),
    ] {
        let id = scene.burst(name, &Life0::Stopped);
        scene.instance(&id).state_reason = reason.to_owned();
    }
    let issues = scene.status().issues;
    let about: Vec<&str> = issues
        .iter()
        .filter(|issue| issue.remedy.contains("VolumeKeyArns"))
        .map(|issue| issue.about.as_str())
        .collect();
    assert_eq!(about, ["aws-burst-1", "aws-burst-2"]);
}

#[test]
fn certificates_that_devices_refuse_or_soon_will() {
    let mut scene = Scene::london();
    for name in ["london-1", "london-2", "london-3", "london-4", "london-5"] {
        scene.node(name, LONDON, NodeRole::Transcoding, 17, 0);
    }
    let certificate = |id, hours: i64| Certificate {
        id: CertificateId(id),
        subject: format!("*.{id}.example.com"),
        ends: now() + SignedDuration::from_hours(hours),
    };
    // Ended; ends within two weeks, on two nodes; ends later; ended and on no node.
    scene.certificates =
        vec![certificate(1, -25), certificate(2, 13 * 24), certificate(3, 15 * 24), certificate(4, -1)];
    for (node, id) in [(0, 1), (1, 2), (2, 2), (3, 3)] {
        scene.platform().nodes[node].certificate = Some(CertificateId(id));
    }
    let issues = scene.status().issues;
    let lines: Vec<String> = issues
        .iter()
        .filter(|issue| issue.what.contains("certificate"))
        .map(|issue| format!("{}: {}", issue.about, issue.what))
        .collect();
    assert_eq!(
        lines,
        [
            "london-1: its TLS certificate (*.1.example.com) ended a day ago: devices that check it cannot call",
            "london-2 and 1 more: its TLS certificate (*.2.example.com) ends in 13 days: devices that check it cannot call",
        ]
    );
}

#[test]
fn hostile_names_move_no_cursor() {
    let mut scene = Scene::london();
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}a\nb\u{202e}c";
    scene.platform().locations[0].name = evil.into();
    scene.node(evil, LONDON, NodeRole::Transcoding, 17, 16);
    scene.burst(evil, &Life0::Ready(20, 3));
    scene.call(evil, evil);
    scene.hold(evil, HoldScope::All, HoldAmount::AllNodes);
    let text = scene.text(true);
    let bad: Vec<char> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert_eq!(bad, [], "{text:?}");
    assert!(!text.contains('\u{202e}') && !text.contains("owned"), "{text:?}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_narrow_terminal_cuts_rows_and_nothing_else() {
    let (mut scene, width) = (monday(), 80);
    scene.platform().nodes[0].name = "a name that is longer than it should be".into();
    let text = scene.wide(width);
    let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > width).collect();
    let is_sentence =
        |line: &&str| ["room for", "last refusal", "mode control"].iter().any(|words| line.contains(words));
    assert!(long.iter().all(is_sentence), "{long:#?}");
}

#[test]
fn an_empty_platform() {
    let mut scene = Scene::empty();
    scene.fleet = Ok(Fleet::default());
    scene.ledger = Ok(Ledger::default());
    insta::assert_snapshot!(scene.text(false));
}
