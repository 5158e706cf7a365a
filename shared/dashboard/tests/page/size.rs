//! A refresh of a platform with 1,000 overflow nodes is under 100 KB.

use jiff::SignedDuration;
use spillway_core::ids::{HdCalls, InstanceId, InstanceType, LocationName, NodeName};
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{Actor, LocationLoad};
use spillway_core::report::ThresholdWord;
use spillway_dashboard::{PageData, wire};
use spillway_view::{NodeRun, NodeState, OverflowLocation, OverflowNode, PrincipalLocation};

use crate::source::{at, data, empty};

fn location(number: usize, kind: &str) -> LocationName {
    LocationName::new(format!("{kind} {number} eu-west-1a"))
}

fn node(number: usize, runs: bool) -> OverflowNode {
    let started = at() - SignedDuration::from_secs(600 + i64::try_from(number).unwrap() * 7);
    OverflowNode {
        instance: InstanceId::new(format!("i-{:017x}", 0x1_2345_6789_abcd_u64 * (number as u64 + 1))),
        name: NodeName::new(format!("aws-burst-eu-{number:04}")),
        location: Some(location(number % 50, "AWS burst")),
        instance_type: InstanceType::new("c5.2xlarge"),
        state: if runs { NodeState::Ready } else { NodeState::Stopped },
        since: runs.then_some(started),
        max: HdCalls(17),
        free: HdCalls(if runs { 9 } else { 0 }),
        started_by: runs.then_some(Actor::Spillway),
        started_why: runs.then(|| format!("needed: London has {} HD calls free, threshold 13", number % 14)),
        held_until: runs.then(|| at() + SignedDuration::from_hours(1)),
        conferences: if runs { vec![format!("Weekly meeting of team {number}")] } else { Vec::new() },
        hosting: u32::from(runs),
        why: vec![if runs { "hosts calls".to_owned() } else { "stopped, not needed".to_owned() }],
    }
}

/// 50 principal and 50 overflow locations, 1,000 overflow nodes, a minute of load for each of six hours.
fn platform(running: usize) -> PageData {
    let mut status = empty();
    for number in 0..50 {
        status.principal.push(PrincipalLocation {
            name: location(number, "Site"),
            free: HdCalls(12),
            max: HdCalls(85),
            threshold: HdCalls(13),
            word: ThresholdWord::BurstingThresholdReached,
            overflow: location(number, "AWS burst"),
        });
        status.overflow.push(OverflowLocation {
            name: location(number, "AWS burst"),
            free: HdCalls(40),
            max: HdCalls(102),
            booting: HdCalls(17),
            threshold: HdCalls(13),
            ready: 6,
            nodes: 20,
            why: vec![format!("needed: Site {number} has 12 HD calls free, threshold 13")],
        });
    }
    status.nodes = (0..1_000).map(|number| node(number, number < running)).collect();
    let load = (0..360)
        .map(|minute| MinuteOfLoad {
            at: at() - SignedDuration::from_mins(minute),
            locations: (0..100)
                .map(|number| LocationLoad {
                    location: location(number % 50, if number < 50 { "Site" } else { "AWS burst" }),
                    free: HdCalls((u32::try_from(minute).unwrap() * 7 + 13) % 80),
                    max: HdCalls(85),
                })
                .collect(),
        })
        .collect();
    let runs = status
        .nodes
        .iter()
        .filter(|node| node.since.is_some())
        .map(|node| NodeRun {
            instance: node.instance.clone(),
            node: Some(node.name.clone()),
            location: node.location.clone(),
            from: node.since,
            ready: node.since.map(|since| since + SignedDuration::from_mins(5)),
            drain: None,
            until: None,
            failed: false,
            by: Actor::Spillway,
            reason: node.started_why.clone().unwrap_or_default(),
            ended: String::new(),
        })
        .collect();
    PageData { load, runs, ..data(status) }
}

#[test]
fn a_thousand_nodes_are_under_100_kb_whatever_runs() {
    for running in [0, 300, 1_000] {
        let data = platform(running);
        let bytes = wire::pack(&data).to_string().len();
        let status = serde_json::to_string(&data.status).unwrap().len();
        println!(
            "1,000 overflow nodes in 100 locations, {running} running: {} KB; the status alone as JSON: {} KB",
            bytes / 1_000,
            status / 1_000
        );
        assert!(bytes < 100_000, "{running} running: {bytes} bytes");
    }
}
