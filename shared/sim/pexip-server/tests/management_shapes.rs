//! Names, words and forms of values, as the vendor's schema and the vendor's own clients have them.

mod common;

use common::{Bench, header, outcome};
use serde_json::{Value, json};

const CONFIGURATION: &str = "/api/admin/configuration/v1/";
const STATUS: &str = "/api/admin/status/v1/";

async fn schema(bench: &Bench, list: &str) -> Value {
    bench.get(&format!("{list}schema/")).await
}

#[tokio::test]
async fn permissions_of_a_role_come_back_as_objects() {
    let bench = Bench::new(1).await;
    let role = bench.get(&format!("{CONFIGURATION}role/2/")).await;
    let first = bench.get(&format!("{CONFIGURATION}permission/1/")).await;
    assert_eq!(role["permissions"][0], first);
    let names: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["codename", "id", "name", "resource_uri"]);
    // What was read can be written back.
    let written = bench.body("PATCH", &format!("{CONFIGURATION}role/2/"), role.clone()).await;
    assert_eq!(written.status(), 202);
    assert_eq!(bench.get(&format!("{CONFIGURATION}role/2/")).await, role);
}

#[tokio::test]
async fn transports_are_lower_case() {
    let bench = Bench::new(1).await;
    let list = format!("{CONFIGURATION}syslog_server/");
    let field = schema(&bench, &list).await["fields"]["transport"].clone();
    assert_eq!((&field["default"], &field["valid_choices"]), (&json!("udp"), &json!(["udp", "tcp", "tls"])));
    let made = bench.body("POST", &list, json!({"address": "10.0.0.5", "transport": "tls"})).await;
    assert_eq!(bench.get(&header(&made, "location")).await["transport"], "tls");
    let refused = bench.body("POST", &list, json!({"address": "10.0.0.6", "transport": "UDP"})).await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn backplanes_are_described_in_the_vendors_words() {
    let bench = Bench::new(1).await;
    let fields = schema(&bench, &format!("{STATUS}backplane/")).await["fields"].clone();
    assert_eq!(fields["type"]["default"], "local-backplane");
    assert_eq!(fields["type"]["valid_choices"], json!(["local-backplane", "geo-backplane"]));
    assert_eq!(fields["protocol"]["default"], "INTERNAL");
}

#[tokio::test]
async fn fields_that_the_vendor_does_not_have_are_not_there() {
    let bench = Bench::new(1).await;
    for (list, missing) in [
        (format!("{STATUS}licensing/"), &["id", "resource_uri"][..]),
        (format!("{CONFIGURATION}oauth2_client/"), &["id"]),
        (format!("{CONFIGURATION}global/"), &["guests_only_timeout_enabled"]),
        (format!("{CONFIGURATION}event_sink/"), &["events", "filter_events"]),
    ] {
        let fields = schema(&bench, &list).await["fields"].clone();
        for name in missing {
            assert_eq!(fields.get(name), None, "{list} {name}");
        }
    }
    let licences = bench.get(&format!("{STATUS}licensing/")).await;
    assert_eq!(licences["objects"][0].get("resource_uri"), None);
    assert_eq!(licences["objects"][0]["port_total"], 1000);
    // A client is still found under its number, which only its address says.
    let client = json!({"client_name": "a", "role": format!("{CONFIGURATION}role/1/")});
    let made = bench.body("POST", &format!("{CONFIGURATION}oauth2_client/"), client).await;
    let location = header(&made, "location");
    let client = bench.get(&location).await;
    assert_eq!((client.get("id"), client["resource_uri"].as_str()), (None, Some(location.as_str())));
    assert_eq!(bench.body("PATCH", &location, json!({"client_name": "b"})).await.status(), 202);
    assert_eq!(bench.send("DELETE", &location).await.status(), 204);
}

#[tokio::test]
async fn the_key_of_a_certificate_is_never_shown_and_its_passphrase_is_blank() {
    let bench = Bench::new(1).await;
    let list = format!("{CONFIGURATION}tls_certificate/");
    let body = json!({"certificate": "x", "private_key": "y", "private_key_passphrase": "secret word"});
    let location = header(&bench.body("POST", &list, body).await, "location");
    for _ in 0..2 {
        let shown = bench.get(&location).await;
        assert_eq!((shown.get("private_key"), &shown["private_key_passphrase"]), (None, &json!("")));
        let change = json!({"private_key": "z", "private_key_passphrase": "another word"});
        assert_eq!(bench.body("PATCH", &location, change).await.status(), 202);
    }
    let fields = schema(&bench, &list).await["fields"].clone();
    assert!(fields.get("private_key").is_some() && fields.get("private_key_passphrase").is_some());
}

#[tokio::test]
async fn a_new_object_may_bring_its_number() {
    let bench = Bench::new(1).await;
    let field = schema(&bench, &format!("{CONFIGURATION}dns_server/")).await["fields"]["id"].clone();
    assert_eq!(
        [&field["readonly"], &field["blank"], &field["unique"], &field["default"]],
        [&json!(false), &json!(true), &json!(true), &json!("")]
    );
    let list = format!("{CONFIGURATION}dns_server/");
    let post = |body: Value| bench.body("POST", &list, body);
    let made = post(json!({"id": 7, "address": "10.0.0.7"})).await;
    assert_eq!((made.status().as_u16(), header(&made, "location")), (201, format!("{list}7/")));
    let (status, body) = outcome(post(json!({"id": 7, "address": "10.0.0.8"})).await).await;
    assert!(status == 400 && body.contains("already exists"), "{body}");
    for (number, address) in [(json!(""), "10.0.0.9"), (Value::Null, "10.0.0.10")] {
        let made = post(json!({"id": number, "address": address})).await;
        assert_eq!(made.status(), 201, "a blank number is as good as none");
    }
    let made = post(json!({"id": "3", "address": "10.0.0.11"})).await;
    assert_eq!(header(&made, "location"), format!("{list}3/"), "a number below the last one is free too");
    assert_eq!(post(json!({"id": "x", "address": "10.0.0.12"})).await.status(), 400);
    assert_eq!(common::column(&bench.get(&list).await, "id"), [3, 7, 8, 9]);
    // The number of an object that is there is not a field to change.
    assert_eq!(bench.body("PATCH", &format!("{list}7/"), json!({"id": 70})).await.status(), 202);
    assert_eq!(bench.get(&format!("{list}7/")).await["id"], 7);
}

#[tokio::test]
async fn settings_with_a_default_may_be_null_where_the_vendor_says_so() {
    let bench = Bench::new(1).await;
    for (path, names) in [
        (
            "global/1/",
            &["bursting_threshold", "bursting_min_lifetime", "management_qos", "gcp_private_key"][..],
        ),
        ("worker_vm/1/", &["media_priority_weight"]),
        ("system_location/1/", &["media_qos", "signalling_qos"]),
    ] {
        let path = format!("{CONFIGURATION}{path}");
        for name in names {
            assert_eq!(bench.body("PATCH", &path, json!({*name: null})).await.status(), 202, "{name}");
            assert_eq!(bench.get(&path).await[*name], Value::Null, "{name}");
        }
    }
    let fields = schema(&bench, &format!("{CONFIGURATION}global/")).await["fields"].clone();
    let field = &fields["bursting_threshold"];
    assert_eq!((&field["nullable"], &field["default"]), (&json!(true), &json!(5)));
}

#[tokio::test]
async fn missing_fields_are_named_one_by_one() {
    let bench = Bench::new(1).await;
    let (status, body) =
        outcome(bench.body("POST", &format!("{CONFIGURATION}system_location/"), json!({})).await).await;
    let wanted = json!({"system_location": {"name": ["This field is required."]}});
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (400, wanted));
}

