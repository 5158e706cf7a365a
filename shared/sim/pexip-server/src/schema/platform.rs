//! The tables of `configuration/v1` for the platform as a whole: the `…/1/` singletons, accounts and their rights,
//! licences. `global` cannot be filtered and hides its cloud credentials.

use super::field::{Field, dict, flag, id, int, many, note, one, text, time, uri};
use super::{Key, Method, Resource, editable, readable, single};
use spillway_pexip_model::Family::Configuration;

const GLOBAL_SETTINGS: &[Field] = &[
    id(),
    flag("bursting_enabled", false).help("Whether overflow nodes are started and stopped on a cloud."),
    int("bursting_threshold", 5).within(1, i64::MAX).null().help("HD calls left at which a node is started."),
    int("bursting_min_lifetime", 50)
        .within(5, i64::MAX)
        .null()
        .help("Minutes that a started node stays on at least."),
    text("cloud_provider", 10).or("AWS").of(&["AWS", "AZURE", "GCP"]),
    text("aws_access_key", 40).null().help("The AWS access key id that bursting uses."),
    text("aws_secret_key", 100).null().secret().help("The AWS secret access key that bursting uses."),
    text("azure_client_id", 40).null(),
    text("azure_secret", 100).null().secret(),
    text("azure_subscription_id", 40).null(),
    text("azure_tenant", 40).null(),
    text("gcp_client_email", 255).null(),
    text("gcp_project_id", 255).null(),
    note("gcp_private_key", 12288).null().secret(),
    int("logs_max_age", 0).help("Days that logs and call history are kept; 0 is off."),
    int("es_connection_timeout", 7),
    int("es_initial_retry_backoff", 1),
    int("es_maximum_retry_backoff", 1800),
    int("es_metrics_update_interval", 60),
    int("es_media_streams_wait", 1),
    note("deployment_uuid", 36),
    int("management_qos", 0).within(0, 63).null(),
    flag("enable_ssh", true),
    flag("enable_webrtc", true),
    flag("enable_sip", true),
    flag("enable_h323", true),
    flag("enable_analytics", false),
    flag("bdpm_pin_checks_enabled", true),
    flag("bdpm_scan_quarantine_enabled", true),
    int("guests_only_timeout", 60),
    uri(),
];

/// `default_*` rows and LDAP fields are left out: nothing here reads them.
const AUTHENTICATION: &[Field] = &[
    id(),
    text("source", 20).or("LOCAL").of(&["LOCAL", "LDAP", "LDAP+LOCAL", "OIDC"]),
    flag("api_oauth2_disable_basic", false).help("Turns basic authentication off for the API."),
    int("api_oauth2_expiration", 3600).within(60, i64::MAX).help("Seconds that an access token is valid."),
    flag("api_oauth2_allow_all_perms", false)
        .help("Whether an OAuth2 client may change authentication settings if its role says so."),
    note("ldap_server", 255),
    note("ldap_bind_username", 255),
    note("ldap_bind_password", 100).secret(),
    note("ldap_base_dn", 255),
    flag("ldap_use_global_catalog", false),
    flag("ldap_permit_no_tls", false),
    uri(),
];

const AUTOBACKUP: &[Field] = &[
    id(),
    flag("autobackup_enabled", false),
    int("autobackup_interval", 24).within(1, 8760),
    note("autobackup_passphrase", 100).secret(),
    note("autobackup_upload_url", 255),
    note("autobackup_upload_username", 100),
    note("autobackup_upload_password", 100).secret(),
    uri(),
];

const OAUTH2_CLIENT: &[Field] = &[
    text("client_name", 250).unique().f().help("The name of this client."),
    one("role", Configuration, "role").must().f().help("What the client may do."),
    text("client_id", 64).ro().f().help("The identifier the client signs with."),
    note("private_key_jwt", 0).ro().help("The client's private key, shown once, on creation."),
    uri(),
];

const ROLE: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    many("permissions", Configuration, "permission").nested().f(),
    uri(),
];

const PERMISSION: &[Field] = &[id(), text("codename", 100).ro().f(), text("name", 255).ro().f(), uri()];

