//! What is read of a platform, with which requests, and what missing, odd and old values become.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::ids::{CertificateId, HdCalls, InstanceId, LocationId, NodeId};
use spillway_core::ledger::KnownPlatform;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{NodeActivity, NodeRole, Platform};
use spillway_engine::ports::{CertificateRead, ManagementRead, ManagementWrite, PlatformRefresh};
use spillway_pexip::Problem;

use crate::support::{Answer, Seen, Server, client, list, platform};

const ALL: PlatformScope = PlatformScope { shards: true };
const NO_SHARDS: PlatformScope = PlatformScope { shards: false };

/// The platform with one resource answered otherwise.
async fn with(resource: &'static str, answer: Answer) -> Result<Platform, Fault> {
    let server =
        Server::start(move |seen| if seen.resource() == resource { answer.clone() } else { platform(seen) })
            .await;
    client(&server).read_platform(ALL).await
}

#[tokio::test]
async fn a_platform_is_five_requests_and_a_sixth_for_shards() {
    let server = Server::start(platform).await;
    let client = client(&server);
    client.read_platform(NO_SHARDS).await.unwrap();
    let mut asked = server.resources();
    asked.sort();
    let five = [
        "configuration/global/1",
        "configuration/system_location",
        "configuration/worker_vm",
        "status/management_vm",
        "status/worker_vm",
    ];
    assert_eq!(asked, five);
    let read = client.read_platform(ALL).await.unwrap();
    assert_eq!(server.seen().len(), 11);
    assert_eq!(read.shards.map(|shards| shards.len()), Some(1));
}

#[tokio::test]
async fn what_is_known_is_not_read_again() {
    let server = Server::start(platform).await;
    let client = client(&server);
    let read = client.read_platform(ALL).await.unwrap();
    let known = KnownPlatform::of(&read);
    let asked_before = server.seen().len();
    let again = client.refresh_platform(&known, ALL).await.unwrap();
    assert_eq!(again, read, "and it is the same picture");
    let mut asked = server.resources().split_off(asked_before);
    asked.sort();
    assert_eq!(asked, ["configuration/worker_vm", "status/conference_shard", "status/worker_vm"]);
    // Known of an address that is not configured any more: everything is read.
    let elsewhere = KnownPlatform { address: "https://gone.example.com".to_owned(), ..known };
    assert_eq!(client.refresh_platform(&elsewhere, NO_SHARDS).await.unwrap().address, server.address);
    assert_eq!(server.seen().len(), asked_before + 3 + 5);
}

#[tokio::test]
async fn certificates_are_read_without_their_keys() {
    let server = Server::start(|seen| match seen.resource().as_str() {
        "configuration/tls_certificate" => list(&[
            json!({"id": 4, "subject_name": "*.example.com", "end_date": "2027-01-31T12:00:00", "private_key": "$~!1"}),
            json!({"id": 5, "subject_name": null, "end_date": null}),
        ]),
        _ => platform(seen),
    })
    .await;
    let read = client(&server).read_certificates().await.unwrap();
    assert_eq!(read.len(), 1, "of one whose end is not known nothing can be said");
    assert_eq!((read[0].id, read[0].subject.as_str()), (CertificateId(4), "*.example.com"));
    assert_eq!(read[0].ends.to_string(), "2027-01-31T12:00:00Z");
    let old = Server::start(|seen| match seen.resource().as_str() {
        "configuration/tls_certificate" => Answer::html(404, ""),
        _ => platform(seen),
    })
    .await;
    assert_eq!(client(&old).read_certificates().await.unwrap(), [], "a release without the list");
}

#[tokio::test]
async fn a_platform_is_joined_by_ids() {
    let server = Server::start(platform).await;
    let read = client(&server).read_platform(NO_SHARDS).await.unwrap();
    assert_eq!(read.server_time.to_string(), "2026-11-22T10:00:05Z", "the Date of the status of the nodes");
    assert_eq!(read.address, server.address);
    assert_eq!((read.version.as_str(), read.upgrading), ("38 (77000.0.0)", false));
    assert_eq!(read.shards, None);
    assert_eq!(read.bursting.threshold, HdCalls(5));
    assert_eq!(read.locations[0].overflow_location1, Some(LocationId(2)));
    let [on, burst] = read.nodes.as_slice() else { panic!("two nodes") };
    let status = on.status.as_ref().unwrap();
    assert!(status.synced);
    assert_eq!(status.last_updated.unwrap().to_string(), "2026-11-22T10:00:01.848612Z");
    assert_eq!((status.max_hd_calls, status.media_load), (HdCalls(17), Some(37.0)));
    assert_eq!((status.max_media_tokens, status.media_tokens_used), (68, 25));
    assert_eq!(burst.status, None, "no status row");
    assert_eq!(burst.static_nat_address, Some(Ipv4Addr::new(198, 51, 100, 7)));
    assert!(burst.maintenance_mode && !burst.distributed_database);
    assert_eq!(burst.maintenance_mode_reason, "spillway: drain");
    let shown = format!("{read:?}");
    assert!(!shown.contains("AKIA") && !shown.contains("$~!1"), "cloud credentials are not decoded");
}

