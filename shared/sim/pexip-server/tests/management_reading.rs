//! Reading from the Management API: addresses, lists, filters, order, schemas, representation.

mod common;

use common::{Bench, column, header, outcome, row};
use serde_json::{Value, json};
use spillway_pexip_model::Family;

const NODES: &str = "/api/admin/configuration/v1/worker_vm/";
const STATUS: &str = "/api/admin/status/v1/worker_vm/";

#[tokio::test]
async fn the_trailing_slash_is_part_of_the_path() {
    let bench = Bench::new(3).await;
    for method in ["GET", "POST", "PATCH"] {
        let path = "/api/admin/status/v1/worker_vm?limit=1";
        let response = bench.send(method, path).await;
        assert_eq!(response.status(), 301, "{method}");
        assert_eq!(header(&response, "location"), "/api/admin/status/v1/worker_vm/?limit=1");
    }
    for path in
        ["/", "/api/admin/", "/api/admin/status/v1/nonsense/", "/api/admin/status/v1/worker_vm/1/x/", "/api"]
    {
        let response = bench.send("GET", path).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-type").as_str()),
            (404, "text/html; charset=utf-8")
        );
        assert!(response.text().await.unwrap().contains("<html"), "{path}");
    }
}

#[tokio::test]
async fn doubled_slashes_at_the_start_are_forgiven() {
    let bench = Bench::new(3).await;
    let list = bench.get(&format!("/{STATUS}")).await;
    assert_eq!(list["meta"]["total_count"], 3);
    assert_eq!(bench.get("//api/admin/status/v1/worker_vm/2/").await["id"], 2);
}

#[tokio::test]
async fn a_missing_object_is_an_empty_404() {
    let bench = Bench::new(3).await;
    for method in ["GET", "DELETE", "PATCH"] {
        let response = bench.body(method, &format!("{NODES}99/"), json!({})).await;
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(outcome(response).await, (404, String::new()), "{method}");
    }
}

#[tokio::test]
async fn a_list_has_an_envelope_and_twenty_rows() {
    let bench = Bench::new(43).await;
    let list = bench.get(STATUS).await;
    let meta = json!({"limit": 20, "offset": 0, "total_count": 43, "previous": null,
        "next": "/api/admin/status/v1/worker_vm/?limit=20&offset=20"});
    assert_eq!((list["objects"].as_array().unwrap().len(), &list["meta"]), (20, &meta));
    let mut next = json!(format!("{STATUS}?limit=20&offset=0"));
    let mut seen = Vec::new();
    while let Some(path) = next.as_str() {
        let list = bench.get(path).await;
        seen.extend(column(&list, "id"));
        next = list["meta"]["next"].clone();
    }
    assert_eq!(seen, (1..=43).map(|id| json!(id)).collect::<Vec<_>>());
}

#[tokio::test]
async fn links_keep_other_parameters_and_end_in_limit_and_offset() {
    let bench = Bench::new(43).await;
    let list = bench
        .get(&format!("{STATUS}?limit=5&offset=5&format=json&order_by=-name&name__contains=node+"))
        .await;
    assert_eq!(list["meta"]["total_count"], 0);
    let list = bench.get(&format!("{STATUS}?limit=5&order_by=-name&offset=5&format=json")).await;
    let base = format!("{STATUS}?order_by=-name&format=json&limit=5&offset=");
    assert_eq!(list["meta"]["next"], format!("{base}10"));
    assert_eq!(list["meta"]["previous"], format!("{base}0"));
    assert_eq!(column(&list, "name")[0], "node038");
}

#[tokio::test]
async fn limit_zero_and_large_limits_mean_the_maximum() {
    let options = spillway_pexip_server::ServeOptions { max_limit: 30, ..Default::default() };
    let bench = Bench::with(43, options).await;
    for query in ["limit=0", "limit=9999"] {
        let list = bench.get(&format!("{STATUS}?{query}")).await;
        assert_eq!(
            (&list["meta"]["limit"], list["objects"].as_array().unwrap().len()),
            (&json!(30), 30),
            "{query}"
        );
    }
    let bench = Bench::new(1).await;
    assert_eq!(bench.get(&format!("{STATUS}?limit=0")).await["meta"]["limit"], 10_000);
}

