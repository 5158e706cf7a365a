//! What only an operator's command changes.

use serde_json::json;
use spillway_core::fault::FaultKind;
use spillway_core::ids::{LocationId, NodeId};
use spillway_engine::ports::ConfigurationWrite;

use crate::support::{Answer, Seen, Server, client};

const NODE: &str = "/api/admin/configuration/v1/worker_vm/2/";

#[tokio::test]
async fn a_node_is_moved_by_its_locations_uri_and_nothing_else_is_sent() {
    let server = Server::start(|_| Answer::new(202, "")).await;
    let client = client(&server);
    client.set_location(NodeId(2), LocationId(7)).await.unwrap();
    client.set_distributed_database(NodeId(2), false).await.unwrap();
    client.set_distributed_database(NodeId(2), true).await.unwrap();
    let seen = server.seen();
    assert!(seen.iter().all(|request| (request.method.as_str(), request.path.as_str()) == ("PATCH", NODE)));
    let bodies: Vec<_> = seen.iter().map(Seen::json).collect();
    assert_eq!(bodies[0], json!({"system_location": "/api/admin/configuration/v1/system_location/7/"}));
    assert_eq!(bodies[1], json!({"enable_distributed_database": false}));
    assert_eq!(bodies[2], json!({"enable_distributed_database": true}));
}

#[tokio::test]
async fn one_node_is_deleted_by_its_own_path_and_a_repeat_finds_it_gone() {
    // The first answer is lost on its way: the node is gone, and the repeat is told so.
    let server = Server::start(|seen| match seen.method.as_str() {
        "DELETE" if seen.path == NODE && seen.query.is_empty() && seen.body.is_empty() => {
            Answer::new(404, "")
        }
        _ => Answer::new(500, "not expected"),
    })
    .await;
    client(&server).delete_node(NodeId(2)).await.unwrap();
    assert_eq!(server.seen().len(), 1);

    let flaky = Server::start(|seen| {
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("DELETE", NODE));
        Answer::html(503, "busy")
    })
    .await;
    let fault = client(&flaky).delete_node(NodeId(2)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Server);
    assert_eq!(flaky.seen().len(), 3, "deleting one object is safe to repeat");
}

#[tokio::test]
async fn a_refused_change_of_location_says_why() {
    let body = r#"{"error": "Could not find the provided system_location object"}"#;
    let server = Server::start(move |_| Answer::new(400, body)).await;
    let fault = client(&server).set_location(NodeId(2), LocationId(99)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Rejected);
    assert!(fault.detail.contains("Could not find the provided system_location"), "{fault}");
}
