//! Paths of the Management API. A path is a resource and ends with a slash, by construction: without it the
//! Management Node answers a redirect or a 404, and a redirected POST loses its body.

use std::fmt;

/// The families of resources that Spillway reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Configuration,
    Status,
    History,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Status => "status",
            Self::History => "history",
        }
    }
}

/// The path of one configuration object that may be deleted. A list has no such path: a DELETE of a list deletes the
/// whole collection, so a request to delete is made from this and from nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectPath(ApiPath);

impl ObjectPath {
    /// One Conferencing Node.
    pub(crate) fn worker_vm(id: u64) -> Self {
        Self(ApiPath::detail(Family::Configuration, "worker_vm", id))
    }

    pub(crate) fn as_path(&self) -> &ApiPath {
        &self.0
    }
}

/// One path on a Management Node, always with its trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiPath(String);

impl ApiPath {
    /// A list of objects.
    pub(crate) fn list(family: Family, resource: &str) -> Self {
        Self(format!("/api/admin/{}/v1/{resource}/", family.name()))
    }

    /// One object.
    pub(crate) fn detail(family: Family, resource: &str, id: u64) -> Self {
        Self(format!("/api/admin/{}/v1/{resource}/{id}/", family.name()))
    }

    /// A command.
    pub(crate) fn command(group: &str, action: &str) -> Self {
        Self(format!("/api/admin/command/v1/{group}/{action}/"))
    }

    /// The OAuth2 token endpoint, which stands outside `/api/admin`.
    pub(crate) fn token() -> Self {
        Self("/oauth/token/".to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_ends_with_a_slash() {
        for (path, expected) in [
            (ApiPath::list(Family::Status, "worker_vm"), "/api/admin/status/v1/worker_vm/"),
            (ApiPath::detail(Family::Configuration, "global", 1), "/api/admin/configuration/v1/global/1/"),
            (
                ApiPath::command("platform", "start_cloudnode"),
                "/api/admin/command/v1/platform/start_cloudnode/",
            ),
            (ApiPath::token(), "/oauth/token/"),
        ] {
            assert_eq!(path.as_str(), expected);
        }
    }

    #[test]
    fn what_can_be_deleted_is_one_node_by_its_number() {
        for id in [0, 7, u64::MAX] {
            let path = ObjectPath::worker_vm(id);
            assert_eq!(path.as_path().as_str(), format!("/api/admin/configuration/v1/worker_vm/{id}/"));
        }
    }
}
