//! The planner: pure, synchronous, total. `now` is an argument; nothing here reads a clock, waits or draws lots.
//! It never fails because the world is odd: it returns a plan that does less and says why.
//!
//! The order of the steps is the order of what they are worth: what was seen is remembered first; a drain that
//! is in the way of a call is cancelled before a node is started, since that is the cheapest start there is;
//! and a node is only drained when everything else has had its say.

mod blind;
mod bookkeeping;
mod cancel;
mod demand;
mod draft;
mod drain;
mod expected;
mod hold;
mod hold_status;
mod readiness;
mod reporting;
mod request;
mod stuck;

use jiff::{SignedDuration, Timestamp};

use crate::assess::Assessment;
use crate::ledger::Ledger;
use crate::observation::{Fleet, Observation, Platform, Reading};
use crate::outlook::{Forecasts, Outlook, Profiles, look_ahead};
use crate::plan::{Override, Plan};
use crate::policy::{Mode, Policy};
use crate::report::{CancelReason, Suspension, paused};
use draft::Draft;
pub use draft::remember_start;

/// No stop for this long after another Management Node answers: it may not know yet what runs where.
pub const AFTER_FAILOVER: SignedDuration = SignedDuration::from_mins(10);

/// How far apart the two idle readings are at least.
pub const IDLE_GAP: SignedDuration = SignedDuration::from_secs(30);

/// A hold is met blindly only if bursting was seen off within this time.
pub const MODE_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// Decides what to do.
pub fn plan(policy: &Policy, observation: &Observation, ledger: &Reading<Ledger>, now: Timestamp) -> Plan {
    plan_given(policy, observation, ledger, now, Given::default())
}

/// Decides what to do, with what is expected: what a cycle does. Without profiles what the last evaluation expected.
pub fn plan_ahead(
    policy: &Policy,
    observation: &Observation,
    ledger: &Reading<Ledger>,
    profiles: Option<&Profiles>,
    now: Timestamp,
    overrides: &[Override],
) -> Plan {
    let outlook = match (&observation.platform, &observation.fleet, ledger) {
        (Ok(platform), Ok(fleet), Ok(ledger)) => look_ahead(policy, platform, fleet, ledger, profiles, now),
        // Without one of them nothing is expected.
        _ => Outlook::default(),
    };
    let given = Given { overrides, forecasts: Some(&outlook.forecasts) };
    let mut plan = plan_given(policy, observation, ledger, now, given);
    plan.recent = outlook.recent;
    // What was only taken over from the last evaluation must not outlive it.
    plan.expected = profiles.map(|_| outlook.forecasts);
    plan
}

/// What a plan may take into account beside what was read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// Rules that an operator has set aside.
    pub overrides: &'a [Override],
    /// What is expected; none: the vendor's rule alone.
    pub forecasts: Option<&'a Forecasts>,
}

/// Decides what to do where an operator has set rules aside, or something is expected.
pub fn plan_given(
    policy: &Policy,
    observation: &Observation,
    ledger: &Reading<Ledger>,
    now: Timestamp,
    given: Given<'_>,
) -> Plan {
    let mut plan = Plan::empty(observation.observed_at);
    let fleet = match &observation.fleet {
        Ok(fleet) => fleet,
        Err(fault) => {
            plan.report.suspension =
                Some(Suspension::FleetUnreadable { detail: fault.to_string(), remedy: fault.remedy.clone() });
            if let Ok(ledger) = ledger {
                readiness::report_unseen(ledger, now, &mut plan);
            }
            return plan;
        }
    };
    match (&observation.platform, ledger) {
        (Ok(platform), Ok(ledger)) => plan_all(policy, platform, fleet, ledger, now, plan, given),
        (Ok(platform), Err(fault)) => {
            plan.report.suspension = Some(Suspension::LedgerUnreadable {
                detail: fault.to_string(),
                remedy: fault.remedy.clone(),
            });
            plan_without_ledger(policy, platform, fleet, now, plan)
        }
        (Err(fault), ledger) => {
            plan.report.suspension = Some(Suspension::PlatformUnreadable {
                kind: fault.kind,
                detail: fault.to_string(),
                remedy: fault.remedy.clone(),
            });
            let Ok(ledger) = ledger else { return plan };
            if policy.mode == Mode::Control && paused(ledger, now).is_none() {
                plan = blind::plan_blind_holds(policy, fleet, ledger, now, plan);
            }
            readiness::report_unseen(ledger, now, &mut plan);
            plan
        }
    }
}

