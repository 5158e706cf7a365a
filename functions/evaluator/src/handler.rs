//! From the event to a cycle, and from its report to the log and the answer. No decisions.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::learning;
use spillway_runtime::{Function, log, metrics};
use tokio::sync::Mutex;

/// What the function answers: enough for a person who invokes it by hand.
#[derive(Debug, Serialize, PartialEq, Eq)]
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

/// What a warm function remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    lease: LeaseMemory,
    days: learning::Memory,
}

/// With less time left than this nothing is learned.
const LEARNING_TAKES: Duration = Duration::from_secs(25);

/// One invocation: one cycle, and once a day what is learned from the day before. The event's content does not matter: events are hints. `memory` is what a warm function
/// remembers; Lambda never runs two invocations in one process at once, so its lock costs nothing.
///
/// # Errors
/// None: an answer says how the cycle ended, so that a refused cycle is not retried by the platform.
pub(crate) async fn handle(
    function: &Function,
    memory: &Mutex<Memory>,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error> {
    let platform = function.platform();
    let mut memory = memory.lock().await;
    let Memory { lease, days } = &mut *memory;
    let ran = function.run(&event.context.request_id, async |run| {
        let ledger = run.ports().ledger;
        if let Err(fault) = days.recall(run.policy(), ledger).await {
            log::learned(platform, &Err(fault));
        }
        // The largest future by far: on the heap it is moved once.
        let report = Box::pin(run.evaluation(days.profiles()).run(lease)).await;
        // Calls come first: learning has what time is left of an invocation in which nothing was amiss.
        if report.outcome.is_good() && run.time_left() >= LEARNING_TAKES {
            let learned = Box::pin(days.learn(run.policy(), ledger, function.now())).await;
            log::learned(platform, &learned);
        }
        report
    });
    Ok(match ran.await {
        Ok(report) => {
            metrics::write(&metrics::of_cycle(platform, &report));
            log::cycle(platform, &report);
            Answer::of(&report)
        }
        Err(fault) => {
            metrics::write(&metrics::of_refusal(platform, function.now()));
            log::refusal(platform, &fault);
            Answer { schema: 1, outcome: Outcome::Refused, summary: fault.to_string(), remedy: fault.remedy }
        }
    })
}
