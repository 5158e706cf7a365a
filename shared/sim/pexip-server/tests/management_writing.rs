//! Changing things through the Management API: codes, bodies, validation, bulk changes, commands.

mod common;

use common::{Bench, LOCATION, header, outcome};
use serde_json::{Value, json};

const NODES: &str = "/api/admin/configuration/v1/worker_vm/";
const DNS: &str = "/api/admin/configuration/v1/dns_server/";
const HTML: &str = "text/html; charset=utf-8";

fn node(name: &str, address: &str) -> Value {
    json!({"name": name, "hostname": name, "domain": "example.com", "address": address, "netmask": "255.255.0.0",
        "gateway": "10.0.0.254", "system_location": format!("{LOCATION}1/"), "password": "PEXpex!"})
}

#[tokio::test]
async fn creation_answers_201_with_a_location_and_nothing_else() {
    let bench = Bench::new(1).await;
    let response = bench.body("POST", DNS, json!({"address": "10.0.0.53"})).await;
    assert_eq!(header(&response, "content-type"), HTML);
    let location = header(&response, "location");
    assert_eq!(
        (outcome(response).await, location.as_str()),
        ((201, String::new()), "/api/admin/configuration/v1/dns_server/1/")
    );
    let made = bench.get(&location).await;
    assert_eq!(made, json!({"id": 1, "address": "10.0.0.53", "description": "", "resource_uri": location}));
}

#[tokio::test]
async fn a_new_node_answers_with_its_provisioning_document() {
    let bench = Bench::new(1).await;
    let response = bench.body("POST", NODES, node("node <2>", "10.0.0.2")).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "location").as_str()),
        (201, "/api/admin/configuration/v1/worker_vm/2/")
    );
    assert!(header(&response, "content-type").starts_with("text/xml"));
    let document = response.text().await.unwrap();
    for part in [
        "<?xml",
        "<name>node &lt;2&gt;</name>",
        "<address>10.0.0.2</address>",
        "<nonce>",
        "<system_location>Oslo<",
    ] {
        assert!(document.contains(part), "{part} in {document}");
    }
    assert!(!document.contains("PEXpex!"));
    let made = bench.get(&format!("{NODES}2/")).await;
    assert_eq!((&made["node_type"], &made["static_nat_address"]), (&json!("CONFERENCING"), &Value::Null));
    for hidden in ["password", "deployment_type", "vm_cpu_count", "vm_system_memory"] {
        assert!(made.get(hidden).is_none(), "{hidden}");
    }
}

