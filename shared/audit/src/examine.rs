//! All checks of what was read, one after another.

use jiff::Timestamp;
use spillway_core::assess::Assessment;
use spillway_core::fault::Fault;
use spillway_core::observation::{Fleet, Platform, Reading};
use spillway_core::policy::Policy;
use spillway_core::snapshot::Snapshot;
use spillway_view::issues;

use crate::check::Check;
use crate::cycles::cycles;
use crate::fleet::{instances, types};
use crate::platform::{clocks, mode, names, pairs, ports, upgrade};

/// All checks of what was read.
pub fn examine(policy: &Policy, snapshot: &Snapshot, now: Timestamp) -> Vec<Check> {
    let Snapshot { observation, ledger, licences, certificates } = snapshot;
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
                .map(|issue| Check::warn("issue", format!("{}: {}", issue.about, issue.what), issue.remedy)),
        );
    }
    checks
}

/// Whether a policy fits what is there, before it is stored: how many instances have its tag, and whether the locations that it
/// names are on the platform. What could not be read is a warning, since a platform is set up in some order.
pub fn examine_policy(policy: &Policy, fleet: &Reading<Fleet>, platform: &Reading<Platform>) -> Vec<Check> {
    let unread = |what: &str, fault: &Fault| Check::warn(what, fault.to_string(), fault.remedy.clone());
    let mut checks = vec![match fleet {
        Ok(fleet) => instances(policy, fleet),
        Err(fault) => unread("EC2", fault),
    }];
    match platform {
        Ok(platform) => checks.extend(names(policy, platform)),
        Err(fault) => checks.push(unread("locations", fault)),
    }
    checks
}
