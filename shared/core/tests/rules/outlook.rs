//! Demand as it is seen, recorded and learned from, by location.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::ledger::{Digest, LocationLoad, MinuteOfLoad};
use spillway_core::observation::NodeRole;
use spillway_core::outlook::{Outlook, Pairs, Profiles, learn, look_ahead, pairs_of, recorded_days};

use crate::common::{BURST, HQ, OTHER, Scene, minutes, now};

fn look(scene: &Scene, profiles: &Profiles) -> Outlook {
    look_ahead(&scene.policy, &scene.platform, &scene.fleet, &scene.ledger, Some(profiles), scene.now)
}

/// The demand of each location at present, HD calls.
fn demand(scene: &Scene) -> Vec<(String, f64)> {
    let seen = look(scene, &Profiles::new()).recent;
    seen.iter().map(|(name, recent)| (name.to_string(), recent.last().expect("a sample").demand)).collect()
}

/// The scene a minute later, with what it remembered.
fn a_minute_later(mut scene: Scene, outlook: &Outlook) -> Scene {
    let mut digest = Digest::new(scene.now);
    digest.recent = outlook.recent.clone();
    scene.ledger.cycle.digest = Some(digest);
    scene.now += minutes(1);
    scene.platform.server_time = scene.now;
    for node in &mut scene.platform.nodes {
        if let Some(status) = &mut node.status {
            status.last_updated = Some(scene.now);
        }
    }
    scene
}

#[test]
fn demand_is_what_a_location_and_its_overflow_location_carry() {
    let hq = |demand: f64| vec![("HQ".to_owned(), demand)];
    assert_eq!(demand(&Scene::new().always_on(HQ, 40).stopped(1)), hq(60.0));
    assert_eq!(demand(&Scene::new().always_on(HQ, 40).ready(BURST, 20, 7)), hq(67.0));
    // Full: as many again may have been refused as three in ten of those that are there.
    assert_eq!(demand(&Scene::new().always_on(HQ, 0).ready(BURST, 20, 13)), hq(113.0 * 1.3));
    assert_eq!(demand(&Scene::new().always_on(HQ, 0).ready(BURST, 20, 12)), hq(112.0), "five are free");
}

#[test]
fn calls_in_a_shared_overflow_location_are_those_of_the_locations_that_are_full() {
    let scene = |hq, branch| {
        let scene =
            Scene::new().with_location(OTHER, "Branch", Some(BURST)).always_on(HQ, hq).always_on(HQ, hq);
        scene.always_on(OTHER, branch).ready(BURST, 20, 9)
    };
    let both = |branch: f64, hq: f64| vec![("Branch".to_owned(), branch), ("HQ".to_owned(), hq)];
    assert_eq!(demand(&scene(0, 50)), both(50.0, 209.0), "only HQ is full");
    assert_eq!(demand(&scene(50, 0)), both(109.0, 100.0), "only Branch is full");
    assert_eq!(demand(&scene(0, 0)), both(103.0, 206.0), "HQ is twice as large");
    assert_eq!(
        demand(&scene(50, 50)),
        both(59.0, 109.0),
        "whose they are is not known: both's, too much and never too little"
    );
}

#[test]
fn demand_is_remembered_for_a_location_as_long_as_it_is_there() {
    let first = Scene::new().always_on(HQ, 40).stopped(1);
    let seen = look(&first, &Profiles::new());
    let second = a_minute_later(first, &seen);
    let twice = look(&second, &Profiles::new());
    assert_eq!(twice.recent[&"HQ".into()].samples().len(), 2);
    let mut renamed = a_minute_later(second, &twice);
    renamed.location_mut(HQ).name = "Head office".into();
    let seen = look(&renamed, &Profiles::new()).recent;
    let of: Vec<(&str, usize)> =
        seen.iter().map(|(name, recent)| (name.as_str(), recent.samples().len())).collect();
    assert_eq!(of, [("Head office", 1)], "a location of another name is another location");
    renamed.location_mut(HQ).overflow_location1 = None;
    assert!(look(&renamed, &Profiles::new()).recent.is_empty(), "the pair is gone");
}

#[test]
fn in_an_outage_demand_is_as_it_was_and_nothing_is_known_of_a_new_location() {
    let first = Scene::new().always_on(HQ, 40).stopped(1);
    let seen = look(&first, &Profiles::new());
    let mut outage = a_minute_later(first, &seen);
    outage.platform.nodes[0].status = None;
    let last = look(&outage, &Profiles::new()).recent[&"HQ".into()].last().expect("a sample");
    assert_eq!((last.at, last.demand), (outage.now, 60.0));
    outage.ledger.cycle.digest = None;
    assert_eq!(look(&outage, &Profiles::new()), Outlook::default());
}

#[test]
fn a_forecast_that_is_switched_off_neither_expects_nor_remembers() {
    let mut scene = Scene::new().always_on(HQ, 40).stopped(1);
    scene.policy.forecast.enabled = false;
    assert_eq!(look(&scene, &Profiles::new()), Outlook::default());
}

