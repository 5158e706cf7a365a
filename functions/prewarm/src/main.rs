#![doc = include_str!("../README.md")]

mod handler;
mod prewarmer;

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
    let prewarmer = prewarmer::Prewarmer::start(Environment::read()?).await?;
    let service = service_fn(|event| handler::handle(&prewarmer, event));
    lambda_runtime::run(service).await.map_err(|error| anyhow!("the Lambda runtime: {error}"))
}
