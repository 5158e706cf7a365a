//! From the event to a pass, and from its report to the log and the answer. No decisions.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::ids::InstanceId;
use spillway_core::outcome::Outcome;
use spillway_core::reconcile::ReconcileReport;
use spillway_engine::reconcile::Reconcile;
use spillway_runtime::{Function, log, metrics};

use crate::event::{BatchAnswer, Invocation, Message};

/// How often an instance is looked at whose event came before EC2 shows what it says, and for how long: a third of the time that
/// the function has.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
const LOOKS_FOR: Duration = Duration::from_secs(15);

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
#[derive(Debug, Serialize, PartialEq, Eq)]
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
pub(crate) async fn handle(function: &Function, event: LambdaEvent<Value>) -> Result<Answer, Error> {
    let request = &event.context.request_id;
    Ok(match Invocation::of(event.payload) {
        Invocation::Sweep => Answer::Sweep(sweep(function, request).await),
        Invocation::Messages(messages) => Answer::Batch(batch(function, request, messages).await),
    })
}

async fn sweep(function: &Function, request: &str) -> SweepAnswer {
    match reconcile(function, request, None).await {
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
async fn batch(function: &Function, request: &str, messages: Vec<Message>) -> BatchAnswer {
    let mut understood: Vec<(String, InstanceId)> = Vec::new();
    for message in messages {
        match message.instance {
            Ok(instance) => understood.push((message.id, instance)),
            Err(why) => log::message_not_understood(function.platform(), &message.id, &why),
        }
    }
    let instances: BTreeSet<InstanceId> = understood.iter().map(|(_, id)| id.clone()).collect();
    if instances.is_empty() {
        return BatchAnswer::default();
    }
    let again = look(function, request, instances).await;
    BatchAnswer::again(
        understood.into_iter().filter(|(_, id)| again.contains(id)).map(|(message, _)| message),
    )
}

/// Looks at the instances, and at those whose event came too early again after a few seconds: a message that goes back to the
/// queue comes after five minutes, as late as the next sweep. Gives those that have to come again all the same.
async fn look(function: &Function, request: &str, instances: BTreeSet<InstanceId>) -> BTreeSet<InstanceId> {
    let began = Instant::now();
    let mut wanted: Vec<InstanceId> = instances.into_iter().collect();
    let mut again = BTreeSet::new();
    loop {
        match reconcile(function, request, Some(&wanted)).await {
            Ok(report) => {
                again.extend(report.again);
                wanted = report.early.into_iter().collect();
            }
            Err(fault) => {
                again.extend(wanted.into_iter().filter(|_| may_pass(&fault)));
                return again;
            }
        }
        if wanted.is_empty() || began.elapsed() > LOOKS_FOR {
            // What is not there by now the next sweep sees.
            return again;
        }
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

/// Whether trying again soon may help. Not where a setting is missing or wrong: a stack without settings, as every one is after
/// its first deployment, would make a dead letter of each state change in the account. Once it is stored, the next sweep looks at
/// everything.
fn may_pass(fault: &Fault) -> bool {
    fault.kind != FaultKind::Setting
}

/// One pass, over some instances or over everything; writes log and metrics.
///
/// # Errors
/// There are no settings to run it with. Nothing was touched.
async fn reconcile(
    function: &Function,
    request: &str,
    instances: Option<&[InstanceId]>,
) -> Result<ReconcileReport, Fault> {
    let ended = function.run(request, async |run| {
        let pass = Reconcile { ports: run.ports(), policy: run.policy(), deadline: run.deadline() };
        // The largest future by far: on the heap it is moved once.
        match instances {
            None => Box::pin(pass.sweep()).await,
            Some(ids) => Box::pin(pass.instances(ids)).await,
        }
    });
    let ended = ended.await;
    let platform = function.platform();
    match &ended {
        Ok(report) => {
            metrics::write(&metrics::of_reconcile(platform, report));
            log::reconcile(platform, report);
        }
        Err(fault) => {
            metrics::write(&metrics::of_failed_reconcile(platform, function.now()));
            log::refusal(platform, fault);
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use spillway_core::fault::System;

    use super::*;

    #[test]
    fn without_settings_a_state_change_is_done_and_with_a_dead_parameter_store_it_comes_again() {
        let of =
            |kind| Fault { system: System::Settings, kind, detail: String::new(), remedy: String::new() };
        assert!(!may_pass(&of(FaultKind::Setting)));
        assert!(may_pass(&of(FaultKind::Unreachable)) && may_pass(&of(FaultKind::Throttled)));
    }
}