fn plan_all(
    policy: &Policy,
    platform: &Platform,
    fleet: &Fleet,
    ledger: &Ledger,
    now: Timestamp,
    plan: Plan,
    given: Given<'_>,
) -> Plan {
    let view = Assessment::new(policy, platform, fleet, Some(ledger), now);
    let mut draft = Draft::new(policy, &view, ledger, now, plan);
    draft.overrides = given.overrides;
    if let Some(forecasts) = given.forecasts {
        draft.forecasts = forecasts;
    }
    let outage = view.is_outage();
    bookkeeping::remember(&mut draft, !outage);
    draft.count_running();
    draft.plan.seen = draft.plan.records.clone();
    draft.plan.load = reporting::load(&view);

    if let Some(pause) = paused(ledger, now) {
        draft.plan.report.suspension = Some(pause);
        request::take_releases(&mut draft);
        cancel::end_automatic(&mut draft);
    } else if outage {
        let (all, stale) = view.always_on;
        draft.plan.report.suspension = Some(Suspension::MostNodesStale { stale, all });
        if !mode_mismatch(policy, platform) {
            hold::plan_holds(&mut draft);
        }
    } else if mode_mismatch(policy, platform) {
        draft.plan.report.suspension =
            Some(Suspension::ModeMismatch { bursting_enabled: platform.bursting.enabled });
        cancel::cancel_all(&mut draft, &CancelReason::ModeMismatch);
    } else {
        request::take_requests(&mut draft);
        if policy.mode == Mode::Assist {
            // Nobody ends a drain there, and Pexip would wait for a node that refuses calls.
            cancel::cancel_all(&mut draft, &CancelReason::PexipDecides);
        }
        drain::stop_overridden(&mut draft);
        cancel::cancel_for_calls(&mut draft);
        if policy.mode == Mode::Assist {
            // Holds are all that is carried out there: they are met as if no other rule had started anything.
            hold::plan_holds(&mut draft);
            demand::plan_demand(&mut draft);
        } else {
            demand::plan_demand(&mut draft);
            hold::plan_holds(&mut draft);
        }
        expected::plan_expected(&mut draft);
        drain::progress(&mut draft);
        drain::begin(&mut draft);
        drain::clear_leftovers(&mut draft);
    }
    reporting::finish(draft)
}

/// Without the ledger nobody knows how old a run is or who drains what: no stops, no drains; at most one start
/// per needed location, and none if an instance there was launched within the boot limit.
fn plan_without_ledger(
    policy: &Policy,
    platform: &Platform,
    fleet: &Fleet,
    now: Timestamp,
    plan: Plan,
) -> Plan {
    let nothing = Ledger::default();
    let view = Assessment::new(policy, platform, fleet, None, now);
    let mut draft = Draft::new(policy, &view, &nothing, now, plan);
    draft.plan.load = reporting::load(&view);
    if policy.mode == Mode::Control && !view.is_outage() && !mode_mismatch(policy, platform) {
        demand::plan_one_each(&mut draft);
    }
    let mut plan = reporting::finish(draft);
    plan.records.clear();
    plan.seen.clear();
    plan
}

fn mode_mismatch(policy: &Policy, platform: &Platform) -> bool {
    match policy.mode {
        Mode::Control => platform.bursting.enabled,
        Mode::Assist => !platform.bursting.enabled,
    }
}
