//! History: records stand here only after the end of what they tell of.

use serde_json::json;

use crate::state::World;
use spillway_pexip_model::Row;

use super::live::{bandwidth, licence, protocol};
use super::{naive, row};

impl World {
    pub(super) fn past_conference_rows(&mut self) -> Vec<Row> {
        self.history
            .conferences
            .iter()
            .map(|past| {
                let participants: Vec<String> = past
                    .participants
                    .iter()
                    .map(|id| format!("/api/admin/history/v1/participant/{id}/"))
                    .collect();
                row(json!({
                    "id": past.id.to_string(),
                    "name": past.name,
                    "service_type": past.service_type,
                    "start_time": naive(past.start),
                    "end_time": naive(past.end),
                    "duration": past.end.duration_since(past.start).as_secs(),
                    "participant_count": participants.len(),
                    "participants": participants,
                    "instant_message_count": 0,
                    "tag": "",
                    "direct_media_available": false,
                }))
            })
            .collect()
    }

    pub(super) fn past_participant_rows(&mut self) -> Vec<Row> {
        self.history
            .participants
            .iter()
            .map(|past| {
                let kbit = bandwidth(past.media);
                row(json!({
                    "id": past.id.to_string(),
                    "conference": format!("/api/admin/history/v1/conference/{}/", past.conference),
                    "conference_name": past.conference_name,
                    "start_time": naive(past.start),
                    "end_time": naive(past.end),
                    "duration": past.end.duration_since(past.start).as_secs(),
                    "system_location": self.location_name(past.location),
                    "media_node": self.address_of(past.media_node),
                    "signalling_node": self.address_of(past.signalling_node),
                    "proxy_node": past.proxy_node.map_or_else(String::new, |node| self.address_of(node)),
                    "protocol": protocol(past.media, past.outgoing),
                    "service_type": past.service_type,
                    "service_tag": "",
                    "call_direction": if past.outgoing { "out" } else { "in" },
                    "role": if past.outgoing { "guest" } else { "chair" },
                    "has_media": true,
                    "transcoding_enabled": true,
                    "is_direct": false,
                    "is_streaming": false,
                    "license_type": licence(past.media),
                    "license_count": 1,
                    "bandwidth": kbit,
                    "rx_bandwidth": kbit,
                    "tx_bandwidth": kbit,
                    "call_quality": "1_good",
                    "disconnect_reason": past.reason,
                    "local_alias": format!("{}@sim.example", past.conference_name),
                    "remote_alias": format!("caller-{}@sim.example", past.call),
                    "display_name": format!("Caller {}", past.call),
                    "remote_address": "198.51.100.1",
                    "remote_port": 5061,
                    "vendor": "Simulated",
                    "encryption": "On",
                    "call_uuid": past.id.to_string(),
                    "conversation_id": self.conversation_id(past.call),
                    "is_presenting": past.media.presenting && !past.outgoing,
                }))
            })
            .collect()
    }

    pub(super) fn node_event_rows(&mut self) -> Vec<Row> {
        self.history
            .events
            .iter()
            .map(|event| {
                let node = self.nodes.get(event.node);
                row(json!({
                    "id": event.id,
                    "time_changed": naive(event.at),
                    "event_type": event.event_type,
                    "state": event.state,
                    "context": event.context,
                    "details": event.details,
                    "workervm_address": self.address_of(event.node),
                    "workervm_configuration_id": self.node_id(event.node).0,
                    "workervm_configuration_name": node.map(|n| n.name.as_str()),
                    "workervm_configuration_location_name": node.map(|n| self.location_name(n.location)),
                }))
            })
            .collect()
    }

    pub(super) fn past_alarm_rows(&mut self) -> Vec<Row> {
        self.lower_alarms();
        self.history
            .lowered
            .iter()
            .map(|(alarm, lowered)| {
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
                    "time_lowered": naive(*lowered),
                }))
            })
            .collect()
    }
}