#[tokio::test]
async fn limits_and_offsets_that_are_no_numbers_are_refused() {
    let bench = Bench::new(1).await;
    for query in ["limit=-1", "limit=NaN", "limit=", "offset=-1", "offset=x"] {
        let (status, body) = outcome(bench.send("GET", &format!("{STATUS}?{query}")).await).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(status == 400 && body["error"].as_str().unwrap().contains("Invalid"), "{query}: {body}");
    }
}

#[tokio::test]
async fn unknown_query_keys_are_ignored_and_filters_hold_together() {
    let bench = Bench::new(43).await;
    assert_eq!(bench.get(&format!("{STATUS}?nmae=node001&x__y=1")).await["meta"]["total_count"], 43);
    let list = bench.get(&format!("{STATUS}?name=node003&system_location=Oslo")).await;
    assert_eq!(list["meta"]["total_count"], 0);
    let list = bench.get(&format!("{STATUS}?name=node003&system_location=Overflow")).await;
    assert_eq!(list["meta"]["total_count"], 1);
}

#[tokio::test]
async fn a_field_that_may_not_be_filtered_is_named_in_a_400() {
    let bench = Bench::new(3).await;
    for (path, field) in [
        ("/api/admin/status/v1/worker_vm/?sync_status=SYNCED", "sync_status"),
        (
            "/api/admin/status/v1/cloud_node/?workervm_configuration_location_name=x",
            "workervm_configuration_location_name",
        ),
        ("/api/admin/configuration/v1/worker_vm/?static_nat_address=1.2.3.4", "static_nat_address"),
        ("/api/admin/configuration/v1/worker_vm/?cloud_bursting=true", "cloud_bursting"),
        ("/api/admin/configuration/v1/global/?bursting_enabled=true", "bursting_enabled"),
        ("/api/admin/history/v1/conference/?participant_count__gt=1", "participant_count"),
        ("/api/admin/status/v1/participant/?id=1", "id"),
        ("/api/admin/status/v1/worker_vm/?name__nonsense=x", "name"),
    ] {
        let (status, body) = outcome(bench.send("GET", path).await).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(status == 400 && body["error"].as_str().unwrap().contains(field), "{path}: {body}");
    }
}

#[tokio::test]
async fn every_lookup_selects_what_its_name_says() {
    let bench = Bench::new(12).await;
    for (query, wanted) in [
        ("name=node002", vec![2]),
        ("name__exact=node002", vec![2]),
        ("name__iexact=NODE002", vec![2]),
        ("name__contains=de01", vec![10, 11, 12]),
        ("name__contains=DE01", vec![]),
        ("name__icontains=DE01", vec![10, 11, 12]),
        ("name__startswith=node01", vec![10, 11, 12]),
        ("name__istartswith=NODE01", vec![10, 11, 12]),
        ("name__endswith=2", vec![2, 12]),
        ("name__iendswith=E002", vec![2]),
        ("name__regex=^node0(01|12)$", vec![1, 12]),
        ("name__iregex=^NODE0(01|12)$", vec![1, 12]),
        ("media_load__lt=3", vec![1, 2]),
        ("media_load__lte=3", vec![1, 2, 3]),
        ("media_load__gt=11", vec![12]),
        ("media_load__gte=11", vec![11, 12]),
        ("media_load__gte=3&media_load__lt=5", vec![3, 4]),
        ("media_load__in=3,5,99", vec![3, 5]),
        ("media_load__range=3,5", vec![3, 4, 5]),
        ("name__in=node001,node004", vec![1, 4]),
        ("last_updated__isnull=true", vec![1]),
        ("last_updated__isnull=False&media_load__lt=4", vec![2, 3]),
        ("last_updated=None", vec![1]),
        ("maintenance_mode=False&media_load=7", vec![7]),
        ("maintenance_mode=true", vec![]),
        ("last_updated__gt=2026-05-04T00:03:47&media_load__lt=6", vec![3, 5]),
        ("last_updated__lte=2026-05-04T00:03:47&media_load__lt=6", vec![2, 4]),
        ("last_updated__lte=2026-05-04T02:03:47%2B02:00&media_load__lt=6", vec![2, 4]),
    ] {
        let list = bench.get(&format!("{STATUS}?{query}")).await;
        let wanted: Vec<Value> = wanted.into_iter().map(|id| json!(id)).collect();
        assert_eq!(column(&list, "id"), wanted, "{query}");
    }
    for query in
        ["media_load=much", "last_updated__gt=yesterday", "maintenance_mode=perhaps", "name__regex=("]
    {
        let (status, body) = outcome(bench.send("GET", &format!("{STATUS}?{query}")).await).await;
        assert!(status == 400 && body.starts_with("{\"error\":"), "{query}: {status} {body}");
    }
}

