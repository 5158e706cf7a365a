//! An independent check over any plan, whoever made it. It shares no code with the planner: it goes back to the
//! observation and the ledger and asks of each action the few questions whose wrong answer drops a call, pays for
//! nothing, or touches something that is not ours. It runs before every apply.

mod caps;
mod stop;
mod violation;

use crate::ids::InstanceId;
use crate::ledger::Ledger;
use crate::observation::{Instance, InstanceState, Node, NodeRole, Observation, Platform, Reading};
use crate::plan::{Action, NodeRef, Override, Plan};
use crate::policy::{Mode, Policy};
use jiff::Timestamp;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
pub use violation::Violation;

/// The tag that makes an instance ours (guide: *Setting up your bursting nodes*).
pub const TAG_KEY: &str = "pexip-cloud";

/// Checks a plan against what was observed. No rule is set aside: this is what the functions run.
///
/// # Errors
/// Everything it would break.
pub fn check(
    policy: &Policy,
    observation: &Observation,
    ledger: &Reading<Ledger>,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), Vec<Violation>> {
    check_overridden(policy, observation, ledger, plan, now, &[])
}

/// Checks a plan where an operator's command has set rules aside. A plan that sets aside anything else breaks it.
///
/// # Errors
/// Everything it would break.
pub fn check_overridden(
    policy: &Policy,
    observation: &Observation,
    ledger: &Reading<Ledger>,
    plan: &Plan,
    now: Timestamp,
    granted: &[Override],
) -> Result<(), Vec<Violation>> {
    let nothing = Ledger::default();
    let facts = Facts {
        policy,
        platform: observation.platform.as_ref().ok(),
        instances: observation
            .fleet
            .as_ref()
            .map(|fleet| fleet.instances.iter().map(|instance| (&instance.id, instance)).collect())
            .unwrap_or_default(),
        ledger: ledger.as_ref().unwrap_or(&nothing),
        ledger_known: ledger.is_ok(),
        now,
        bad_moment: OnceCell::new(),
    };
    let mut violations = Vec::new();
    for action in &plan.actions {
        violations.extend(facts.check_ours(action.instance()));
        match action {
            Action::Start(start) => violations.extend(facts.check_start(&start.instance)),
            Action::BeginDrain { node, kind, .. } => violations.extend(facts.check_drain(node, *kind)),
            Action::Stop { node, overridden, .. } => {
                violations.extend(facts.check_stop(node, overridden.as_ref(), granted));
            }
            Action::Retire { node, .. } => violations.extend(facts.check_retired(node)),
            Action::ConfirmIdle { node, .. } => violations.extend(facts.check_draining(node)),
            Action::CancelDrain { node, .. } | Action::ClearMaintenance { node } => {
                violations.extend(facts.check_maintenance(node));
            }
        }
    }
    for start in plan.substitutes.values().flatten() {
        violations.extend(facts.check_ours(&start.instance));
        violations.extend(facts.check_start(&start.instance));
    }
    facts.check_lives(plan, &mut violations);
    facts.check_caps(plan, &mut violations);
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

struct Facts<'a> {
    policy: &'a Policy,
    platform: Option<&'a Platform>,
    instances: BTreeMap<&'a InstanceId, &'a Instance>,
    ledger: &'a Ledger,
    ledger_known: bool,
    now: Timestamp,
    bad_moment: OnceCell<bool>,
}

impl Facts<'_> {
    fn node(&self, wanted: &NodeRef) -> Option<&Node> {
        self.platform?.nodes.iter().find(|node| node.id == wanted.id)
    }

    fn check_ours(&self, id: &InstanceId) -> Option<Violation> {
        let Some(instance) = self.instances.get(id) else {
            return Some(Violation::NotOurs { instance: id.clone() });
        };
        if instance.tags.get(TAG_KEY) != Some(&self.policy.tag_value) {
            return Some(Violation::NotOurs { instance: id.clone() });
        }
        let vpc_fits = self.policy.vpcs.is_empty() || self.policy.vpcs.contains(&instance.vpc);
        let region_fits = self.policy.regions.is_empty() || self.policy.regions.contains(&instance.region);
        (!vpc_fits || !region_fits).then(|| Violation::WrongPlace {
            instance: id.clone(),
            place: format!("{} {}", instance.region, instance.vpc),
        })
    }

    fn check_start(&self, id: &InstanceId) -> Option<Violation> {
        if self.platform.is_some_and(|platform| platform.bursting.enabled)
            && self.policy.mode == Mode::Control
        {
            return Some(Violation::TwoControllers);
        }
        let instance = self.instances.get(id)?;
        (instance.state != InstanceState::Stopped).then(|| Violation::Contradiction { instance: id.clone() })
    }

    /// An outage or an upgrade, as seen without the planner's help; looked at once.
    fn is_bad_moment(&self) -> bool {
        *self.bad_moment.get_or_init(|| self.seems_bad_moment())
    }

    fn seems_bad_moment(&self) -> bool {
        let Some(platform) = self.platform else { return true };
        if !self.ledger_known || self.seems_upgrading(platform) {
            return true;
        }
        let addresses: BTreeSet<_> =
            self.instances.values().flat_map(|instance| instance.private_addresses()).collect();
        let part_time: BTreeSet<_> = platform
            .nodes
            .iter()
            .filter(|node| addresses.contains(&node.address))
            .map(|node| node.location)
            .collect();
        let (mut all, mut stale) = (0_u32, 0_u32);
        for node in &platform.nodes {
            let maintained =
                node.maintenance_mode || node.status.as_ref().is_some_and(|status| status.maintenance_mode);
            let sometimes_off = !node.distributed_database || part_time.contains(&node.location);
            if node.role != NodeRole::Transcoding || sometimes_off || maintained {
                continue;
            }
            all += 1;
            let reports = node.status.as_ref().is_some_and(|status| {
                status
                    .last_updated
                    .is_some_and(|at| platform.server_time.duration_since(at) <= self.policy.staleness)
                    && status.max_hd_calls.0 > 0
                    && (status.max_media_tokens > 0 || status.media_load.is_some())
            });
            stale += u32::from(!reports);
        }
        stale * 2 > all
    }
    /// Whether anything that reports says that it is being upgraded, for less than the 24 hours that an upgrade can last.
    fn seems_upgrading(&self, platform: &Platform) -> bool {
        let says = platform.upgrading
            || platform.nodes.iter().filter_map(|node| node.status.as_ref()).any(|status| {
                status.upgrading
                    && status
                        .last_updated
                        .is_some_and(|at| platform.server_time.duration_since(at) <= self.policy.staleness)
            });
        let since = self.ledger.cycle.digest.as_ref().and_then(|digest| digest.upgrade_since);
        let lasts =
            since.is_none_or(|since| self.now.duration_since(since) < jiff::SignedDuration::from_hours(24));
        says && lasts
    }
}
