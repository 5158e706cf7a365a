//! The table itself, for the simulated world and for tests. On AWS the stack makes it (with point-in-time
//! recovery and TTL), and nothing here is called.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};
use spillway_core::fault::Fault;

use crate::fault::table_fault;
use crate::item::EXPIRES_AT;
use crate::keys::{PK, SK};
use crate::ledger::DynamoLedger;
use crate::values::incomplete;

impl DynamoLedger {
    /// Creates the table as the stack would: two text keys, on demand, TTL on `expires_at`.
    pub async fn create_table(&self) -> Result<(), Fault> {
        let table = self.table();
        let mut request =
            self.client().create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            let definition = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .map_err(|error| incomplete(&error))?;
            let element = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .map_err(|error| incomplete(&error))?;
            request = request.attribute_definitions(definition).key_schema(element);
        }
        request.send().await.map_err(|error| table_fault(table, "dynamodb:CreateTable", &error))?;
        let ttl = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(EXPIRES_AT)
            .build()
            .map_err(|error| incomplete(&error))?;
        self.client()
            .update_time_to_live()
            .table_name(table)
            .time_to_live_specification(ttl)
            .send()
            .await
            .map_err(|error| table_fault(table, "dynamodb:UpdateTimeToLive", &error))?;
        Ok(())
    }
}
