//! The world as the Management Node's rows, changes and commands.

use serde_json::{Value, json};
use spillway_core::ids::NodeId;
use spillway_core::observation::PlatformScope;

use super::{instance_of, mins, pair, secs};
use crate::{CallSpec, Initiator, Paced, World, lock};
use spillway_pexip_model::{Change, ChangeError, Family, Model, Row};

fn rows(world: &mut World, family: Family, resource: &str) -> Vec<Row> {
    assert!(world.holds(family, resource));
    Model::rows(world, family, resource)
}

fn update(world: &mut World, resource: &str, id: u64, fields: &Value) -> Result<u64, ChangeError> {
    let fields = fields.as_object().cloned().unwrap();
    Model::change(world, Change::Update { resource: resource.into(), id, fields })
}

fn start_command(world: &mut World, id: &str) -> Result<Value, ChangeError> {
    let body = json!({"instance_id": id});
    Model::command(world, "platform", "start_cloudnode", body.as_object().unwrap())
}

#[test]
fn status_refers_by_name_and_address_and_configuration_by_uri() {
    let mut world = pair(1, 1).build().unwrap();
    let spec = CallSpec { conference: Some(1), ..CallSpec::HD };
    world.call_many("London", 2, spec);
    let worker = &rows(&mut world, Family::Status, "worker_vm")[0];
    assert_eq!((&worker["system_location"], &worker["configuration_id"]), (&json!("London"), &json!(1)));
    let shard = &rows(&mut world, Family::Status, "conference_shard")[0];
    assert_eq!((&shard["node"], &shard["system_location"]), (&json!("10.44.0.1"), &json!("London")));
    let people = rows(&mut world, Family::Status, "participant");
    assert_eq!(people.len(), 2);
    assert_eq!(
        (&people[0]["media_node"], &people[0]["conference"]),
        (&json!("10.44.0.1"), &shard["conference"])
    );
    let configured = &rows(&mut world, Family::Configuration, "worker_vm")[1];
    assert_eq!(configured["system_location"], "/api/admin/configuration/v1/system_location/2/");
    let location = &rows(&mut world, Family::Configuration, "system_location")[0];
    assert_eq!(location["overflow_location1"], "/api/admin/configuration/v1/system_location/2/");
    assert_eq!(location["overflow_location2"], Value::Null);
    let licences = &rows(&mut world, Family::Status, "licensing")[0];
    assert_eq!((&licences["port_count"], &licences["audio_count"]), (&json!(2), &json!(0)));
}

#[test]
fn times_are_naive_some_with_a_fraction_and_some_without() {
    let mut world = pair(1, 0).build().unwrap();
    world.advance_by(mins(5));
    let worker = &rows(&mut world, Family::Status, "worker_vm")[0];
    let (updated, booted) = (worker["last_updated"].as_str().unwrap(), worker["boot_time"].as_str().unwrap());
    assert_eq!(updated.len(), "2026-05-04T08:00:00.123456".len(), "{updated}");
    assert_eq!(booted.len(), "2026-05-04T08:00:00".len(), "{booted}");
}

