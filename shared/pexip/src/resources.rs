//! The lists that are read, each with the field it is sorted by. Sorted by name where there is one, by age for what
//! lives: new rows then come at the end, where a reader that goes through pages still meets them.

use std::net::Ipv4Addr;

use crate::paging::ListOf;
use crate::path::{ApiPath, Family};

fn list(family: Family, resource: &str, order: Option<&'static str>) -> ListOf {
    ListOf { path: ApiPath::list(family, resource), order, filters: Vec::new() }
}

pub(crate) fn worker_vm_configuration() -> ListOf {
    list(Family::Configuration, "worker_vm", Some("name"))
}

/// The nodes with a private address: one, if the platform is sound. The filter is an economy: the rows are filtered again
/// by whoever reads them.
pub(crate) fn worker_vm_configuration_at(address: Ipv4Addr) -> ListOf {
    ListOf { filters: vec![("address", address.to_string())], ..worker_vm_configuration() }
}

pub(crate) fn tls_certificate() -> ListOf {
    list(Family::Configuration, "tls_certificate", None)
}

pub(crate) fn system_location() -> ListOf {
    list(Family::Configuration, "system_location", Some("name"))
}

pub(crate) fn management_vm_configuration() -> ListOf {
    list(Family::Configuration, "management_vm", None)
}

pub(crate) fn worker_vm_status() -> ListOf {
    list(Family::Status, "worker_vm", Some("name"))
}

pub(crate) fn management_vm_status() -> ListOf {
    list(Family::Status, "management_vm", None)
}

/// All shards: one whose node is not named by its IPv4 address would be hidden by a filter.
pub(crate) fn conference_shard() -> ListOf {
    list(Family::Status, "conference_shard", Some("start_time"))
}

/// All participants: a node can be one's media, signalling or proxy node, and filters cannot be joined with *or*.
pub(crate) fn participant() -> ListOf {
    list(Family::Status, "participant", Some("connect_time"))
}

/// All backplanes: a node can be at either end. What can be filtered or sorted by is not documented.
pub(crate) fn backplane() -> ListOf {
    list(Family::Status, "backplane", None)
}

pub(crate) fn cloud_node() -> ListOf {
    list(Family::Status, "cloud_node", None)
}

pub(crate) fn cloud_monitored_location() -> ListOf {
    list(Family::Status, "cloud_monitored_location", None)
}

pub(crate) fn cloud_overflow_location() -> ListOf {
    list(Family::Status, "cloud_overflow_location", None)
}

pub(crate) fn licensing() -> ListOf {
    list(Family::Status, "licensing", None)
}

pub(crate) fn workervm_status_event() -> ListOf {
    list(Family::History, "workervm_status_event", Some("time_changed"))
}
