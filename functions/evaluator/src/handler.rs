//! From the event to a cycle, and from its report to the log and the answer. No decisions.

use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_engine::cycle::LeaseMemory;
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

/// One invocation: one cycle. The event's content does not matter: events are hints. `lease` is what a warm function
/// has seen of the lease; Lambda never runs two invocations in one process at once, so its lock costs nothing.
///
/// # Errors
/// None: an answer says how the cycle ended, so that a refused cycle is not retried by the platform.
pub(crate) async fn handle(
    function: &Function,
    lease: &Mutex<LeaseMemory>,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error> {
    let platform = function.platform();
    let mut lease = lease.lock().await;
    // The largest future by far: on the heap it is moved once.
    let ran =
        function.run(&event.context.request_id, async |run| Box::pin(run.cycle().run(&mut lease)).await);
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
