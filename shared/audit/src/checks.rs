//! Does everything fit together? One check for each thing that an operator can have got wrong, with what to do.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::assess::Assessment;
use spillway_core::fault::Fault;
use spillway_core::ids::{InstanceType, LocationName};
use spillway_core::ledger::Ledger;
use spillway_core::ledger::Outcome;
use spillway_core::observation::{Certificate, Fleet, Observation, Platform};
use spillway_core::policy::{Mode, Policy};
use spillway_core::report::Gate;

use spillway_view::time::{local, span};
use spillway_view::{Paint, Tone, clean, issues};

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works, and something is to be looked at.
    Odd,
    /// Does not work.
    Bad,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, one sentence.
    pub found: String,
    /// What to do; empty where nothing.
    pub remedy: String,
}

impl Check {
    /// As it should be.
    pub fn good(what: &str, found: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Good, found, remedy: String::new() }
    }

    /// To be looked at.
    pub fn odd(what: &str, found: String, remedy: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Odd, found, remedy }
    }

    /// Does not work.
    pub fn bad(what: &str, found: String, remedy: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Bad, found, remedy }
    }

    fn fault(what: &str, fault: &Fault) -> Self {
        Self::bad(what, fault.to_string(), fault.remedy.clone())
    }
}

/// What was read.
#[derive(Debug, Clone, Copy)]
pub struct Examined<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What a cycle reads.
    pub observation: &'a Observation,
    /// What is remembered.
    pub ledger: &'a Result<Ledger, Fault>,
    /// Port licences in use and in all; `None` where the release does not say.
    pub licences: &'a Result<Option<(u64, u64)>, Fault>,
    /// TLS certificates.
    pub certificates: &'a Result<Vec<Certificate>, Fault>,
    /// Now.
    pub now: Timestamp,
}

/// The evaluator runs once a minute; three without one are no accident.
const CYCLE_OVERDUE: SignedDuration = SignedDuration::from_mins(3);

/// Reports are dated by the Management Node, launches by EC2: clocks that differ by more make nodes look stale or young.
const CLOCKS: SignedDuration = SignedDuration::from_secs(30);

/// All checks of what was read.
pub fn examine(read: &Examined<'_>) -> Vec<Check> {
    let Examined { policy, observation, ledger, licences, certificates, now } = *read;
    let mut checks = vec![cycles(ledger, now)];
    match &observation.fleet {
        Ok(fleet) => checks.push(instances(policy, fleet)),
        Err(fault) => checks.push(Check::fault("EC2", fault)),
    }
    let platform = match &observation.platform {
        Ok(platform) => platform,
        Err(fault) => {
            checks.push(Check::fault("Management Node", fault));
            return checks;
        }
    };
    checks.push(Check::good(
        "Management Node",
        format!("{} answers, version {}", platform.address, platform.version),
    ));
    checks.push(clocks(platform, observation.observed_at));
    checks.push(mode(policy, platform));
    checks.push(ports(licences));
    if let Err(fault) = certificates {
        checks.push(Check::fault("certificates", fault));
    }
    checks.extend(names(policy, platform));
    if let Ok(fleet) = &observation.fleet {
        let view = Assessment::new(policy, platform, fleet, ledger.as_ref().ok(), now);
        checks.push(pairs(&view));
        checks.push(upgrade(&view));
        checks.extend(types(policy, fleet));
        let issues = issues(policy, fleet, &view, certificates.as_deref().unwrap_or_default());
        checks.extend(
            issues
                .into_iter()
                .map(|issue| Check::odd("issue", format!("{}: {}", issue.about, issue.what), issue.remedy)),
        );
    }
    checks
}