#[tokio::test]
async fn the_forms_of_old_and_odd_releases_are_read() {
    let configured = |fields: Value| {
        let mut row = json!({"id": 7, "name": "n", "address": "10.0.0.7", "system_location": {"id": 3}, "resource_uri": "/7/"});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row
    };
    for (fields, role) in [
        (json!({"node_type": "CONFERENCING"}), NodeRole::Transcoding),
        (json!({"node_type": "PROXYING", "transcoding": true}), NodeRole::Proxying),
        (json!({"node_type": null}), NodeRole::Transcoding),
        (json!({"transcoding": false}), NodeRole::Proxying),
        (json!({"node_type": "SOMETHING_NEW"}), NodeRole::Proxying),
        (json!({"node_type": "SOMETHING_NEW", "transcoding": true}), NodeRole::Transcoding),
    ] {
        let read = with("configuration/worker_vm", list(&[configured(fields.clone())])).await.unwrap();
        assert_eq!(read.nodes[0].role, role, "{fields}");
        assert_eq!(read.nodes[0].location, LocationId(3), "a nested object in place of a URI");
    }
    let status = |fields: Value| list(&[fields]).header("date", "Sun, 22 Nov 2026 10:00:05 GMT");
    // Nothing but the id: nothing is taken for better than it may be.
    let read = with("status/worker_vm", status(json!({"id": 1}))).await.unwrap();
    let bare = read.nodes[0].status.clone().unwrap();
    assert!(!bare.synced && !bare.maintenance_mode && !bare.upgrading);
    assert_eq!((bare.last_updated, bare.media_load, bare.max_hd_calls), (None, None, HdCalls(0)));
    // Null everywhere, unknown words, numbers as text.
    let odd = json!({"id": 99, "configuration_id": "1", "sync_status": "OUT_OF_SYNC", "last_updated": null, "maintenance_mode": null,
        "media_load": null, "max_hd_calls": "17", "max_media_tokens": null, "upgrade_status": "SOMETHING", "version": null});
    let read = with("status/worker_vm", status(odd)).await.unwrap();
    let odd = read.nodes[0].status.clone().unwrap();
    assert!(!odd.synced && odd.upgrading);
    assert_eq!((odd.max_hd_calls, odd.media_load), (HdCalls(17), None));
    // The release before: other names for the same.
    let old = json!({"id": 1, "deploy_status": "deploy_succeeded", "last_reported": "2017-05-04T00:03:47"});
    let read = with("status/worker_vm", status(old)).await.unwrap();
    let old = read.nodes[0].status.clone().unwrap();
    assert!(old.synced);
    assert_eq!(old.last_updated.unwrap().to_string(), "2017-05-04T00:03:47Z");
    // Maintenance that only the configuration tells.
    let read = with("status/worker_vm", status(json!({"id": 2}))).await.unwrap();
    assert!(read.nodes[1].status.as_ref().unwrap().maintenance_mode);
}

#[tokio::test]
async fn a_node_about_which_nothing_can_be_said_is_left_out() {
    let read = with(
        "configuration/worker_vm",
        list(&[
            json!({"name": "no id", "address": "10.0.0.1", "system_location": "/l/1/"}),
            json!({"id": 2, "name": "no address", "address": null, "system_location": "/l/1/"}),
            json!({"id": 3, "name": "no location", "address": "10.0.0.3", "system_location": null}),
            json!({"id": 4, "address": "10.0.0.4", "system_location": "/l/1/"}),
        ]),
    )
    .await
    .unwrap();
    assert_eq!(read.nodes.len(), 1);
    assert_eq!(read.nodes[0].name.as_str(), "node 4");
}

#[tokio::test]
async fn whether_pexip_bursts_itself_has_no_stand_in() {
    for global in [json!({}), json!({"bursting_enabled": null}), json!({"bursting_enabled": "perhaps"})] {
        let fault = with("configuration/global/1", Answer::json(&global)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed, "{global}");
    }
    let read =
        with("configuration/global/1", Answer::json(&json!({"bursting_enabled": true}))).await.unwrap();
    assert!(read.bursting.enabled);
    assert_eq!(
        (read.bursting.threshold, read.bursting.min_lifetime_minutes),
        (HdCalls(5), 50),
        "the schema's defaults"
    );
}

