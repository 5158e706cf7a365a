//! Single nodes: one request each, filtered again on our side.

use std::net::Ipv4Addr;

use serde_json::json;
use spillway_core::fault::FaultKind;
use spillway_core::ids::{LocationId, NodeId};
use spillway_engine::ports::{ManagementWrite, NodeRead};

use crate::support::{Answer, Server, client, list, platform};

const BURST: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);

#[tokio::test]
async fn a_node_is_read_by_its_address_in_one_request_whatever_the_server_makes_of_the_filter() {
    // This server does not know the filter and answers with all nodes.
    let server = Server::start(platform).await;
    let nodes = client(&server).read_nodes_at(&[BURST]).await.unwrap();
    let [node] = nodes.as_slice() else { panic!("one node: {nodes:?}") };
    assert_eq!((node.id, node.address, node.location), (NodeId(2), BURST, LocationId(2)));
    assert_eq!(node.static_nat_address, Some(Ipv4Addr::new(198, 51, 100, 7)));
    assert_eq!(node.status, None, "only its configuration is read");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].query.contains("address=10.0.1.1"), "{}", seen[0].query);
}

#[tokio::test]
async fn each_address_is_a_request_and_nobody_at_one_is_nobody() {
    let server = Server::start(platform).await;
    let addresses = [BURST, Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 9, 9, 9)];
    let nodes = client(&server).read_nodes_at(&addresses).await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(server.seen().len(), 3);
    assert!(client(&server).read_nodes_at(&[]).await.unwrap().is_empty());
    assert_eq!(server.seen().len(), 3, "nothing is asked for nobody");
}

#[tokio::test]
async fn locations_and_the_history_are_one_request_each() {
    let server = Server::start(|seen| match seen.resource().as_str() {
        "history/workervm_status_event" => list(&[json!({
            "id": 1, "time_changed": "2026-11-22T09:59:58", "event_type": "start", "state": "starting", "context": "",
            "details": "HQ has 4 HD calls free", "workervm_configuration_id": 2, "workervm_configuration_name": "burst1",
            "resource_uri": "/api/admin/history/v1/workervm_status_event/1/"})]),
        _ => platform(seen),
    })
    .await;
    let client = client(&server);
    let locations = client.read_locations().await.unwrap();
    assert_eq!(
        locations.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(),
        ["Oslo", "Oslo overflow"]
    );
    let from = "2026-11-22T09:59:00Z".parse().unwrap();
    let lines = client.read_node_events(from, "2026-11-22T10:00:30Z".parse().unwrap()).await.unwrap();
    assert_eq!(lines[0].words, "start, starting, HQ has 4 HD calls free");
    assert_eq!(lines[0].name.as_ref().map(spillway_core::ids::NodeName::as_str), Some("burst1"));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_address_is_set_and_cleared_with_nothing_else_in_the_request() {
    let server = Server::start(platform).await;
    let client = client(&server);
    client.set_static_nat(NodeId(2), Some(Ipv4Addr::new(203, 0, 113, 9))).await.unwrap();
    client.set_static_nat(NodeId(2), None).await.unwrap();
    let bodies: Vec<_> = server.seen().iter().map(crate::support::Seen::json).collect();
    assert_eq!(bodies, [json!({"static_nat_address": "203.0.113.9"}), json!({"static_nat_address": null})]);
}

#[tokio::test]
async fn what_fails_is_a_fault_of_the_management_node() {
    let server = Server::start(|_| Answer::new(403, "")).await;
    let fault = client(&server).read_nodes_at(&[BURST]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(client(&server).read_locations().await.is_err());
}
