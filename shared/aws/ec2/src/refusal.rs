//! EC2's error codes, typed, and what each says about the other instances of the same request.

use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::InstanceId;

/// Everything EC2 or the transport said about a failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    /// EC2's code, or a word of ours where EC2 did not answer.
    pub(crate) code: String,
    /// The message, whole.
    pub(crate) message: String,
    /// HTTP status; 0 where EC2 did not answer.
    pub(crate) status: u16,
}

/// The codes of EC2's API reference (*Error codes for the Amazon EC2 API*) that `StartInstances` and `StopInstances` can give, and
/// what each means for an overflow node. What is not here goes by its family, see [`CallError::kind`].
const CODES: [(&str, RefusalKind); 27] = [
    ("InsufficientInstanceCapacity", RefusalKind::InstanceCapacity),
    ("InsufficientCapacity", RefusalKind::InstanceCapacity),
    ("InsufficientReservedInstanceCapacity", RefusalKind::InstanceCapacity),
    ("ReservationCapacityExceeded", RefusalKind::InstanceCapacity),
    ("SpotMaxPriceTooLow", RefusalKind::InstanceCapacity),
    ("UnfulfillableCapacity", RefusalKind::InstanceCapacity),
    ("Unsupported", RefusalKind::InstanceCapacity),
    ("InsufficientHostCapacity", RefusalKind::HostCapacity),
    ("InsufficientCapacityOnHost", RefusalKind::HostCapacity),
    ("IncorrectInstanceState", RefusalKind::WrongState),
    ("IncorrectSpotRequestState", RefusalKind::WrongState),
    ("IncorrectState", RefusalKind::WrongState),
    ("InstanceLimitExceeded", RefusalKind::Quota),
    ("VcpuLimitExceeded", RefusalKind::Quota),
    ("MaxSpotInstanceCountExceeded", RefusalKind::Quota),
    ("HostLimitExceeded", RefusalKind::Quota),
    ("RequestLimitExceeded", RefusalKind::Throttled),
    ("BandwidthLimitExceeded", RefusalKind::Throttled),
    ("RequestThrottled", RefusalKind::Throttled),
    ("TooManyRequestsException", RefusalKind::Throttled),
    ("EC2ThrottledException", RefusalKind::Throttled),
    ("SlowDown", RefusalKind::Throttled),
    ("UnauthorizedOperation", RefusalKind::Unauthorized),
    ("OperationNotPermitted", RefusalKind::NotPermitted),
    // A one-time Spot request, hibernation, a host that may not be left.
    ("UnsupportedOperation", RefusalKind::NotPermitted),
    ("UnsupportedHostConfiguration", RefusalKind::HostCapacity),
    ("UnsupportedTenancy", RefusalKind::NotPermitted),
];

/// Codes that say that the account or its credentials are not accepted, in this region at least: it would be the same for every
/// instance.
const ACCOUNT: [&str; 11] = [
    "AuthFailure",
    "Blocked",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "OptInRequired",
    "PendingVerification",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// No answer from EC2 itself: nothing is known about the instances.
const UNAVAILABLE: [&str; 3] = ["ServiceUnavailable", "Unavailable", "Bandwidth"];

/// A code as the reference lists it. State reasons, and some errors, say in front whose fault it is.
fn plain(code: &str) -> &str {
    let code = code.strip_prefix("Server.").or_else(|| code.strip_prefix("Client.")).unwrap_or(code);
    code.trim()
}

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One or more of the request's instances; the others may be asked for again.
    Instances,
    /// Every request in this region, for now: asking again only makes it worse.
    Region,
}

impl CallError {
    pub(crate) fn reach(&self) -> Reach {
        let code = plain(&self.code);
        let unanswered = self.status == 0 || UNAVAILABLE.contains(&code);
        let of_the_account = ACCOUNT.contains(&code);
        if unanswered || of_the_account || self.kind() == RefusalKind::Throttled {
            Reach::Region
        } else {
            Reach::Instances
        }
    }

    pub(crate) fn kind(&self) -> RefusalKind {
        let code = plain(&self.code);
        if let Some((_, kind)) = CODES.iter().find(|(known, _)| *known == code) {
            return *kind;
        }
        if ACCOUNT.contains(&code) {
            return RefusalKind::Unauthorized;
        }
        if UNAVAILABLE.contains(&code) || self.status == 0 {
            return RefusalKind::NotAttempted;
        }
        // Codes come in families, and new members of a family mean the same.
        let insufficient = code.starts_with("Insufficient") && code.contains("Capacity");
        match code {
            _ if insufficient && code.contains("Host") => RefusalKind::HostCapacity,
            _ if insufficient => RefusalKind::InstanceCapacity,
            _ if code.starts_with("InvalidHost") => RefusalKind::HostCapacity,
            _ if code.starts_with("Throttling") => RefusalKind::Throttled,
            _ if code.ends_with("LimitExceeded") || code.ends_with("CountExceeded") => RefusalKind::Quota,
            _ if code.starts_with("Incorrect") && code.ends_with("State") => RefusalKind::WrongState,
            _ if code.starts_with("InvalidInstanceID") => RefusalKind::NoSuchInstance,
            _ if code.starts_with("InvalidKmsKey") || code.starts_with("InvalidKMSKey") => {
                RefusalKind::NotPermitted
            }
            _ => RefusalKind::Other,
        }
    }

