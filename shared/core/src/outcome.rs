//! How a cycle ended: the handler's return value, the log's summary line, the command line's exit.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::assess::{NodePhase, STOPPED_BEFORE_READY};
use crate::fault::{Fault, Refusal};
use crate::ids::{InstanceId, NodeName};
use crate::ledger::{Event, EventKind};
use crate::plan::{Action, Plan, Start};
use crate::report::{NodeReport, Suspension};
use crate::safety::Violation;

pub use crate::ledger::Outcome;

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionResult {
    /// The action; for a substitute, the start as it was carried out.
    pub action: Action,
    /// The instance whose refused start this one replaces.
    pub in_place_of: Option<InstanceId>,
    /// What became of it.
    pub end: ActionEnd,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionEnd {
    /// Accepted.
    Done,
    /// The precondition did not hold: something runs on the node. Nothing was stopped.
    Busy {
        /// Whether the drain was cancelled for it.
        drain_cancelled: bool,
    },
    /// EC2 refused.
    Refused(Refusal),
    /// A request failed.
    Failed(Fault),
    /// Not begun: too little time was left.
    OutOfTime,
}

impl ActionEnd {
    /// Whether what was to be done was not done, and nothing on the node is the reason.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Failed(_) | Self::OutOfTime => true,
            Self::Done | Self::Busy { .. } => false,
        }
    }
}

impl fmt::Display for ActionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Busy { drain_cancelled: true } => {
                f.write_str("not done, something runs on it; its drain is cancelled")
            }
            Self::Busy { drain_cancelled: false } => f.write_str("waits, something runs on it"),
            Self::Refused(refusal) => write!(f, "refused by EC2: {refusal}"),
            Self::Failed(fault) => write!(f, "failed: {fault}"),
            Self::OutOfTime => f.write_str("not begun, there was no time left"),
        }
    }
}

/// Everything about one cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CycleReport {
    /// One word.
    pub outcome: Outcome,
    /// When it began.
    pub began_at: Timestamp,
    /// How long it took.
    pub took: SignedDuration,
    /// When a cycle last read everything, this one included.
    pub last_good: Option<Timestamp>,
    /// The plan, with its report; empty when stale.
    pub plan: Plan,
    /// What became of the actions.
    pub results: Vec<ActionResult>,
    /// What the safety check found.
    pub violations: Vec<Violation>,
    /// Faults that did not change the outcome: a write after apply that failed.
    pub faults: Vec<Fault>,
}

impl CycleReport {
    /// How many actions of this kind ended so.
    pub fn count(&self, word: &str, done: bool) -> usize {
        self.results
            .iter()
            .filter(|result| result.action.word() == word && (result.end == ActionEnd::Done) == done)
            .count()
    }

    /// Starts that EC2 accepted and whose instance is stopped again before the node was ready, seen in this cycle: as good as
    /// refused (a key that the role may not use, no capacity after all).
    pub fn starts_that_fell_back(&self) -> usize {
        let stopped = |event: &&Event| {
            let of = |node: &&NodeReport| Some(&node.instance) == event.instance.as_ref();
            self.plan.report.nodes.iter().find(of).is_some_and(|node| node.phase == NodePhase::FailedStart)
                && event.reason.starts_with(STOPPED_BEFORE_READY)
        };
        self.plan.events.iter().filter(|event| event.kind == EventKind::StartFailed).filter(stopped).count()
    }

    /// Starts that EC2 refused and that nothing took the place of. One that was only throttled, or not sent, is tried again
    /// in the next minute and does not count.
    pub fn unreplaced_starts(&self) -> usize {
        let starts = || {
            let passing =
                |end: &ActionEnd| matches!(end, ActionEnd::Refused(refusal) if refusal.kind.is_passing());
            let results = self.results.iter().filter(move |result| !passing(&result.end));
            results.filter(|result| matches!(result.action, Action::Start(_)))
        };
        let refused = starts().any(|result| matches!(result.end, ActionEnd::Refused(_)));
        let asked = starts().filter(|result| result.in_place_of.is_none()).count();
        let started = starts().filter(|result| result.end == ActionEnd::Done).count();
        if refused { asked.saturating_sub(started) } else { 0 }
    }

    /// One sentence.
    pub fn summary(&self) -> String {
        if !self.violations.is_empty() {
            let all: Vec<String> = self.violations.iter().take(3).map(ToString::to_string).collect();
            return format!("the plan failed the safety check and was not applied: {}", all.join("; "));
        }
        if self.outcome == Outcome::LeaseBusy {
            return "another cycle has the lease; nothing was done".to_owned();
        }
        if let Some(suspension) = &self.plan.report.suspension {
            let done = self.count("start", true);
            let starts = if done > 0 { format!("; {done} started all the same") } else { String::new() };
            return format!("{suspension}{starts}");
        }
        if self.outcome == Outcome::Withheld {
            return self.withheld();
        }
        let mut parts = Vec::new();
        for (word, text) in [
            ("start", "started"),
            ("drain", "draining"),
            ("cancel-drain", "undrained"),
            ("confirm-idle", "found idle"),
            ("stop", "stopped"),
            ("retire", "retired"),
            ("clear-maintenance", "cleared"),
        ] {
            let (done, failed) = (self.count(word, true), self.count(word, false));
            if done > 0 {
                parts.push(format!("{done} {text}"));
            }
            if failed > 0 {
                parts.push(format!("{failed} not {text}"));
            }
        }
        let carried = self.results.iter().filter(|result| result.in_place_of.is_none()).count();
        if self.outcome == Outcome::Acted && self.plan.actions.len() > carried {
            // In `assist` mode only what holds ask for is carried out.
            parts.push(format!("{} withheld", self.plan.actions.len() - carried));
        }
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
    }