#[tokio::test]
async fn references_are_filtered_by_id_and_across_the_relation() {
    let bench = Bench::new(6).await;
    for query in [
        "system_location=2",
        "system_location__name=Overflow",
        "system_location__name__icontains=OVER",
        "system_location__in=2,9",
        "system_location__isnull=false&system_location__name=Overflow",
    ] {
        assert_eq!(column(&bench.get(&format!("{NODES}?{query}")).await, "id"), [3, 6], "{query}");
    }
    assert_eq!(bench.get(&format!("{NODES}?system_location=9")).await["meta"]["total_count"], 0);
    for query in
        ["system_location=Oslo", "system_location__mtu__x=1", "name__name=x", "system_location__nothing=x"]
    {
        assert_eq!(bench.send("GET", &format!("{NODES}?{query}")).await.status(), 400, "{query}");
    }
}

#[tokio::test]
async fn order_by_sorts_and_refuses_what_cannot_be_sorted() {
    let bench = Bench::new(5).await;
    let path = "/api/admin/history/v1/conference/?order_by=";
    let names = column(&bench.get(&format!("{path}-end_time&limit=2")).await, "name");
    assert_eq!(names, ["room5", "room4"]);
    let ids =
        column(&bench.get(&format!("{NODES}?order_by=-system_location__name&order_by=-id")).await, "id");
    assert_eq!(ids, [3, 5, 4, 2, 1]);
    for field in ["nothing", "-nothing", "participants", "resource_uri", ""] {
        let (status, body) = outcome(bench.send("GET", &format!("{path}{field}")).await).await;
        assert!(status == 400 && body.starts_with("{\"error\":"), "{field}: {body}");
    }
}

#[tokio::test]
async fn status_names_things_and_configuration_points_at_them() {
    let bench = Bench::new(3).await;
    assert_eq!(bench.get(&format!("{STATUS}3/")).await["system_location"], "Overflow");
    assert_eq!(
        bench.get(&format!("{NODES}3/")).await["system_location"],
        "/api/admin/configuration/v1/system_location/2/"
    );
    let cloud = bench.get("/api/admin/status/v1/cloud_node/").await;
    let uri = cloud["objects"][0]["resource_uri"].as_str().unwrap().to_owned();
    assert_eq!(uri, "/api/admin/status/v1/cloud_node/i-0abc/");
    assert!(cloud["objects"][0].get("id").is_none());
    assert_eq!(bench.get(&uri).await["cloud_instance_id"], "i-0abc");
}

