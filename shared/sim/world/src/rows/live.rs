//! Live conferences, their parts, the media between them, and participants. Names of people are made up and carry
//! nothing.

use serde_json::json;
use uuid::Uuid;

use crate::dice::Draw;
use crate::load_model::{CallKind, CallMedia};
use crate::state::World;
use crate::state::calls::{Call, CallId};
use crate::state::conference::Conference;
use spillway_pexip_model::Row;

use super::{naive, row};

/// Draws of a conference's number: 0 is its own id, parts and backplanes follow.
const SHARD: u64 = 1 << 32;
const BACKPLANE: u64 = 2 << 32;

pub(crate) fn protocol(media: CallMedia, outgoing: bool) -> &'static str {
    match media.kind {
        CallKind::Hd | CallKind::FullHd | CallKind::Sd if media.vp9 && !outgoing => "WebRTC",
        CallKind::Hd | CallKind::FullHd | CallKind::Sd | CallKind::Audio => "SIP",
    }
}

pub(crate) fn bandwidth(media: CallMedia) -> u32 {
    match media.kind {
        CallKind::Hd => 1_536,
        CallKind::FullHd => 3_072,
        CallKind::Sd => 576,
        CallKind::Audio => 64,
    }
}

pub(crate) fn licence(media: CallMedia) -> &'static str {
    if media.kind == CallKind::Audio { "audio" } else { "port" }
}

impl World {
    /// What live and past participants of a call are correlated by.
    pub(super) fn conversation_id(&self, call: u64) -> String {
        self.dice.uuid(Draw::Participant, call, 1_000).to_string()
    }

    fn shard_id(&self, conference: &Conference, node: usize) -> Uuid {
        self.dice.uuid(Draw::Conference, conference.number, SHARD + node as u64)
    }

    pub(super) fn conference_rows(&mut self) -> Vec<Row> {
        self.conferences
            .values()
            .map(|conference| {
                row(json!({
                    "id": conference.id.to_string(),
                    "name": conference.name,
                    "service_type": conference.service_type,
                    "start_time": naive(conference.started_at),
                    "tag": "",
                    "is_started": true,
                    "is_locked": false,
                    "guests_muted": false,
                    "direct_media_available": false,
                }))
            })
            .collect()
    }

    pub(super) fn shard_rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for conference in self.conferences.values() {
            for ix in conference.parts.keys() {
                let location = self.nodes.get(*ix).map_or(0, |node| node.location);
                rows.push(row(json!({
                    "id": self.shard_id(conference, *ix).to_string(),
                    "conference": conference.name,
                    "node": self.address_of(*ix),
                    "system_location": self.location_name(location),
                    "service_type": conference.service_type,
                    "start_time": naive(conference.started_at),
                    "tag": "",
                    "is_started": true,
                    "is_locked": false,
                    "guests_muted": false,
                    "is_direct": false,
                    "transcoding_enabled": true,
                })));
            }
        }
        rows
    }

    /// One row from each further part to the first one. A part with no room left for its backplane still has one.
    pub(super) fn backplane_rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for conference in self.conferences.values().filter(|c| c.parts.len() > 1) {
            let mut parts = conference.parts.keys();
            let Some(first) = parts.next() else { continue };
            let location = |ix: usize| self.nodes.get(ix).map_or(0, |node| node.location);
            for ix in parts {
                let near = location(*ix) == location(*first);
                rows.push(row(json!({
                    "id": self.dice.uuid(Draw::Conference, conference.number, BACKPLANE + *ix as u64).to_string(),
                    "conference": conference.name,
                    "connect_time": naive(conference.spread_at.unwrap_or(conference.started_at)),
                    "type": if near { "local-backplane" } else { "geo-backplane" },
                    "protocol": "INTERNAL",
                    "media_node": self.address_of(*ix),
                    "proxy_node": "",
                    "remote_media_node": self.address_of(*first),
                    "remote_node_name": self.nodes.get(*first).map_or("", |node| node.name.as_str()),
                    "remote_conference_name": conference.name,
                    "system_location": self.location_name(location(*ix)),
                    "service_tag": "",
                })));
            }
        }
        rows
    }

    pub(super) fn participant_rows(&mut self) -> Vec<Row> {
        self.calls
            .iter()
            .flat_map(|(id, call)| (0..call.legs).map(move |leg| (*id, call, leg)))
            .map(|(id, call, leg)| self.participant_row(id, call, leg))
            .collect()
    }

    fn participant_row(&self, id: CallId, call: &Call, leg: u8) -> Row {
        let conference = self.conferences.get(&call.group);
        let name = conference.map_or("", |c| c.name.as_str());
        let participant = self.participant_id(id, leg).to_string();
        let kbit = bandwidth(call.media);
        row(json!({
            "id": participant,
            "conference": name,
            "system_location": self.location_name(call.seat.location),
            "media_node": self.address_of(call.seat.media),
            "signalling_node": self.address_of(call.seat.signalling),
            "proxy_node": call.seat.proxy.map_or_else(String::new, |node| self.address_of(node)),
            "protocol": protocol(call.media, leg > 0),
            "service_type": conference.map_or("conference", |c| c.service_type),
            "service_tag": "",
            "call_tag": "",
            "call_uuid": participant,
            "conversation_id": self.conversation_id(id.0),
            "role": if leg == 0 { "chair" } else { "guest" },
            "call_direction": if leg == 0 { "in" } else { "out" },
            "connect_time": naive(call.connected_at),
            "has_media": true,
            "transcoding_enabled": true,
            "is_presenting": call.media.presenting,
            "license_count": 1,
            "license_type": licence(call.media),
            "bandwidth": kbit,
            "rx_bandwidth": kbit,
            "tx_bandwidth": kbit,
            "call_quality": "1_good",
            "vendor": "Simulated",
            "remote_address": "198.51.100.1",
            "remote_port": 5061,
            "source_alias": format!("caller-{}@sim.example", id.0),
            "destination_alias": format!("{name}@sim.example"),
            "display_name": format!("Caller {}", id.0),
            "participant_alias": format!("caller-{}@sim.example", id.0),
            "encryption": "On",
        }))
    }
}
