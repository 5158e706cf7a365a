//! The tables of `configuration/v1` for the services that nodes use: DNS, NTP, logs, certificates, event sinks, call
//! servers. Mostly here so that references resolve.

use super::field::{Field, flag, id, int, list, many, note, number, text, time, uri};
use super::{Key, Method, Resource, editable, readable};
use spillway_pexip_model::Family::Configuration;

const DNS_SERVER: &[Field] = &[id(), text("address", 50).unique().f(), note("description", 250).f(), uri()];

const NTP_SERVER: &[Field] = &[
    id(),
    text("address", 255).unique().f(),
    note("description", 250).f(),
    note("key", 100).secret(),
    number("key_id").within(1, 65535).null().f(),
    uri(),
];

const SYSLOG_SERVER: &[Field] = &[
    id(),
    text("address", 255).f(),
    int("port", 514).within(1, 65535).f(),
    note("description", 250).f(),
    text("transport", 10).or("udp").of(&["udp", "tcp", "tls"]).f(),
    flag("audit_log", false),
    flag("support_log", true),
    flag("web_log", false),
    uri(),
];

const EVENT_SINK: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    note("description", 250).f(),
    text("url", 255).f(),
    note("username", 100).f(),
    note("password", 100).secret(),
    int("version", 2).within(1, 2).f(),
    flag("bulk_support", false).f(),
    flag("verify_tls_certificate", true).f(),
    time("restart_date"),
    time("updated_at").ro(),
    uri(),
];

const TLS_CERTIFICATE: &[Field] = &[
    id(),
    text("certificate", 0),
    text("private_key", 12288).write_only(),
    note("private_key_passphrase", 100).forgotten(),
    note("parameters", 0),
    list("nodes").help("The FQDNs of the nodes that use this certificate."),
    time("start_date").ro().f(),
    time("end_date").ro().f(),
    note("subject_name", 0).ro().f(),
    note("subject_alt_names", 0).ro(),
    note("subject_hash", 0).ro().f(),
    note("issuer_name", 0).ro().f(),
    note("issuer_hash", 0).ro(),
    note("issuer_key_id", 0).ro(),
    note("key_id", 0).ro(),
    note("serial_no", 0).ro().f(),
    note("raw_subject", 0).ro(),
    note("raw_issuer", 0).ro(),
    flag("server_auth_usage", true).ro(),
    flag("client_auth_usage", true).ro(),
    note("text", 0).ro(),
    uri(),
];

const STUN_SERVER: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    note("description", 250).f(),
    text("address", 255).f(),
    int("port", 3478).within(1, 65535).f(),
    uri(),
];

const TURN_SERVER: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    note("description", 250).f(),
    text("address", 255).f(),
    int("port", 3478).within(1, 65535).f(),
    text("transport_type", 10).or("udp").f(),
    note("username", 100),
    note("password", 100).secret(),
    uri(),
];

const CALL_SERVER: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    note("description", 250).f(),
    text("address", 255).f(),
    number("port").within(1, 65535).null().f(),
    note("transport", 10).f(),
    uri(),
];

const HTTP_PROXY: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    text("address", 255).f(),
    int("port", 8080).within(1, 65535).f(),
    text("protocol", 10).or("http").f(),
    note("username", 100),
    note("password", 100).secret(),
    uri(),
];

const POLICY_SERVER: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    note("description", 250).f(),
    note("url", 255).f(),
    note("username", 100),
    note("password", 100).secret(),
    flag("enable_service_lookup", false),
    flag("enable_participant_lookup", false),
    flag("enable_media_location_lookup", false),
    many("locations", Configuration, "system_location").ro(),
    uri(),
];

const LISTED: &[Method] = &[Method::Delete, Method::Get, Method::Post, Method::Patch];
const SINGLE: &[Method] = &[Method::Delete, Method::Get, Method::Patch];

/// `configuration/v1`, third part.
pub(super) const RESOURCES: &[Resource] = &[
    editable("dns_server", "DNS server", DNS_SERVER),
    editable("event_sink", "Event sink", EVENT_SINK),
    editable("h323_gatekeeper", "H.323 gatekeeper", CALL_SERVER),
    editable("http_proxy", "Web proxy", HTTP_PROXY),
    editable("mssip_proxy", "Lync / Skype for Business server", CALL_SERVER),
    editable("ntp_server", "NTP server", NTP_SERVER),
    editable("policy_server", "Policy profile", POLICY_SERVER),
    editable("sip_proxy", "SIP proxy", CALL_SERVER),
    editable("stun_server", "STUN server", STUN_SERVER),
    editable("syslog_server", "Syslog server", SYSLOG_SERVER),
    editable("teams_proxy", "Teams Connector", CALL_SERVER),
    Resource {
        list: LISTED,
        detail: SINGLE,
        label: "TLS certificate",
        ..readable("tls_certificate", Key::Id, TLS_CERTIFICATE)
    },
    editable("turn_server", "TURN server", TURN_SERVER),
];
