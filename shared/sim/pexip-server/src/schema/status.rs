//! The tables of `status/v1`: what the platform is doing now. Everything is read-only here, and rows refer to
//! locations by name and to nodes by private IPv4 address, never by URI. `id` and `sync_status` are not filterable on
//! `worker_vm`: a client that filters by them is refused, as by the real one.

use super::field::{Field, flag, float, id, int, note, number, one, text, time, uri, uuid};
use super::{Key, Resource, readable};
use spillway_pexip_model::Family::Status;

const CLOUD_NODE: &[Field] = &[
    note("cloud_instance_id", 250).f().help("The cloud provider's instance identifier."),
    note("cloud_instance_name", 250).f().help("The cloud provider's instance name."),
    note("cloud_instance_ip", 250).f().help("Node IP."),
    text("cloud_instance_state", 250).or("unknown").f().help("The cloud provider's instance state."),
    time("cloud_instance_launch_time").f().help("Start time."),
    int("max_hd_calls", 0).f().help("Estimated number of HD calls that the node can carry."),
    number("media_load").null().f().help("Media load in percent."),
    number("workervm_configuration_id").null().f().help("The configured Conferencing Node's identifier."),
    text("workervm_configuration_name", 32).null().f().help("The configured Conferencing Node's name."),
    text("workervm_configuration_location_name", 250).null().help("Name of the node's system location."),
    note("aws_instance_id", 250).f().help("Deprecated: use cloud_instance_id."),
    note("aws_instance_ip", 250).f().help("Deprecated: use cloud_instance_ip."),
    time("aws_instance_launch_time").f().help("Deprecated: use cloud_instance_launch_time."),
    note("aws_instance_name", 250).f().help("Deprecated: use cloud_instance_name."),
    text("aws_instance_state", 250).or("unknown").f().help("Deprecated: use cloud_instance_state."),
    uri(),
];

const CLOUD_MONITORED_LOCATION: &[Field] = &[
    id(),
    text("name", 250).f().help("Name of the system location."),
    number("free_hd_calls").null().f().help("HD calls that can still be taken."),
    number("max_hd_calls").null().f().help("HD calls that the location can carry."),
    number("media_load").null().f().help("Media load in percent."),
    one("overflow_location", Status, "cloud_overflow_location").f().help("Where its calls overflow to."),
    uri(),
];

const CLOUD_OVERFLOW_LOCATION: &[Field] = &[
    id(),
    text("name", 250).f().help("Name of the system location."),
    number("systemlocation_id").null().f().help("Identifier of the configured system location."),
    number("free_hd_calls").null().f().help("HD calls that can still be taken."),
    number("max_hd_calls").null().f().help("HD calls that the location can carry."),
    number("media_load").null().f().help("Media load in percent."),
    uri(),
];

const WORKER_VM: &[Field] = &[
    id(),
    number("configuration_id").null().f().help("Identifier of the configured Conferencing Node."),
    note("name", 32).f().help("Name of the Conferencing Node."),
    note("system_location", 250).f().help("Name of the node's system location."),
    text("node_type", 250).or("CONFERENCING").of(&["CONFERENCING", "PROXYING"]).f().help("Role of the node."),
    text("deploy_status", 250).null().help("Whether the node has reported in."),
    text("sync_status", 250).or("UNREACHABLE").help("State of the configuration synchronisation."),
    time("last_updated").f().help("When the node last reported its status."),
    time("last_attempted_contact").help("When the Management Node last tried to reach the node."),
    time("boot_time").help("When the node last booted."),
    flag("maintenance_mode", false).f().help("Whether the node refuses new calls."),
    note("maintenance_mode_reason", 250).help("Why it is in maintenance mode."),
    int("media_load", 0).f().help("Media load in percent; 100 in maintenance mode."),
    int("max_hd_calls", 0).f().help("Estimated number of HD calls that the node can carry."),
    int("max_full_hd_calls", 0).f().help("Estimated number of Full HD calls that the node can carry."),
    int("max_sd_calls", 0).f().help("Estimated number of SD calls that the node can carry."),
    int("max_audio_calls", 0).f().help("Estimated number of audio calls that the node can carry."),
    int("max_media_tokens", 0).help("Capacity in media tokens."),
    int("media_tokens_used", 0).help("Media tokens in use."),
    int("max_direct_participants", 0).help("Capacity for direct media."),
    int("signaling_count", 0).help("Calls signalled through this node."),
    int("cpu_count", 0).help("Number of virtual CPUs."),
    text("cpu_model", 250).or("Unknown").help("Model of the CPU."),
    text("cpu_capabilities", 250).or("Unknown").help("Instruction sets of the CPU."),
    text("hypervisor", 250).or("Unknown").help("Hypervisor of the node."),
    int("total_ram", 0).help("Memory in KB."),
    text("upgrade_status", 250).or("IDLE").f().help("State of the upgrade."),
    note("version", 250).f().help("Software version."),
    uri(),
];

