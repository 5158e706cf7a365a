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
        return Check::warn(
            WHAT,
            "the table exists, and no cycle has run yet".to_owned(),
            "check that the evaluator's schedule is enabled".to_owned(),
        );
    };
    let age = now.duration_since(digest.at);
    let outcome = digest.outcome.map(|outcome| format!("{outcome}, ")).unwrap_or_default();
    let said = format!("the last one ended {} ago: {outcome}{}", span(age), digest.summary);
    if age > CYCLE_OVERDUE {
        return Check::bad(
            WHAT,
            said,
            "the evaluator should run once a minute: check its schedule and its log group".to_owned(),
        );
    }
    if let Some(pause) = ledger.pause(now) {
        return Check::warn(
            WHAT,
            format!("paused until {}: {}", pause.until, pause.reason),
            "spillway resume ends the pause".to_owned(),
        );
    }
    match digest.outcome {
        Some(Outcome::NoOp | Outcome::Acted | Outcome::Withheld | Outcome::LeaseBusy) => {
            Check::good(WHAT, said)
        }
        Some(Outcome::Outage | Outcome::LedgerDown | Outcome::Refused) | None => {
            Check::bad(WHAT, said, "spillway status shows what is wrong".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use spillway_core::ledger::Digest;

    use super::*;
    use crate::check::Verdict;

    fn verdict(outcome: Option<Outcome>, minutes_ago: i64) -> Verdict {
        let now = Timestamp::UNIX_EPOCH;
        let mut ledger = Ledger::default();
        ledger.cycle.digest =
            Some(Digest { outcome, ..Digest::new(now - SignedDuration::from_mins(minutes_ago)) });
        cycles(&Ok(ledger), now).verdict
    }

    #[test]
    fn a_cycle_that_read_everything_is_good_and_one_that_is_missing_is_bad() {
        for outcome in [Outcome::NoOp, Outcome::Acted, Outcome::Withheld, Outcome::LeaseBusy] {
            assert_eq!(verdict(Some(outcome), 1), Verdict::Good, "{outcome}");
            assert_eq!(verdict(Some(outcome), 4), Verdict::Bad, "{outcome}");
        }
        for outcome in [Outcome::Outage, Outcome::LedgerDown, Outcome::Refused] {
            assert_eq!(verdict(Some(outcome), 1), Verdict::Bad, "{outcome}");
        }
        assert_eq!(cycles(&Ok(Ledger::default()), Timestamp::UNIX_EPOCH).verdict, Verdict::Warn);
    }
}
