//! What the cycle that a command runs would do, by the functions' own planner and safety check. It is shown before the question, so
//! that nothing is done which was not shown; the cycle reads everything again before it acts.

use jiff::tz::TimeZone;
use spillway_core::ledger::Ledger;
use spillway_core::observation::{Observation, Reading};
use spillway_core::plan::{Override, Plan};
use spillway_core::plan_ahead;
use spillway_core::policy::{Mode, Policy};
use spillway_core::safety::{Violation, check_overridden};
use spillway_view::action;
use spillway_view::time::local;

use crate::known::KnownState;

/// What a cycle would do.
#[derive(Debug)]
pub(crate) struct Foreseen {
    /// What is carried out: where Pexip's own bursting decides, that is not all that is planned.
    pub(crate) plan: Plan,
    /// What the safety check refuses: then nothing is carried out.
    pub(crate) violations: Vec<Violation>,
    /// Why the policy withholds it.
    pub(crate) withheld: Option<&'static str>,
}

impl Foreseen {
    /// Plans as a cycle does.
    pub(crate) fn of(
        policy: &Policy,
        observation: &Observation,
        ledger: &Reading<Ledger>,
        overrides: &[Override],
    ) -> Self {
        let now = observation.observed_at;
        let plan = plan_ahead(policy, observation, ledger, None, now, overrides);
        let checked = check_overridden(policy, observation, ledger, &plan, now, overrides);
        let plan = if policy.mode == Mode::Assist { plan.carried_in_assist() } else { plan };
        let withheld = policy.dry_run.then_some("dry_run is set in the policy");
        Self { plan, violations: checked.err().unwrap_or_default(), withheld }
    }

    /// One line for each action, in the order of the plan, and what keeps them from being carried out.
    pub(crate) fn lines(&self, zone: &TimeZone) -> Vec<String> {
        let refused = self.violations.iter().map(|each| format!("the safety check refuses: {each}"));
        let actions = self.plan.actions.iter().map(|each| format!("would {}", action(each)));
        let withheld = self.withheld.filter(|_| !self.plan.is_no_op());
        refused
            .chain(actions)
            .chain(withheld.map(|why| format!("not carried out: {why}")))
            .map(|line| local(&line, self.plan.observed_at, zone))
            .collect()
    }
}

impl KnownState {
    /// What a cycle that meets this ledger would do.
    pub(crate) fn foresee(&self, policy: &Policy, ledger: Ledger, overrides: &[Override]) -> Foreseen {
        let observation = Observation {
            observed_at: self.now,
            platform: Ok(self.platform.clone()),
            fleet: Ok(self.fleet.clone()),
        };
        Foreseen::of(policy, &observation, &Ok(ledger), overrides)
    }
}
