//! Rows as the API gives them, with the fields that Spillway uses and no others: what is not decoded cannot be
//! logged or stored (participants are people, `global` holds the platform's cloud credentials). Every field is
//! optional, since the nullability of most is not documented and older releases lack some.

/// Rows that say which they are by `resource_uri`.
macro_rules! rows {
    ($($row:ty),+) => {$(
        impl crate::paging::Row for $row {
            fn uri(&self) -> Option<&str> {
                self.resource_uri.as_deref()
            }
        }
    )+};
}

mod cloud;
mod configuration;
mod status;

pub(crate) use cloud::{CloudLocation, CloudNodeRow, LicensingRow, StatusEvent};
pub(crate) use configuration::{
    GlobalSettings, ManagementVmConfiguration, SystemLocation, WorkerVmConfiguration,
};
pub(crate) use status::{Backplane, ConferenceShard, ManagementVmStatus, Participant, WorkerVmStatus, names};
