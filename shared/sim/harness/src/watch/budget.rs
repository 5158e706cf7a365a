//! What one cycle may ask for (design: *Why HTTP requests to the Management Node are few*): the platform once, three requests for each
//! node that is about to stop, one for each node that is changed; EC2 described once; of the ledger one read and, if nothing
//! changes, one write.

use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::plan::Action;

use super::Watch;
use crate::intercept::Requests;
use crate::rule::Rule;

/// Rounds of orders to EC2 for starts: the starts themselves, and substitutes for what was refused.
const START_ROUNDS: u32 = 9;

/// Writes of a cycle that acts, beside those of single actions: lease, intent, substitutes, outcome, history twice, load, platform,
/// the end.
const WRITES: u32 = 9 + START_ROUNDS;

impl Watch {
    pub(super) fn check_budget(&mut self, report: &CycleReport, requests: &Requests) {
        let count = |wanted: fn(&Action) -> bool| {
            let acted = report.results.iter().filter(|result| wanted(&result.action)).count();
            u32::try_from(acted).unwrap_or(u32::MAX)
        };
        let looks = count(|action| {
            matches!(action, Action::BeginDrain { .. } | Action::ConfirmIdle { .. } | Action::Stop { .. })
        });
        let starts = count(|action| matches!(action, Action::Start(_)));
        let stops = count(|action| matches!(action, Action::Stop { .. }));
        let all = u32::try_from(report.results.len()).unwrap_or(u32::MAX);
        let met = u32::try_from(report.plan.done_requests.len()).unwrap_or(u32::MAX);
        let plan = &report.plan;
        let changes_nothing = report.outcome == Outcome::LeaseBusy
            || plan.is_no_op() && plan.records.is_empty() && plan.seen.is_empty() && plan.events.is_empty();
        // The end, and the platform where it has changed.
        let writes = if changes_nothing && met == 0 { 2 } else { WRITES + all + met };
        let limits = [
            ("readings of the platform", requests.platforms, 1),
            ("looks at what runs on a node", requests.activities, looks),
            ("changes of nodes", requests.changes, all - starts.min(all)),
            ("other requests to the Management Node", requests.others, starts + 1),
            ("describes", requests.describes, 1),
            ("orders to EC2", requests.orders, if starts > 0 { START_ROUNDS } else { 0 } + stops),
            ("readings of the ledger", requests.ledger_reads, 1),
            ("writes to the ledger", requests.ledger_writes, writes),
        ];
        for (what, made, limit) in limits.into_iter().filter(|(_, made, limit)| made > limit) {
            let text = format!("{made} in one cycle, the limit is {limit}: {}", report.summary());
            self.note(report.began_at, Rule::Budget, what, &text);
        }
    }
}
