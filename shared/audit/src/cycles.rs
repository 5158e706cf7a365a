//! Whether cycles run, and how the last one ended.

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ledger::{Ledger, Outcome};
use spillway_view::time::span;

use crate::check::Check;

/// The evaluator runs once a minute; three without one are no accident.
const CYCLE_OVERDUE: SignedDuration = SignedDuration::from_mins(3);

pub(crate) fn cycles(ledger: &Result<Ledger, Fault>, now: Timestamp) -> Check {
    const WHAT: &str = "cycles";
    let ledger = match ledger {
        Ok(ledger) => ledger,
        Err(fault) => return Check::fault("ledger", fault),
    };
    let Some(digest) = &ledger.cycle.digest else {
        return Check::odd(
            WHAT,
            "the table is there, and no cycle has run yet".to_owned(),
            "is the evaluator's schedule enabled?".to_owned(),
        );
    };
    let age = now.duration_since(digest.at);
    let outcome = digest.outcome.map(|outcome| format!("{outcome}, ")).unwrap_or_default();
    let said = format!("the last one ended {} ago: {outcome}{}", span(age), digest.summary);
    if age > CYCLE_OVERDUE {
        return Check::bad(
            WHAT,
            said,
            "the evaluator should run once a minute: look at its schedule and at its log group".to_owned(),
        );
    }
    if let Some(pause) = ledger.pause(now) {
        return Check::odd(
            WHAT,
            format!("paused until {}: {}", pause.until, pause.reason),
            "spillway resume".to_owned(),
        );
    }
    match digest.outcome {
        Some(Outcome::Quiet | Outcome::Acted | Outcome::Withheld | Outcome::Stale) => Check::good(WHAT, said),
        Some(Outcome::Outage | Outcome::LedgerDown | Outcome::Refused) | None => {
            Check::bad(WHAT, said, "spillway status says more".to_owned())
        }
    }
}
