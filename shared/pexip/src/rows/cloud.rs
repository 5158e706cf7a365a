//! What Pexip's own bursting shows, the licences, and the history of nodes.

use jiff::Timestamp;
use serde::Deserialize;

use crate::tolerant::{fraction, moment, text, whole};

/// `status/v1/cloud_node/`. The `aws_*` fields are the old names of the `cloud_*` ones; older releases have only those.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CloudNodeRow {
    #[serde(deserialize_with = "text")]
    pub(crate) cloud_instance_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) cloud_instance_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) cloud_instance_ip: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) cloud_instance_state: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(crate) cloud_instance_launch_time: Option<Timestamp>,
    #[serde(deserialize_with = "text")]
    pub(crate) aws_instance_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) aws_instance_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) aws_instance_ip: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) aws_instance_state: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(crate) aws_instance_launch_time: Option<Timestamp>,
    #[serde(deserialize_with = "whole")]
    pub(crate) max_hd_calls: Option<u64>,
    #[serde(deserialize_with = "fraction")]
    pub(crate) media_load: Option<f64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) workervm_configuration_id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) workervm_configuration_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) workervm_configuration_location_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `status/v1/cloud_monitored_location/` and `status/v1/cloud_overflow_location/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CloudLocation {
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "whole")]
    pub(crate) systemlocation_id: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) free_hd_calls: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) max_hd_calls: Option<u64>,
    #[serde(deserialize_with = "fraction")]
    pub(crate) media_load: Option<f64>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `status/v1/licensing/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LicensingRow {
    #[serde(deserialize_with = "whole")]
    pub(crate) port_count: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) port_total: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) audio_count: Option<u64>,
    #[serde(deserialize_with = "whole")]
    pub(crate) audio_total: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

/// `history/v1/workervm_status_event/`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusEvent {
    #[serde(deserialize_with = "moment")]
    pub(crate) time_changed: Option<Timestamp>,
    #[serde(deserialize_with = "text")]
    pub(crate) event_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) state: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) context: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) details: Option<String>,
    #[serde(deserialize_with = "whole")]
    pub(crate) workervm_configuration_id: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) workervm_configuration_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) resource_uri: Option<String>,
}

rows!(CloudNodeRow, CloudLocation, LicensingRow, StatusEvent);