const SYSTEM_LOCATION: &[Field] = &[
    id().f(),
    note("name", 250).f().help("Name of the system location."),
    int("max_hd_calls", 0),
    int("max_full_hd_calls", 0),
    int("max_sd_calls", 0),
    int("max_audio_calls", 0),
    int("max_media_tokens", 0),
    int("media_tokens_used", 0),
    float("media_load").help("Average media load of its nodes, in percent."),
    note("max_connections", 250).help("Comma-separated list of node type and number."),
    uri(),
];

const MANAGEMENT_VM: &[Field] = &[
    id(),
    number("configuration_id").null().f(),
    note("name", 32).f().help("Name of the Management Node."),
    flag("primary", false).help("Whether it is the primary Management Node."),
    text("sync_status", 250).or("UNREACHABLE"),
    time("last_updated").f(),
    time("last_attempted_contact"),
    text("upgrade_status", 250).or("IDLE").f(),
    note("version", 250).f().help("Software version."),
    uri(),
];

const CONFERENCE: &[Field] = &[
    uuid(),
    note("name", 250).f().help("Name of the conference."),
    text("service_type", 250).or("conference").f().help("Type of service."),
    time("start_time").f(),
    note("tag", 250).f().help("Service tag."),
    flag("is_started", false),
    flag("is_locked", false),
    flag("guests_muted", false),
    flag("direct_media_available", false),
    uri(),
];

const CONFERENCE_SHARD: &[Field] = &[
    uuid(),
    note("conference", 250).f().help("Name of the conference."),
    note("node", 50).f().help("Private IPv4 address of the node that hosts this part."),
    note("system_location", 250).f().help("Name of the system location."),
    text("service_type", 250).or("conference").f(),
    time("start_time").f(),
    note("tag", 250).f(),
    flag("is_started", false),
    flag("is_locked", false),
    flag("guests_muted", false),
    flag("is_direct", false),
    flag("transcoding_enabled", true),
    uri(),
];

/// Which of these the vendor lets a query name is not known, so all are allowed.
const BACKPLANE: &[Field] = &[
    uuid(),
    note("conference", 250).f(),
    time("connect_time").f(),
    text("type", 250)
        .or("local-backplane")
        .of(&["local-backplane", "geo-backplane"])
        .f()
        .help("Within a location, or between locations."),
    text("protocol", 250).or("INTERNAL").f(),
    note("media_node", 50).f().help("Private IPv4 address of the node at this end."),
    note("proxy_node", 50).f(),
    note("remote_media_node", 50).f().help("Private IPv4 address of the node at the other end."),
    note("remote_node_name", 250).f(),
    note("remote_conference_name", 250).f(),
    note("system_location", 250).f(),
    note("service_tag", 250).f(),
    uri(),
];