#[tokio::test]
async fn objects_have_every_field_of_their_schema_in_alphabetical_order() {
    let bench = Bench::new(3).await;
    let text = bench.send("GET", &format!("{STATUS}1/")).await.text().await.unwrap();
    let keys: Vec<&str> =
        text.split(['{', ',']).filter_map(|part| part.trim().strip_prefix('"')?.split('"').next()).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(keys, sorted);
    let object: Value = serde_json::from_str(&text).unwrap();
    let schema = bench.get(&format!("{STATUS}schema/")).await;
    assert!(schema["fields"].as_object().unwrap().keys().eq(object.as_object().unwrap().keys()));
    assert_eq!((&object["last_updated"], &object["upgrade_status"]), (&Value::Null, &json!("IDLE")));
    assert!(object.get("cloud_bursting").is_none() && object.get("address").is_none());
}

#[tokio::test]
async fn roots_name_the_list_and_the_schema_of_each_resource() {
    let bench = Bench::new(3).await;
    for (root, resource) in [
        ("/api/admin/status/v1/", "cloud_overflow_location"),
        ("/api/admin/configuration/v1/", "system_location"),
        ("/api/admin/history/v1/", "workervm_status_event"),
        ("/api/admin/command/v1/platform/", "start_cloudnode"),
        ("/api/admin/command/v1/conference/", "lock"),
        ("/api/admin/command/v1/participant/", "dial"),
    ] {
        let map = bench.get(root).await;
        let wanted = json!({"list_endpoint": format!("{root}{resource}/"), "schema": format!("{root}{resource}/schema/")});
        assert_eq!(map[resource], wanted, "{root}");
        for entry in map.as_object().unwrap().values() {
            let schema = bench.get(entry["schema"].as_str().unwrap()).await;
            assert_eq!(schema["default_limit"], 20);
            for (name, field) in schema["fields"].as_object().unwrap() {
                for key in ["type", "nullable", "blank", "readonly", "unique", "help_text"] {
                    assert!(field.get(key).is_some(), "{entry} {name} {key}");
                }
                let related = field["type"] == "related";
                assert_eq!(field.get("related_type").is_some(), related, "{entry} {name}");
            }
            for name in schema["filtering"].as_object().into_iter().flat_map(|map| map.keys()) {
                assert!(schema["fields"].get(name).is_some(), "{entry} {name}");
            }
            if schema["allowed_list_http_methods"][0] == "get" {
                assert_eq!(
                    bench.send("GET", entry["list_endpoint"].as_str().unwrap()).await.status(),
                    200,
                    "{entry}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_schema_says_what_may_be_done_and_filtered() {
    let bench = Bench::new(1).await;
    let schema = bench.get(&format!("{NODES}schema/")).await;
    assert_eq!(schema["allowed_list_http_methods"], json!(["get", "post", "put", "delete", "patch"]));
    assert_eq!(
        (&schema["filtering"]["name"], &schema["filtering"]["system_location"]),
        (&json!(1), &json!(2))
    );
    assert!(schema["filtering"].get("static_nat_address").is_none());
    let nat = &schema["fields"]["static_nat_address"];
    assert_eq!(
        (&nat["nullable"], &nat["readonly"], &nat["type"]),
        (&json!(true), &json!(false), &json!("string"))
    );
    assert!(nat.get("default").is_none());
    assert_eq!(schema["fields"]["id"]["readonly"], false);
    assert_eq!(schema["fields"]["node_type"]["valid_choices"], json!(["CONFERENCING", "PROXYING"]));
    assert_eq!(schema["fields"]["deployment_type"]["default"], "MANUAL-PROVISION-ONLY");
    let global = bench.get("/api/admin/configuration/v1/global/schema/").await;
    assert_eq!(global["allowed_detail_http_methods"], json!(["get", "patch"]));
    assert!(global.get("filtering").is_none());
    assert_eq!(global["fields"]["bursting_min_lifetime"]["default"], 50);
    let status = bench.get(&format!("{STATUS}schema/")).await;
    assert_eq!(status["allowed_detail_http_methods"], json!(["get"]));
    let command = bench.get("/api/admin/command/v1/platform/start_cloudnode/schema/").await;
    assert_eq!(command["allowed_list_http_methods"], json!(["post"]));
}

#[tokio::test]
async fn statistics_and_sets_are_served() {
    let bench = Bench::new(3).await;
    for path in
        ["/api/admin/status/v1/worker_vm/3/statistics/", "/api/admin/status/v1/system_location/1/statistics/"]
    {
        assert!(bench.get(path).await["media_load"].is_f64(), "{path}");
    }
    let set = bench.get(&format!("{STATUS}set/1;3;9/")).await;
    assert_eq!((column(&set, "id"), &set["not_found"]), (vec![json!(1), json!(3)], &json!(["9"])));
    assert!(bench.get(&format!("{STATUS}set/1;3/")).await.get("not_found").is_none());
}

#[tokio::test]
async fn accept_is_honoured_and_format_comes_first() {
    let bench = Bench::new(1).await;
    let xml = bench.ask("GET", STATUS).header("accept", "application/xml").send().await.unwrap();
    assert_eq!(header(&xml, "content-type"), "application/xml; charset=utf-8");
    assert!(xml.text().await.unwrap().contains("<total_count type=\"integer\">1</total_count>"));
    let image = bench.ask("GET", STATUS).header("accept", "image/png").send().await.unwrap();
    assert_eq!((image.status().as_u16(), header(&image, "content-type").as_str()), (200, "application/json"));
    let forced = bench
        .ask("GET", &format!("{STATUS}?format=json"))
        .header("accept", "image/png")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (forced.status().as_u16(), header(&forced, "content-type").as_str()),
        (200, "application/json")
    );
}

#[tokio::test]
async fn the_date_is_the_models() {
    let bench = Bench::new(1).await;
    for path in [STATUS, "/nowhere", "/api/admin/status/v1/worker_vm/9/"] {
        assert_eq!(header(&bench.send("GET", path).await, "date"), "Mon, 04 May 2026 00:04:00 GMT");
    }
}

#[tokio::test]
async fn a_thousand_nodes_come_in_one_page() {
    let bench = Bench::new(1000).await;
    let list = bench.get(&format!("{STATUS}?limit=1000")).await;
    assert_eq!((list["objects"].as_array().unwrap().len(), &list["meta"]["next"]), (1000, &Value::Null));
}

#[tokio::test]
async fn media_streams_are_under_a_participant_live_and_past() {
    let bench = Bench::new(1).await;
    let (live, past) = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b");
    {
        let rows = &mut bench.tables.lock().unwrap().rows;
        let one = json!({"id": live, "media_node": "10.0.0.1", "connect_time": "2026-05-04T00:01:00",
            "license_type": "port", "rx_bandwidth": 1536, "tx_bandwidth": 1536});
        rows.insert((Family::Status, "participant"), vec![row(one)]);
        let one = json!({"id": past, "media_node": "10.0.0.1", "start_time": "2026-05-04T00:01:00",
            "end_time": "2026-05-04T00:02:00", "license_type": "audio"});
        rows.insert((Family::History, "participant"), vec![row(one)]);
    }
    let list = bench.get(&format!("/api/admin/status/v1/participant/{live}/media_stream/?limit=1")).await;
    assert_eq!((&list["meta"]["total_count"], &list["objects"][0]["end_time"]), (&json!(2), &Value::Null));
    let record = format!("/api/admin/history/v1/participant/{past}/");
    let list = bench.get(&format!("{record}media_stream/")).await;
    assert_eq!(column(&list, "type"), ["audio"]);
    assert_eq!(list["objects"][0]["end_time"], "2026-05-04T00:02:00");
    assert_eq!(bench.get(&record).await["media_streams"], list["objects"]);
    assert_eq!(bench.send("GET", "/api/admin/history/v1/participant/x/media_stream/").await.status(), 404);
}
