//! Keeps static NAT addresses right: invoked by EC2's state changes, through a queue, and by a schedule for a sweep.
//!
//! | action | on | for |
//! |---|---|---|
//! | `ec2:DescribeInstances` | `*` | each pass |
//! | `ec2:DescribeAddresses` | `*` | where an instance carries the tag `spillway-allocation` |
//! | `ec2:AssociateAddress` | Elastic IP, instance and network interface, each under `ec2:ResourceTag/pexip-cloud` | an Elastic IP that is free |
//! | `dynamodb:Query`, `dynamodb:PutItem` | the ledger's table | the state; its own records and the history |
//! | `ssm:GetParameters`, and `kms:Decrypt` for a key of the operator's own | `/spillway/<platform>/*` | settings, cached for five minutes |
//! | `sqs:ReceiveMessage`, `DeleteMessage`, `GetQueueAttributes`, `ChangeMessageVisibility` | the queue of state changes | Lambda itself, in the function's name |
//!
//! It never calls `AllocateAddress`, `ReleaseAddress`, `DisassociateAddress` or anything that starts, stops or tags. It decides
//! nothing: begin with the handler, and read on in `spillway_core::reconcile`.

mod event;
mod handler;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use lambda_runtime::service_fn;
use spillway_runtime::{Environment, Function, log};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::init();
    log::ended(serve().await)
}

async fn serve() -> Result<()> {
    // The queue runs two of these at once, and two requests at once are all that the Management Node should be given.
    let function = Function::start(Environment::read()?).await?.with_requests_in_flight(1);
    let service = service_fn(|event| handler::handle(&function, event));
    lambda_runtime::run(service).await.map_err(|error| anyhow!("the Lambda runtime: {error}"))
}
