//! The lease: one item, two conditional updates. A swap that succeeded but whose answer was lost is refused when
//! the transport sends it again; the item that comes back with the refusal shows that it is ours.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use spillway_core::fault::Fault;
use spillway_core::ledger::{CycleRecord, Digest, LastRefusal, LocationLoad};
use spillway_engine::ports::{Lease, LeaseError};

use crate::fault::table_fault;
use crate::item::{attribute_of, decode, key_attributes, schema};
use crate::keys::Key;
use crate::ledger::DynamoLedger;
use crate::state::text;
use crate::values::{incomplete, number};

/// The digest is read with every cycle and shown as one line; a summary longer than this is a report.
const LONGEST_SUMMARY: usize = 2_000;
/// Outcome and address are a word and a host name.
const LONGEST_WORD: usize = 300;

const ACTION: &str = "dynamodb:UpdateItem";

impl DynamoLedger {
    pub(crate) async fn swap_lease(
        &self,
        seen: &CycleRecord,
        owner: &str,
        now: Timestamp,
    ) -> Result<Lease, LeaseError> {
        let lease = Lease { owner: owner.to_owned(), token: seen.token.saturating_add(1) };
        let condition =
            if seen.token == 0 { "attribute_not_exists(#token) OR #token = :seen" } else { "#token = :seen" };
        let result = self
            .client()
            .update_item()
            .table_name(self.table())
            .set_key(Some(key_attributes(Key::cycle())))
            .update_expression("SET #token = :next, #owner = :owner, #taken_at = :now, #schema = :schema")
            .condition_expression(condition)
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#taken_at", "taken_at")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":seen", number(seen.token))
            .expression_attribute_values(":next", number(lease.token))
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":schema", schema())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(lease),
            Err(error) => match self.found_instead(&error)? {
                Some(found) if found.token == lease.token && found.owner.as_deref() == Some(owner) => {
                    Ok(lease)
                }
                _ => Err(LeaseError::Lost),
            },
        }
    }

    pub(crate) async fn give_lease_back(&self, lease: &Lease, digest: &Digest) -> Result<(), LeaseError> {
        let digest = shortened(digest);
        let result = self
            .client()
            .update_item()
            .table_name(self.table())
            .set_key(Some(key_attributes(Key::cycle())))
            .update_expression("SET #digest = :digest, #schema = :schema REMOVE #owner")
            .condition_expression("#token = :token AND #owner = :owner")
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#digest", "digest")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":token", number(lease.token))
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":digest", attribute_of(&digest).map_err(Fault::from)?)
            .expression_attribute_values(":schema", schema())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error) => match self.found_instead(&error)? {
                Some(found)
                    if found.token == lease.token
                        && found.owner.is_none()
                        && found.digest == Some(digest) =>
                {
                    Ok(())
                }
                _ => Err(LeaseError::Lost),
            },
        }
    }

    /// The end of a cycle that changed nothing: lease, digest and load in one request. The SDK gives the request a
    /// token of its own, so that one whose answer was lost is not refused when it is sent again.
    pub(crate) async fn close_without_lease(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> Result<(), LeaseError> {
        let condition =
            if seen.token == 0 { "attribute_not_exists(#token) OR #token = :seen" } else { "#token = :seen" };
        let update = Update::builder()
            .table_name(self.table())
            .set_key(Some(key_attributes(Key::cycle())))
            .update_expression("SET #token = :next, #digest = :digest, #schema = :schema REMOVE #owner")
            .condition_expression(condition)
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#digest", "digest")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":seen", number(seen.token))
            .expression_attribute_values(":next", number(seen.token.saturating_add(1)))
            .expression_attribute_values(":digest", attribute_of(&shortened(digest)).map_err(Fault::from)?)
            .expression_attribute_values(":schema", schema())
            .build()
            .map_err(|error| incomplete(&error))?;
        let mut writes = vec![TransactWriteItem::builder().update(update).build()];
        if let Some(item) = self.minute_of_load(at, load)? {
            let put = Put::builder()
                .table_name(self.table())
                .set_item(Some(item))
                .build()
                .map_err(|error| incomplete(&error))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        self.transact(writes).await
    }

    /// What the item was when a condition on it failed; any other error is a fault.
    fn found_instead(
        &self,
        error: &SdkError<UpdateItemError, HttpResponse>,
    ) -> Result<Option<CycleRecord>, Fault> {
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                Ok(refusal.item().cloned().map(decode).transpose()?)
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
            _ => Err(table_fault(self.table(), ACTION, error)),
        }
    }
}

fn shortened(digest: &Digest) -> Digest {
    let Digest {
        at,
        outcome,
        summary,
        last_good,
        address,
        address_changed_at,
        bursting_enabled,
        last_refusal,
        upgrade_since,
        recent,
        expected,
        expected_at,
    } = digest.clone();
    Digest {
        at,
        outcome,
        summary: cut(summary, LONGEST_SUMMARY),
        last_good,
        address: cut(address, LONGEST_WORD),
        address_changed_at,
        bursting_enabled,
        last_refusal: last_refusal
            .map(|LastRefusal { at, what }| LastRefusal { at, what: cut(what, LONGEST_SUMMARY) }),
        upgrade_since,
        recent,
        expected,
        expected_at,
    }
}

fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
    text
}