    pub(crate) fn refusal(&self) -> Refusal {
        Refusal { kind: self.kind(), code: self.code.clone(), message: spillway_aws::clip(&self.message) }
    }

    /// Whether the message names this instance. An encoded authorization message is left out: it is opaque.
    pub(crate) fn names(&self, id: &InstanceId) -> bool {
        let text = self.message.split("Encoded authorization failure message").next().unwrap_or_default();
        let id = id.as_str();
        !id.is_empty()
            && text.match_indices(id).any(|(start, _)| {
                let part_of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
                let before = text[..start].chars().next_back();
                let after = text[start + id.len()..].chars().next();
                !before.is_some_and(part_of_a_word) && !after.is_some_and(part_of_a_word)
            })
    }
}

/// An order that was not sent.
pub(crate) fn not_attempted(code: &str, message: impl Into<String>) -> Refusal {
    Refusal { kind: RefusalKind::NotAttempted, code: code.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str, status: u16) -> CallError {
        CallError { code: code.to_owned(), message: message.to_owned(), status }
    }

    #[test]
    fn every_code_that_matters_is_typed() {
        use {Reach::*, RefusalKind::*};
        for (code, status, kind, reach) in [
            ("InsufficientInstanceCapacity", 500, InstanceCapacity, Instances),
            ("InsufficientHostCapacity", 400, HostCapacity, Instances),
            ("IncorrectInstanceState", 400, WrongState, Instances),
            ("InstanceLimitExceeded", 400, Quota, Instances),
            ("VcpuLimitExceeded", 400, Quota, Instances),
            ("RequestLimitExceeded", 503, Throttled, Region),
            ("Throttling", 400, Throttled, Region),
            ("ThrottlingException", 400, Throttled, Region),
            ("UnauthorizedOperation", 403, Unauthorized, Instances),
            ("AuthFailure", 401, Unauthorized, Region),
            ("ExpiredToken", 400, Unauthorized, Region),
            ("OperationNotPermitted", 400, NotPermitted, Instances),
            ("InvalidInstanceID.NotFound", 400, NoSuchInstance, Instances),
            ("InvalidInstanceID.Malformed", 400, NoSuchInstance, Instances),
            ("ServiceUnavailable", 503, NotAttempted, Region),
            ("Timeout", 0, NotAttempted, Region),
            ("InternalError", 500, Other, Instances),
            ("SomethingNew", 400, Other, Instances),
            ("InsufficientCapacityOnHost", 400, HostCapacity, Instances),
            ("Server.InsufficientInstanceCapacity", 500, InstanceCapacity, Instances),
            ("MaxSpotInstanceCountExceeded", 400, Quota, Instances),
            ("Client.InvalidHostID.NotFound", 400, HostCapacity, Instances),
            ("InvalidHostId.Malformed", 400, HostCapacity, Instances),
            ("IncorrectSpotRequestState", 400, WrongState, Instances),
            ("UnsupportedOperation", 400, NotPermitted, Instances),
            ("Client.InvalidKMSKey.InvalidState", 400, NotPermitted, Instances),
            ("PendingVerification", 400, Unauthorized, Region),
            ("BandwidthLimitExceeded", 503, Throttled, Region),
            // New members of known families.
            ("InsufficientTrainiumCapacity", 500, InstanceCapacity, Instances),
            ("DedicatedHostLimitExceeded", 400, Quota, Instances),
            ("ThrottlingOfEverything", 400, Throttled, Region),
        ] {
            let error = error(code, "", status);
            assert_eq!((error.kind(), error.reach()), (kind, reach), "{code}");
        }
    }

    #[test]
    fn only_whole_ids_are_named() {
        let error = error("InvalidInstanceID.NotFound", "The instance IDs 'i-0aa, i-0bb' do not exist", 400);
        for (id, named) in
            [("i-0aa", true), ("i-0bb", true), ("i-0b", false), ("i-0a", false), ("0aa", false), ("", false)]
        {
            assert_eq!(error.names(&id.into()), named, "{id}");
        }
        let arn = "not authorized to perform: ec2:StartInstances on resource: arn:aws:ec2:eu-west-1:1:instance/i-0aa because";
        assert!(super::CallError { message: arn.to_owned(), ..error.clone() }.names(&"i-0aa".into()));
        let opaque = "You may not. Encoded authorization failure message: x i-0aa x";
        assert!(!super::CallError { message: opaque.to_owned(), ..error }.names(&"i-0aa".into()));
    }
}
