//! Configuration: what the platform was told to be. Objects refer to each other by URI.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::Deserialize;

use crate::tolerant::{address, flag, moment, reference, text, whole};

/// `configuration/v1/worker_vm/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WorkerVmConfiguration {
    #[serde(deserialize_with = "whole")]
    pub(crate) id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "address")]
    pub(crate) address: Option<Ipv4Addr>,
    #[serde(deserialize_with = "reference")]
    pub(crate) system_location: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) node_type: Option<String>,
    /// The old form of `node_type`.
    #[serde(deserialize_with = "flag")]
    pub(crate) transcoding: Option<bool>,
    #[serde(deserialize_with = "address")]
    pub(crate) static_nat_address: Option<Ipv4Addr>,
    #[serde(deserialize_with = "flag")]
    pub(crate) maintenance_mode: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub(crate) maintenance_mode_reason: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) enable_distributed_database: Option<bool>,
    #[serde(deserialize_with = "reference")]
    pub(crate) tls_certificate: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `configuration/v1/system_location/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SystemLocation {
    #[serde(deserialize_with = "whole")]
    pub(crate) id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "reference")]
    pub(crate) overflow_location1: Option<u64>,
    #[serde(deserialize_with = "reference")]
    pub(crate) overflow_location2: Option<u64>,
    #[serde(deserialize_with = "reference")]
    pub(crate) transcoding_location: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `configuration/v1/global/1/`: three fields of about a hundred. The object also holds the cloud provider's
/// credentials; they are passed over here and reach nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the API's own names")]
pub(crate) struct GlobalSettings {
    #[serde(deserialize_with = "flag")]
    pub(crate) bursting_enabled: Option<bool>,
    #[serde(deserialize_with = "whole")]
    pub(crate) bursting_threshold: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) bursting_min_lifetime: Option<u64>,
}

/// `configuration/v1/management_vm/`: the names by which a Management Node can be reached.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ManagementVmConfiguration {
    #[serde(deserialize_with = "whole")]
    pub(crate) id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) address: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) ipv6_address: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) static_nat_address: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) hostname: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) domain: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) alternative_fqdn: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `configuration/v1/tls_certificate/`: three of its fields. The private key in the same object is passed over here and
/// reaches nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TlsCertificate {
    #[serde(deserialize_with = "whole")]
    pub(crate) id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) subject_name: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(crate) end_date: Option<Timestamp>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

rows!(WorkerVmConfiguration, SystemLocation, ManagementVmConfiguration, TlsCertificate);
