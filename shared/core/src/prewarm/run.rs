//! One firing of a window: the hold is written first, then licences are looked at, then one ordinary cycle runs. A lease
//! that somebody else holds loses nothing, since the next cycle meets the hold.

use futures_util::future::join;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::licences::{LicenceCheck, fit};
use super::spec::WindowSpec;
use super::tick::Tick;
use crate::assess::Assessment;
use crate::cycle::{Cycle, LAST_START, LeaseMemory};
use crate::fault::Fault;
use crate::ids::{HoldId, LocationName};
use crate::ledger::{Actor, Hold, HoldScope, Ledger};
use crate::observation::{Observation, Reading};
use crate::outcome::CycleReport;
use crate::policy::Mode;
use crate::ports::{Clock, FleetWrite, LedgerWrite, LicenceRead, Licences, ManagementWrite, OverflowStart};

/// How often the hold is written within one invocation, when writing fails. The ledger's own client waits in between.
const WRITES: u32 = 3;

/// A hold is written before anything is read, to count from this much later: long enough to look at licences, and if
/// this invocation dies over that, the hold counts all the same, whole.
const UNTIL_CHECKED: SignedDuration = SignedDuration::from_mins(1);

/// What became of a firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Prewarmed {
    /// The window.
    pub window: String,
    /// The scheduled time; the minute of the invocation where it was invoked by hand.
    pub scheduled_at: Timestamp,
    /// Whether no scheduled time was given.
    pub by_hand: bool,
    /// How it ended.
    pub end: PrewarmEnd,
}

/// How a firing ended.
#[derive(Debug, Clone, PartialEq)]
pub enum PrewarmEnd {
    /// The hold is written, and a cycle ran.
    Held(Box<Held>),
    /// The date is one of those to skip.
    Skipped {
        /// Local date.
        date: Date,
    },
    /// It came too late: the hold would be over.
    Over {
        /// When the hold would have ended.
        until: Timestamp,
    },
    /// The window makes no sense on this platform: what an operator has to change.
    Refused(PrewarmRefusal),
    /// The hold could not be written. The invocation has to fail, so that it is tried again.
    NotWritten(Fault),
}

/// A hold that is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The hold.
    pub hold: Hold,
    /// Whether it was there already: the same window fired for the same time before.
    pub repeated: bool,
    /// Licences.
    pub licences: LicenceCheck,
    /// What could not be checked, one phrase each.
    pub unchecked: Vec<String>,
    /// The cycle.
    pub cycle: CycleReport,
}

/// Why a window is refused on this platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrewarmRefusal {
    /// Pexip would stop the nodes again (guide: *Manually starting an overflow node*).
    #[error(
        "lead_minutes is {lead_minutes} and the platform's minimum lifetime is {lifetime_minutes} minutes: \"Do not \
         manually start an overflow node too early. If you manually start up a node more than the Minimum lifetime \
         minutes before the node is needed, it will most probably get automatically stopped again before it is used.\" \
         (Pexip's guide)"
    )]
    TooEarly {
        /// The window's.
        lead_minutes: u32,
        /// The platform's.
        lifetime_minutes: u32,
    },
    /// The location holds no overflow nodes.
    #[error("there is no overflow location {wanted:?}; there are: {}", names(known))]
    NoSuchLocation {
        /// The window's.
        wanted: LocationName,
        /// Those there are.
        known: Vec<LocationName>,
    },
}

fn names(known: &[LocationName]) -> String {
    if known.is_empty() {
        return "none (no instance with the tag joins a Conferencing Node)".to_owned();
    }
    known.iter().map(|name| format!("{:?}", name.as_str())).collect::<Vec<_>>().join(", ")
}

