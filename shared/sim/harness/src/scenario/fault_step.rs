//! Steps about what goes wrong with one cycle or one order: calls that fail, evaluators that meet, replies that take long, clocks
//! that differ, what EC2 refuses and in which words.

use jiff::SignedDuration;
use spillway_core::fault::{Refusal, RefusalKind};

use super::words::{ScriptError, Words};
use crate::intercept::Strike;

/// What a script lets go wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FaultStep {
    /// Each request to the Management Node takes this long from now on.
    Slow(SignedDuration),
    /// The Management Node's list of conference shards is empty, whatever runs.
    HidesShards(bool),
    /// Our wall clock is ahead of EC2's.
    OurClock(SignedDuration),
    /// The Management Node's clock is ahead of EC2's.
    ManagementClock(SignedDuration),
    /// Changes of the configuration do not reach a node, or do again.
    CutOff { node: String, cut_off: bool },
    /// A call of the next cycle fails.
    CallFails { nth: u64, strike: Strike },
    /// After so many turns of the next cycle another evaluator runs one.
    Rival(u64),
    /// The next starts of a node are refused.
    RefusesStarts { node: String, code: &'static str, kind: RefusalKind, times: u32 },
    /// The next stops of a node are refused.
    RefusesStops { node: String, code: &'static str, kind: RefusalKind, times: u32 },
}

/// The codes that AWS documents for `StartInstances` and `StopInstances` (*Error codes for the Amazon EC2 API*), and what the
/// adapter makes of each.
const CODES: [(&str, RefusalKind); 46] = [
    ("InsufficientInstanceCapacity", RefusalKind::InstanceCapacity),
    ("InsufficientCapacity", RefusalKind::InstanceCapacity),
    ("InsufficientReservedInstanceCapacity", RefusalKind::InstanceCapacity),
    ("ReservationCapacityExceeded", RefusalKind::InstanceCapacity),
    ("SpotMaxPriceTooLow", RefusalKind::InstanceCapacity),
    ("UnfulfillableCapacity", RefusalKind::InstanceCapacity),
    ("Unsupported", RefusalKind::InstanceCapacity),
    ("InsufficientHostCapacity", RefusalKind::HostCapacity),
    ("InsufficientCapacityOnHost", RefusalKind::HostCapacity),
    ("UnsupportedHostConfiguration", RefusalKind::HostCapacity),
    ("InvalidHostID.NotFound", RefusalKind::HostCapacity),
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
    ("Throttling", RefusalKind::Throttled),
    ("UnauthorizedOperation", RefusalKind::Unauthorized),
    ("AuthFailure", RefusalKind::Unauthorized),
    ("Blocked", RefusalKind::Unauthorized),
    ("ExpiredToken", RefusalKind::Unauthorized),
    ("IncompleteSignature", RefusalKind::Unauthorized),
    ("InvalidClientTokenId", RefusalKind::Unauthorized),
    ("MissingAuthenticationToken", RefusalKind::Unauthorized),
    ("OptInRequired", RefusalKind::Unauthorized),
    ("PendingVerification", RefusalKind::Unauthorized),
    ("RequestExpired", RefusalKind::Unauthorized),
    ("SignatureDoesNotMatch", RefusalKind::Unauthorized),
    ("UnrecognizedClientException", RefusalKind::Unauthorized),
    ("OperationNotPermitted", RefusalKind::NotPermitted),
    ("UnsupportedOperation", RefusalKind::NotPermitted),
    ("UnsupportedTenancy", RefusalKind::NotPermitted),
    ("InvalidKMSKey.InvalidState", RefusalKind::NotPermitted),
    ("InvalidInstanceID.NotFound", RefusalKind::NoSuchInstance),
    ("ServiceUnavailable", RefusalKind::NotAttempted),
    ("Unavailable", RefusalKind::NotAttempted),
    ("InternalError", RefusalKind::Other),
    ("InvalidParameterCombination", RefusalKind::Other),
];

/// Codes that are about the account, its credentials or how much it asks: it is the same for every instance.
const FOR_ALL: [&str; 11] = [
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

/// Whether EC2 says this to every order, whichever instance it is for.
pub(super) fn is_for_all(code: &str, kind: RefusalKind) -> bool {
    kind.is_passing() || FOR_ALL.contains(&code)
}

/// The codes that a script may name after `ec2 refuses` and `ec2 refuses-stops`.
pub fn refusal_codes() -> impl Iterator<Item = &'static str> {
    CODES.into_iter().map(|(code, _)| code)
}

impl FaultStep {
    /// After `ec2 refuses` or `ec2 refuses-stops`.
    pub(super) fn parse_refusal(stops: bool, words: &mut Words) -> Result<Self, ScriptError> {
        let node = words.word("the node")?;
        let pairs = CODES.map(|(code, kind)| (code, (code, kind)));
        let (code, kind) = words.one_of("EC2's error code", &pairs)?;
        let times = words.option_number("times")?.unwrap_or(1);
        Ok(if stops {
            Self::RefusesStops { node, code, kind, times }
        } else {
            Self::RefusesStarts { node, code, kind, times }
        })
    }

    /// After `clock`.
    pub(super) fn parse_clock(words: &mut Words) -> Result<Self, ScriptError> {
        let ours = words.one_of("whose clock", &[("ours", true), ("management", false)])?;
        let ahead = words.duration("by how much it is ahead of EC2's")?;
        Ok(if ours { Self::OurClock(ahead) } else { Self::ManagementClock(ahead) })
    }

    /// After `evaluator fails-at`.
    pub(super) fn parse_call(words: &mut Words) -> Result<Self, ScriptError> {
        let nth = words.number("which call")?;
        let strike =
            words.one_of("before or after", &[("before", Strike::Before), ("after", Strike::After)])?;
        Ok(Self::CallFails { nth, strike })
    }

    /// The node it is about.
    pub(super) fn node(&self) -> Option<&str> {
        match self {
            Self::CutOff { node, .. }
            | Self::RefusesStarts { node, .. }
            | Self::RefusesStops { node, .. } => Some(node),
            _ => None,
        }
    }
}

/// A refusal in EC2's words.
pub(super) fn refusal(code: &str, kind: RefusalKind) -> Refusal {
    Refusal { kind, code: code.to_owned(), message: "the scenario lets it fail".to_owned() }
}
