//! The scheduled function. EventBridge Scheduler invokes it once a minute; each invocation is one cycle.

mod evaluator;
mod handler;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use lambda_runtime::service_fn;
use spillway_function::{Environment, log};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    log::ended(serve().await)
}

async fn serve() -> Result<()> {
    let evaluator = evaluator::Evaluator::start(Environment::read()?).await?;
    let service = service_fn(|event| handler::handle(&evaluator, event));
    lambda_runtime::run(service).await.map_err(|error| anyhow!("the Lambda runtime: {error}"))
}