#[tokio::test]
async fn references_are_filtered_by_number_only() {
    let bench = Bench::new(3).await;
    let list = format!("{CONFIGURATION}worker_vm/");
    let uri = format!("system_location={CONFIGURATION}system_location/2/");
    for query in ["system_location__contains=1", "system_location__regex=1", uri.as_str()] {
        assert_eq!(bench.send("GET", &format!("{list}?{query}")).await.status(), 400, "{query}");
    }
    assert_eq!(bench.get(&format!("{list}?system_location__gte=2")).await["meta"]["total_count"], 1);
}

#[tokio::test]
async fn an_empty_text_is_no_reference() {
    let bench = Bench::new(1).await;
    let body = json!({"name": "Bergen", "overflow_location1": ""});
    let (status, text) =
        outcome(bench.body("POST", &format!("{CONFIGURATION}system_location/"), body).await).await;
    assert!(status == 400 && text.starts_with("{\"error\":"), "{text}");
}

#[tokio::test]
async fn a_key_that_is_no_number_is_a_404_with_a_message() {
    let bench = Bench::new(1).await;
    for list in [format!("{CONFIGURATION}worker_vm/"), format!("{STATUS}worker_vm/")] {
        let (status, body) = outcome(bench.send("GET", &format!("{list}abc/")).await).await;
        assert!(status == 404 && body.starts_with("{\"error_message\":"), "{body}");
    }
    let patched = bench.body("PATCH", &format!("{CONFIGURATION}worker_vm/abc/"), json!({})).await;
    assert!(outcome(patched).await.1.starts_with("{\"error_message\":"));
}

#[tokio::test]
async fn messages_are_escaped_as_html_is() {
    let bench = Bench::new(1).await;
    let (_, body) = outcome(bench.send("GET", &format!("{STATUS}worker_vm/?limit=-1")).await).await;
    assert!(body.contains("'-1'") && body.contains("&gt;= 0"), "{body}");
}

#[tokio::test]
async fn one_object_as_xml_is_an_object() {
    let bench = Bench::new(1).await;
    for (path, root) in [("worker_vm/1/", "<object>"), ("worker_vm/", "<response>")] {
        let xml = bench.send("GET", &format!("{STATUS}{path}?format=xml")).await.text().await.unwrap();
        assert!(xml.lines().nth(1).unwrap().starts_with(root), "{xml}");
    }
}

#[tokio::test]
async fn fields_have_the_vendors_names_and_a_syncpoint_is_only_made() {
    let bench = Bench::new(1).await;
    for (list, name, other) in [
        (format!("{CONFIGURATION}licence_request/"), "generation_time", "creation_time"),
        ("/api/admin/history/v1/registration_alias/".to_owned(), "node", "registration_node"),
    ] {
        let fields = schema(&bench, &list).await["fields"].clone();
        assert!(fields.get(name).is_some() && fields.get(other).is_none(), "{fields}");
    }
    let list = format!("{CONFIGURATION}system_syncpoint/");
    assert_eq!(bench.body("POST", &list, json!({})).await.status(), 201);
    assert_eq!(bench.send("GET", &list).await.status(), 405);
}

#[tokio::test]
async fn a_list_of_booleans_is_not_read_as_one_boolean_is() {
    let bench = Bench::new(1).await;
    for (query, code) in [
        ("maintenance_mode__in=false", 500),
        ("maintenance_mode__in=False,true", 500),
        ("maintenance_mode__in=False,True", 200),
        ("maintenance_mode=false", 200),
    ] {
        let path = format!("{CONFIGURATION}worker_vm/?{query}");
        assert_eq!(bench.send("GET", &path).await.status(), code, "{query}");
    }
}