fn cycles(ledger: &Result<Ledger, Fault>, now: Timestamp) -> Check {
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

fn instances(policy: &Policy, fleet: &Fleet) -> Check {
    const WHAT: &str = "EC2";
    let regions: BTreeSet<&str> = fleet.instances.iter().map(|instance| instance.region.as_str()).collect();
    let regions: Vec<&str> = regions.into_iter().collect();
    match fleet.instances.len() {
        0 => Check::bad(
            WHAT,
            format!("no instance has the tag pexip-cloud = {}", policy.tag_value),
            "tag the instances, or correct tag_value, regions and vpcs in the policy".to_owned(),
        ),
        number => Check::good(
            WHAT,
            format!(
                "{number} instances with the tag pexip-cloud = {} in {}",
                policy.tag_value,
                regions.join(", ")
            ),
        ),
    }
}

fn clocks(platform: &Platform, observed_at: Timestamp) -> Check {
    let apart = observed_at.duration_since(platform.server_time).abs();
    let said = format!("the Management Node's clock and this machine's differ by {}", span(apart));
    if apart > CLOCKS {
        return Check::odd("clocks", said, "set NTP on the Management Node, or on this machine".to_owned());
    }
    Check::good("clocks", said)
}

fn mode(policy: &Policy, platform: &Platform) -> Check {
    const WHAT: &str = "mode";
    match (policy.mode, platform.bursting.enabled) {
        (Mode::Control, true) | (Mode::Assist, false) => {
            let gate = Gate::ModeMismatch { bursting_enabled: platform.bursting.enabled };
            Check::bad(
                WHAT,
                gate.to_string(),
                "spillway policy set, or the Management Node's setting".to_owned(),
            )
        }
        (_, _) if policy.dry_run => Check::odd(
            WHAT,
            "dry run: nothing is started or stopped".to_owned(),
            "take dry_run out of the policy when you trust it".to_owned(),
        ),
        (Mode::Control, false) => {
            Check::good(WHAT, "control, and Pexip's own bursting is off: Spillway decides".to_owned())
        }
        (Mode::Assist, true) => {
            Check::good(WHAT, "assist, and Pexip's own bursting is on: it decides".to_owned())
        }
    }
}

fn ports(licences: &Result<Option<(u64, u64)>, Fault>) -> Check {
    const WHAT: &str = "licences";
    match licences {
        Err(fault) => Check::fault(WHAT, fault),
        Ok(None) => Check::good(WHAT, "this release does not say".to_owned()),
        Ok(Some((used, total))) if used >= total => Check::bad(
            WHAT,
            format!("all {total} port licences are in use: more nodes take no more calls"),
            "more licences".to_owned(),
        ),
        Ok(Some((used, total))) => Check::good(WHAT, format!("{used} of {total} port licences in use")),
    }
}

/// A location in the policy that is not on the platform is a setting without effect: found out by a refused call.
fn names(policy: &Policy, platform: &Platform) -> Vec<Check> {
    let known: BTreeSet<&LocationName> = platform.locations.iter().map(|location| &location.name).collect();
    let keyed = policy
        .thresholds
        .keys()
        .map(|name| ("thresholds", name))
        .chain(policy.max_nodes.keys().map(|name| ("max_nodes", name)))
        .chain(policy.fallback.iter().flat_map(|(from, to)| [("fallback", from), ("fallback", to)]))
        .chain(policy.nat.private_only.iter().map(|name| ("nat.private_only", name)));
    keyed
        .filter(|(_, name)| !known.contains(name))
        .map(|(key, name)| {
            let remedy = "write it as the Management Node does: capitals and spaces count".to_owned();
            Check::bad("policy", format!("{key} names the location {name}, which is not there"), remedy)
        })
        .collect()
}

fn pairs(view: &Assessment<'_>) -> Check {
    const WHAT: &str = "locations";
    let mut said: Vec<String> = view
        .pairs
        .iter()
        .map(|pair| {
            format!(
                "{} overflows to {}",
                view.location_name(pair.principal),
                view.location_name(pair.overflow)
            )
        })
        .collect();
    said.dedup();
    if said.is_empty() {
        return Check::bad(
            WHAT,
            "no location with always-on nodes has a primary overflow location with overflow nodes".to_owned(),
            "set the primary overflow location (guide: Configuring dynamic bursting)".to_owned(),
        );
    }
    Check::good(WHAT, said.join(", "))
}

fn upgrade(view: &Assessment<'_>) -> Check {
    if view.upgrading {
        return Check::odd(
            "versions",
            "an upgrade is in progress, or a node runs another version: no drain begins and nothing is stopped".to_owned(),
            "start and hold nodes whose version is behind until they are upgraded".to_owned(),
        );
    }
    Check::good("versions", "all running nodes have the Management Node's version".to_owned())
}

fn types(policy: &Policy, fleet: &Fleet) -> Option<Check> {
    if policy.price_per_hour.is_empty() {
        return None;
    }
    let without: BTreeSet<&InstanceType> = fleet
        .instances
        .iter()
        .map(|instance| &instance.instance_type)
        .filter(|kind| !policy.price_per_hour.contains_key(*kind))
        .collect();
    let names: Vec<&str> = without.iter().map(|kind| kind.as_str()).collect();
    (!names.is_empty()).then(|| {
        Check::odd(
            "prices",
            format!("no price for {}", names.join(", ")),
            "add it to price_per_hour in the policy".to_owned(),
        )
    })
}

/// One line each, and what to do below it.
pub fn render_checks(checks: &[Check], now: Timestamp, zone: &TimeZone, paint: &impl Paint) -> String {
    let widest = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { what, verdict, found, remedy } in checks {
        let (word, tone) = match verdict {
            Verdict::Good => ("ok  ", Tone::Plain),
            Verdict::Odd => ("look", Tone::Warn),
            Verdict::Bad => ("BAD ", Tone::Bad),
        };
        let line = format!("{word}  {what:widest$}  {}", local(found, now, zone));
        text.push_str(&paint.paint(tone, &clean(&line)));
        text.push('\n');
        if !remedy.is_empty() {
            let indent = " ".repeat(widest + 8);
            let _ = writeln!(text, "{indent}{}", clean(&local(remedy, now, zone)));
        }
    }
    text
}
