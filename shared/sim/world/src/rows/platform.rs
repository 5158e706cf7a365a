//! Status of nodes, locations, the Management Node, licences and alarms.

use jiff::SignedDuration;
use serde_json::{Value, json};
use spillway_core::observation::NodeRole;

use crate::capacity::NodeCapacity;
use crate::state::instance::Instance;
use crate::state::{World, later};
use spillway_pexip_model::Row;

use super::{naive, naive_or_null, row};

pub(crate) fn role_word(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Transcoding => "CONFERENCING",
        NodeRole::Proxying => "PROXYING",
    }
}

impl World {
    pub(super) fn worker_status_rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.nodes.len());
        for (ix, node) in self.nodes.iter().enumerate().filter(|(_, node)| !node.deleted) {
            let report = &node.report;
            let capacity =
                self.shown_capacity(ix).unwrap_or(NodeCapacity { hd: 0, full_hd: 0, sd: 0, audio: 0 });
            let (tokens, used) = self.tokens(ix);
            let known = report.boot_time.is_some();
            let cpus = (node.capacity.hd * 8).div_ceil(NodeCapacity::C5_2XLARGE.hd).max(2);
            // The Management Node tries every node now and then, whether or not it answers.
            let tried = report.last_updated.map_or(self.now, |at| {
                if self.now.duration_since(at) < SignedDuration::from_mins(2) { at } else { self.now }
            });
            rows.push(row(json!({
                "id": self.node_id(ix).0,
                "configuration_id": self.node_id(ix).0,
                "name": node.name,
                "system_location": self.location_name(node.location),
                "node_type": role_word(node.role),
                "deploy_status": if known { json!("deploy_succeeded") } else { Value::Null },
                "sync_status": self.sync_status(node),
                "last_updated": naive_or_null(report.last_updated),
                "last_attempted_contact": naive(tried),
                "boot_time": naive_or_null(report.boot_time),
                "maintenance_mode": report.maintenance,
                "maintenance_mode_reason": report.maintenance_reason,
                "media_load": if node.hides_load { Value::Null } else { json!(report.media_load.round() as u64) },
                "max_hd_calls": capacity.hd,
                "max_full_hd_calls": capacity.full_hd,
                "max_sd_calls": capacity.sd,
                "max_audio_calls": capacity.audio,
                "max_media_tokens": tokens,
                "media_tokens_used": used,
                "max_direct_participants": if capacity.hd > 0 { 200 } else { 0 },
                "signaling_count": report.signalling,
                "cpu_count": if known { cpus } else { 0 },
                "cpu_model": if known { "Intel(R) Xeon(R) Platinum 8124M CPU @ 3.00GHz" } else { "Unknown" },
                "cpu_capabilities": if known { "AVX512" } else { "Unknown" },
                "hypervisor": if known { "KVM" } else { "Unknown" },
                "total_ram": if known { u64::from(cpus) * 2 * 1024 * 1024 } else { 0 },
                "upgrade_status": if report.upgrading { "UPGRADING" } else { "IDLE" },
                "version": report.version,
            })));
        }
        rows
    }

    pub(super) fn location_status_rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (ix, location) in self.locations.iter().enumerate().filter(|(_, l)| !l.deleted) {
            let mut sum = NodeCapacity { hd: 0, full_hd: 0, sd: 0, audio: 0 };
            let (mut tokens, mut used, mut loads, mut up) = (0, 0, 0.0, 0_u32);
            let (mut transcoding, mut proxying) = (0_u32, 0_u32);
            for (node_ix, node) in self.nodes.iter().enumerate() {
                if node.location != ix || node.deleted || self.sync_status(node) == "UNREACHABLE" {
                    continue;
                }
                if let Some(capacity) = self.shown_capacity(node_ix) {
                    sum.hd += capacity.hd;
                    sum.full_hd += capacity.full_hd;
                    sum.sd += capacity.sd;
                    sum.audio += capacity.audio;
                }
                let (all, some) = self.tokens(node_ix);
                tokens += all;
                used += some;
                loads += node.report.media_load;
                up += 1;
                match node.role {
                    NodeRole::Transcoding => transcoding += 1,
                    NodeRole::Proxying => proxying += 1,
                }
            }
            rows.push(row(json!({
                "id": self.location_id(ix).0,
                "name": location.name,
                "max_hd_calls": sum.hd,
                "max_full_hd_calls": sum.full_hd,
                "max_sd_calls": sum.sd,
                "max_audio_calls": sum.audio,
                "max_media_tokens": tokens,
                "media_tokens_used": used,
                "media_load": if up == 0 { 0.0 } else { loads / f64::from(up) },
                "max_connections": format!("CONFERENCING {transcoding}, PROXYING {proxying}"),
            })));
        }
        rows
    }

    pub(super) fn management_status_rows(&mut self) -> Vec<Row> {
        let reported = later(self.now, -SignedDuration::from_secs(5));
        let status = |upgrading| if upgrading { "UPGRADING" } else { "IDLE" };
        self.management
            .hosts
            .iter()
            .enumerate()
            .map(|(ix, host)| {
                row(json!({
                    "id": ix + 1,
                    "configuration_id": ix + 1,
                    "name": host.name,
                    "primary": ix == self.management.primary,
                    "sync_status": "SYNCED",
                    "last_updated": naive(reported),
                    "last_attempted_contact": naive(reported),
                    "upgrade_status": status(self.management.upgrading),
                    "version": self.management.version,
                }))
            })
            .collect()
    }

    pub(super) fn licensing_rows(&mut self) -> Vec<Row> {
        let Some(total) = self.management.licences else { return Vec::new() };
        let mut fields = row(json!({
            "id": 1,
            "port_count": self.licences_used(false),
            "port_total": total,
            "audio_count": self.licences_used(true),
            "audio_total": total,
            "customlayouts_active": false,
            "googletrustedjoin_active": false,
            "zoomtrustedjoin_active": false,
        }));
        for other in ["system", "vmr", "teams", "ghm", "otj", "scheduling", "telehealth"] {
            fields.insert(format!("{other}_count"), json!(0));
            fields.insert(format!("{other}_total"), json!(0));
        }
        vec![fields]
    }

    pub(super) fn alarm_rows(&mut self) -> Vec<Row> {
        self.lower_alarms();
        self.history
            .alarms
            .iter()
            .map(|alarm| {
                row(json!({
                    "id": alarm.id,
                    "name": alarm.name,
                    "identifier": alarm.identifier,
                    "instance": alarm.instance,
                    "level": alarm.level,
                    "details": alarm.details,
                    "node": alarm.node.map_or_else(
                        || self.management.primary_address().to_owned(),
                        |node| self.address_of(node),
                    ),
                    "time_raised": naive(alarm.raised),
                    "acknowledged": false,
                }))
            })
            .collect()
    }

    /// EC2's instance under a node.
    pub(super) fn instance_under(&self, node: usize) -> Option<&Instance> {
        self.nodes.get(node)?.instance.and_then(|ix| self.instances.get(ix))
    }
}