#[test]
fn a_location_of_proxying_nodes_is_recorded_where_its_media_is() {
    let mut scene =
        Scene::new().with_location(OTHER, "Edge", Some(BURST)).always_on(HQ, 40).always_on(OTHER, 90);
    scene.location_mut(HQ).overflow_location1 = None;
    scene.location_mut(OTHER).transcoding_location = Some(HQ);
    scene.platform.nodes[1].role = NodeRole::Proxying;
    let scene = scene.stopped(1);
    assert_eq!(demand(&scene), [("HQ".to_owned(), 60.0)]);
    assert_eq!(pairs_of(&scene.platform.locations), Pairs::from([("HQ".into(), "AWS burst".into())]));
}

/// `HQ` carries `used` of 100, and its overflow location nothing of nothing.
fn minute(at: Timestamp, used: u32) -> MinuteOfLoad {
    let load = |location: &str, free: u32, max: u32| LocationLoad {
        location: location.into(),
        free: HdCalls(free),
        max: HdCalls(max),
    };
    MinuteOfLoad { at, locations: vec![load("HQ", 100 - used, 100), load("AWS burst", 0, 0)] }
}

#[test]
fn what_cycles_recorded_makes_days_and_days_make_a_forecast() {
    let zone = TimeZone::get("Europe/Oslo").expect("a zone");
    // Ten working weeks; at nine in Oslo 90 of 100 are in use for half an hour.
    let nine = |at: Timestamp| (540..570).contains(&local_minute(at, &zone));
    let recorded: Vec<MinuteOfLoad> = (0..70 * 1_440)
        .map(|minute_ago| now() - SignedDuration::from_hours(9) - minutes(minute_ago))
        .filter(|at| at.to_zoned(zone.clone()).weekday().to_monday_zero_offset() < 5)
        .map(|at| minute(at, if nine(at) { 90 } else { 10 }))
        .collect();
    let pairs = Pairs::from([("HQ".into(), "AWS burst".into()), ("Gone".into(), "AWS burst".into())]);
    let days = recorded_days(&recorded, &pairs, &zone);
    assert_eq!(
        days.keys().map(LocationName::as_str).collect::<Vec<_>>(),
        ["HQ"],
        "nothing was recorded of the other"
    );
    let mut scene = Scene::new().always_on(HQ, 40).stopped(9);
    scene.policy.forecast.time_zone = Some("Europe/Oslo".to_owned());
    let profiles = learn(&scene.policy, &days);
    scene.platform.nodes[0].status.as_mut().expect("a status").media_tokens_used = 100;
    // Ten to nine in Oslo.
    scene.now = "2026-03-02T07:50:00Z".parse().expect("an instant");
    scene.platform.server_time = scene.now;
    scene.platform.nodes[0].status.as_mut().expect("a status").last_updated = Some(scene.now);
    let given = look(&scene, &profiles).forecasts[&"HQ".into()];
    let expected = given.expected.expect("a profile");
    assert_eq!((expected.days, expected.demand.round()), (20, 90.0));
    assert!(given.why_start().contains("by 09:00 (20 working days, today as usual"), "{}", given.why_start());
    let nowhere = learn(&scene.policy, &BTreeMap::new());
    assert!(look(&scene, &nowhere).forecasts.is_empty(), "without a profile and a rise nothing is expected");
}

fn local_minute(at: Timestamp, zone: &TimeZone) -> i32 {
    let local = at.to_zoned(zone.clone());
    i32::from(local.hour()) * 60 + i32::from(local.minute())
}

#[test]
fn a_minute_in_which_everything_was_full_is_recorded_as_cut_off() {
    let full = MinuteOfLoad { locations: minute(now(), 100).locations, at: now() };
    let pairs = Pairs::from([("HQ".into(), "AWS burst".into())]);
    let days = recorded_days(&[full], &pairs, &TimeZone::UTC);
    let day = &days[&"HQ".into()][0];
    assert_eq!((day.at(540), day.is_cut_off(540), day.known()), (Some(130.0), true, 1));
}

#[test]
fn where_no_node_of_a_location_reports_nothing_is_known_of_its_demand() {
    let load =
        |location: LocationName, free, max| LocationLoad { location, free: HdCalls(free), max: HdCalls(max) };
    let locations = vec![load("HQ".into(), 0, 0), load("AWS burst".into(), 17, 34)];
    let pairs = Pairs::from([("HQ".into(), "AWS burst".into())]);
    let days = recorded_days(&[MinuteOfLoad { at: now(), locations }], &pairs, &TimeZone::UTC);
    assert!(days.is_empty(), "a missing minute, and not one without calls: {days:?}");
    // At present: two other locations report, so it is no outage of the platform.
    let first = Scene::new().with_location(OTHER, "Branch", Some(BURST)).always_on(HQ, 40);
    let first = first.always_on(OTHER, 90).always_on(OTHER, 90).stopped(1);
    let seen = look(&first, &Profiles::new());
    let mut second = a_minute_later(first, &seen);
    for node in second.platform.nodes.iter_mut().filter(|node| node.location == HQ) {
        node.status.as_mut().unwrap().last_updated = Some(now() - minutes(20));
    }
    let seen = look(&second, &Profiles::new()).recent;
    let demands: Vec<f64> = seen[&"HQ".into()].samples().iter().map(|sample| sample.demand).collect();
    assert_eq!(demands, [60.0, 60.0], "else its return would look like a rush");
}
