//! The bursting service's lists. While Pexip's bursting is off they are empty by default (not documented; a
//! setting). When the Management Node cannot reach EC2, states are `unknown` and numbers null.

use serde_json::{Value, json};
use spillway_core::ids::HdCalls;

use crate::state::World;
use crate::state::location::LocationIx;
use crate::state_word;
use spillway_pexip_model::Row;

use super::{naive_or_null, row};

impl World {
    fn cloud_lists_shown(&self) -> bool {
        self.management.bursting.enabled || self.settings.reporting.cloud_lists_when_off
    }

    pub(super) fn cloud_node_rows(&mut self) -> Vec<Row> {
        if !self.cloud_lists_shown() {
            return Vec::new();
        }
        let reached = self.ec2.reachable_for_pexip;
        let mut rows = Vec::new();
        for (ix, instance) in self.instances.iter().enumerate().filter(|(_, i)| self.is_overflow_instance(i))
        {
            let node =
                self.node_of.get(&ix).copied().filter(|n| self.nodes.get(*n).is_some_and(|n| !n.deleted));
            let Some(seen) = instance.seen_at(self.now) else { continue };
            let state = if reached { state_word(seen.state) } else { "unknown" };
            let launched = naive_or_null(seen.launched_at.filter(|_| reached));
            let known = node.and_then(|n| self.nodes.get(n));
            let load = known.map_or(Value::Null, |n| json!(n.report.media_load.round() as u64));
            let mut fields = row(json!({
                "max_hd_calls": node.and_then(|n| self.shown_capacity(n)).map_or(0, |capacity| capacity.hd),
                "media_load": if reached { load } else { Value::Null },
                "workervm_configuration_id": node.map(|n| self.node_id(n).0),
                "workervm_configuration_name": known.map(|n| n.name.as_str()),
                "workervm_configuration_location_name": known.map(|n| self.location_name(n.location)),
            }));
            // The old names stand beside the new ones.
            for prefix in ["cloud", "aws"] {
                fields.insert(format!("{prefix}_instance_id"), json!(instance.id));
                fields.insert(format!("{prefix}_instance_name"), json!(instance.name));
                fields.insert(format!("{prefix}_instance_ip"), json!(instance.private_ip));
                fields.insert(format!("{prefix}_instance_state"), json!(state));
                fields.insert(format!("{prefix}_instance_launch_time"), launched.clone());
            }
            rows.push(fields);
        }
        rows
    }

    /// Free HD calls, HD capacity and load of a location, as the bursting service shows them: from reports.
    fn cloud_numbers(&self, location: LocationIx) -> (Value, Value, Value) {
        if !self.ec2.reachable_for_pexip {
            return (Value::Null, Value::Null, Value::Null);
        }
        let (mut free, mut most, mut loads, mut nodes) = (HdCalls(0), 0, 0.0, 0_u32);
        for (ix, node) in self.nodes.iter().enumerate() {
            if node.location != location || node.deleted || self.sync_status(node) == "UNREACHABLE" {
                continue;
            }
            let Some(capacity) = self.shown_capacity(ix).filter(|_| !node.report.maintenance) else {
                continue;
            };
            most += capacity.hd;
            free = free.plus((capacity.load() - node.report.used).whole_hd());
            loads += node.report.media_load;
            nodes += 1;
        }
        let load = if nodes == 0 { 0.0 } else { loads / f64::from(nodes) };
        (json!(free), json!(most), json!(load.round() as u64))
    }

    pub(super) fn cloud_monitored_rows(&mut self) -> Vec<Row> {
        if !self.cloud_lists_shown() {
            return Vec::new();
        }
        self.watched_locations()
            .into_iter()
            .zip(1_u64..)
            .map(|(pair, id)| {
                let (free, most, load) = self.cloud_numbers(pair.media);
                let overflow = self.overflow_row_id(pair.overflow);
                row(json!({
                    "id": id,
                    "name": self.location_name(pair.location),
                    "free_hd_calls": free,
                    "max_hd_calls": most,
                    "media_load": load,
                    "overflow_location":
                        overflow.map(|id| format!("/api/admin/status/v1/cloud_overflow_location/{id}/")),
                }))
            })
            .collect()
    }

    fn overflow_locations(&self) -> Vec<LocationIx> {
        (0..self.locations.len()).filter(|ix| self.bursting_nodes(*ix).next().is_some()).collect()
    }

    fn overflow_row_id(&self, location: LocationIx) -> Option<usize> {
        self.overflow_locations().iter().position(|ix| *ix == location).map(|at| at + 1)
    }

    pub(super) fn cloud_overflow_rows(&mut self) -> Vec<Row> {
        if !self.cloud_lists_shown() {
            return Vec::new();
        }
        self.overflow_locations()
            .into_iter()
            .zip(1_u64..)
            .map(|(location, id)| {
                let (free, most, load) = self.cloud_numbers(location);
                row(json!({
                    "id": id,
                    "name": self.location_name(location),
                    "systemlocation_id": self.location_id(location).0,
                    "free_hd_calls": free,
                    "max_hd_calls": most,
                    "media_load": load,
                }))
            })
            .collect()
    }
}
