//! What the Management Node says.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::Assessment;
use spillway_core::fault::Fault;
use spillway_core::ids::LocationName;
use spillway_core::observation::Licences;
use spillway_core::observation::Platform;
use spillway_core::policy::{Mode, Policy};
use spillway_core::report::Suspension;
use spillway_view::time::span;

use crate::check::Check;

/// Reports are dated by the Management Node, launches by EC2: clocks that differ by more make nodes look stale or young.
const CLOCKS: SignedDuration = SignedDuration::from_secs(30);

pub(crate) fn clocks(platform: &Platform, observed_at: Timestamp) -> Check {
    let apart = observed_at.duration_since(platform.server_time).abs();
    let said = format!("the Management Node's clock and this machine's differ by {}", span(apart));
    if apart > CLOCKS {
        return Check::warn("clocks", said, "set NTP on the Management Node, or on this machine".to_owned());
    }
    Check::good("clocks", said)
}

pub(crate) fn mode(policy: &Policy, platform: &Platform) -> Check {
    const WHAT: &str = "mode";
    match (policy.mode, platform.bursting.enabled) {
        (Mode::Control, true) | (Mode::Assist, false) => {
            let gate = Suspension::ModeMismatch { bursting_enabled: platform.bursting.enabled };
            Check::bad(
                WHAT,
                gate.to_string(),
                "change the policy's mode with spillway policy set, or the setting on the Management Node"
                    .to_owned(),
            )
        }
        (_, _) if policy.dry_run => Check::warn(
            WHAT,
            "dry run: nothing is started or stopped".to_owned(),
            "remove dry_run from the policy when you trust the plans".to_owned(),
        ),
        (Mode::Control, false) => {
            Check::good(WHAT, "control, and Pexip's own bursting is off: Spillway decides".to_owned())
        }
        (Mode::Assist, true) => {
            Check::good(WHAT, "assist, and Pexip's own bursting is on: it decides".to_owned())
        }
    }
}

pub(crate) fn ports(licences: &Result<Option<Licences>, Fault>) -> Check {
    const WHAT: &str = "licences";
    match licences {
        Err(fault) => Check::fault(WHAT, fault),
        Ok(None) => Check::good(WHAT, "this release does not report port licences".to_owned()),
        Ok(Some(licences)) if licences.left() == 0 => Check::bad(
            WHAT,
            format!("all {} port licences are in use: more nodes take no more calls", licences.ports_total),
            "add port licences".to_owned(),
        ),
        Ok(Some(Licences { ports_used, ports_total })) => {
            Check::good(WHAT, format!("{ports_used} of {ports_total} port licences in use"))
        }
    }
}

/// A location in the policy that is not on the platform is a setting without effect: found out by a refused call.
pub(crate) fn names(policy: &Policy, platform: &Platform) -> Vec<Check> {
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
            let remedy = "write the name as the Management Node has it: capitals and spaces count".to_owned();
            Check::bad(
                "policy",
                format!("{key} names the location {name}, which the Management Node does not have"),
                remedy,
            )
        })
        .collect()
}

pub(crate) fn pairs(view: &Assessment<'_>) -> Check {
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

pub(crate) fn upgrade(view: &Assessment<'_>) -> Check {
    if view.upgrading {
        return Check::warn(
            "versions",
            "an upgrade is in progress: no drain begins and nothing is stopped until it ends, 24 hours at the longest".to_owned(),
            "wait until it ends; spillway node upgrade starts and holds the nodes whose version is behind".to_owned(),
        );
    }
    let behind: Vec<&str> =
        view.nodes.iter().filter(|node| node.behind).map(|node| node.node.name.as_str()).collect();
    if !behind.is_empty() {
        return Check::warn(
            "versions",
            format!("{} runs another version than the Management Node, and takes no calls", behind.join(", ")),
            "spillway node upgrade --before-upgrade starts and holds them; then start the upgrade again on the Management Node".to_owned(),
        );
    }
    Check::good("versions", "all running nodes have the Management Node's version".to_owned())
}