impl PrewarmRefusal {
    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::TooEarly { lifetime_minutes, .. } => format!(
                "let the window fire later and set lead_minutes to at most {lifetime_minutes}, or raise Minimum lifetime \
                 minutes under Platform > Global Settings > Cloud Bursting, or let Spillway drive the instances itself \
                 (mode control)"
            ),
            Self::NoSuchLocation { .. } => {
                "correct `location` in the window's schedule, or set it to null for all overflow locations"
                    .to_owned()
            }
        }
    }
}

impl Tick {
    /// The hold that the window asks for, for this scheduled time. The same time gives the same hold.
    pub fn hold(&self, scheduled_at: Timestamp) -> Hold {
        let WindowSpec { window, location, amount, reason, .. } = &self.spec;
        let later = |by| scheduled_at.saturating_add(by).unwrap_or(Timestamp::MAX);
        Hold {
            id: HoldId::new(format!("{window}@{scheduled_at}")),
            scope: location.clone().map_or(HoldScope::All, HoldScope::Location),
            amount: *amount,
            from: scheduled_at,
            until: later(self.spec.hold()),
            by: Actor::Spillway,
            reason: if reason.is_empty() { "pre-warm".to_owned() } else { format!("pre-warm: {reason}") },
            spike_at: Some(later(self.spec.lead())),
            asked: None,
        }
    }
}

/// Carries a firing out.
pub async fn run<F, M, L, C>(
    cycle: &Cycle<'_, F, M, L, C>,
    tick: &Tick,
    memory: &mut LeaseMemory,
) -> Prewarmed
where
    F: FleetWrite,
    M: ManagementWrite + OverflowStart + LicenceRead,
    L: LedgerWrite,
    C: Clock,
{
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

struct Firing<'a, 'p, F, M, L, C> {
    cycle: &'a Cycle<'p, F, M, L, C>,
    tick: &'a Tick,
}

impl<F, M, L, C> Firing<'_, '_, F, M, L, C>
where
    F: FleetWrite,
    M: ManagementWrite + OverflowStart + LicenceRead,
    L: LedgerWrite,
    C: Clock,
{
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

impl Prewarmed {
    /// Whether the invocation has to fail, so that it is tried again and its end is not overlooked.
    pub fn is_failure(&self) -> bool {
        matches!(self.end, PrewarmEnd::Refused(_) | PrewarmEnd::NotWritten(_))
    }

    /// What to do about it; empty where nothing.
    pub fn remedy(&self) -> String {
        match &self.end {
            PrewarmEnd::Refused(refusal) => refusal.remedy(),
            PrewarmEnd::NotWritten(fault) => fault.remedy.clone(),
            PrewarmEnd::Held(_) | PrewarmEnd::Skipped { .. } | PrewarmEnd::Over { .. } => String::new(),
        }
    }

    /// What happened, in sentences.
    pub fn summary(&self) -> String {
        let Self { window, scheduled_at, by_hand, end } = self;
        let when = if *by_hand {
            format!("{window}, invoked by hand (no scheduled time; {scheduled_at} is taken)")
        } else {
            format!("{window} of {scheduled_at}")
        };
        let what = match end {
            PrewarmEnd::Skipped { date } => format!("skipped: {date} is one of its dates to skip"),
            PrewarmEnd::Over { until } => {
                format!("came too late: its hold was over at {until}; nothing is done")
            }
            PrewarmEnd::Refused(refusal) => format!("refused: {refusal}"),
            PrewarmEnd::NotWritten(fault) => format!("the hold could not be written: {fault}"),
            PrewarmEnd::Held(held) => held.to_string(),
        };
        format!("{when}: {what}")
    }
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hold, repeated, licences, unchecked, cycle } = self;
        let again = if *repeated { " (it was there already)" } else { "" };
        write!(f, "{} held until {}{again}; {}", hold.amount, hold.until, cycle.summary())?;
        if *licences != LicenceCheck::Unknown {
            write!(f, ". {licences}")?;
        }
        if !unchecked.is_empty() {
            write!(f, ". Could not be checked: {}", unchecked.join(", "))?;
        }
        Ok(())
    }
}
