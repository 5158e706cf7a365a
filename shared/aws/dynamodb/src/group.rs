//! Conditional writes without the lease, many in a transaction. Writes that belong together are a group: it is written
//! whole or not at all, and one whose condition does not hold (an event that is there already, a record that somebody else
//! changed) is dropped, and keeps none of the others from being written.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use spillway_core::fault::{Fault, FaultKind, System};

use crate::fault::table_fault;
use crate::keys::Key;
use crate::ledger::DynamoLedger;

/// DynamoDB's limit for one transaction.
const WRITES_AT_ONCE: usize = 100;
/// Each round drops the groups whose condition does not hold; somebody else writing the same items at the same moment
/// costs a round. Four rounds take under half a second.
const ROUNDS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

const ACTION: &str = "dynamodb:PutItem";

/// One conditional write.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) item: TransactWriteItem,
}

/// Writes that stand or fall together.
#[derive(Debug, Clone)]
pub(crate) struct Group(Vec<Write>);

impl Group {
    pub(crate) fn one(write: Write) -> Self {
        Self(vec![write])
    }

    pub(crate) fn all_or_nothing(writes: Vec<Write>) -> Self {
        Self(writes)
    }
}

impl DynamoLedger {
    /// A key may be in one of the groups only.
    pub(crate) async fn write_groups(&self, groups: Vec<Group>) -> Result<(), Fault> {
        let (mut chunk, mut writes) = (Vec::new(), 0);
        for group in groups {
            if writes + group.0.len() > WRITES_AT_ONCE {
                self.write_chunk(std::mem::take(&mut chunk)).await?;
                writes = 0;
            }
            writes += group.0.len();
            chunk.push(group);
        }
        self.write_chunk(chunk).await
    }

    async fn write_chunk(&self, mut groups: Vec<Group>) -> Result<(), Fault> {
        let mut pause = FIRST_PAUSE;
        for round in 1..=ROUNDS {
            if groups.is_empty() {
                return Ok(());
            }
            groups = self.write_round(groups).await?;
            if round < ROUNDS && !groups.is_empty() {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            System::Ledger,
            FaultKind::Throttled,
            format!(
                "{} items could not be written to table {}: others write to it",
                groups.len(),
                self.table()
            ),
        ))
    }

    /// Writes the groups if every condition holds; else says which are still to be written.
    async fn write_round(&self, groups: Vec<Group>) -> Result<Vec<Group>, Fault> {
        let writes = groups.iter().flat_map(|group| &group.0).map(|write| write.item.clone()).collect();
        let result = self.client().transact_write_items().set_transact_items(Some(writes)).send().await;
        let Err(error) = result else { return Ok(Vec::new()) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(table_fault(self.table(), ACTION, &error));
        };
        let reasons = cancelled.cancellation_reasons();
        if let Some(reason) = reasons.iter().find(|reason| is_final(reason.code().unwrap_or_default())) {
            let code = reason.code().unwrap_or_default();
            let message = reason.message().unwrap_or_default();
            let detail = format!("an item was refused by table {}: {code}: {message}", self.table());
            return Err(Fault::new(System::Ledger, FaultKind::Rejected, detail));
        }
        let mut codes = reasons.iter().map(|reason| reason.code().unwrap_or_default());
        let mut left = Vec::new();
        for group in groups {
            let failed = codes.by_ref().take(group.0.len()).filter(|code| *code == "ConditionalCheckFailed");
            if failed.count() == 0 {
                left.push(group);
            }
        }
        Ok(left)
    }
}

/// Whether sending the same write again cannot help.
fn is_final(code: &str) -> bool {
    !matches!(
        code,
        "" | "None"
            | "ConditionalCheckFailed"
            | "TransactionConflict"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
    )
}
