//! Node records, written only under the lease: each transaction checks the lease and the version of every item it
//! replaces, so that a cycle that lost the lease while it was thinking changes nothing.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::InstanceId;
use spillway_core::ledger::NodeRecord;
use spillway_engine::ports::{Lease, LeaseError};

use crate::fault::table_fault;
use crate::item::{encode, key_attributes};
use crate::keys::Key;
use crate::ledger::DynamoLedger;
use crate::state::text;
use crate::values::{incomplete, number};

/// DynamoDB takes a hundred writes in one transaction; one of them is the check of the lease.
const RECORDS_PER_WRITE: usize = 99;

const ACTION: &str = "dynamodb:PutItem and dynamodb:ConditionCheckItem";

impl DynamoLedger {
    /// All or nothing for up to 99 records. Beyond that, what an earlier transaction wrote stays: the next cycle
    /// reads it as it is.
    pub(crate) async fn put_node_records(
        &self,
        lease: &Lease,
        records: &[(InstanceId, NodeRecord)],
    ) -> Result<(), LeaseError> {
        for chunk in records.chunks(RECORDS_PER_WRITE) {
            let mut writes = vec![self.lease_check(lease)?];
            for (id, record) in chunk {
                writes.push(self.record_put(id, record)?);
            }
            self.transact(writes).await?;
        }
        Ok(())
    }

    /// All or nothing.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), LeaseError> {
        let result = self.client().transact_write_items().set_transact_items(Some(writes)).send().await;
        result.map(drop).map_err(|error| match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                self.cancelled(cancelled.cancellation_reasons())
            }
            _ => LeaseError::Fault(table_fault(self.table(), ACTION, &error)),
        })
    }

    fn lease_check(&self, lease: &Lease) -> Result<TransactWriteItem, Fault> {
        let check = ConditionCheck::builder()
            .table_name(self.table())
            .set_key(Some(key_attributes(Key::cycle())))
            .condition_expression("#token = :token AND #owner = :owner")
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":token", number(lease.token))
            .expression_attribute_values(":owner", text(&lease.owner))
            .build()
            .map_err(|error| incomplete(&error))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn record_put(&self, id: &InstanceId, record: &NodeRecord) -> Result<TransactWriteItem, Fault> {
        let next = NodeRecord { version: record.version.saturating_add(1), ..record.clone() };
        let put = Put::builder()
            .table_name(self.table())
            .set_item(Some(encode(Key::node(id), &next, None)?))
            .expression_attribute_names("#version", "version");
        let put = if record.version == 0 {
            put.condition_expression("attribute_not_exists(#version)")
        } else {
            put.condition_expression("#version = :version")
                .expression_attribute_values(":version", number(record.version))
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(|error| incomplete(&error))?).build())
    }

    /// A transaction is cancelled because a condition failed or because another one was at the same items: both
    /// mean that somebody else is at work. Throttling is nobody's fault.
    fn cancelled(&self, reasons: &[aws_sdk_dynamodb::types::CancellationReason]) -> LeaseError {
        let codes = || reasons.iter().filter_map(|reason| reason.code());
        if codes().any(|code| code == "ConditionalCheckFailed" || code == "TransactionConflict") {
            return LeaseError::Lost;
        }
        let throttled = codes().any(|code| code.starts_with("Throttling") || code.starts_with("Provisioned"));
        let kind = if throttled { FaultKind::Throttled } else { FaultKind::Rejected };
        let why: Vec<_> = reasons
            .iter()
            .filter(|reason| reason.code().is_some_and(|code| code != "None"))
            .map(|reason| {
                format!("{}: {}", reason.code().unwrap_or_default(), reason.message().unwrap_or_default())
            })
            .collect();
        LeaseError::Fault(Fault::new(
            System::Ledger,
            kind,
            format!("the write to table {} was cancelled: {}", self.table(), why.join("; ")),
        ))
    }
}
