//! The tables of `command/v1`: groups, actions, and which fields of a body an action cannot do without. There is no
//! command that stops a cloud node.

use super::field::{Field, flag, list, note, number, text};
use super::{Group, Key, Method, NONE, Resource};

const fn action(name: &'static str, fields: &'static [Field]) -> Resource {
    Resource {
        name,
        list: &[Method::Post],
        detail: NONE,
        fields,
        key: Key::Hidden,
        singleton: false,
        subs: &[],
        label: name,
    }
}

const CONFERENCE: &[Field] = &[text("conference_id", 0).help("The conference, a status identifier.")];
const PARTICIPANT: &[Field] = &[text("participant_id", 0).help("The participant, a status identifier.")];
const LAYOUT: &[Field] = &[
    text("conference_id", 0),
    note("layout", 0),
    note("host_layout", 0),
    note("guest_layout", 0),
    flag("enable_overlay_text", false),
];
const EMAIL: &[Field] = &[note("conference_sync_template_id", 0), note("conference_id", 0)];
const DIAL: &[Field] = &[
    text("conference_alias", 0).help("An alias of the conference to dial from."),
    text("destination", 0).help("Who to dial."),
    note("node", 0).help("The node to dial from."),
    note("system_location", 0).help("The system location to dial from."),
    text("protocol", 0).or("sip"),
    text("role", 0).or("guest"),
    text("call_type", 0).or("video"),
    text("routing", 0).or("manual"),
    text("streaming", 0).or("no"),
    text("keep_conference_alive", 0).or("keep_conference_alive_if_multiple"),
    note("dtmf_sequence", 0),
    note("remote_display_name", 0),
    note("source_display_name", 0),
    note("local_display_name", 0),
    note("presentation_url", 0),
    list("custom_sip_headers"),
];
const ROLE: &[Field] = &[text("participant_id", 0), text("role", 0)];
const TRANSFER: &[Field] =
    &[text("participant_id", 0), text("conference_alias", 0), text("role", 0).or("guest")];
const START: &[Field] = &[text("instance_id", 0).help("The cloud provider's instance identifier.")];
const SNAPSHOT: &[Field] =
    &[number("limit").null().help("Hours of logs."), flag("include_diagnostic_metrics", false)];
const PASSPHRASE: &[Field] = &[note("passphrase", 0)];
const PACKAGE: &[Field] = &[note("package", 0)];

/// `command/v1`.
pub(super) const GROUPS: &[Group] = &[
    Group {
        name: "conference",
        actions: &[
            action("disconnect", CONFERENCE),
            action("lock", CONFERENCE),
            action("mute_guests", CONFERENCE),
            action("send_conference_email", EMAIL),
            action("send_device_email", EMAIL),
            action("sync", EMAIL),
            action("transform_layout", LAYOUT),
            action("unlock", CONFERENCE),
            action("unmute_guests", CONFERENCE),
        ],
    },
    Group {
        name: "participant",
        actions: &[
            action("dial", DIAL),
            action("disconnect", PARTICIPANT),
            action("mute", PARTICIPANT),
            action("role", ROLE),
            action("transfer", TRANSFER),
            action("unlock", PARTICIPANT),
            action("unmute", PARTICIPANT),
        ],
    },
    Group {
        name: "platform",
        actions: &[
            action("backup_create", PASSPHRASE),
            action("backup_restore", PACKAGE),
            action("certificates_import", PACKAGE),
            action("snapshot", SNAPSHOT),
            action("software_bundle", PACKAGE),
            action("start_cloudnode", START),
            action("upgrade", PACKAGE),
        ],
    },
];