#[tokio::test]
async fn a_certificate_is_read_and_its_key_kept() {
    let bench = Bench::new(1).await;
    let mut params = rcgen::CertificateParams::new(vec!["conf.example.com".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2026, 5, 4);
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let body = json!({"certificate": pem, "private_key": key.serialize_pem()});
    let made = bench.body("POST", "/api/admin/configuration/v1/tls_certificate/", body).await;
    let location = header(&made, "location");
    let made = bench.get(&location).await;
    assert_eq!(made["end_date"], "2026-05-04T00:00:00");
    assert_eq!(made["subject_alt_names"], "conf.example.com");
    assert!(!made.to_string().contains("PRIVATE KEY"), "{made}");
    // The derived fields are not a client's to set, and follow the certificate.
    params.not_after = rcgen::date_time_ymd(2027, 5, 4);
    let renewed = params.self_signed(&key).unwrap().pem();
    bench.body("PATCH", &location, json!({"certificate": renewed, "end_date": "2099-01-01T00:00:00"})).await;
    assert_eq!(bench.get(&location).await["end_date"], "2027-05-04T00:00:00");
}

#[tokio::test]
async fn patch_answers_202_and_changes_only_what_it_names() {
    let bench = Bench::new(2).await;
    let before = bench.get(&format!("{NODES}2/")).await;
    let change = json!({"static_nat_address": "203.0.113.7", "nonsense": 1, "id": 77, "resource_uri": "/x/"});
    let response = bench.body("PATCH", &format!("{NODES}2/"), change).await;
    assert_eq!(header(&response, "content-type"), HTML);
    assert_eq!(outcome(response).await, (202, String::new()));
    let mut wanted = before.clone();
    wanted["static_nat_address"] = json!("203.0.113.7");
    assert_eq!(bench.get(&format!("{NODES}2/")).await, wanted);
    bench.body("PATCH", &format!("{NODES}2/"), json!({"static_nat_address": null})).await;
    assert_eq!(bench.get(&format!("{NODES}2/")).await, before);
}

#[tokio::test]
async fn put_changes_what_it_names_and_creates_at_a_free_number() {
    let bench = Bench::new(1).await;
    bench.body("POST", DNS, json!({"address": "10.0.0.53", "description": "old"})).await;
    let response = bench.body("PUT", &format!("{DNS}1/"), json!({"address": "10.0.0.54"})).await;
    assert_eq!(
        (header(&response, "content-type").as_str(), outcome(response).await),
        ("", (204, String::new()))
    );
    let made = bench.get(&format!("{DNS}1/")).await;
    assert_eq!((&made["address"], &made["description"]), (&json!("10.0.0.54"), &json!("old")));
    assert_eq!(bench.body("PUT", &format!("{DNS}1/"), json!({})).await.status(), 204);
    assert_eq!(bench.get(&format!("{DNS}1/")).await, made);
    let response = bench.body("PUT", &format!("{DNS}9/"), json!({"id": 12, "address": "10.0.0.55"})).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "location")),
        (201, format!("{DNS}9/")),
        "the address counts, not the body"
    );
    for key in ["abc", "0"] {
        let refused = bench.body("PUT", &format!("{DNS}{key}/"), json!({"address": "10.0.0.56"})).await;
        assert_eq!(refused.status(), 400, "{key}");
    }
    assert_eq!(bench.get(DNS).await["meta"]["total_count"], 2);
}

#[tokio::test]
async fn delete_answers_204_without_a_type() {
    let bench = Bench::new(2).await;
    let response = bench.send("DELETE", &format!("{NODES}2/")).await;
    assert_eq!(
        (header(&response, "content-type").as_str(), outcome(response).await),
        ("", (204, String::new()))
    );
    assert_eq!(bench.send("GET", &format!("{NODES}2/")).await.status(), 404);
    assert_eq!(bench.send("DELETE", &format!("{NODES}2/")).await.status(), 404);
}

#[tokio::test]
async fn what_is_not_allowed_is_a_405_that_lists_what_is() {
    let bench = Bench::new(1).await;
    for (method, path, allow) in [
        ("POST", "/api/admin/status/v1/worker_vm/", "GET"),
        ("PATCH", "/api/admin/status/v1/worker_vm/1/", "GET"),
        ("DELETE", "/api/admin/status/v1/worker_vm/", "GET"),
        ("DELETE", "/api/admin/history/v1/conference/", "GET"),
        ("DELETE", "/api/admin/history/v1/participant/1/", "GET"),
        ("POST", "/api/admin/configuration/v1/global/", "GET"),
        ("PUT", "/api/admin/configuration/v1/global/1/", "GET,PATCH"),
        ("DELETE", "/api/admin/configuration/v1/global/1/", "GET,PATCH"),
        ("PATCH", "/api/admin/configuration/v1/licence/1/", "GET,DELETE"),
        ("PUT", "/api/admin/configuration/v1/tls_certificate/1/", "DELETE,GET,PATCH"),
        ("POST", "/api/admin/configuration/v1/permission/", "GET"),
        ("GET", "/api/admin/command/v1/platform/start_cloudnode/", "POST"),
        ("POST", "/api/admin/configuration/v1/worker_vm/schema/", "GET"),
        ("GET", "/oauth/token/", "POST"),
    ] {
        let response = bench.send(method, path).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "allow").as_str()),
            (405, allow),
            "{method} {path}"
        );
        assert_eq!(response.text().await.unwrap(), allow);
    }
    let response = bench.send("OPTIONS", NODES).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "allow").as_str()),
        (200, "GET,POST,PUT,DELETE,PATCH")
    );
}