const LICENCE: &[Field] = &[
    text("entitlement_id", 255).f(),
    flag("offline_mode", false),
    note("fulfillment_id", 255).ro().f(),
    note("fulfillment_type", 255).ro().f(),
    note("license_type", 255).ro(),
    note("features", 0).ro().f(),
    note("product_id", 255).ro().f(),
    note("status", 255).ro(),
    note("start_date", 50).ro(),
    note("expiration_date", 50).ro(),
    int("concurrent", 0).ro(),
    int("concurrent_overdraft", 0).ro(),
    int("activatable", 0).ro(),
    int("activatable_overdraft", 0).ro(),
    int("hybrid", 0).ro(),
    int("hybrid_overdraft", 0).ro(),
    int("repair", 0).ro(),
    int("trust_flags", 0).ro(),
    note("server_chain", 255).ro(),
    dict("vendor_dictionary").ro(),
    uri(),
];

const LICENCE_REQUEST: &[Field] = &[
    text("sequence_number", 50).ro().f(),
    note("reference", 255).ro(),
    note("actions", 0).ro(),
    time("generation_time").ro(),
    note("status", 255).ro(),
    note("response_xml", 0),
    uri(),
];

const SYSTEM_SYNCPOINT: &[Field] =
    &[id(), time("creation_time").ro().f().help("When this marker was made."), uri()];

/// For Teams Connectors only; it does not schedule Conferencing Nodes.
const SCHEDULED_SCALING: &[Field] = &[
    id(),
    text("policy_name", 250).unique().f(),
    text("policy_type", 50).or("TeamsConnectorScaling").of(&["TeamsConnectorScaling"]).f(),
    note("resource_identifier", 250).f(),
    flag("enabled", true).f(),
    int("instances_to_add", 1),
    int("minutes_in_advance", 20),
    text("local_timezone", 64).or("UTC"),
    text("start_date", 10).null(),
    text("time_from", 8).null(),
    text("time_to", 8).null(),
    flag("mon", false),
    flag("tue", false),
    flag("wed", false),
    flag("thu", false),
    flag("fri", false),
    flag("sat", false),
    flag("sun", false),
    uri(),
];

const SSH_AUTHORIZED_KEY: &[Field] = &[
    id(),
    text("keytype", 50).or("ssh-rsa").f(),
    text("key", 4096),
    note("comment", 250).f(),
    many("nodes", Configuration, "worker_vm").ro(),
    uri(),
];

const SNMP_NETWORK_MANAGEMENT_SYSTEM: &[Field] = &[
    id(),
    text("name", 250).unique().f(),
    note("description", 250).f(),
    text("address", 255).f(),
    int("port", 161).within(1, 65535).f(),
    text("snmp_trap_community", 16).or("public"),
    uri(),
];

/// `configuration/v1`, second part.
pub(super) const RESOURCES: &[Resource] = &[
    single("authentication", AUTHENTICATION),
    single("autobackup", AUTOBACKUP),
    single("global", GLOBAL_SETTINGS),
    Resource {
        list: &[Method::Get, Method::Post],
        detail: &[Method::Get, Method::Delete],
        label: "Licence",
        ..readable("licence", Key::Hidden, LICENCE)
    },
    Resource {
        detail: &[Method::Get, Method::Post],
        ..readable("licence_request", Key::Named("sequence_number"), LICENCE_REQUEST)
    },
    Resource { key: Key::Hidden, ..editable("oauth2_client", "OAuth2 client", OAUTH2_CLIENT) },
    readable("permission", Key::Id, PERMISSION),
    editable("role", "Role", ROLE),
    editable("scheduled_scaling", "Scheduled scaling policy", SCHEDULED_SCALING),
    editable("snmp_network_management_system", "SNMP NMS", SNMP_NETWORK_MANAGEMENT_SYSTEM),
    editable("ssh_authorized_key", "SSH authorized key", SSH_AUTHORIZED_KEY),
    Resource {
        list: &[Method::Post],
        detail: &[Method::Get],
        ..readable("system_syncpoint", Key::Id, SYSTEM_SYNCPOINT)
    },
];
