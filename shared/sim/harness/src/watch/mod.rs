//! What must be so after every minute, whatever happened in it: needed nodes are started, holds are met, nothing stays in our
//! maintenance mode or up without need, cycles get on, and few requests are made. It knows the world as it really is and the
//! platform as it is shown, and shares no code with the planner or the safety check: where the two could differ over what is needed,
//! it gives the planner the benefit of the doubt, so that what it finds is a fault.
//!
//! A minute in which something was done to the cycle itself (a call that failed, a death, an outage) counts for nothing: limits are
//! counted in good cycles.

mod budget;
mod nodes;
mod seen;
mod starts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{HoldId, InstanceId, LocationName, NodeName};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::policy::Mode;

use self::nodes::NodeWatch;
use self::seen::Seen;
use crate::Harness;
use crate::intercept::Requests;

use crate::rule::{Broken, Rule};

/// Good cycles that may pass until a start that is needed is made, or a hold is met.
const CYCLES_TO_START: u32 = 3;

/// Minutes that may pass until cycles get on with their work again when nothing is in the way: a lease of an evaluator that died
/// is taken over within two.
const MINUTES_TO_GET_ON: u32 = 4;

/// A minute, with what was done to its cycles.
#[derive(Debug)]
pub(crate) struct Minute<'a> {
    /// The reports of the cycles that ended.
    pub(crate) reports: &'a [CycleReport],
    /// What they asked for, each.
    pub(crate) requests: &'a [Requests],
    /// Whether something was done to one of them.
    pub(crate) disturbed: bool,
    /// Whether one of them was killed because its time was over.
    pub(crate) killed: bool,
}

/// What has been seen so far, and what was broken.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    nodes: BTreeMap<NodeName, NodeWatch>,
    missing: BTreeMap<LocationName, u32>,
    unmet: BTreeMap<HoldId, u32>,
    minutes_without: u32,
    starts: u64,
    broken: Vec<Broken>,
    told: BTreeSet<(Rule, String)>,
}

impl Watch {
    /// What was broken so far.
    pub(crate) fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// A person changes a node's maintenance mode: a veto, whatever it was meant to be.
    pub(crate) fn person_maintains(&mut self, node: &str, now: Timestamp) {
        self.nodes.entry(NodeName::new(node)).or_default().vetoed(now);
    }

    /// An operator asks for a node's stop, or takes it back.
    pub(crate) fn operator_stops(&mut self, node: &str, stops: bool) {
        self.nodes.entry(NodeName::new(node)).or_default().operator = stops;
    }

    /// A minute is over.
    pub(crate) fn minute(&mut self, harness: &Harness, minute: &Minute<'_>) {
        for (report, requests) in minute.reports.iter().zip(minute.requests) {
            self.check_budget(report, requests);
        }
        if minute.killed {
            let what = "a cycle takes longer than a function may run: it is killed with its lease";
            self.note(harness.now(), Rule::NoProgress, "the evaluator", what);
        }
        let refused: BTreeSet<&InstanceId> =
            minute.requests.iter().flat_map(|requests| &requests.refused).collect();
        let Some(seen) = Seen::of(harness) else {
            self.remember_refused(harness, &refused);
            return;
        };
        self.remember(&seen, &refused);
        let good = minute
            .reports
            .iter()
            .any(|report| matches!(report.outcome, Outcome::NoOp | Outcome::Acted | Outcome::Withheld));
        self.check_progress(&seen, minute, good);
        let started = harness.starts_and_stops().0.saturating_sub(self.starts);
        self.starts += started;
        // Limits are counted in good cycles; what is not so any more is over at once.
        let counts = u32::from(!minute.disturbed && good && !seen.policy.dry_run);
        self.check_maintenance(&seen, counts);
        if seen.policy.mode == Mode::Control && seen.is_of_one_network() {
            let limited = started >= u64::from(seen.policy.starts_per_cycle);
            let starts = if limited { 0 } else { counts };
            self.check_starts(&seen, starts);
            self.check_holds(&seen, starts);
            self.check_idle(&seen, counts);
        }
    }

    /// Nothing is in the way, and yet no cycle reads everything and does what it has to.
    fn check_progress(&mut self, seen: &Seen<'_>, minute: &Minute<'_>, good: bool) {
        let expected = !minute.disturbed && !seen.policy.dry_run && seen.nothing_in_the_way();
        if good || !expected {
            self.minutes_without = 0;
            return;
        }
        self.minutes_without += 1;
        if self.minutes_without > MINUTES_TO_GET_ON {
            let last = minute.reports.last().map_or("no cycle ended".to_owned(), CycleReport::summary);
            self.note(
                seen.now,
                Rule::NoProgress,
                "cycles",
                &format!("do nothing, and nothing is in the way: {last}"),
            );
        }
    }

    fn remember_refused(&mut self, harness: &Harness, refused: &BTreeSet<&InstanceId>) {
        let now = harness.now();
        for node in harness.world().nodes() {
            if node.instance.as_ref().is_some_and(|id| refused.contains(id)) {
                self.nodes.entry(node.name).or_default().trouble_at = Some(now);
            }
        }
    }

    /// Once for each thing: it is broken in every minute after.
    fn note(&mut self, at: Timestamp, rule: Rule, whose: &str, what: &str) {
        if self.told.insert((rule, whose.to_owned())) {
            let at = at.strftime("%H:%M:%S");
            self.broken.push(Broken { rule, what: format!("{at} {whose}: {what}") });
        }
    }
}

/// Whole minutes, up.
fn minutes(time: SignedDuration) -> u32 {
    u32::try_from(time.as_secs().max(0).unsigned_abs().div_ceil(60)).unwrap_or(u32::MAX)
}
