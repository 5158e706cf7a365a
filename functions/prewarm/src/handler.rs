//! From the payload to a firing, and from what became of it to the log and the answer. No decisions.

use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use spillway_core::outcome::Outcome;
use spillway_core::prewarm::{PrewarmEnd, Prewarmed, SpecError, Tick};
use spillway_engine::cycle::LeaseMemory;
use spillway_runtime::{Function, log, metrics};
use tokio::sync::Mutex;

/// What the function answers: enough for a person who invokes it by hand.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Shape of this answer.
    pub(crate) schema: u32,
    /// One word: how the cycle ended; `quiet` where nothing had to be done.
    pub(crate) outcome: Outcome,
    /// What happened, in sentences.
    pub(crate) summary: String,
    /// What to do about it; empty where nothing.
    pub(crate) remedy: String,
    /// The hold's id, where there is one.
    pub(crate) hold: Option<String>,
    /// Licences, one sentence.
    pub(crate) licences: Option<String>,
    /// What could not be checked, one phrase each.
    pub(crate) unchecked: Vec<String>,
}

impl Answer {
    fn of(fired: &Prewarmed) -> Self {
        let (outcome, held) = match &fired.end {
            PrewarmEnd::Held(held) => (held.cycle.outcome, Some(held)),
            PrewarmEnd::Skipped { .. } | PrewarmEnd::Over { .. } => (Outcome::NoOp, None),
            PrewarmEnd::Refused(_) | PrewarmEnd::NotWritten(_) => (Outcome::Refused, None),
        };
        Self {
            schema: 1,
            outcome,
            summary: fired.summary(),
            remedy: fired.remedy(),
            hold: held.map(|held| held.hold.id.to_string()),
            licences: held.map(|held| held.licences.to_string()),
            unchecked: held.map(|held| held.unchecked.clone()).unwrap_or_default(),
        }
    }
}

/// One invocation: one firing of a window. `lease` is what a warm function has seen of the lease; Lambda never runs two
/// invocations in one process at once, so its lock costs nothing.
///
/// # Errors
/// The hold is not written, so that it is tried again, and in the end kept in the dead-letter queue: the next tick is
/// tomorrow.
pub(crate) async fn handle(
    function: &Function,
    lease: &Mutex<LeaseMemory>,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error> {
    let platform = function.platform();
    let tick = Tick::parse(event.payload).map_err(|error| refused(platform, &error))?;
    let mut lease = lease.lock().await;
    // The largest future by far: on the heap it is moved once. A second run fires for the same hold.
    let fired = function.run(&event.context.request_id, async |run| {
        Box::pin(spillway_engine::prewarm::run(&run.cycle(), &tick, &mut lease)).await
    });
    let fired = match fired.await {
        Ok(fired) => fired,
        Err(fault) => {
            metrics::write(&metrics::of_refusal(platform, function.now()));
            log::refusal(platform, &fault);
            return Err(format!("{fault}. {}", fault.remedy).into());
        }
    };
    if let PrewarmEnd::Held(held) = &fired.end {
        metrics::write(&metrics::of_cycle(platform, &held.cycle));
        log::cycle(platform, &held.cycle);
    }
    log::prewarm(platform, &fired);
    if fired.is_failure() {
        return Err(format!("{}. {}", fired.summary(), fired.remedy()).into());
    }
    Ok(Answer::of(&fired))
}

fn refused(platform: &str, error: &SpecError) -> Error {
    log::bad_payload(platform, error);
    error.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(end: PrewarmEnd) -> Prewarmed {
        let scheduled_at = "2026-12-25T07:50:00Z".parse().unwrap();
        Prewarmed { window: "weekday-morning".to_owned(), scheduled_at, by_hand: false, end }
    }

    #[test]
    fn a_skipped_date_and_a_late_tick_are_answers_and_not_failures() {
        let skipped = fired(PrewarmEnd::Skipped { date: jiff::civil::date(2026, 12, 25) });
        let answer = Answer::of(&skipped);
        assert!(!skipped.is_failure());
        assert_eq!((answer.outcome, answer.hold), (Outcome::NoOp, None));
        assert_eq!(
            answer.summary,
            "weekday-morning of 2026-12-25T07:50:00Z: skipped: 2026-12-25 is one of its dates to skip"
        );
        let late = fired(PrewarmEnd::Over { until: "2026-12-25T09:00:00Z".parse().unwrap() });
        assert!(!late.is_failure());
        assert!(Answer::of(&late).summary.contains("its hold was over at 2026-12-25T09:00:00Z"));
    }

    #[test]
    fn a_hold_that_could_not_be_written_fails_the_invocation() {
        use spillway_core::fault::{Fault, FaultKind, System};
        let fault = Fault::new(System::Ledger, FaultKind::Timeout, "no answer in time").with_remedy("look");
        let lost = fired(PrewarmEnd::NotWritten(fault));
        assert!(lost.is_failure());
        let answer = Answer::of(&lost);
        assert_eq!((answer.outcome, answer.remedy.as_str()), (Outcome::Refused, "look"));
    }
}
