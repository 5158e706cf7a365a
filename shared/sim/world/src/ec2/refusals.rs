//! EC2's words for a refusal: codes as its reference has them, messages in their style.

use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::InstanceId;

/// EC2's words for a refusal.
pub(crate) fn refusal(kind: RefusalKind, id: &InstanceId) -> Refusal {
    let (code, message) = match kind {
        RefusalKind::InstanceCapacity => (
            "InsufficientInstanceCapacity",
            "We currently do not have sufficient capacity in the Availability Zone you requested".to_owned(),
        ),
        RefusalKind::HostCapacity => {
            ("InsufficientHostCapacity", "There is not enough capacity on the dedicated hosts".to_owned())
        }
        RefusalKind::WrongState => (
            "IncorrectInstanceState",
            format!("The instance '{id}' is not in a state from which this is possible"),
        ),
        RefusalKind::Quota => {
            ("VcpuLimitExceeded", "You have requested more vCPU capacity than your current limit".to_owned())
        }
        RefusalKind::Throttled => ("RequestLimitExceeded", "Request limit exceeded.".to_owned()),
        RefusalKind::Unauthorized => {
            ("UnauthorizedOperation", "You are not authorized to perform this operation.".to_owned())
        }
        RefusalKind::NotPermitted => (
            "OperationNotPermitted",
            format!("The instance '{id}' may not be stopped. Modify its 'disableApiStop' attribute"),
        ),
        RefusalKind::NoSuchInstance => {
            ("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
        }
        RefusalKind::NotAttempted => {
            ("NotAttempted", "not asked: a request before it was throttled".to_owned())
        }
        RefusalKind::Other => ("InternalError", "An internal error has occurred".to_owned()),
    };
    Refusal { kind, code: code.to_owned(), message }
}
