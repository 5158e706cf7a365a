//! Status: what runs. Status objects refer to locations by name and to nodes by private IPv4 address.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use serde::Deserialize;

use crate::tolerant::{flag, fraction, moment, text, whole};

/// `status/v1/worker_vm/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkerVmStatus {
    #[serde(deserialize_with = "whole")]
    pub(crate) id: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) configuration_id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) sync_status: Option<String>,
    /// What older releases have in place of `sync_status`.
    #[serde(deserialize_with = "text")]
    pub(crate) deploy_status: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(crate) last_updated: Option<Timestamp>,
    /// What older releases have in place of `last_updated`.
    #[serde(deserialize_with = "moment")]
    pub(crate) last_reported: Option<Timestamp>,
    #[serde(deserialize_with = "flag")]
    pub(crate) maintenance_mode: Option<bool>,
    #[serde(deserialize_with = "fraction")]
    pub(crate) media_load: Option<f64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) max_hd_calls: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) max_media_tokens: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) media_tokens_used: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) upgrade_status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) version: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `status/v1/management_vm/`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ManagementVmStatus {
    #[serde(deserialize_with = "whole")]
    pub(crate) id: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) configuration_id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) primary: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub(crate) upgrade_status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) version: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `status/v1/conference_shard/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConferenceShard {
    #[serde(deserialize_with = "text")]
    pub(crate) node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) conference: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `status/v1/participant/`: which nodes work for it, and nothing about the person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Participant {
    #[serde(deserialize_with = "text")]
    pub(crate) media_node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) signalling_node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) proxy_node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `status/v1/backplane/`: media between two nodes of one conference.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Backplane {
    #[serde(deserialize_with = "text")]
    pub(crate) media_node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) proxy_node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) remote_media_node: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// A field that names a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedNode {
    /// By its IPv4 address, or by the same in IPv6's notation (`::ffff:10.0.0.5`).
    At(Ipv4Addr),
    /// By something that is no IPv4 address, such as a host name: it may be any node.
    Unplaced,
}

/// The node that a field names; `None` where it names none.
pub(crate) fn named_node(field: Option<&str>) -> Option<NamedNode> {
    let text = field?.trim();
    if text.is_empty() {
        return None;
    }
    let address = text.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|address| address.to_canonical());
    Some(match address {
        Some(IpAddr::V4(address)) => NamedNode::At(address),
        Some(IpAddr::V6(_)) | None => NamedNode::Unplaced,
    })
}

rows!(WorkerVmStatus, ManagementVmStatus, ConferenceShard, Participant, Backplane);
