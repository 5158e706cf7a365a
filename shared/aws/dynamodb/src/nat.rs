//! The reconciler's own items. Each has a version of its own and is written without the lease: a storm of starts must not
//! wait for a cycle. Records and history go in one transaction, so that one instance costs one call.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::Event;
use spillway_core::reconcile::{NatRecord, NatState, NatWrite};

use crate::group::{Group, Write};
use crate::item::{decode, encode, is_expired, sort_key};
use crate::keys::{Key, NAT, STATE};
use crate::ledger::DynamoLedger;
use crate::state::{in_order, take_item, text};
use crate::values::incomplete;
use crate::values::number;

/// What is remembered of an instance that is gone stays this long, for whoever looks why.
const GONE_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

impl DynamoLedger {
    pub(crate) async fn read_nat_state(&self, now: Timestamp) -> Result<NatState, Fault> {
        let mut state = NatState::default();
        for item in self.query("pk = :pk", HashMap::from([(":pk".to_owned(), text(STATE))])).await? {
            if is_expired(&item, now) {
                continue;
            }
            match sort_key(&item).strip_prefix(NAT).map(InstanceId::new) {
                Some(id) => {
                    state.records.insert(id, decode(item)?);
                }
                None => take_item(&mut state.ledger, item)?,
            }
        }
        in_order(&mut state.ledger);
        Ok(state)
    }

    pub(crate) async fn write_nat_records(&self, writes: &[NatWrite], seen: &[Event]) -> Result<(), Fault> {
        let mut groups = Vec::new();
        for NatWrite { instance, record, event } in writes {
            let mut group = vec![self.record_write(instance, record)?];
            if let Some(event) = event {
                group.push(self.event_write(event)?);
            }
            groups.push(Group::all_or_nothing(group));
        }
        let mut keys = BTreeSet::new();
        for event in seen {
            let write = self.event_write(event)?;
            if keys.insert(write.key.clone()) {
                groups.push(Group::one(write));
            }
        }
        self.write_groups(groups).await
    }

    /// A record of an instance that is gone goes some time after it.
    fn record_write(&self, id: &InstanceId, record: &NatRecord) -> Result<Write, Fault> {
        let next = NatRecord { version: record.version.saturating_add(1), ..record.clone() };
        let gone_at = next.gone.then(|| self.now().saturating_add(GONE_KEPT).unwrap_or(Timestamp::MAX));
        let key = Key::nat(id);
        let put = Put::builder()
            .table_name(self.table())
            .set_item(Some(encode(key.clone(), &next, gone_at)?))
            .expression_attribute_names("#version", "version");
        let put = if record.version == 0 {
            put.condition_expression("attribute_not_exists(#version)")
        } else {
            put.condition_expression("#version = :version")
                .expression_attribute_values(":version", number(record.version))
        };
        let item = TransactWriteItem::builder().put(put.build().map_err(|error| incomplete(&error))?).build();
        Ok(Write { key, item })
    }
}