#[tokio::test]
async fn the_method_can_be_overridden_by_a_header() {
    let bench = Bench::new(1).await;
    let request = bench.ask("POST", &format!("{NODES}1/")).header("X-HTTP-Method-Override", "PATCH");
    let response = request.json(&json!({"description": "changed"})).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(bench.get(&format!("{NODES}1/")).await["description"], "changed");
}

#[tokio::test]
async fn field_errors_are_keyed_by_the_resource_first() {
    let bench = Bench::new(2).await;
    for (fields, field, word) in [
        (json!({"address": "10.0.0.300"}), "address", "IPv4"),
        (json!({"name": "n".repeat(33)}), "name", "32"),
        (json!({"name": "node001"}), "name", "already exists"),
        (json!({"address": "10.0.0.1"}), "address", "already exists"),
        (json!({"node_type": "BOTH"}), "node_type", "valid choice"),
        (json!({"maintenance_mode": "perhaps"}), "maintenance_mode", "True or False"),
        (json!({"media_priority_weight": "much"}), "media_priority_weight", "whole number"),
        (json!({"vm_cpu_count": 1}), "vm_cpu_count", "2"),
        (json!({"ipv6_address": "10.0.0.1"}), "ipv6_address", "IPv6"),
        (json!({"description": null}), "description", "null"),
        (json!({"name": ""}), "name", "required"),
        (json!({"deployment_type": "MANUAL_PROVISION_ONLY"}), "deployment_type", "valid choice"),
        (json!({"snmp_privacy_password": "short"}), "snmp_privacy_password", "8"),
    ] {
        let (status, body) = outcome(bench.body("PATCH", &format!("{NODES}2/"), fields).await).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let message = body["worker_vm"][field][0].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(word), "{field}: {body}");
    }
    let (status, _) =
        outcome(bench.body("PATCH", &format!("{NODES}1/"), json!({"name": "node001"})).await).await;
    assert_eq!(status, 202, "a node may keep its own name");
    let global = bench
        .body("PATCH", "/api/admin/configuration/v1/global/1/", json!({"bursting_min_lifetime": 4}))
        .await;
    assert_eq!(global.status(), 400);
}

#[tokio::test]
async fn missing_fields_are_named_and_missing_or_dead_references_are_plain_errors() {
    let bench = Bench::new(1).await;
    let mut without = node("node9", "10.0.0.9");
    without.as_object_mut().unwrap().remove("gateway");
    let (status, body) = outcome(bench.body("POST", NODES, without).await).await;
    let wanted = json!({"worker_vm": {"gateway": ["This field is required."]}});
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (400, wanted));
    let mut nowhere = node("node9", "10.0.0.9");
    nowhere.as_object_mut().unwrap().remove("system_location");
    let mut dead = node("node9", "10.0.0.9");
    dead["system_location"] = json!(format!("{LOCATION}99/"));
    let mut number = node("node9", "10.0.0.9");
    number["system_location"] = json!(1);
    for (body, words) in [
        (nowhere, vec!["'system_location'"]),
        (dead, vec!["system_location", "/api/admin/configuration/v1/system_location/99/"]),
        (number, vec!["'system_location'", "not a URI"]),
    ] {
        let (status, body) = outcome(bench.body("POST", NODES, body).await).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let message = body["error"].as_str().unwrap_or_default();
        assert!(status == 400 && words.iter().all(|word| message.contains(word)), "{body}");
    }
    assert_eq!(bench.get(NODES).await["meta"]["total_count"], 1);
}

