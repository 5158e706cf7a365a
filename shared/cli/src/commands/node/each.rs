//! The nodes of one command, one after another: what disturbs one never disturbs two at once.

use std::time::Duration;

use serde_json::json;
use spillway_core::ids::InstanceId;
use spillway_core::operation::Operation;
use spillway_ec2::Operator;

use super::find::find;
use super::options::{Common, Remove};
use super::work::Work;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::session::CliSession;

/// The instance's id is typed, so that nobody terminates another than he means.
pub(super) async fn remove(context: &Context, options: &Remove, output: &Output) -> Ended {
    let operation = Operation::Remove { terminate: options.terminate.is_some() };
    let session = CliSession::open(context, &options.common.acting).await?;
    let ec2 = ec2(&session)?;
    let subject = find(&session, &ec2, &options.node, options.common.instance.as_deref()).await?;
    if let Some(typed) = &options.terminate
        && subject.instance.as_ref().map(InstanceId::as_str) != Some(typed)
    {
        let is = subject.instance.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string);
        return Err(Failure::refused(format!("{typed} is not the instance of {}", options.node))
            .remedy(format!("its instance is {is}")));
    }
    let work = Work { session: &session, ec2: &ec2, operation: &operation, common: &options.common };
    let ended = Box::pin(work.one(subject, output)).await?;
    if output.json {
        output::json(
            &json!({"schema": 1, "platform": context.platform, "operation": operation, "nodes": [ended]}),
        );
    }
    Ok(Exit::Done)
}

/// The nodes one after another: what disturbs one never disturbs two at once.
pub(super) async fn each(
    context: &Context,
    nodes: &[String],
    operation: &Operation,
    common: &Common,
    between: Duration,
    output: &Output,
) -> Ended {
    if common.instance.is_some() && nodes.len() > 1 {
        return Err(Failure::usage("--instance is for one node, and several are named")
            .remedy("name one node at a time"));
    }
    let session = CliSession::open(context, &common.acting).await?;
    let ec2 = ec2(&session)?;
    let mut subjects = Vec::new();
    for name in nodes {
        subjects.push(find(&session, &ec2, name, common.instance.as_deref()).await?);
    }
    let work = Work { session: &session, ec2: &ec2, operation, common };
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for (index, subject) in subjects.into_iter().enumerate() {
        if index > 0 && !between.is_zero() && failures.is_empty() {
            output::note(&format!("waiting {} s before the next node, as the guide asks", between.as_secs()));
            tokio::select! {
                () = tokio::time::sleep(between) => {}
                _ = tokio::signal::ctrl_c() => return Err(Failure::failed("interrupted between two nodes")
                    .remedy("run the same command again: it goes on from there")),
            }
        }
        let name = subject.name.clone();
        match Box::pin(work.one(subject, output)).await {
            Ok(ended) => done.push(ended),
            Err(failure) => {
                failures.push((name, failure));
                // What stopped one would most likely stop the next, and nobody watches two.
                break;
            }
        }
    }
    let exit = match failures.pop() {
        None => Exit::Done,
        Some((_, failure)) if done.is_empty() => return Err(failure),
        Some((name, failure)) => {
            output::error(&failure, &output.zone);
            output::note(&format!("{} of {} nodes are done; {name} is not", done.len(), nodes.len()));
            Exit::Partly
        }
    };
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "operation": operation, "nodes": done,
        }));
    }
    Ok(exit)
}

fn ec2(session: &CliSession<'_>) -> Result<Operator, Failure> {
    let policy = session.policy();
    Ok(Operator::connect(session.context.connector.config(), &policy.regions, &policy.vpcs, None)?)
}
