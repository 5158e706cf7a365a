//! Bulk changes of many rows: what they cost, and that names, numbers and references hold within one change as well.

mod common;

use common::{Bench, LOCATION, column, outcome};
use serde_json::{Value, json};

const NODES: &str = "/api/admin/configuration/v1/worker_vm/";

fn node(id: usize) -> Value {
    json!({"name": format!("new{id}"), "hostname": format!("new{id}"), "domain": "example.com",
        "address": format!("10.1.{}.{}", id / 250, id % 250), "netmask": "255.255.0.0", "gateway": "10.0.0.254",
        "system_location": format!("{LOCATION}1/"), "password": "PEXpex!"})
}

/// How often the platform is asked for a whole list while so many rows are changed, so many made and so many removed.
async fn lists_read(rows: usize) -> u64 {
    let bench = Bench::new(2 * rows).await;
    let changed = (1..=rows).map(|id| {
        json!({"resource_uri": format!("{NODES}{id}/"), "description": "bulk", "name": format!("renamed{id}"),
            "system_location": format!("{LOCATION}2/")})
    });
    let objects: Vec<Value> = changed.chain((1..=rows).map(node)).collect();
    let gone: Vec<Value> = (rows + 1..=2 * rows).map(|id| json!(format!("{NODES}{id}/"))).collect();
    let before = bench.lists();
    let body = json!({"objects": objects, "deleted_objects": gone});
    assert_eq!(outcome(bench.body("PATCH", NODES, body).await).await, (202, String::new()));
    let lists = bench.lists() - before;
    let list = bench.get(&format!("{NODES}?limit=5000")).await;
    assert_eq!(list["meta"]["total_count"], 2 * rows);
    assert_eq!(
        (&list["objects"][0]["name"], &list["objects"][rows]["name"]),
        (&json!("renamed1"), &json!("new1"))
    );
    lists
}

#[tokio::test]
async fn a_bulk_change_reads_each_list_once_however_many_rows_it_changes() {
    let few = lists_read(5).await;
    assert!(few <= 4, "{few} lists");
    assert_eq!(lists_read(500).await, few);
}

#[tokio::test]
async fn a_name_that_an_earlier_row_of_the_same_change_took_or_gave_up_is_known() {
    let bench = Bench::new(2).await;
    let rename = |id: usize, name: &str| json!({"resource_uri": format!("{NODES}{id}/"), "name": name});
    let twice = json!({"objects": [rename(1, "same"), rename(2, "same")]});
    let (status, body) = outcome(bench.body("PATCH", NODES, twice).await).await;
    assert!(status == 400 && body.contains("with this name already exists"), "{status} {body}");
    assert_eq!(column(&bench.get(NODES).await, "name"), ["node001", "node002"]);
    let swapped = json!({"objects": [rename(1, "free"), rename(2, "node001"), rename(1, "node002")]});
    assert_eq!(bench.body("PATCH", NODES, swapped).await.status(), 202);
    assert_eq!(column(&bench.get(NODES).await, "name"), ["node002", "node001"]);
}

#[tokio::test]
async fn what_an_earlier_row_of_the_same_change_refers_to_keeps_its_place() {
    let bench = Bench::new(0).await;
    let to =
        |id: usize, to: Value| json!({"resource_uri": format!("{LOCATION}{id}/"), "overflow_location1": to});
    let change = json!({"objects": [to(1, json!(format!("{LOCATION}2/")))], "deleted_objects": [format!("{LOCATION}2/")]});
    assert_eq!(bench.body("PATCH", LOCATION, change).await.status(), 202);
    let left = bench.get(LOCATION).await;
    assert_eq!(column(&left, "name"), ["Oslo"]);
    assert_eq!(column(&left, "overflow_location1"), [Value::Null], "the reference went with the location");
}

#[tokio::test]
async fn a_number_that_is_brought_is_kept_and_one_in_use_is_refused() {
    let bench = Bench::new(2).await;
    let numbered = |id: u64, name: usize| {
        let mut body = node(name);
        body["id"] = json!(id);
        body
    };
    let made = bench.body("POST", NODES, numbered(77, 1)).await;
    assert_eq!(common::header(&made, "location"), format!("{NODES}77/"));
    let (status, body) = outcome(bench.body("POST", NODES, numbered(77, 2)).await).await;
    assert!(status == 400 && body.contains("\"id\""), "{status} {body}");
    assert_eq!(bench.get(&format!("{NODES}77/")).await["name"], "new1");
}
