//! The yardstick for the evaluator's start-up: the least function that is of any use here, built the same way
//! (workspace dependencies, release profile, JSON log). It reads one item and answers. It is never deployed.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().with_ansi(false).init();
    let table = std::env::var("SPILLWAY_TABLE")?;
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    run(service_fn(|_: LambdaEvent<Value>| read_one(&client, &table))).await
}

async fn read_one(client: &aws_sdk_dynamodb::Client, table: &str) -> Result<Value, Error> {
    let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let item = client
        .get_item()
        .table_name(table)
        .key("pk", key("STATE"))
        .key("sk", key("CYCLE"))
        .send()
        .await?
        .item;
    tracing::info!(found = item.is_some(), "read one item");
    Ok(json!({ "found": item.is_some() }))
}
