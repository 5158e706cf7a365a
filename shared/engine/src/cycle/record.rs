//! What a cycle leaves behind: history, the minute's load, what it knows of the platform, and the digest.

use crate::cycle::CycleSystems;
use jiff::Timestamp;

use super::Cycle;
use crate::ports::{Clock, Lease, LeaseError, LedgerWrite};
use spillway_core::assess::shows_upgrade;
use spillway_core::fault::Fault;
use spillway_core::ledger::{Actor, Digest, Event, EventKind, KnownPlatform, LastRefusal, Ledger};
use spillway_core::observation::{Observation, Reading};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::plan::Plan;
use spillway_core::policy::Policy;

impl<S: CycleSystems> Cycle<'_, S> {
    /// What would have been done is told once, and again when it is something else: it is what a shadow is compared by.
    pub(super) async fn record_withheld(
        &self,
        report: &CycleReport,
        reading: &Reading<Ledger>,
    ) -> Result<(), Fault> {
        let Ok(state) = reading else { return Ok(()) };
        let reason = report.summary();
        let told = state.cycle.digest.as_ref().is_some_and(|digest| digest.summary == reason);
        if report.outcome != Outcome::Withheld || told {
            return Ok(());
        }
        let at = report.plan.observed_at;
        let event = Event {
            id: format!("{at}-withheld"),
            at,
            kind: EventKind::Withheld,
            instance: None,
            node: None,
            location: None,
            by: Actor::Spillway,
            reason,
        };
        self.ports.ledger.append_events(&[event]).await
    }

    /// Before the digest, which says that it is so.
    pub(super) async fn record_platform(
        &self,
        observation: &Observation,
        reading: &Reading<Ledger>,
    ) -> Result<(), Fault> {
        let (Ok(platform), Ok(state)) = (&observation.platform, reading) else { return Ok(()) };
        let seen = KnownPlatform::of(platform);
        if state.platform.as_ref() == Some(&seen) {
            return Ok(());
        }
        self.ports.ledger.put_platform(&seen).await
    }

    /// What was seen goes into the history before it is remembered as seen: a cycle that dies in between writes
    /// the same lines again, under the same ids.
    pub(super) async fn record_seen(&self, plan: &Plan) -> Result<(), Fault> {
        if plan.events.is_empty() {
            return Ok(());
        }
        self.ports.ledger.append_events(&plan.events).await
    }

    pub(super) async fn record_outcome(
        &self,
        report: &mut CycleReport,
        mut events: Vec<Event>,
        observation: &Observation,
        reading: &Reading<Ledger>,
        lease: &Lease,
        done_requests: &[String],
    ) {
        let ledger = self.ports.ledger;
        let now = self.ports.clock.now();
        if !report.violations.is_empty() {
            events.push(Event {
                id: format!("{}-refused", report.plan.observed_at),
                at: now,
                kind: EventKind::CycleRefused,
                instance: None,
                node: None,
                location: None,
                by: Actor::Spillway,
                reason: report.summary(),
            });
        }
        if !events.is_empty()
            && let Err(fault) = ledger.append_events(&events).await
        {
            report.faults.push(fault);
        }
        if !report.plan.load.is_empty()
            && let Err(fault) = ledger.put_load(report.plan.observed_at, &report.plan.load).await
        {
            report.faults.push(fault);
        }
        // A command that was not carried out stays.
        for id in done_requests {
            if let Err(fault) = ledger.remove_request(id).await {
                report.faults.push(fault);
            }
        }
        let before = reading.as_ref().ok().and_then(|ledger| ledger.cycle.digest.clone());
        let digest = digest(self.policy, report, observation, before, now);
        match ledger.finish(lease, &digest).await {
            Ok(()) => {}
            // Somebody took over: what this cycle did is in the history all the same.
            Err(LeaseError::Lost) => report.outcome = Outcome::LeaseBusy,
            Err(LeaseError::Fault(fault)) => report.faults.push(fault),
        }
    }

    /// Nothing was changed: digest and load in one write.
    pub(super) async fn close_idle(
        &self,
        report: &mut CycleReport,
        observation: &Observation,
        state: &Ledger,
    ) {
        let digest =
            digest(self.policy, report, observation, state.cycle.digest.clone(), self.ports.clock.now());
        let (at, load) = (report.plan.observed_at, &report.plan.load);
        match self.ports.ledger.close_idle(&state.cycle, &digest, at, load).await {
            Ok(()) => {}
            Err(LeaseError::Lost) => report.outcome = Outcome::LeaseBusy,
            Err(LeaseError::Fault(fault)) => report.faults.push(fault),
        }
    }
}

fn digest(
    policy: &Policy,
    report: &CycleReport,
    observation: &Observation,
    before: Option<Digest>,
    now: Timestamp,
) -> Digest {
    let before = before.unwrap_or_else(|| Digest::new(now));
    let platform = observation.platform.as_ref().ok();
    let address = platform.map_or_else(|| before.address.clone(), |platform| platform.address.clone());
    let moved = !before.address.is_empty() && before.address != address;
    Digest {
        at: now,
        outcome: Some(report.outcome),
        summary: report.summary(),
        last_good: report.last_good.or(before.last_good),
        address_changed_at: if moved { Some(now) } else { before.address_changed_at },
        address,
        bursting_enabled: platform
            .map(|platform| (platform.bursting.enabled, now))
            .or(before.bursting_enabled),
        last_refusal: report.refusal().map(|what| LastRefusal { at: now, what }).or(before.last_refusal),
        // What could not be seen is not forgotten: the next cycle goes on from it.
        recent: if platform.is_some() && observation.fleet.is_ok() {
            report.plan.recent.clone()
        } else {
            before.recent
        },
        expected_at: if report.plan.expected.is_some() { Some(now) } else { before.expected_at },
        expected: report.plan.expected.clone().unwrap_or(before.expected),
        // An upgrade that cannot be seen for a moment, since the Management Node restarts, is not over.
        upgrade_since: platform.map_or(before.upgrade_since, |platform| {
            shows_upgrade(policy, platform).then(|| before.upgrade_since.unwrap_or(now))
        }),
    }
}