#[test]
fn a_spread_conference_has_a_shard_for_each_part_and_backplanes_between_them() {
    let mut world = pair(2, 1).build().unwrap();
    let id = instance_of(&world, "aws-burst-1");
    world.start_instances(&[id], Initiator::Outside);
    world.advance_by(mins(6));
    let spec = CallSpec { conference: Some(1), ..CallSpec::HD };
    world.call_many("London", 40, spec);
    assert_eq!(rows(&mut world, Family::Status, "conference").len(), 1);
    assert_eq!(rows(&mut world, Family::Status, "conference_shard").len(), 3);
    let planes = rows(&mut world, Family::Status, "backplane");
    let kinds: Vec<_> = planes.iter().map(|plane| plane["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["local-backplane", "geo-backplane"]);
    assert_eq!(planes[1]["media_node"], "10.44.0.3");
    assert_eq!(planes[1]["remote_media_node"], "10.44.0.1");
    let address = "10.44.0.3".parse().unwrap();
    assert_eq!(world.activity(address).unwrap().backplanes, 1);
}

#[test]
fn history_shows_a_call_only_after_its_end_and_forgets_the_oldest() {
    let mut world = pair(1, 0).settings(|settings| settings.history.conferences = 3).build().unwrap();
    let call = world.call("London", CallSpec::HD).unwrap();
    assert!(rows(&mut world, Family::History, "participant").is_empty());
    world.advance_by(secs(90));
    let live = rows(&mut world, Family::Status, "participant").remove(0);
    world.hang_up(call);
    let conference = rows(&mut world, Family::History, "conference").remove(0);
    let participant = rows(&mut world, Family::History, "participant").remove(0);
    assert_eq!((&conference["duration"], &participant["duration"]), (&json!(90), &json!(90)));
    let uri = format!("/api/admin/history/v1/participant/{}/", participant["id"].as_str().unwrap());
    assert_eq!(conference["participants"], json!([uri]));
    for field in ["id", "call_uuid", "conversation_id", "media_node", "signalling_node", "license_type"] {
        assert_eq!(participant[field], live[field], "{field}");
    }
    for _ in 0..5 {
        let call = world.call("London", CallSpec::HD).unwrap();
        world.advance_by(secs(10));
        world.hang_up(call);
    }
    assert_eq!(rows(&mut world, Family::History, "conference").len(), 3);
    assert_eq!(rows(&mut world, Family::History, "participant").len(), 3);
}

#[test]
fn the_cloud_lists_are_empty_while_bursting_is_off_and_unknown_without_ec2() {
    let mut world = pair(1, 2).build().unwrap();
    for list in ["cloud_node", "cloud_monitored_location", "cloud_overflow_location"] {
        assert!(rows(&mut world, Family::Status, list).is_empty(), "{list}");
    }
    world.set_bursting(true);
    world.call_many("London", 7, CallSpec::HD);
    world.advance_by(secs(61));
    let node = rows(&mut world, Family::Status, "cloud_node").remove(0);
    assert_eq!(
        (&node["cloud_instance_state"], &node["aws_instance_state"]),
        (&json!("stopped"), &json!("stopped"))
    );
    assert_eq!(node["workervm_configuration_id"], 2);
    let monitored = rows(&mut world, Family::Status, "cloud_monitored_location").remove(0);
    assert_eq!((&monitored["name"], &monitored["free_hd_calls"]), (&json!("London"), &json!(10)));
    let overflow = rows(&mut world, Family::Status, "cloud_overflow_location").remove(0);
    assert_eq!((&overflow["systemlocation_id"], &overflow["free_hd_calls"]), (&json!(2), &json!(0)));
    world.set_ec2_reachable_for_pexip(false);
    let node = rows(&mut world, Family::Status, "cloud_node").remove(0);
    assert_eq!((&node["cloud_instance_state"], &node["media_load"]), (&json!("unknown"), &Value::Null));
    let monitored = rows(&mut world, Family::Status, "cloud_monitored_location").remove(0);
    assert_eq!(monitored["free_hd_calls"], Value::Null);
}

#[test]
fn starts_and_stops_of_overflow_nodes_are_history_with_a_reason_while_bursting_is_on() {
    let mut world = pair(1, 1).bursting(true).min_lifetime(5).build().unwrap();
    let calls = world.call_many("London", 17, CallSpec::HD);
    world.advance_by(mins(6));
    world.hang_up_all(&calls);
    world.advance_by(mins(2));
    let events = rows(&mut world, Family::History, "workervm_status_event");
    let types: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["start", "running", "stop"]);
    assert_eq!(events[0]["details"], "Bursting threshold reached in London: 0 HD calls free");
    assert_eq!(events[2]["details"], "Idle and past its minimum lifetime");
    assert_eq!(events[0]["workervm_configuration_name"], "aws-burst-1");
}

#[test]
fn start_cloudnode_starts_and_says_why_not() {
    let mut world = pair(1, 1).build().unwrap();
    let id = instance_of(&world, "aws-burst-1").to_string();
    assert!(
        matches!(start_command(&mut world, &id), Err(ChangeError::Refused(why)) if why.contains("not enabled"))
    );
    world.set_bursting(true);
    assert!(
        matches!(start_command(&mut world, "i-0"), Err(ChangeError::Refused(why)) if why.contains("i-0"))
    );
    let number = json!({"instance_id": 5});
    let refused = Model::command(&mut world, "platform", "start_cloudnode", number.as_object().unwrap());
    assert!(matches!(refused, Err(ChangeError::Invalid(why)) if why[0].1.contains("is 5")));
    assert!(start_command(&mut world, &id).is_ok());
    assert!(
        matches!(start_command(&mut world, &id), Err(ChangeError::Refused(why)) if why.contains("already"))
    );
    assert_eq!(world.stats().starts.get(&Initiator::Pexip), Some(&1));
}

#[test]
fn the_address_of_a_node_is_fixed() {
    let mut world = pair(1, 0).build().unwrap();
    let refused =
        update(&mut world, "worker_vm", 1, &json!({"address": "10.44.9.9", "description": "moved"}));
    assert!(matches!(refused, Err(ChangeError::Invalid(why)) if why[0].0 == "address"));
    assert_eq!(update(&mut world, "worker_vm", 1, &json!({"address": "10.44.0.1"})), Ok(1));
    assert_eq!(rows(&mut world, Family::Configuration, "worker_vm")[0]["description"], "");
}

#[test]
fn a_patch_is_stored_at_once_and_unsets_synced_until_it_is_replicated() {
    let mut world = pair(1, 0).build().unwrap();
    let sync = |world: &mut World| rows(world, Family::Status, "worker_vm")[0]["sync_status"].clone();
    world.advance_by(mins(2));
    assert_eq!(sync(&mut world), "SYNCED");
    update(&mut world, "worker_vm", 1, &json!({"static_nat_address": "192.0.2.7", "description": "x"}))
        .unwrap();
    let configured = &rows(&mut world, Family::Configuration, "worker_vm")[0];
    assert_eq!(
        (&configured["static_nat_address"], &configured["description"]),
        (&json!("192.0.2.7"), &json!("x"))
    );
    assert_eq!(sync(&mut world), "SYNCING");
    world.advance_by(secs(61));
    assert_eq!(sync(&mut world), "SYNCED");
    update(&mut world, "worker_vm", 1, &json!({"static_nat_address": null})).unwrap();
    assert_eq!(rows(&mut world, Family::Configuration, "worker_vm")[0]["static_nat_address"], Value::Null);
    assert_eq!(update(&mut world, "worker_vm", 99, &json!({})), Err(ChangeError::NotFound));
}

#[test]
fn global_settings_change_pexips_rule() {
    let mut world = pair(1, 1).build().unwrap();
    update(
        &mut world,
        "global",
        1,
        &json!({"bursting_enabled": true, "bursting_threshold": 12, "logs_max_age": 7}),
    )
    .unwrap();
    let global = &rows(&mut world, Family::Configuration, "global")[0];
    assert_eq!((&global["bursting_threshold"], &global["logs_max_age"]), (&json!(12), &json!(7)));
    world.call_many("London", 5, CallSpec::HD);
    world.advance_by(secs(16));
    assert_eq!(world.stats().starts_total(), 1);
}

#[test]
fn null_is_the_default_of_a_bursting_setting_again() {
    let mut world = pair(1, 1).threshold(12).min_lifetime(7).build().unwrap();
    let nothing = json!({"bursting_threshold": null, "bursting_min_lifetime": null});
    update(&mut world, "global", 1, &nothing).unwrap();
    let global = &rows(&mut world, Family::Configuration, "global")[0];
    assert_eq!((&global["bursting_threshold"], &global["bursting_min_lifetime"]), (&json!(5), &json!(50)));
}

#[test]
fn a_new_node_and_a_new_location_have_the_number_that_the_client_brings() {
    let mut world = pair(1, 1).build().unwrap();
    let create = |resource: &str, row: &Value| Change::Create {
        resource: resource.into(),
        row: row.as_object().cloned().unwrap(),
    };
    let oslo = json!({"id": 4000, "name": "Oslo"});
    assert_eq!(Model::change(&mut world, create("system_location", &oslo)), Ok(4000));
    let node = |id: Value, n: u8| {
        json!({"id": id, "name": format!("oslo-{n}"), "hostname": format!("oslo-{n}"), "address": format!("10.9.0.{n}"),
            "system_location": "/api/admin/configuration/v1/system_location/4000/"})
    };
    assert_eq!(Model::change(&mut world, create("worker_vm", &node(json!(900), 1))), Ok(900));
    assert_eq!(Model::change(&mut world, create("worker_vm", &node(Value::Null, 2))), Ok(901), "the next");
    let taken = Model::change(&mut world, create("worker_vm", &node(json!(900), 3)));
    assert!(matches!(taken, Err(ChangeError::Invalid(fields)) if fields[0].0 == "id"));
    let taken = Model::change(&mut world, create("system_location", &json!({"id": 2, "name": "Bergen"})));
    assert!(matches!(taken, Err(ChangeError::Invalid(fields)) if fields[0].0 == "id"));
    // It is one number everywhere.
    assert_eq!(world.node("oslo-1").unwrap().id, NodeId(900));
    let made = Model::row(&mut world, "worker_vm", 900).unwrap();
    assert_eq!(made["system_location"], "/api/admin/configuration/v1/system_location/4000/");
    assert_eq!(rows(&mut world, Family::Status, "worker_vm")[2]["configuration_id"], 900);
    let platform = world.platform(PlatformScope { shards: false }).unwrap();
    let place = platform.nodes.iter().find(|node| node.id == NodeId(900)).unwrap().location;
    assert!(platform.locations.iter().any(|each| each.id == place && each.name.as_str() == "Oslo"));
    update(&mut world, "worker_vm", 900, &json!({"description": "x"})).unwrap();
    assert_eq!(Model::row(&mut world, "worker_vm", 900).unwrap()["description"], "x");
}

#[test]
fn nodes_and_locations_come_and_go_and_keep_their_numbers_when_put_back() {
    let mut world = pair(1, 0).build().unwrap();
    let row = json!({"name": "Oslo", "overflow_location1": "/api/admin/configuration/v1/system_location/2/"});
    let create = |resource: &str, row: &Value| Change::Create {
        resource: resource.into(),
        row: row.as_object().cloned().unwrap(),
    };
    let oslo = Model::change(&mut world, create("system_location", &row)).unwrap();
    assert_eq!(oslo, 3);
    let node = json!({"name": "oslo-1", "hostname": "oslo-1", "domain": "d.example", "address": "10.9.0.1",
        "netmask": "255.0.0.0", "gateway": "10.0.0.1", "description": "kept",
        "system_location": "/api/admin/configuration/v1/system_location/3/"});
    let id = Model::change(&mut world, create("worker_vm", &node)).unwrap();
    assert_eq!(id, 2);
    assert!(matches!(Model::change(&mut world, create("worker_vm", &node)), Err(ChangeError::Invalid(_))));
    let status = &rows(&mut world, Family::Status, "worker_vm")[1];
    assert_eq!((&status["last_updated"], &status["sync_status"]), (&Value::Null, &json!("UNREACHABLE")));
    let stored = rows(&mut world, Family::Configuration, "worker_vm").remove(1);
    assert_eq!((&stored["description"], &stored["domain"]), (&json!("kept"), &json!("d.example")));
    let delete = |resource: &str, id| Change::Delete { resource: resource.into(), id };
    assert!(Model::change(&mut world, delete("system_location", 3)).is_err());
    Model::change(&mut world, delete("worker_vm", id)).unwrap();
    assert_eq!(rows(&mut world, Family::Configuration, "worker_vm").len(), 1);
    assert_eq!(Model::change(&mut world, create("worker_vm", &Value::Object(stored))), Ok(id));
    Model::change(&mut world, delete("worker_vm", id)).unwrap();
    Model::change(&mut world, delete("system_location", 3)).unwrap();
    assert_eq!(rows(&mut world, Family::Status, "system_location").len(), 2);
    let dead = json!({"system_location": "/api/admin/configuration/v1/system_location/3/"});
    assert!(
        matches!(update(&mut world, "worker_vm", 1, &dead), Err(ChangeError::Refused(why)) if why.contains("/3/"))
    );
}

#[test]
fn moving_a_node_disconnects_its_calls_and_restarts_it() {
    let mut world = pair(1, 0).build().unwrap();
    let call = world.call("London", CallSpec::HD).unwrap();
    update(
        &mut world,
        "worker_vm",
        1,
        &json!({"system_location": "/api/admin/configuration/v1/system_location/2/"}),
    )
    .unwrap();
    assert_eq!(world.media_node_of(call), None);
    world.advance_by(mins(3));
    assert!(world.call("AWS burst", CallSpec::HD).is_ok());
}

#[test]
fn refused_calls_raise_an_alarm_that_lowers_itself() {
    let (start, callers) = {
        let at = super::start();
        let arrival = crate::callers::Arrival { at, duration: Some(secs(1)) };
        (
            at,
            crate::callers::Callers::from_arrivals(
                vec![arrival],
                &crate::load_model::LoadModel::default(),
                1,
            ),
        )
    };
    let mut world = crate::WorldBuilder::new(start)
        .location("London")
        .with(crate::NodeSpec::always_on("London").hd_calls(1))
        .callers(std::sync::Arc::new(callers))
        .build()
        .unwrap();
    world.seat_calls("london-1", 1, CallSpec::HD);
    world.advance_by(mins(5));
    assert_eq!((world.stats().attempts, world.stats().refused), (4, 1));
    assert_eq!(rows(&mut world, Family::Status, "alarm").len(), 1);
    world.advance_by(mins(11));
    assert!(rows(&mut world, Family::Status, "alarm").is_empty());
    assert_eq!(rows(&mut world, Family::History, "alarm").len(), 1);
}

#[test]
fn in_real_time_the_world_follows_the_clock_it_is_given() {
    let world = pair(1, 0).build_shared().unwrap();
    let elapsed = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let clock = std::sync::Arc::clone(&elapsed);
    let mut paced = Paced::new(std::sync::Arc::clone(&world), 60.0, move || {
        std::time::Duration::from_secs(clock.load(std::sync::atomic::Ordering::SeqCst))
    });
    elapsed.store(5, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(Model::now(&mut paced), super::start() + mins(5));
    assert_eq!(lock(&world).now(), super::start() + mins(5));
}
