//! One firing of a window: the hold is written first, then licences are looked at, then one ordinary cycle runs. A lease
//! that somebody else holds loses nothing, since the next cycle meets the hold.

use crate::cycle::CycleSystems;
use crate::ports::LedgerRead;
use crate::ports::Systems;
use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};

use crate::cycle::{Cycle, LAST_START, LeaseMemory};
use crate::ports::{Clock, LedgerWrite, LicenceRead};
use spillway_core::assess::Assessment;
use spillway_core::fault::Fault;
use spillway_core::ledger::{Hold, Ledger};
use spillway_core::observation::{Licences, Observation, Reading};
use spillway_core::policy::Mode;
use spillway_core::prewarm::Tick;
use spillway_core::prewarm::{Held, LicenceCheck, PrewarmEnd, PrewarmRefusal, Prewarmed, fit};

/// How often the hold is written within one invocation, when writing fails. The ledger's own client waits in between.
const WRITES: u32 = 3;

/// A hold is written before anything is read, to count from this much later: long enough to look at licences, and if
/// this invocation dies over that, the hold counts all the same, whole.
const UNTIL_CHECKED: SignedDuration = SignedDuration::from_mins(1);

/// What a pre-warm needs of the systems.
pub trait PrewarmSystems: CycleSystems + Systems<Management: LicenceRead> {}

impl<S> PrewarmSystems for S where S: CycleSystems + Systems<Management: LicenceRead> {}

/// Carries a firing out.
pub async fn run<S: PrewarmSystems>(
    cycle: &Cycle<'_, S>,
    tick: &Tick,
    memory: &mut LeaseMemory,
) -> Prewarmed {
    let now = cycle.ports.clock.now();
    let by_hand = tick.scheduled_at.is_none();
    let scheduled_at = tick.scheduled_at.unwrap_or_else(|| whole_minute(now));
    let hold = tick.hold(scheduled_at);
    // The zone was checked when the payload was read.
    let date = tick.spec.zone().ok().map(|zone| zone.to_datetime(scheduled_at).date());
    let end = match date {
        Some(date) if tick.spec.skip.contains(&date) => PrewarmEnd::Skipped { date },
        _ if now >= hold.until => PrewarmEnd::Over { until: hold.until },
        _ => Firing { cycle, tick }.hold_and_run(hold, memory).await,
    };
    Prewarmed { window: tick.spec.window.clone(), scheduled_at, by_hand, end }
}

/// Down, so that what is invoked by hand counts at once.
fn whole_minute(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(60)).unwrap_or(now)
}

struct Firing<'a, 'p, S: Systems> {
    cycle: &'a Cycle<'p, S>,
    tick: &'a Tick,
}

impl<S: PrewarmSystems> Firing<'_, '_, S> {
    async fn hold_and_run(&self, mut hold: Hold, memory: &mut LeaseMemory) -> PrewarmEnd {
        let Cycle { ports, policy, .. } = self.cycle;
        let now = ports.clock.now();
        let ledger = ports.ledger.read_ledger(now).await;
        let repeated =
            ledger.as_ref().is_ok_and(|ledger| ledger.holds.iter().any(|other| other.id == hold.id));
        if !repeated {
            let from = hold.from.max(now.saturating_add(UNTIL_CHECKED).unwrap_or(now));
            if let Err(fault) = self.write(&Hold { from, ..hold.clone() }).await {
                return PrewarmEnd::NotWritten(fault);
            }
        }
        let (observation, licences) = join(self.cycle.observe(), ports.management.read_licences()).await;
        // A platform without a single port licence takes no call at all: the release does not say how many there are.
        let licences = licences.map(|known| known.filter(|known| known.ports_total > 0));
        if let Some(refusal) = self.refusal(&observation, &ledger) {
            // Unless it counts already: then it was written when it made sense.
            if !repeated && let Err(fault) = ports.ledger.remove_hold(&hold.id).await {
                return PrewarmEnd::NotWritten(fault);
            }
            return PrewarmEnd::Refused(refusal);
        }
        let check = self.check_licences(&mut hold, &observation, &ledger, &licences);
        let mut unchecked = self.unchecked(&observation, &licences);
        if let Err(fault) = self.write(&hold).await {
            unchecked.push(format!(
                "whether the hold counts at once (it does from a minute later, whole: {fault})"
            ));
        }
        let report = self.cycle.run_seen(memory, observation).await;
        if policy.dry_run {
            unchecked.push("whether nodes would start: dry_run is set".to_owned());
        }
        PrewarmEnd::Held(Box::new(Held { hold, repeated, licences: check, unchecked, cycle: report }))
    }

