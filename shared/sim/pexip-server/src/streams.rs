//! The media streams of a participant, live or past: an address under it, and a list within its history record. Made
//! from the participant's row when it is shown, so that nobody pays for the streams of the thousands who are not. Their
//! fields are not in the vendor's schema dumps: the names are those of its documentation, from memory.

use serde_json::{Value, json};

use spillway_pexip_model::Row;

/// What of a call's bandwidth is sound, in kbit/s.
const SOUND: u64 = 64;

/// The streams of a participant: sound, video unless it is an audio call, and what it presents.
pub(super) fn streams(participant: &Row) -> Vec<Value> {
    if participant.get("has_media") == Some(&json!(false)) {
        return Vec::new();
    }
    let is = |name: &str, wanted: &Value| participant.get(name) == Some(wanted);
    let kbit = |name: &str| participant.get(name).and_then(Value::as_u64).unwrap_or(SOUND);
    let start = participant.get("connect_time").or_else(|| participant.get("start_time"));
    let stream = |id: &str, kind: &str, codec: &str, resolution: &str, received: u64, sent: u64| {
        json!({
            "id": id, "type": kind, "node": participant.get("media_node"),
            "start_time": start, "end_time": participant.get("end_time"),
            "rx_bitrate": received, "rx_codec": codec, "rx_resolution": resolution, "rx_packet_loss": 0.0,
            "tx_bitrate": sent, "tx_codec": codec, "tx_resolution": resolution, "tx_packet_loss": 0.0,
        })
    };
    let web = is("protocol", &json!("WebRTC"));
    let mut made = vec![stream("0", "audio", if web { "opus" } else { "G.722" }, "", SOUND, SOUND)];
    if is("license_type", &json!("audio")) {
        return made;
    }
    let video = |name: &str| kbit(name).saturating_sub(SOUND);
    let resolution = match video("rx_bandwidth") {
        0..1_000 => "640x360",
        1_000..2_000 => "1280x720",
        _ => "1920x1080",
    };
    let codec = if web { "VP9" } else { "H264" };
    made.push(stream("1", "video", codec, resolution, video("rx_bandwidth"), video("tx_bandwidth")));
    if is("is_presenting", &json!(true)) {
        made.push(stream("2", "presentation", codec, "1920x1080", 0, video("tx_bandwidth") / 2));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_video_unless_the_call_is_sound_alone() {
        let kinds = |fields: Value| -> Vec<String> {
            let row = fields.as_object().cloned().unwrap();
            streams(&row).iter().map(|stream| stream["type"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(kinds(json!({"license_type": "port", "rx_bandwidth": 1536})), ["audio", "video"]);
        let presents = json!({"license_type": "port", "is_presenting": true});
        assert_eq!(kinds(presents), ["audio", "video", "presentation"]);
        assert_eq!(kinds(json!({"license_type": "audio", "is_presenting": true})), ["audio"]);
        assert!(kinds(json!({"has_media": false})).is_empty());
    }
}
