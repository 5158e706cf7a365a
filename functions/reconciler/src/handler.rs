//! From the event to a pass, and from its report to the log and the answer. No decisions.

use std::collections::BTreeSet;

use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::outcome::Outcome;
use spillway_core::ports::Clock;
use spillway_core::reconcile::ReconcileReport;
use spillway_function::{log, metrics};

use crate::occasion::{BatchAnswer, Message, Occasion};
use crate::reconciler::Reconciler;

/// What the function answers.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// To the queue.
    Batch(BatchAnswer),
    /// To the schedule, or to a person who invokes it by hand.
    Sweep(SweepAnswer),
}

/// How a sweep ended.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct SweepAnswer {
    /// Shape of this answer.
    pub(crate) schema: u32,
    /// One word; see [`Outcome`].
    pub(crate) outcome: Outcome,
    /// One sentence.
    pub(crate) summary: String,
    /// What to do about it; empty where nothing.
    pub(crate) remedy: String,
}

/// One invocation: one pass.
///
/// # Errors
/// None: what has to be repeated of a batch is in the answer, and the next sweep repeats a sweep.
pub(crate) async fn handle(reconciler: &Reconciler, event: LambdaEvent<Value>) -> Result<Answer, Error> {
    Ok(match Occasion::of(event.payload) {
        Occasion::Sweep => Answer::Sweep(sweep(reconciler).await),
        Occasion::Messages(messages) => Answer::Batch(batch(reconciler, messages).await),
    })
}

async fn sweep(reconciler: &Reconciler) -> SweepAnswer {
    match told(reconciler, reconciler.reconcile(None).await) {
        Ok(report) => {
            let remedy = report.faults.first().map(|fault| fault.remedy.clone()).unwrap_or_default();
            SweepAnswer { schema: 1, outcome: report.outcome, summary: report.summary(), remedy }
        }
        Err(fault) => SweepAnswer {
            schema: 1,
            outcome: Outcome::Refused,
            summary: fault.to_string(),
            remedy: fault.remedy,
        },
    }
}

/// A message that is not understood is done: it would not be understood the next time either, and what it was about, if
/// anything, the sweep finds. It is in the log with its id. As a failure it would come back until it is a dead letter,
/// and wake somebody for a hint that nobody needs.
async fn batch(reconciler: &Reconciler, messages: Vec<Message>) -> BatchAnswer {
    let mut understood: Vec<(String, InstanceId)> = Vec::new();
    for message in messages {
        match message.instance {
            Ok(instance) => understood.push((message.id, instance)),
            Err(why) => log::message_not_understood(reconciler.function().platform(), &message.id, &why),
        }
    }
    let instances: BTreeSet<InstanceId> = understood.iter().map(|(_, id)| id.clone()).collect();
    if instances.is_empty() {
        return BatchAnswer::default();
    }
    let instances: Vec<InstanceId> = instances.into_iter().collect();
    let report = told(reconciler, reconciler.reconcile(Some(&instances)).await);
    let comes_again = |instance: &InstanceId| match &report {
        Ok(report) => report.again.contains(instance),
        Err(_) => true,
    };
    BatchAnswer::again(understood.into_iter().filter(|(_, id)| comes_again(id)).map(|(message, _)| message))
}

/// Writes log and metrics.
fn told(reconciler: &Reconciler, ended: Result<ReconcileReport, Fault>) -> Result<ReconcileReport, Fault> {
    let function = reconciler.function();
    match &ended {
        Ok(report) => {
            metrics::write(&metrics::of_reconcile(function.platform(), report));
            log::reconcile(function.platform(), report);
        }
        Err(fault) => {
            metrics::write(&metrics::of_failed_reconcile(function.platform(), function.clock().now()));
            log::refusal(function.platform(), fault);
        }
    }
    ended
}
