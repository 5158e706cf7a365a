//! The tables of `history/v1`: what happened. Reading is all there is, but for `conference` and `registration_alias`,
//! of which one record at a time can be removed.

use super::field::{Field, flag, id, int, list, many, note, number, one, text, time, uri, uuid};
use super::{Key, Method, Resource, readable};
use spillway_pexip_model::Family::History;

const WORKERVM_STATUS_EVENT: &[Field] = &[
    id(),
    time("time_changed").f().help("When the state changed."),
    text("event_type", 250).or("unknown").f(),
    note("state", 250).f().help("The new state."),
    note("context", 250).f(),
    note("details", 250).f(),
    note("workervm_address", 250).f(),
    number("workervm_configuration_id").null().f(),
    text("workervm_configuration_name", 32).null().f(),
    text("workervm_configuration_location_name", 250).null().f(),
    uri(),
];

const CONFERENCE: &[Field] = &[
    uuid(),
    note("name", 250).f(),
    text("service_type", 250).or("conference").f(),
    time("start_time").f(),
    time("end_time").f(),
    int("duration", 0).f().help("Length in seconds."),
    int("participant_count", 0),
    many("participants", History, "participant").f(),
    int("instant_message_count", 0).f(),
    note("tag", 250).f(),
    flag("direct_media_available", false),
    uri(),
];

const PARTICIPANT: &[Field] = &[
    uuid(),
    one("conference", History, "conference").f(),
    note("conference_name", 250).f(),
    time("start_time").f(),
    time("end_time").f(),
    int("duration", 0).f().help("Length in seconds."),
    note("system_location", 250).f(),
    note("media_node", 50).f(),
    note("signalling_node", 50).f(),
    note("proxy_node", 50).f(),
    text("protocol", 250).or("SIP").f(),
    text("service_type", 250).or("conference").f(),
    note("service_tag", 250).f(),
    text("call_direction", 250).or("in").f(),
    text("role", 250).or("unknown").f(),
    flag("has_media", true).f(),
    flag("transcoding_enabled", true).f(),
    flag("is_direct", false),
    flag("is_streaming", false).f(),
    text("license_type", 250).or("nolicense").f(),
    int("license_count", 0).f(),
    int("bandwidth", 0).f(),
    int("rx_bandwidth", 0).f(),
    int("tx_bandwidth", 0).f(),
    text("call_quality", 250).or("0_unknown").f(),
    text("disconnect_reason", 250).or("Unknown").f(),
    note("local_alias", 250).f(),
    note("remote_alias", 250).f(),
    note("remote_address", 250).f(),
    int("remote_port", 0).f(),
    note("display_name", 250).f(),
    note("vendor", 250).f(),
    text("encryption", 250).or("Unknown").f(),
    note("call_uuid", 250).f(),
    note("call_tag", 250).f(),
    note("conversation_id", 250).f(),
    note("av_id", 250),
    note("presentation_id", 250),
    list("media_streams"),
    text("idp_uuid", 250).null(),
    flag("is_idp_authenticated", false).f(),
    note("parent_id", 250).help("Deprecated."),
    uri(),
];

const ALARM: &[Field] = &[
    id(),
    note("name", 250).f(),
    number("identifier").null().f(),
    note("instance", 250).f(),
    text("level", 250).or("info").of(&["info", "warning", "error"]).f(),
    note("details", 8096).f(),
    note("node", 50).f(),
    time("time_raised").f(),
    time("time_lowered").f(),
    uri(),
];

const REGISTRATION_ALIAS: &[Field] = &[
    id(),
    note("alias", 250).f(),
    text("protocol", 250).or("SIP").f(),
    note("node", 50).f(),
    note("remote_address", 250).f(),
    time("start_time").f(),
    time("end_time").f(),
    uri(),
];

const REMOVABLE: &[Method] = &[Method::Get, Method::Delete];

/// `history/v1`.
pub(super) const RESOURCES: &[Resource] = &[
    readable("alarm", Key::Id, ALARM),
    Resource { detail: REMOVABLE, ..readable("conference", Key::Uuid, CONFERENCE) },
    Resource { subs: &["media_stream"], ..readable("participant", Key::Uuid, PARTICIPANT) },
    Resource { detail: REMOVABLE, ..readable("registration_alias", Key::Id, REGISTRATION_ALIAS) },
    readable("workervm_status_event", Key::Id, WORKERVM_STATUS_EVENT),
];
