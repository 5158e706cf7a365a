//! What can go wrong with an outside system, in words that are the same for all of them. The kind decides what
//! a cycle does; the detail is for people. A fault never holds a secret: adapters build the detail from
//! addresses, statuses and codes, not from requests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a failed read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// No connection: refused, reset, no route, name not found.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The TLS certificate was not accepted.
    Certificate,
    /// The credentials were not accepted (401).
    Unauthorized,
    /// The credentials were accepted and lack a right (403, `UnauthorizedOperation`).
    Forbidden,
    /// The thing is not there (404, no such parameter or table).
    NotFound,
    /// Too many requests (429, `RequestLimitExceeded`).
    Throttled,
    /// The server failed (5xx).
    Server,
    /// The answer made no sense: HTML, truncated, a missing field.
    Malformed,
    /// The request was refused as wrong (400).
    Rejected,
    /// A setting of ours is missing or wrong.
    Setting,
}

/// A failed read or write of an outside system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{system}: {detail}")]
pub struct Fault {
    /// Which system, as an operator calls it: `Management Node`, `EC2`, `DynamoDB`, `SSM`.
    pub system: System,
    /// What kind of failure.
    pub kind: FaultKind,
    /// What happened, for people, without secrets.
    pub detail: String,
    /// What to do about it, one sentence; empty where waiting is all there is to do.
    pub remedy: String,
}

/// The systems outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// The Pexip Management Node.
    ManagementNode,
    /// EC2.
    Ec2,
    /// DynamoDB: the ledger.
    Ledger,
    /// SSM Parameter Store: settings.
    Settings,
    /// EventBridge Scheduler: when pre-warm windows fire.
    Scheduler,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ManagementNode => "Management Node",
            Self::Ec2 => "EC2",
            Self::Ledger => "ledger (DynamoDB)",
            Self::Settings => "settings (SSM)",
            Self::Scheduler => "EventBridge Scheduler",
        })
    }
}

impl Fault {
    /// A fault without a remedy.
    pub fn new(system: System, kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { system, kind, detail: detail.into(), remedy: String::new() }
    }

    /// The same fault with a sentence that says what to do.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// Why EC2 refused to start or stop one instance. Each decides a different back-off and a different sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// EC2's own error code.
    pub code: String,
    /// EC2's own message, without account ids beyond what EC2 puts there.
    pub message: String,
}

/// EC2's error codes that matter, typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// `InsufficientInstanceCapacity`: none of the type left in the zone.
    InstanceCapacity,
    /// `InsufficientHostCapacity`: no room on the dedicated hosts.
    HostCapacity,
    /// `IncorrectInstanceState`: not in a state from which this is possible.
    WrongState,
    /// `InstanceLimitExceeded`, `VcpuLimitExceeded`: the account's quota.
    Quota,
    /// `RequestLimitExceeded`: throttled. The instance is not at fault and does not back off.
    Throttled,
    /// `UnauthorizedOperation`: the role may not do this. The instance does not back off.
    Unauthorized,
    /// `OperationNotPermitted`: stop protection, or the like.
    NotPermitted,
    /// `InvalidInstanceID.*`: there is no such instance.
    NoSuchInstance,
    /// Not asked: the request before it was throttled, or time ran out. The instance does not back off.
    NotAttempted,
    /// Anything else.
    Other,
}

impl RefusalKind {
    /// Whether nothing was refused but the moment: the same order may be accepted in the next minute.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::NotAttempted)
    }

    /// Whether the instance itself is the obstacle, so that it backs off and another is tried.
    pub fn is_the_instances(self) -> bool {
        !self.is_passing() && self != Self::Unauthorized
    }
}