const PARTICIPANT: &[Field] = &[
    uuid(),
    note("conference", 250).f().help("Name of the conference."),
    note("system_location", 250).f().help("Name of the system location."),
    note("media_node", 50).f().help("Private IPv4 address of the node that carries the media."),
    note("signalling_node", 50).f().help("Private IPv4 address of the node that carries the signalling."),
    note("proxy_node", 50).f().help("Private IPv4 address of the proxying node."),
    text("protocol", 250).or("SIP").f(),
    text("service_type", 250).or("conference").f(),
    note("service_tag", 250).f(),
    note("call_tag", 250).f(),
    note("call_uuid", 250).f(),
    note("conversation_id", 250).f(),
    text("role", 250).or("unknown").f().help("Role in the conference."),
    text("call_direction", 250).or("in").f(),
    time("connect_time").f(),
    flag("has_media", true).f(),
    flag("transcoding_enabled", true),
    flag("is_direct", false).f(),
    flag("is_streaming", false).f(),
    flag("is_recording", false),
    flag("is_transcribing", false),
    flag("is_presenting", false).f(),
    flag("is_on_hold", false).f(),
    flag("is_muted", false).f(),
    flag("is_client_muted", false).f(),
    flag("is_mute_supported", true).f(),
    flag("is_disconnect_supported", true).f(),
    flag("is_transfer_supported", true).f(),
    flag("is_idp_authenticated", false).f(),
    text("idp_uuid", 250).null(),
    int("license_count", 0).f(),
    text("license_type", 250).or("nolicense").f(),
    int("bandwidth", 0).f().help("Bandwidth in kbit/s."),
    int("rx_bandwidth", 0).f(),
    int("tx_bandwidth", 0).f(),
    text("call_quality", 250).or("0_unknown").of(&["0_unknown", "1_good", "2_ok", "3_bad", "4_terrible"]).f(),
    note("vendor", 250).f(),
    note("remote_address", 250).f(),
    int("remote_port", 0).f(),
    note("source_alias", 250).f(),
    note("destination_alias", 250).f(),
    note("display_name", 250).f(),
    note("participant_alias", 250).f(),
    text("encryption", 250).or("Unknown").f(),
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
    note("node", 50).f().help("Private IPv4 address of the node."),
    time("time_raised").f(),
    flag("acknowledged", false),
    uri(),
];

/// Its only row has neither a number nor an address of its own.
const LICENSING: &[Field] = &[
    int("port_count", 0).f().help("Port licences in use."),
    int("port_total", 0).f().help("Port licences there are."),
    int("audio_count", 0).f(),
    int("audio_total", 0).f(),
    int("system_count", 0).f(),
    int("system_total", 0).f(),
    int("vmr_count", 0),
    int("vmr_total", 0),
    int("teams_count", 0),
    int("teams_total", 0),
    int("ghm_count", 0),
    int("ghm_total", 0),
    int("otj_count", 0),
    int("otj_total", 0),
    int("scheduling_count", 0),
    int("scheduling_total", 0),
    int("telehealth_count", 0),
    int("telehealth_total", 0),
    flag("customlayouts_active", false),
    flag("googletrustedjoin_active", false),
    flag("zoomtrustedjoin_active", false),
];

/// `status/v1`.
pub(super) const RESOURCES: &[Resource] = &[
    readable("alarm", Key::Id, ALARM),
    readable("backplane", Key::Uuid, BACKPLANE),
    readable("cloud_monitored_location", Key::Id, CLOUD_MONITORED_LOCATION),
    readable("cloud_node", Key::Named("cloud_instance_id"), CLOUD_NODE),
    readable("cloud_overflow_location", Key::Id, CLOUD_OVERFLOW_LOCATION),
    readable("conference", Key::Uuid, CONFERENCE),
    readable("conference_shard", Key::Uuid, CONFERENCE_SHARD),
    readable("licensing", Key::Hidden, LICENSING),
    readable("management_vm", Key::Id, MANAGEMENT_VM),
    Resource { subs: &["media_stream"], ..readable("participant", Key::Uuid, PARTICIPANT) },
    Resource { subs: &["statistics"], ..readable("system_location", Key::Id, SYSTEM_LOCATION) },
    Resource { subs: &["statistics"], ..readable("worker_vm", Key::Id, WORKER_VM) },
];