    /// What would have been done, in words that are the same as long as the same would be done.
    fn withheld(&self) -> String {
        const NAMED: usize = 8;
        let actions = &self.plan.actions;
        let name = |action: &Action| match action {
            Action::Start(Start { instance, node, .. }) => {
                node.as_ref().map_or_else(|| instance.to_string(), ToString::to_string)
            }
            Action::BeginDrain { node, .. }
            | Action::CancelDrain { node, .. }
            | Action::ConfirmIdle { node, .. }
            | Action::Stop { node, .. }
            | Action::Retire { node, .. }
            | Action::ClearMaintenance { node } => node.name.to_string(),
        };
        let named: Vec<String> =
            actions.iter().take(NAMED).map(|action| format!("{} {}", action.word(), name(action))).collect();
        let more = match actions.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("withheld: {}{more}", named.join(", "))
    }

    /// What was refused in this cycle, one sentence: an order by EC2, or the whole cycle. A pause is no refusal but
    /// somebody's command.
    pub fn refusal(&self) -> Option<String> {
        if self.outcome == Outcome::Refused && !matches!(self.suspension(), Some(Suspension::Paused { .. })) {
            return Some(self.summary());
        }
        let mut refused = self.results.iter().filter_map(|result| match &result.end {
            ActionEnd::Refused(refusal) => Some((result, refusal)),
            _ => None,
        });
        let (result, refusal) = refused.next()?;
        let more = match refused.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let name = match &result.action {
            Action::Start(start) => start.node.as_ref().map_or(start.instance.as_str(), NodeName::as_str),
            action => action.instance().as_str(),
        };
        Some(format!("{} of {name}: {refusal}{more}", result.action.word()))
    }

    /// The suspension, where no rule acted.
    pub fn suspension(&self) -> Option<&Suspension> {
        self.plan.report.suspension.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::RefusalKind;
    use crate::ledger::Actor;

    fn report(outcome: Outcome, refused: &[&str], suspension: Option<Suspension>) -> CycleReport {
        let now = Timestamp::UNIX_EPOCH;
        let mut plan = Plan::empty(now);
        plan.report.suspension = suspension;
        let result = |name: &&str| ActionResult {
            action: Action::Start(Start {
                instance: "i-1".into(),
                node: Some((*name).into()),
                location: "AWS burst".into(),
                reason: String::new(),
                by_name: false,
                hold: None,
                forecast: false,
            }),
            in_place_of: None,
            end: ActionEnd::Refused(Refusal {
                kind: RefusalKind::InstanceCapacity,
                code: "InsufficientInstanceCapacity".to_owned(),
                message: "none left".to_owned(),
            }),
        };
        CycleReport {
            outcome,
            began_at: now,
            took: SignedDuration::ZERO,
            last_good: None,
            plan,
            results: refused.iter().map(result).collect(),
            violations: Vec::new(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn a_refusal_names_the_node_and_what_refused_and_a_pause_is_none() {
        let says = |report: CycleReport| report.refusal().unwrap_or_default();
        assert_eq!(says(report(Outcome::NoOp, &[], None)), "");
        assert_eq!(
            says(report(Outcome::Acted, &["burst-1"], None)),
            "start of burst-1: InsufficientInstanceCapacity: none left"
        );
        assert!(
            says(report(Outcome::Acted, &["burst-1", "burst-2", "burst-3"], None)).ends_with("(and 2 more)")
        );
        let mismatch = Suspension::ModeMismatch { bursting_enabled: true };
        assert!(says(report(Outcome::Refused, &[], Some(mismatch))).contains("the policy's mode is control"));
        let pause = Suspension::Paused { until: Timestamp::MAX, by: Actor::Spillway, reason: String::new() };
        assert_eq!(says(report(Outcome::Refused, &[], Some(pause))), "");
    }

    #[test]
    fn a_start_that_was_throttled_or_not_sent_is_not_a_refused_one() {
        let of = |kinds: &[RefusalKind]| {
            let mut report = report(Outcome::Acted, &vec!["burst"; kinds.len()], None);
            for (result, kind) in report.results.iter_mut().zip(kinds) {
                if let ActionEnd::Refused(refusal) = &mut result.end {
                    refusal.kind = *kind;
                }
            }
            report.unreplaced_starts()
        };
        assert_eq!(of(&[RefusalKind::Throttled, RefusalKind::NotAttempted]), 0);
        assert_eq!(of(&[RefusalKind::Throttled, RefusalKind::Quota]), 1);
        assert_eq!(of(&[RefusalKind::Unauthorized]), 1);
    }
}
