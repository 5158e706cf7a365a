//! What requests are built of.

use aws_sdk_dynamodb::types::AttributeValue;
use spillway_core::fault::{Fault, FaultKind, System};

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn incomplete(error: &aws_sdk_dynamodb::error::BuildError) -> Fault {
    Fault::new(System::Ledger, FaultKind::Rejected, error.to_string())
}
