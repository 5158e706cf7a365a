//! From the event to a cycle, and from its report to the log and the answer. No decisions.

use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_function::{log, metrics};

use crate::evaluator::{Evaluated, Evaluator};

/// What the function answers: enough for a person who invokes it by hand.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Shape of this answer.
    pub(crate) schema: u32,
    /// One word; see [`Outcome`].
    pub(crate) outcome: Outcome,
    /// One sentence.
    pub(crate) summary: String,
    /// What to do about it; empty where nothing.
    pub(crate) remedy: String,
}

impl Answer {
    fn of(report: &CycleReport) -> Self {
        Self { schema: 1, outcome: report.outcome, summary: report.summary(), remedy: String::new() }
    }
}

/// One invocation: one cycle. The event's content does not matter: events are hints.
///
/// # Errors
/// None: an answer says how the cycle ended, so that a refused cycle is not retried by the platform.
pub(crate) async fn handle(evaluator: &Evaluator, event: LambdaEvent<Value>) -> Result<Answer, Error> {
    let platform = evaluator.platform();
    Ok(match evaluator.evaluate(&event.context.request_id).await {
        Evaluated::Ran(report) => {
            metrics::write(&metrics::of_cycle(platform, &report));
            log::cycle(platform, &report);
            Answer::of(&report)
        }
        Evaluated::NoSettings { fault, at } => {
            metrics::write(&metrics::of_refusal(platform, at));
            log::refusal(platform, &fault);
            Answer { schema: 1, outcome: Outcome::Refused, summary: fault.to_string(), remedy: fault.remedy }
        }
    })
}
