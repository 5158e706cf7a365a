//! What a failed call on the table is called, and what to do about it.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use spillway_aws::{Call, fault_of};
use spillway_core::fault::{Fault, FaultKind, System};

use crate::item::ItemError;

/// The fault for a failed call on a table.
pub(crate) fn table_fault<E>(table: &str, action: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let resource = format!("table {table}");
    let fault = fault_of(Call { system: System::Ledger, action, resource: &resource }, error);
    match fault.kind {
        FaultKind::NotFound => Fault::new(
            System::Ledger,
            FaultKind::NotFound,
            format!("table {table} does not exist in this region and account"),
        )
        .with_remedy("deploy the stack or set SPILLWAY_TABLE"),
        FaultKind::Throttled if fault.remedy.is_empty() => {
            fault.with_remedy("the next cycle tries again; the table should be on demand (PAY_PER_REQUEST)")
        }
        _ => fault,
    }
}

impl From<ItemError> for Fault {
    fn from(error: ItemError) -> Self {
        let detail = error.to_string();
        match error {
            ItemError::Newer { .. } => Self::new(System::Ledger, FaultKind::Malformed, detail).with_remedy(
                "deploy the newer version of everything that uses this table, the command line too",
            ),
            ItemError::Unreadable { .. } => Self::new(System::Ledger, FaultKind::Malformed, detail)
                .with_remedy(
                    "correct the attribute in the table, or delete the item: what it held is then unknown",
                ),
            ItemError::Unstorable(_) => Self::new(System::Ledger, FaultKind::Rejected, detail),
        }
    }
}
