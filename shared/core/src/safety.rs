//! An independent check over any plan, whoever made it. It shares no code with the planner: it goes back to the
//! observation and the ledger and asks of each action the few questions whose wrong answer drops a call, pays for
//! nothing, or touches something that is not ours. It runs before every apply.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, LocationName};
use crate::ledger::{DrainKind, Ledger};
use crate::observation::{Instance, InstanceState, Node, NodeRole, Observation, Platform, Reading};
use crate::plan::{Action, NodeRef, Override, Plan};
use crate::policy::{LifetimeFrom, Mode, Policy};

/// The tag that makes an instance ours (guide: *Setting up your bursting nodes*).
pub const TAG_KEY: &str = "pexip-cloud";

/// What a plan would have broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "violation")]
pub enum Violation {
    /// An instance that was not observed, or does not carry our tag value.
    #[error("{instance} is not an instance with our tag")]
    NotOurs {
        /// Instance.
        instance: InstanceId,
    },
    /// An instance in a VPC or region that the policy does not name.
    #[error("{instance} is in {place}, which the policy does not name")]
    WrongPlace {
        /// Instance.
        instance: InstanceId,
        /// VPC.
        place: String,
    },
    /// A node that hosts something, or is not known to host nothing.
    #[error("{instance} is not known to be idle")]
    NotIdle {
        /// Instance.
        instance: InstanceId,
    },
    /// A stop outside a drain, or before the drain had its time.
    #[error("{instance} has not drained")]
    NotDrained {
        /// Instance.
        instance: InstanceId,
    },
    /// Younger than the minimum lifetime.
    #[error("{instance} is younger than the minimum lifetime")]
    Young {
        /// Instance.
        instance: InstanceId,
    },
    /// A stop or a new drain during an outage, or while something is being upgraded.
    #[error("no drain or stop during an outage or an upgrade: {instance}")]
    BadMoment {
        /// Instance.
        instance: InstanceId,
    },
    /// Two actions for one instance that contradict each other, or two lives for one node.
    #[error("two lives for {instance}")]
    TwoLives {
        /// Instance.
        instance: InstanceId,
    },
    /// More starts than allowed.
    #[error("{starts} starts, allowed are {most}")]
    TooManyStarts {
        /// In the plan.
        starts: u32,
        /// By the policy.
        most: u32,
    },
    /// More nodes up in a location than allowed.
    #[error("{up} nodes up in {location}, allowed are {most}")]
    TooManyNodes {
        /// Location.
        location: LocationName,
        /// After the plan.
        up: u32,
        /// By the policy.
        most: u32,
    },
    /// More drains at once than allowed.
    #[error("{drains} drains at once, allowed are {most}")]
    TooManyDrains {
        /// After the plan.
        drains: u32,
        /// By the policy.
        most: u32,
    },
    /// A maintenance mode that is not ours.
    #[error("the maintenance mode of {instance} is somebody else's")]
    ForeignMaintenance {
        /// Instance.
        instance: InstanceId,
    },
    /// Rules set aside that nobody with the right to do so set aside.
    #[error("{instance} is to be stopped against a rule, and no operator's command said so")]
    NotGranted {
        /// Instance.
        instance: InstanceId,
    },
    /// The other controller is on.
    #[error("bursting is enabled on the Management Node: two controllers must not act")]
    TwoControllers,
}

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
        (instance.state != InstanceState::Stopped).then(|| Violation::TwoLives { instance: id.clone() })
    }

    /// An outage or an upgrade, as seen without the planner's help; looked at once.
    fn is_bad_moment(&self) -> bool {
        *self.bad_moment.get_or_init(|| self.seems_bad_moment())
    }

    fn seems_bad_moment(&self) -> bool {
        let Some(platform) = self.platform else { return true };
        if !self.ledger_known || platform.upgrading {
            return true;
        }
        let addresses: BTreeSet<_> =
            self.instances.values().filter_map(|instance| instance.private_ip).collect();
        let part_time: BTreeSet<_> = platform
            .nodes
            .iter()
            .filter(|node| addresses.contains(&node.address))
            .map(|node| node.location)
            .collect();
        let (mut all, mut stale) = (0_u32, 0_u32);
        for node in &platform.nodes {
            if node.status.as_ref().is_some_and(|status| status.upgrading) {
                return true;
            }
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

    fn check_idle(&self, wanted: &NodeRef) -> Option<Violation> {
        let not_idle = || Violation::NotIdle { instance: wanted.instance.clone() };
        let Some(platform) = self.platform else { return Some(not_idle()) };
        let Some(shards) = &platform.shards else { return Some(not_idle()) };
        let Some(node) = self.node(wanted) else { return Some(not_idle()) };
        if node.address != wanted.address || shards.iter().any(|shard| shard.node == node.address) {
            return Some(not_idle());
        }
        let instance = self.instances.get(&wanted.instance)?;
        if instance.private_ip != Some(node.address) {
            return Some(not_idle());
        }
        // Either it reported lately, or the Management Node has not heard of it since it was launched.
        let updated = node.status.as_ref().and_then(|status| status.last_updated);
        let heard = updated.is_some_and(|at| instance.launched_at.is_none_or(|launched| at > launched));
        let fresh =
            updated.is_some_and(|at| platform.server_time.duration_since(at) <= self.policy.staleness);
        let in_use = node.status.as_ref().is_some_and(|status| {
            !status.maintenance_mode && !node.maintenance_mode && status.media_tokens_used > 0
        });
        (heard && (!fresh || in_use)).then(not_idle)
    }

    fn check_drain(&self, node: &NodeRef, kind: DrainKind) -> Option<Violation> {
        if let Some(violation) = self.check_foreign(node) {
            return Some(violation);
        }
        if self.is_bad_moment() {
            return Some(Violation::BadMoment { instance: node.instance.clone() });
        }
        match kind {
            // A repeated order: the node drains already, and calls may have come.
            DrainKind::Auto if self.is_draining(node) => None,
            DrainKind::Auto => self.check_idle(node).or_else(|| self.check_lifetime(node)),
            DrainKind::Operator => None,
        }
    }

    fn is_draining(&self, node: &NodeRef) -> bool {
        self.ledger.nodes.get(&node.instance).is_some_and(|record| record.drain.is_some())
    }

    fn check_draining(&self, node: &NodeRef) -> Option<Violation> {
        (!self.is_draining(node)).then(|| Violation::NotDrained { instance: node.instance.clone() })
    }

    fn check_lifetime(&self, node: &NodeRef) -> Option<Violation> {
        let young = || Violation::Young { instance: node.instance.clone() };
        let Some(platform) = self.platform else { return Some(young()) };
        let Some(instance) = self.instances.get(&node.instance) else { return Some(young()) };
        let life = self.ledger.nodes.get(&node.instance).and_then(|record| record.life.as_ref());
        let since = match self.policy.lifetime_from {
            LifetimeFrom::Launch => instance.launched_at,
            LifetimeFrom::Ready => life.and_then(|life| life.ready_at).or(instance.launched_at),
        };
        let least = self
            .policy
            .min_lifetime
            .unwrap_or_else(|| SignedDuration::from_mins(i64::from(platform.bursting.min_lifetime_minutes)));
        let old = since.is_some_and(|since| self.now.duration_since(since) >= least);
        (!old).then(young)
    }

    /// Only a stopped node is retired without a drain.
    fn check_retired(&self, node: &NodeRef) -> Option<Violation> {
        let stopped = self
            .instances
            .get(&node.instance)
            .is_some_and(|instance| instance.state == InstanceState::Stopped);
        if stopped {
            self.check_foreign(node)
        } else {
            Some(Violation::NotDrained { instance: node.instance.clone() })
        }
    }

    fn check_stop(
        &self,
        node: &NodeRef,
        overridden: Option<&Override>,
        granted: &[Override],
    ) -> Option<Violation> {
        let instance = node.instance.clone();
        if self.is_bad_moment() {
            return Some(Violation::BadMoment { instance });
        }
        if overridden.is_some_and(|each| each.instance != instance || !granted.contains(each)) {
            return Some(Violation::NotGranted { instance });
        }
        if overridden.is_some_and(|each| each.calls) {
            return self.check_foreign(node);
        }
        let drain = self.ledger.nodes.get(&instance).and_then(|record| record.drain.as_ref());
        let configured = self.node(node).is_some_and(|node| node.maintenance_mode);
        let drained = drain.is_some_and(|drain| {
            configured
                && drain.idle_at.is_some_and(|at| {
                    at > drain.began_at && self.now.duration_since(at) >= SignedDuration::from_secs(30)
                })
                && self.now.duration_since(drain.began_at) >= self.policy.replication
        });
        if !drained {
            return Some(Violation::NotDrained { instance });
        }
        let young = || match overridden {
            Some(each) if each.lifetime => None,
            _ => self.check_lifetime(node),
        };
        self.check_foreign(node).or_else(|| self.check_idle(node)).or_else(young)
    }

    fn check_foreign(&self, wanted: &NodeRef) -> Option<Violation> {
        let node = self.node(wanted)?;
        let foreign = node.maintenance_mode && !node.maintenance_mode_reason.starts_with("Spillway");
        foreign.then(|| Violation::ForeignMaintenance { instance: wanted.instance.clone() })
    }

    fn check_maintenance(&self, wanted: &NodeRef) -> Option<Violation> {
        self.check_foreign(wanted)
    }

    fn check_lives(&self, plan: &Plan, violations: &mut Vec<Violation>) {
        let (mut starts, mut ends, mut undrained) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut addresses = BTreeSet::new();
        for action in &plan.actions {
            let id = action.instance();
            let first = match action {
                Action::Start(_) => {
                    let address = self.instances.get(id).and_then(|instance| instance.private_ip);
                    starts.insert(id) && address.is_none_or(|address| addresses.insert(address))
                }
                Action::BeginDrain { .. } | Action::Stop { .. } => ends.insert(id),
                Action::CancelDrain { .. } => undrained.insert(id),
                Action::ConfirmIdle { .. } | Action::Retire { .. } | Action::ClearMaintenance { .. } => true,
            };
            if !first {
                violations.push(Violation::TwoLives { instance: id.clone() });
            }
        }
        for id in ends.iter().filter(|id| starts.contains(*id) || undrained.contains(*id)) {
            violations.push(Violation::TwoLives { instance: (*id).clone() });
        }
    }

    fn check_caps(&self, plan: &Plan, violations: &mut Vec<Violation>) {
        let starts: Vec<_> = plan
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Start(start) => Some(start),
                _ => None,
            })
            .collect();
        let most = self.policy.starts_per_cycle;
        let count = u32::try_from(starts.len()).unwrap_or(u32::MAX);
        if count > most {
            violations.push(Violation::TooManyStarts { starts: count, most });
        }
        for (location, most) in &self.policy.max_nodes {
            let new = starts.iter().filter(|start| start.location == *location).count();
            let up = self.running_in(location) + new;
            if new > 0 && up > *most as usize {
                let up = u32::try_from(up).unwrap_or(u32::MAX);
                violations.push(Violation::TooManyNodes { location: location.clone(), up, most: *most });
            }
        }
        let begun = plan
            .actions
            .iter()
            .filter(|action| {
                matches!(action, Action::BeginDrain { node, kind: DrainKind::Auto, .. } if !self.is_draining(node))
            })
            .count();
        let addresses: Vec<_> = self.instances.values().filter_map(|instance| instance.private_ip).collect();
        let drains = |instance: &&&Instance| {
            let record = plan.records.get(&instance.id).or_else(|| self.ledger.nodes.get(&instance.id));
            record.and_then(|record| record.drain.as_ref()).is_some_and(|drain| drain.kind == DrainKind::Auto)
        };
        // One that joins no node, or shares its address, is nobody's to drain, whatever is remembered of it.
        let joins = |instance: &&&Instance| {
            let shared = addresses.iter().filter(|address| Some(**address) == instance.private_ip).count();
            shared == 1
                && self.platform.is_some_and(|platform| {
                    platform.nodes.iter().any(|node| Some(node.address) == instance.private_ip)
                })
        };
        let going = self
            .instances
            .values()
            .filter(|instance| matches!(instance.state, InstanceState::Pending | InstanceState::Running))
            .filter(drains)
            .filter(joins)
            .count();
        if begun > 0 && going > self.policy.drains_at_once as usize {
            let drains = u32::try_from(going).unwrap_or(u32::MAX);
            violations.push(Violation::TooManyDrains { drains, most: self.policy.drains_at_once });
        }
    }

    fn running_in(&self, location: &LocationName) -> usize {
        let Some(platform) = self.platform else { return 0 };
        let ids: BTreeSet<_> =
            platform.locations.iter().filter(|each| each.name == *location).map(|each| each.id).collect();
        let addresses: BTreeSet<_> = platform
            .nodes
            .iter()
            .filter(|node| ids.contains(&node.location))
            .map(|node| node.address)
            .collect();
        self.instances
            .values()
            .filter(|instance| {
                matches!(instance.state, InstanceState::Pending | InstanceState::Running)
                    && instance.private_ip.is_some_and(|address| addresses.contains(&address))
            })
            .count()
    }
}