    /// The ledger's client waits between its own attempts; this is for what is over by then.
    async fn write(&self, hold: &Hold) -> Result<(), Fault> {
        let Cycle { ports, deadline, .. } = self.cycle;
        let mut last = ports.ledger.put_hold(hold).await;
        for _ in 1..WRITES {
            if last.is_ok() || deadline.saturating_sub(ports.clock.monotonic()) < LAST_START {
                break;
            }
            last = ports.ledger.put_hold(hold).await;
        }
        last
    }

    fn refusal(&self, observation: &Observation, ledger: &Reading<Ledger>) -> Option<PrewarmRefusal> {
        let Cycle { ports, policy, .. } = self.cycle;
        let platform = observation.platform.as_ref().ok()?;
        let (lead_minutes, lifetime_minutes) =
            (self.tick.spec.lead_minutes, platform.bursting.min_lifetime_minutes);
        if policy.mode == Mode::Assist && lead_minutes > lifetime_minutes {
            return Some(PrewarmRefusal::TooEarly { lead_minutes, lifetime_minutes });
        }
        let wanted = self.tick.spec.location.as_ref()?;
        let fleet = observation.fleet.as_ref().ok()?;
        let view = Assessment::new(policy, platform, fleet, ledger.as_ref().ok(), ports.clock.now());
        let known: Vec<_> =
            view.overflow_locations().map(|(_, location)| location.location.name.clone()).collect();
        (!known.contains(wanted)).then(|| PrewarmRefusal::NoSuchLocation { wanted: wanted.clone(), known })
    }

    fn check_licences(
        &self,
        hold: &mut Hold,
        observation: &Observation,
        ledger: &Reading<Ledger>,
        licences: &Reading<Option<Licences>>,
    ) -> LicenceCheck {
        let (Ok(platform), Ok(fleet), Ok(Some(licences))) =
            (&observation.platform, &observation.fleet, licences)
        else {
            return LicenceCheck::Unknown;
        };
        let Cycle { ports, policy, .. } = self.cycle;
        let view = Assessment::new(policy, platform, fleet, ledger.as_ref().ok(), ports.clock.now());
        fit(&view, hold, *licences, self.tick.spec.ignore_licences)
    }

    fn unchecked(&self, observation: &Observation, licences: &Reading<Option<Licences>>) -> Vec<String> {
        let mut unchecked = Vec::new();
        match (&observation.platform, licences) {
            (_, Ok(Some(_))) => {}
            (Ok(_), Ok(None)) => unchecked.push("licences (this release does not show them)".to_owned()),
            (Ok(_), Err(fault)) => unchecked.push(format!("licences ({fault})")),
            (Err(_), _) => unchecked.push("licences".to_owned()),
        }
        if let Err(fault) = &observation.platform {
            let bursting = match self.cycle.policy.mode {
                Mode::Control => "whether Pexip's own bursting is off",
                Mode::Assist => "whether Pexip's own bursting is on, without which nothing starts",
            };
            unchecked.extend(["static NAT addresses", "versions", bursting].map(str::to_owned));
            unchecked.push(format!("and all of it because the Management Node cannot be read ({fault})"));
        }
        unchecked
    }
}