#[tokio::test]
async fn json_is_assumed_and_other_types_are_refused() {
    let bench = Bench::new(1).await;
    let path = format!("{NODES}1/");
    let untyped = bench.ask("PATCH", &path).body(r#"{"description": "plain"}"#).send().await.unwrap();
    assert_eq!(untyped.status(), 202);
    let typed = bench.ask("PATCH", &path).header("content-type", "application/json; charset=utf-8");
    assert_eq!(typed.body("{}").send().await.unwrap().status(), 202);
    let form = bench.ask("PATCH", &path).form(&[("description", "x")]).send().await.unwrap();
    assert_eq!(form.status(), 415);
    assert!(form.json::<Value>().await.unwrap()["error_message"].is_string());
    let (status, body) = outcome(bench.ask("PATCH", &path).body("{").send().await.unwrap()).await;
    assert!(status == 400 && body.starts_with("{\"error\":"), "{body}");
}

#[tokio::test]
async fn a_bulk_change_is_all_or_nothing() {
    let bench = Bench::new(3).await;
    let good = json!({
        "objects": [
            {"resource_uri": format!("{NODES}1/"), "description": "bulk"},
            {"resource_uri": format!("{NODES}2/"), "maintenance_mode": true},
            node("node9", "10.0.0.9"),
        ],
        "deleted_objects": [format!("{NODES}3/")],
    });
    assert_eq!(outcome(bench.body("PATCH", NODES, good).await).await, (202, String::new()));
    let list = bench.get(NODES).await;
    assert_eq!(common::column(&list, "name"), ["node001", "node002", "node9"]);
    assert_eq!(
        (&list["objects"][0]["description"], &list["objects"][1]["maintenance_mode"]),
        (&json!("bulk"), &json!(true))
    );
    let before = bench.get(NODES).await;
    for last in [
        json!({"resource_uri": format!("{NODES}2/"), "address": "nonsense"}),
        json!({"resource_uri": format!("{NODES}2/"), "description": "refuse me"}),
        json!({"resource_uri": format!("{LOCATION}2/"), "description": "x"}),
        json!({"name": "node8"}),
    ] {
        let bad = json!({"objects": [
            {"resource_uri": format!("{NODES}1/"), "description": "half"}, node("node7", "10.0.0.7"), last]});
        let response = bench.body("PATCH", NODES, bad).await;
        assert!(response.status().is_client_error());
        assert_eq!(bench.get(NODES).await, before);
    }
    let gone = json!({"objects": [], "deleted_objects": [format!("{NODES}1/"), format!("{NODES}99/")]});
    assert_eq!(bench.body("PATCH", NODES, gone).await.status(), 404);
    assert_eq!(bench.get(NODES).await["meta"]["total_count"], 3);
    let (status, body) = outcome(bench.body("PATCH", NODES, json!({})).await).await;
    assert!(status == 400 && body.contains("objects"), "{body}");
    let certificates = "/api/admin/configuration/v1/tls_certificate/";
    let objects = json!({"objects": [{"certificate": "x", "private_key": "y"}]});
    assert_eq!(bench.body("PATCH", certificates, objects).await.status(), 405, "no PUT, no bulk change");
}

#[tokio::test]
async fn a_list_delete_deletes_what_its_filters_leave_and_is_seen_in_the_log() {
    let bench = Bench::new(6).await;
    let response = bench.send("DELETE", &format!("{NODES}?system_location__name=Overflow")).await;
    assert_eq!(outcome(response).await, (204, String::new()));
    assert_eq!(bench.get(NODES).await["meta"]["total_count"], 4);
    assert!(bench.server.log.requests().iter().any(spillway_pexip_server::LoggedRequest::is_list_delete));
    assert_eq!(bench.send("DELETE", &format!("{NODES}?cloud_bursting=true")).await.status(), 400);
    bench.send("DELETE", &format!("{NODES}?nmae=node001")).await;
    assert_eq!(bench.get(NODES).await["meta"]["total_count"], 0, "a misspelt filter deletes everything");
    bench.server.log.clear();
    bench.send("DELETE", &format!("{DNS}1/")).await;
    assert!(!bench.server.log.requests()[0].is_list_delete());
}

#[tokio::test]
async fn to_many_fields_take_uris_and_come_back_as_objects_where_the_api_nests_them() {
    let bench = Bench::new(1).await;
    for address in ["10.0.0.53", "10.0.1.53"] {
        bench.body("POST", DNS, json!({"address": address})).await;
    }
    let path = format!("{LOCATION}1/");
    let uris = json!({"dns_servers": [format!("{DNS}1/"), format!("{DNS}2/")]});
    assert_eq!(bench.body("PATCH", &path, uris).await.status(), 202);
    assert_eq!(bench.get(&path).await["dns_servers"][1]["address"], "10.0.1.53");
    let nested = json!({"dns_servers": [{"resource_uri": format!("{DNS}2/"), "address": "10.0.1.53"}]});
    bench.body("PATCH", &path, nested).await;
    assert_eq!(
        bench.get(&path).await["dns_servers"].as_array().unwrap().len(),
        1,
        "a PATCH replaces the whole list"
    );
    assert_eq!(bench.send("DELETE", &format!("{DNS}2/")).await.status(), 204);
    assert_eq!(bench.get(&path).await["dns_servers"], json!([]));
    let (status, body) = outcome(bench.send("DELETE", &path).await).await;
    assert!(status == 400 && body.contains("system_location"), "a location with nodes stays: {body}");
}

#[tokio::test]
async fn secrets_come_back_opaque() {
    let bench = Bench::new(1).await;
    let global = "/api/admin/configuration/v1/global/1/";
    let keys = json!({"aws_access_key": "AKIDEXAMPLE", "aws_secret_key": "wJalrXUtnFEMI"});
    assert_eq!(bench.body("PATCH", global, keys).await.status(), 202);
    let shown = bench.get(global).await;
    let secret = shown["aws_secret_key"].as_str().unwrap();
    assert!(secret.starts_with("$~!1") && !secret.contains("wJalr"), "{secret}");
    assert_eq!(shown["aws_access_key"], "AKIDEXAMPLE");
    bench.body("PATCH", global, json!({"aws_secret_key": secret})).await;
    assert_eq!(bench.get(global).await, shown, "writing back what was read changes nothing");
    assert!(
        bench.get(&format!("{NODES}1/")).await["snmp_authentication_password"]
            .as_str()
            .unwrap()
            .starts_with("$~!1")
    );
}

#[tokio::test]
async fn commands_answer_with_their_envelope() {
    let bench = Bench::new(1).await;
    let start = "/api/admin/command/v1/platform/start_cloudnode/";
    let response = bench.body("POST", start, json!({"instance_id": "i-0abc"})).await;
    assert_eq!(outcome(response).await, (202, r#"{"data":null,"status":"success"}"#.to_owned()));
    for (body, code) in [(json!({"instance_id": "i-none"}), 404), (json!({}), 400)] {
        let (status, text) = outcome(bench.body("POST", start, body).await).await;
        assert!(status == code && text.starts_with("{\"error\":"), "{status} {text}");
    }
    let (status, text) =
        outcome(bench.body("POST", "/api/admin/command/v1/platform/snapshot/", json!({})).await).await;
    assert!(status == 400 && text.contains("not simulated"), "{text}");
    let options = spillway_pexip_server::ServeOptions { command_status: 200, ..Default::default() };
    let bench = Bench::with(1, options).await;
    assert_eq!(bench.body("POST", start, json!({"instance_id": "i-0abc"})).await.status(), 200);
}

#[tokio::test]
async fn one_history_record_can_be_removed() {
    let bench = Bench::new(1).await;
    let list = "/api/admin/history/v1/conference/";
    let uri = bench.get(list).await["objects"][0]["resource_uri"].as_str().unwrap().to_owned();
    assert_eq!(outcome(bench.send("DELETE", &uri).await).await, (204, String::new()));
    assert_eq!(bench.send("GET", &uri).await.status(), 404);
    assert_eq!(bench.get(list).await["meta"]["total_count"], 4);
}