#[tokio::test]
async fn a_release_without_status_of_the_management_node_is_read() {
    let read = with("status/management_vm", Answer::html(404, "Not Found")).await.unwrap();
    assert_eq!((read.version.as_str(), read.upgrading), ("", false));
    let upgrading = list(&[json!({"version": "38", "upgrade_status": "UPGRADING"})]);
    assert!(with("status/management_vm", upgrading).await.unwrap().upgrading);
    let fault = with("status/worker_vm", Answer::html(404, "Not Found")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound, "without the nodes there is no platform");
}

#[tokio::test]
async fn activity_is_three_requests_and_filtered_on_our_side() {
    let here = Ipv4Addr::new(10, 0, 1, 1);
    let uri = |n: u32| format!("/api/admin/status/v1/x/{n}/");
    let busy = move |seen: &Seen| match seen.resource().as_str() {
        // The filter is ignored: every shard comes back.
        "status/conference_shard" => list(&[
            json!({"node": "10.0.1.1", "resource_uri": uri(1)}),
            json!({"node": "10.0.1.1", "resource_uri": uri(1)}),
            json!({"node": "10.0.1.11", "resource_uri": uri(2)}),
            json!({"node": null, "resource_uri": uri(3)}),
        ]),
        "status/participant" => list(&[
            json!({"media_node": "10.0.1.1", "signalling_node": "10.0.0.1", "proxy_node": ""}),
            json!({"media_node": "10.0.0.1", "signalling_node": "10.0.1.1", "proxy_node": ""}),
            json!({"media_node": "10.0.0.1", "signalling_node": "10.0.0.1", "proxy_node": "10.0.1.1"}),
            json!({"media_node": "", "signalling_node": "10.0.0.1", "proxy_node": null}),
            json!({"media_node": "10.0.0.1"}),
        ]),
        "status/backplane" => list(&[
            json!({"media_node": "10.0.0.1", "remote_media_node": "10.0.1.1"}),
            json!({"media_node": "10.0.1.1", "remote_media_node": "10.0.0.1"}),
            json!({"media_node": "10.0.0.1", "remote_media_node": "10.0.0.2"}),
        ]),
        _ => Answer::new(404, ""),
    };
    let server = Server::start(busy).await;
    let activity = client(&server).read_activity(here).await.unwrap();
    // A shard that names no node counts as being here.
    assert_eq!(activity, NodeActivity { shards: 2, participants: 3, backplanes: 2 });
    let mut asked: Vec<String> =
        server.seen().iter().map(|seen| format!("{}?{}", seen.resource(), seen.query)).collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "status/backplane?limit=500",
            "status/conference_shard?order_by=start_time&limit=500",
            "status/participant?order_by=connect_time&limit=500",
        ]
    );
}

#[tokio::test]
async fn nothing_found_is_idle_and_not_known_is_not() {
    let idle = Server::start(|_| list(&[])).await;
    assert!(client(&idle).read_activity(Ipv4Addr::LOCALHOST).await.unwrap().is_idle());
    for missing in ["status/conference_shard", "status/participant", "status/backplane"] {
        let server = Server::start(
            move |seen| if seen.resource() == missing { Answer::new(404, "") } else { list(&[]) },
        )
        .await;
        assert!(client(&server).read_activity(Ipv4Addr::LOCALHOST).await.is_err(), "{missing}");
    }
}

#[tokio::test]
async fn only_the_changed_fields_are_sent() {
    let server = Server::start(|_| Answer::new(202, "")).await;
    let client = client(&server);
    client.set_static_nat(NodeId(2), Some(Ipv4Addr::new(198, 51, 100, 7))).await.unwrap();
    client.set_static_nat(NodeId(2), None).await.unwrap();
    client.set_maintenance(NodeId(2), true, "spillway: drain").await.unwrap();
    client.set_maintenance(NodeId(2), true, &"ä".repeat(300)).await.unwrap();
    client.set_maintenance(NodeId(2), false, "a reason that must not stay").await.unwrap();
    let seen = server.seen();
    for request in &seen {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("PATCH", "/api/admin/configuration/v1/worker_vm/2/")
        );
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("accept"), "application/json");
    }
    let bodies: Vec<Value> = seen.iter().map(Seen::json).collect();
    assert_eq!(bodies[0], json!({"static_nat_address": "198.51.100.7"}));
    assert_eq!(bodies[1], json!({"static_nat_address": null}));
    assert_eq!(bodies[2], json!({"maintenance_mode": true, "maintenance_mode_reason": "spillway: drain"}));
    assert_eq!(bodies[3]["maintenance_mode_reason"], json!("ä".repeat(250)));
    assert_eq!(bodies[4], json!({"maintenance_mode": false, "maintenance_mode_reason": ""}));
}

