//! The scheduled function. EventBridge Scheduler invokes it once a minute; each invocation is one cycle.

mod environment;
mod evaluator;
mod handler;
mod metrics;
mod summary;

use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    summary::init();
    let evaluator = evaluator::Evaluator::start(environment::Environment::read()?).await?;
    lambda_runtime::run(service_fn(|event| handler::handle(&evaluator, event))).await
}
