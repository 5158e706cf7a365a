//! The scheduled function. EventBridge Scheduler invokes it once a minute; each invocation is one cycle. It decides nothing:
//! begin with the handler, and read on in `spillway_engine::cycle`.

mod handler;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use lambda_runtime::service_fn;
use spillway_runtime::{Environment, Function, log};
use tokio::sync::Mutex;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    log::ended(serve().await)
}

async fn serve() -> Result<()> {
    let (function, memory) = (Function::start(Environment::read()?).await?, Mutex::default());
    let service = service_fn(|event| handler::handle(&function, &memory, event));
    lambda_runtime::run(service).await.map_err(|error| anyhow!("the Lambda runtime: {error}"))
}
