//! The world as the Management API shows it, in rows. Status refers to nodes by private
//! address and to locations by name, configuration by URI. Times are UTC without a zone mark, with six digits of
//! a second where there is a fraction and with none where there is not: clients meet both.

mod cloud;
mod configuration;
mod history;
mod live;
mod platform;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use spillway_pexip_model::{Change, ChangeError, Family, Model, Row};

use crate::Paced;
use crate::state::location::LocationIx;
use crate::state::node::NodeIx;
use crate::state::{World, lock};

const STATUS: &[&str] = &[
    "alarm",
    "backplane",
    "cloud_monitored_location",
    "cloud_node",
    "cloud_overflow_location",
    "conference",
    "conference_shard",
    "licensing",
    "management_vm",
    "participant",
    "system_location",
    "worker_vm",
];
const CONFIGURATION: &[&str] = &["global", "management_vm", "system_location", "worker_vm"];
const HISTORY: &[&str] = &["alarm", "conference", "participant", "workervm_status_event"];

fn held(family: Family, resource: &str) -> bool {
    match family {
        Family::Status => STATUS.contains(&resource),
        Family::Configuration => CONFIGURATION.contains(&resource),
        Family::History => HISTORY.contains(&resource),
    }
}

impl Model for World {
    fn now(&mut self) -> Timestamp {
        World::now(self)
    }

    fn holds(&self, family: Family, resource: &str) -> bool {
        held(family, resource)
    }

    fn rows(&mut self, family: Family, resource: &str) -> Vec<Row> {
        match (family, resource) {
            (Family::Status, "worker_vm") => self.worker_status_rows(),
            (Family::Status, "system_location") => self.location_status_rows(),
            (Family::Status, "management_vm") => self.management_status_rows(),
            (Family::Status, "licensing") => self.licensing_rows(),
            (Family::Status, "alarm") => self.alarm_rows(),
            (Family::Status, "conference") => self.conference_rows(),
            (Family::Status, "conference_shard") => self.shard_rows(),
            (Family::Status, "backplane") => self.backplane_rows(),
            (Family::Status, "participant") => self.participant_rows(),
            (Family::Status, "cloud_node") => self.cloud_node_rows(),
            (Family::Status, "cloud_monitored_location") => self.cloud_monitored_rows(),
            (Family::Status, "cloud_overflow_location") => self.cloud_overflow_rows(),
            (Family::Configuration, "worker_vm") => self.worker_rows(),
            (Family::Configuration, "system_location") => self.location_rows(),
            (Family::Configuration, "management_vm") => self.management_rows(),
            (Family::Configuration, "global") => self.global_rows(),
            (Family::History, "conference") => self.past_conference_rows(),
            (Family::History, "participant") => self.past_participant_rows(),
            (Family::History, "workervm_status_event") => self.node_event_rows(),
            (Family::History, "alarm") => self.past_alarm_rows(),
            _ => Vec::new(),
        }
    }

    fn row(&mut self, resource: &str, id: u64) -> Option<Row> {
        match resource {
            "worker_vm" => self.worker_row(self.node_by_id(id)?),
            "system_location" => self.location_row(self.location_by_id(id)?),
            _ => self.rows(Family::Configuration, resource).into_iter().find(|row| row["id"] == id),
        }
    }

    fn change(&mut self, change: Change) -> Result<u64, ChangeError> {
        self.apply_change(change)
    }

    fn command(&mut self, group: &str, action: &str, body: &Row) -> Result<Value, ChangeError> {
        self.apply_command(group, action, body)
    }

    fn set_ec2_reachable(&mut self, reachable: bool) {
        self.set_ec2_reachable_for_pexip(reachable);
    }
}

/// The shared world in real time: each look brings it up to the clock.
impl<C: Fn() -> Duration + Send + 'static> Model for Paced<C> {
    fn now(&mut self) -> Timestamp {
        self.catch_up()
    }

    fn holds(&self, family: Family, resource: &str) -> bool {
        held(family, resource)
    }

    fn rows(&mut self, family: Family, resource: &str) -> Vec<Row> {
        self.catch_up();
        lock(self.world()).rows(family, resource)
    }

    fn row(&mut self, resource: &str, id: u64) -> Option<Row> {
        self.catch_up();
        lock(self.world()).row(resource, id)
    }

    fn change(&mut self, change: Change) -> Result<u64, ChangeError> {
        self.catch_up();
        lock(self.world()).apply_change(change)
    }

    fn command(&mut self, group: &str, action: &str, body: &Row) -> Result<Value, ChangeError> {
        self.catch_up();
        lock(self.world()).apply_command(group, action, body)
    }

    fn set_ec2_reachable(&mut self, reachable: bool) {
        lock(self.world()).set_ec2_reachable_for_pexip(reachable);
    }
}

impl World {
    pub(crate) fn address_of(&self, node: NodeIx) -> String {
        self.nodes.get(node).map_or_else(String::new, |node| node.address.to_string())
    }

    pub(crate) fn location_name(&self, location: LocationIx) -> &str {
        self.locations.get(location).map_or("", |location| location.name.as_str())
    }
}

/// The fields of a JSON object.
pub(crate) fn row(fields: Value) -> Row {
    match fields {
        Value::Object(fields) => fields,
        _ => Row::new(),
    }
}

/// A time as the API writes it.
pub(crate) fn naive(at: Timestamp) -> String {
    let micros = at.as_microsecond();
    let format = if micros % 1_000_000 == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// A time that may not be known.
pub(crate) fn naive_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(naive(at)))
}
