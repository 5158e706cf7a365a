//! Configuration rows: what was written, the world's own fields on top. Fields that nobody wrote are left to the
//! schema's defaults, which the served Management API knows.

use serde_json::{Value, json};

use crate::state::World;
use crate::state::location::LocationIx;
use crate::state::node::NodeIx;
use spillway_pexip_model::Row;

use super::platform::role_word;
use super::row;

fn over(other: &Row, own: Value) -> Row {
    let mut fields = other.clone();
    fields.extend(row(own));
    fields
}

impl World {
    /// The URI of a location's configuration.
    fn location_uri(&self, location: Option<LocationIx>) -> Value {
        let uri = |ix| format!("/api/admin/configuration/v1/system_location/{}/", self.location_id(ix));
        location.map_or(Value::Null, |ix| json!(uri(ix)))
    }

    pub(super) fn worker_rows(&mut self) -> Vec<Row> {
        (0..self.nodes.len()).filter_map(|ix| self.worker_row(ix)).collect()
    }

    pub(super) fn worker_row(&self, ix: NodeIx) -> Option<Row> {
        let node = self.nodes.get(ix).filter(|node| !node.deleted)?;
        let mut usual = row(json!({
            "domain": "sim.example",
            "netmask": "255.255.0.0",
            "gateway": "10.44.255.254",
            "description": "",
        }));
        usual.extend(node.other.clone());
        Some(over(
            &usual,
            json!({
                "id": self.node_id(ix).0,
                "name": node.name,
                "hostname": node.hostname,
                "address": node.address,
                "static_nat_address": node.configured.static_nat,
                "system_location": self.location_uri(Some(node.location)),
                "node_type": role_word(node.role),
                "transcoding": role_word(node.role) == "CONFERENCING",
                "maintenance_mode": node.configured.maintenance,
                "maintenance_mode_reason": node.configured.maintenance_reason,
                "media_priority_weight": node.configured.media_priority_weight,
                "enable_distributed_database": node.distributed_database,
                // Pexip finds bursting nodes itself, while its bursting is on.
                "cloud_bursting":
                    self.management.bursting.enabled
                    && self.instance_under(ix).is_some_and(|i| self.is_overflow_instance(i)),
            }),
        ))
    }

    pub(super) fn location_rows(&mut self) -> Vec<Row> {
        (0..self.locations.len()).filter_map(|ix| self.location_row(ix)).collect()
    }

    pub(super) fn location_row(&self, ix: LocationIx) -> Option<Row> {
        let location = self.locations.get(ix).filter(|location| !location.deleted)?;
        Some(over(
            &location.other,
            json!({
                "id": self.location_id(ix).0,
                "name": location.name,
                "overflow_location1": self.location_uri(location.overflow1),
                "overflow_location2": self.location_uri(location.overflow2),
                "transcoding_location": self.location_uri(location.transcoding),
            }),
        ))
    }

    pub(super) fn management_rows(&mut self) -> Vec<Row> {
        self.management
            .hosts
            .iter()
            .enumerate()
            .map(|(ix, host)| {
                let mut usual = row(json!({
                    "domain": "sim.example",
                    "netmask": "255.255.0.0",
                    "gateway": "10.44.255.254",
                }));
                usual.extend(host.other.clone());
                over(
                    &usual,
                    json!({
                        "id": ix + 1,
                        "name": host.name,
                        "hostname": host.hostname,
                        "address": host.address,
                        "primary": ix == self.management.primary,
                        "initializing": false,
                    }),
                )
            })
            .collect()
    }

    pub(super) fn global_rows(&mut self) -> Vec<Row> {
        let bursting = &self.management.bursting;
        vec![over(
            &self.management.global,
            json!({
                "id": 1,
                "bursting_enabled": bursting.enabled,
                "bursting_threshold": bursting.threshold,
                "bursting_min_lifetime": bursting.min_lifetime_minutes,
            }),
        )]
    }
}
