//! What can go wrong between us and the Management Node, and what to do about each. An error names the request
//! (method, address, path) and never holds a header, a body of ours or a query. What the other side said has been
//! through the redactor before it gets here.

use std::fmt;
use std::time::Duration;

use spillway_core::fault::{Fault, FaultKind, System};

/// A failed request, or a failed operation made of several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{request}: {problem}{}", also(elsewhere))]
pub struct ManagementError {
    /// Method, address and path.
    pub request: String,
    /// What went wrong.
    pub problem: Problem,
    /// What went wrong at the other addresses that were tried.
    pub elsewhere: Vec<String>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No connection, or it broke off before an answer.
    #[error("no connection ({0})")]
    Unreachable(String),
    /// No whole answer in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The certificate was not accepted.
    #[error("the certificate was not accepted ({0})")]
    Certificate(String),
    /// 401, or the token endpoint refused the assertion.
    #[error("the credentials were not accepted{}", answered(*status, said))]
    Unauthorized {
        /// Which credentials.
        credentials: Credentials,
        /// HTTP status.
        status: u16,
        /// What the answer said.
        said: String,
    },
    /// 403.
    #[error("the account may not do this{}", answered(403, .0))]
    Forbidden(String),
    /// 404.
    #[error("not found{}", answered(404, .0))]
    NotFound(String),
    /// 429.
    #[error("too many requests{}", throttled(*retry_after, said))]
    Throttled {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What the answer said.
        said: String,
    },
    /// 5xx.
    #[error("the Management Node failed{}", answered(*status, said))]
    Server {
        /// HTTP status.
        status: u16,
        /// What the answer said.
        said: String,
    },
    /// 400 and the other 4xx, or a command that did not succeed.
    #[error("refused{}", answered(*status, said))]
    Rejected {
        /// HTTP status.
        status: u16,
        /// What the answer said.
        said: String,
    },
    /// A redirect. It is not followed: the credentials are for the address that was configured.
    #[error("the address answers with a redirect ({status}) to {to}")]
    Redirected {
        /// HTTP status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// A successful answer that makes no sense.
    #[error("the answer makes no sense: {0}")]
    Malformed(String),
    /// This Management Node is not the primary one, and the primary one cannot be reached.
    #[error("this Management Node is not the primary one{}", primary_is(.0.as_deref()))]
    NotPrimary(Option<String>),
}

/// Which credentials were refused: each is set right in another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password.
    Basic,
    /// An access token that had just been issued.
    Token,
    /// The signed assertion, at the token endpoint.
    Assertion,
}

fn answered(status: u16, said: &str) -> String {
    if said.is_empty() { format!(" ({status})") } else { format!(" ({status}: {said})") }
}

fn throttled(retry_after: Option<Duration>, said: &str) -> String {
    let asked = retry_after.map_or(String::new(), |wait| format!(", asks to wait {} s", wait.as_secs()));
    answered(429, said) + &asked
}

fn primary_is(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!(" ({name} is)"))
}

fn also(elsewhere: &[String]) -> String {
    elsewhere.iter().fold(String::new(), |all, one| all + "; also " + one)
}

impl ManagementError {
    pub(crate) fn new(request: impl fmt::Display, problem: Problem) -> Self {
        Self { request: request.to_string(), problem, elsewhere: Vec::new() }
    }

    /// Whether another address may do better. Refusals are the same everywhere.
    pub(crate) fn is_the_addresses(&self) -> bool {
        matches!(
            self.problem,
            Problem::Unreachable(_)
                | Problem::Timeout(_)
                | Problem::Certificate(_)
                | Problem::Server { .. }
                | Problem::Malformed(_)
                | Problem::NotPrimary(_)
        )
    }

    /// What kind of fault this is.
    pub fn kind(&self) -> FaultKind {
        match &self.problem {
            Problem::Unreachable(_) | Problem::NotPrimary(_) => FaultKind::Unreachable,
            Problem::Timeout(_) => FaultKind::Timeout,
            Problem::Certificate(_) => FaultKind::Certificate,
            Problem::Unauthorized { .. } => FaultKind::Unauthorized,
            Problem::Forbidden(_) => FaultKind::Forbidden,
            Problem::NotFound(_) => FaultKind::NotFound,
            Problem::Throttled { .. } => FaultKind::Throttled,
            Problem::Server { .. } => FaultKind::Server,
            Problem::Rejected { .. } => FaultKind::Rejected,
            Problem::Redirected { .. } => FaultKind::Setting,
            Problem::Malformed(_) => FaultKind::Malformed,
        }
    }

    /// What to do, one sentence; empty where waiting is all there is to do.
    pub fn remedy(&self) -> &'static str {
        match &self.problem {
            Problem::Unreachable(_) => {
                "check `addresses` in the parameter `management`, and that this network may reach the Management Node on that port"
            }
            Problem::NotPrimary(_) => {
                "add the address of the primary Management Node to `addresses` in the parameter `management`"
            }
            Problem::Timeout(_) => {
                "check that this network may reach the Management Node (security group, route, firewall), and its load"
            }
            Problem::Certificate(_) => {
                "put the issuing CA into the parameter `ca`, or the certificate's SHA-256, read on the Management Node itself, into `pin_sha256` of the parameter `management`"
            }
            Problem::Unauthorized { credentials: Credentials::Basic, .. } => {
                "check `username` and `password` in the parameter `credentials`, that the account may use the API, and that basic authentication is not switched off for the API"
            }
            Problem::Unauthorized { credentials: Credentials::Token, .. } => {
                "check that the OAuth2 client still exists on the Management Node and that its role may use the API as an administrator"
            }
            Problem::Unauthorized { credentials: Credentials::Assertion, .. } => {
                "check `client_id` and `private_key` in the parameter `credentials`, and that `token_audience` in `management` is the token URL under the name the Management Node knows itself by"
            }
            Problem::Forbidden(_) => {
                "give the account's role the right to view and change Conferencing Nodes and to run platform commands"
            }
            Problem::NotFound(_) => {
                "check that `addresses` in the parameter `management` names a Management Node, and that its release has this resource"
            }
            Problem::Redirected { .. } => {
                "write the address that answers itself, with https://, into `addresses` of the parameter `management`"
            }
            Problem::Malformed(_) => {
                "check that `addresses` in the parameter `management` names the Management Node itself and not a proxy or a login page"
            }
            Problem::Rejected { .. } | Problem::Throttled { .. } | Problem::Server { .. } => "",
        }
    }
}

impl From<ManagementError> for Fault {
    fn from(error: ManagementError) -> Self {
        Fault::new(System::ManagementNode, error.kind(), error.to_string()).with_remedy(error.remedy())
    }
}