#[tokio::test]
async fn any_success_of_a_change_or_a_command_will_do() {
    for answer in [
        Answer::new(200, "{}"),
        Answer::new(202, ""),
        Answer::new(204, ""),
        Answer::html(200, "Done"),
        Answer::new(201, "<?xml version=\"1.0\"?><node/>").header("location", "/x/1/"),
        Answer::new(202, r#"{"status": "success", "data": null}"#),
    ] {
        let shown = format!("{answer:?}");
        let server = Server::start(move |_| answer.clone()).await;
        let client = client(&server);
        client.set_static_nat(NodeId(2), None).await.expect(&shown);
        client.start_cloudnode(&InstanceId::from("i-0abc")).await.expect(&shown);
        let command = &server.seen()[1];
        assert_eq!(command.path, "/api/admin/command/v1/platform/start_cloudnode/");
        assert_eq!(command.json(), json!({"instance_id": "i-0abc"}));
    }
    let server =
        Server::start(|_| Answer::new(202, r#"{"status": "error", "error": "Not a bursting node"}"#)).await;
    let error = client(&server).start_cloudnode(&InstanceId::from("i-0abc")).await.unwrap_err();
    assert!(
        matches!(&error.problem, Problem::Rejected { said, .. } if said == "Not a bursting node"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_change_says_why() {
    for (body, said) in [
        (
            r#"{"worker_vm": {"static_nat_address": ["Enter a valid IPv4 address."]}}"#,
            "worker_vm static_nat_address: Enter a valid IPv4 address.",
        ),
        (
            r#"{"static_nat_address": ["Enter a valid IPv4 address."]}"#,
            "static_nat_address: Enter a valid IPv4 address.",
        ),
        (r#"{"error": "Invalid resource"}"#, "Invalid resource"),
        (r#"{"error_message": "Sorry"}"#, "Sorry"),
        ("<html><title>Bad Request</title></html>", "an HTML page, \"Bad Request\""),
        ("no", "no"),
    ] {
        let server = Server::start(move |_| Answer::new(400, body)).await;
        let fault = client(&server).set_static_nat(NodeId(2), None).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Rejected);
        let path = "/api/admin/configuration/v1/worker_vm/2/";
        assert_eq!(fault.detail, format!("PATCH {}{path}: refused (400: {said})", server.address));
    }
}

#[tokio::test]
async fn pexips_own_bursting_is_read_under_old_and_new_names() {
    let server = Server::start(|seen| match seen.resource().as_str() {
        "status/cloud_node" => list(&[
            json!({"cloud_instance_id": "i-1", "cloud_instance_name": "burst1", "cloud_instance_ip": "10.0.1.1", "cloud_instance_state": "running",
                "cloud_instance_launch_time": "2026-11-22T09:00:00", "max_hd_calls": 17, "media_load": null, "workervm_configuration_id": 2,
                "workervm_configuration_name": "burst1", "workervm_configuration_location_name": "Oslo overflow", "aws_instance_id": "i-1"}),
            json!({"aws_instance_id": "i-2", "aws_instance_state": "unknown", "cloud_instance_id": "", "aws_instance_ip": ""}),
            json!({"cloud_instance_name": "no id"}),
        ]),
        "status/cloud_monitored_location" => list(&[json!({"id": 9, "name": "Oslo", "free_hd_calls": 3, "max_hd_calls": null, "media_load": 80.5,
            "overflow_location": {"id": 1}})]),
        "status/cloud_overflow_location" => Answer::html(404, "Not Found"),
        "status/licensing" => list(&[json!({"port_count": 12, "port_total": 100, "audio_count": null})]),
        _ => Answer::new(404, ""),
    })
    .await;
    let client = client(&server);
    let cloud = client.read_cloud().await.unwrap();
    assert_eq!(cloud.nodes.len(), 2);
    assert_eq!(cloud.nodes[0].node, Some(NodeId(2)));
    assert_eq!(cloud.nodes[0].address, Some(Ipv4Addr::new(10, 0, 1, 1)));
    assert_eq!((cloud.nodes[1].instance.as_str(), cloud.nodes[1].state.as_str()), ("i-2", "unknown"));
    assert_eq!(cloud.monitored[0].free_hd_calls, Some(HdCalls(3)));
    assert_eq!(cloud.monitored[0].max_hd_calls, None);
    assert!(cloud.overflow.is_empty(), "a release without the resource");
    let licences = client.read_licensing().await.unwrap().unwrap();
    assert_eq!((licences.ports_used, licences.ports_total, licences.audio_used), (12, 100, 0));
}
