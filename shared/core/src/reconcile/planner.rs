//! What the static NAT addresses should be, and what has to be done for it. Pure: what must be asked beyond what was
//! read is in the plan as a question, and the runner plans again with the answer.

use crate::reconcile::AddressAction;
use crate::reconcile::AddressPlan;
use crate::reconcile::NodeAddress;
use crate::reconcile::PlannedRecord;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};

use super::elastic::{Elastic, Elastics};
use super::join::{Place, Places};
use super::observation::AddressObservation;
use super::reason::AddressReason;
use super::record::{NatRecord, NatState};
use super::runs::{close_unlisted, tell_run};
use crate::assess::{CLOUD_TAG, allocation_of, is_ours, is_private_only, wrong_address};
use crate::ids::{InstanceId, LocationName, NodeName};
use crate::observation::{Instance, InstanceState, Node};
use crate::plan::NodeRef;
use crate::policy::{NatNodes, Policy};
use crate::report::paused;

/// A node that was launched this recently cannot have a call: one takes about five minutes to be ready (guide:
/// *Configuring dynamic bursting*). Two leave room for a machine that is much faster.
pub const TOO_YOUNG_FOR_CALLS: SignedDuration = SignedDuration::from_mins(2);

/// Decides what the static NAT addresses should be. `state` is `None` while the ledger cannot be read: then only what is
/// wrong for every call is set, since nothing is known of runs, and nothing is remembered.
pub fn plan_addresses(
    policy: &Policy,
    observation: &AddressObservation,
    state: Option<&NatState>,
    now: Timestamp,
) -> AddressPlan {
    let places = Places::new(observation);
    let elastics = Elastics::new(policy, observation);
    let mut draft = Draft {
        policy,
        observation,
        state,
        now,
        elastics,
        plan: AddressPlan::empty(observation.observed_at),
    };
    for instance in observation.instances.iter().filter(|instance| observation.asked.contains(&instance.id)) {
        draft.instance(instance, places.of(instance));
    }
    if let Some(state) = state {
        close_unlisted(observation, state, now, &mut draft.plan);
    }
    draft.plan.suspension = state.and_then(|state| paused(&state.ledger, now));
    if draft.plan.suspension.is_some() {
        // What was seen is still remembered and told.
        draft.plan.actions.clear();
        draft.plan.is_idle.clear();
    }
    draft.plan
}

struct Draft<'a> {
    policy: &'a Policy,
    observation: &'a AddressObservation,
    state: Option<&'a NatState>,
    now: Timestamp,
    elastics: Elastics<'a>,
    plan: AddressPlan,
}

impl<'a> Draft<'a> {
    fn instance(&mut self, instance: &'a Instance, place: Place<'a>) {
        let ours = is_ours(self.policy, instance);
        if !ours {
            // An instance of the same account that is always on. One with a tag of its own is another platform's.
            let ours_to_mend = self.policy.nat.nodes == NatNodes::All
                && !instance.tags.contains_key(CLOUD_TAG)
                && self.policy.vpcs.contains(&instance.vpc)
                && matches!(place, Place::Node(_) | Place::Ambiguous(_));
            if !ours_to_mend {
                return;
            }
        }
        let node = if let Place::Node(node) = place { Some(node) } else { None };
        let mut entry = NodeAddress {
            instance: instance.id.clone(),
            node: node.map(|node| node.name.clone()).or_else(|| self.remembered_name(&instance.id)),
            location: node.and_then(|node| self.location(&instance.id, node)),
            stored: node.and_then(|node| node.static_nat_address),
            wanted: None,
            wrong: false,
            reasons: Vec::new(),
        };
        let before = self.state.and_then(|state| state.records.get(&instance.id));
        let mut record = before.cloned().unwrap_or_default();
        match (instance.state, place) {
            (InstanceState::ShuttingDown | InstanceState::Terminated | InstanceState::Unknown, _) => {
                record.gone = instance.state == InstanceState::Terminated;
                entry.reasons.push(AddressReason::Gone);
            }
            (InstanceState::Pending, _) => entry.reasons.push(AddressReason::Starting),
            (InstanceState::Stopping, _) => entry.reasons.push(AddressReason::Stopping),
            (_, Place::None(address)) => entry.reasons.push(AddressReason::NoSuchNode { address }),
            (_, Place::Ambiguous(address)) => entry.reasons.push(AddressReason::Ambiguous { address }),
            (InstanceState::Stopped, Place::Node(node)) => self.stopped(instance, node, &mut entry),
            (InstanceState::Running, Place::Node(node)) => {
                self.running(instance, node, &mut entry);
                remember(&mut record, before, &mut entry, self.now, self.policy);
            }
        }
        if let (true, Some(state)) = (ours, self.state) {
            tell_run(
                self.policy,
                self.observation,
                state,
                self.now,
                instance,
                &entry,
                &mut record,
                &mut self.plan,
            );
        }
        let is_new = before.map_or(record != NatRecord::default(), |before| *before != record);
        let acts = self.plan.actions.last().is_some_and(|action| action.node().instance == instance.id);
        if is_new || acts {
            self.plan.records.insert(instance.id.clone(), PlannedRecord { record, is_new });
        }
        self.plan.nodes.push(entry);
    }

    fn remembered_name(&self, id: &InstanceId) -> Option<NodeName> {
        let state = self.state?;
        let known = state.records.get(id).and_then(|record| record.node.clone());
        known.or_else(|| state.ledger.nodes.get(id).and_then(|record| record.name.clone()))
    }

    /// The name of a node's location: read, or remembered by a cycle.
    fn location(&self, id: &InstanceId, node: &Node) -> Option<LocationName> {
        let remembered = || {
            let (location, name) = self.state?.ledger.nodes.get(id)?.location.as_ref()?;
            (*location == node.location).then(|| name.clone())
        };
        self.observation.locations.get(&node.location).cloned().or_else(remembered)
    }

    fn stopped(&mut self, instance: &Instance, node: &Node, entry: &mut NodeAddress) {
        let Some(stored) = entry.stored else {
            entry.reasons.push(AddressReason::Stopped { stored: None });
            return;
        };
        // An Elastic IP stays with a stopped instance. Whether it is there is not asked: a stale dynamic address hurts
        // nobody until the start, which sets it right.
        let may_be_elastic = instance.public_of(node.address) == Some(stored)
            || !matches!(allocation_of(self.policy, instance), Ok(None));
        if is_private_only(self.policy, entry.location.as_ref()) {
            entry.reasons.push(AddressReason::PrivateOnlyClear { stored });
        } else if self.policy.nat.clear_on_stop && !may_be_elastic {
            entry.reasons.push(AddressReason::ClearedOnStop { stored });
        } else {
            entry.reasons.push(AddressReason::Stopped { stored: Some(stored) });
            return;
        }
        let node = node_ref(instance, node, entry);
        self.plan.actions.push(AddressAction::ClearStaticNat { node, from: stored });
    }

    fn running(&mut self, instance: &'a Instance, node: &'a Node, entry: &mut NodeAddress) {
        let stored = entry.stored;
        let public = instance.public_of(node.address);
        entry.wrong = wrong_address(self.policy, entry.location.as_ref(), instance, node).is_some();
        if is_private_only(self.policy, entry.location.as_ref()) {
            let Some(stored) = stored else {
                entry.reasons.push(AddressReason::PrivateOnly);
                return;
            };
            let belongs = public == Some(stored);
            if !belongs || self.may_touch(instance, node, entry) {
                entry.reasons.push(AddressReason::PrivateOnlyClear { stored });
                let node = node_ref(instance, node, entry);
                self.plan.actions.push(AddressAction::ClearStaticNat { node, from: stored });
            }
            return;
        }
        let (elastic, why_not) = self.elastics.of(instance, node);
        entry.reasons.extend(why_not);
        match elastic {
            Elastic::None => self.settle(instance, node, entry, public),
            Elastic::Here(address) => self.settle(instance, node, entry, Some(address)),
            Elastic::Free(allocation, address) => {
                entry.wanted = Some(address);
                // Taking an Elastic IP gives the dynamic address back, whatever is stored: calls through it would break.
                if !self.may_touch(instance, node, entry) {
                    // A stored address that is another one is wrong for every call all the same: until then the dynamic one.
                    if stored.is_some() && public.is_some() && stored != public {
                        self.settle(instance, node, entry, public);
                    }
                    return;
                }
                let belongs = public.is_some() && stored == public;
                if let Some(stored) = stored.filter(|stored| !belongs && *stored != address) {
                    entry.reasons.push(AddressReason::WrongForEveryCall { stored, wanted: address });
                }
                let reason = AddressReason::ElasticIpFree { allocation: allocation.clone(), address };
                entry.reasons.push(reason);
                let at = instance.one_of_several(node.address).cloned();
                let node = node_ref(instance, node, entry);
                self.plan.actions.push(AddressAction::AssociateAddress {
                    node,
                    region: instance.region.clone(),
                    allocation,
                    at,
                    from: stored,
                    to: address,
                    instead: public.filter(|public| stored != Some(*public)),
                });
            }
        }
    }

    /// Sets the address if it is another one.
    fn settle(
        &mut self,
        instance: &Instance,
        node: &Node,
        entry: &mut NodeAddress,
        wanted: Option<Ipv4Addr>,
    ) {
        let Some(wanted) = wanted else {
            entry.reasons.push(AddressReason::NoPublicAddress { stored: entry.stored });
            return;
        };
        entry.wanted = Some(wanted);
        match entry.stored {
            Some(stored) if stored == wanted => {
                entry.reasons.push(AddressReason::Right { address: wanted });
                return;
            }
            Some(stored) => entry.reasons.push(AddressReason::WrongForEveryCall { stored, wanted }),
            None => {
                if !self.may_touch(instance, node, entry) {
                    return;
                }
                entry.reasons.push(AddressReason::Missing { wanted });
            }
        }
        let node = node_ref(instance, node, entry);
        self.plan.actions.push(AddressAction::SetStaticNat { node, from: entry.stored, to: wanted });
    }

    /// Whether a change cannot disturb a call; else says that it waits, and asks where it is worth asking.
    fn may_touch(&mut self, instance: &Instance, node: &Node, entry: &mut NodeAddress) -> bool {
        let looked = self.observation.idle.get(&instance.id).copied();
        if self.state.is_some() && (cannot_have_calls(instance, node, self.now) || looked == Some(true)) {
            return true;
        }
        // Only a sweep looks: a storm of events must not become a storm of requests.
        if looked.is_none() && self.observation.sweep && self.state.is_some() {
            self.plan.is_idle.push((instance.id.clone(), node.address));
        }
        entry.reasons.push(AddressReason::WaitsForIdle {
            stored: entry.stored,
            wanted: entry.wanted,
            busy: looked == Some(false),
        });
        false
    }
}

fn node_ref(instance: &Instance, node: &Node, entry: &NodeAddress) -> NodeRef {
    let unnamed = || LocationName::new(format!("location {}", node.location));
    NodeRef {
        instance: instance.id.clone(),
        id: node.id,
        name: node.name.clone(),
        address: node.address,
        location: entry.location.clone().unwrap_or_else(unnamed),
    }
}

/// Whether the node cannot have taken a call in this run.
fn cannot_have_calls(instance: &Instance, node: &Node, now: Timestamp) -> bool {
    let Some(launched) = instance.launched_at else { return false };
    let silent =
        node.status.as_ref().is_some_and(|status| status.last_updated.is_none_or(|at| at < launched));
    silent || now.duration_since(launched) < TOO_YOUNG_FOR_CALLS
}

/// Writes what was found of a running node into its record, and says when a set address was not kept.
fn remember(
    record: &mut NatRecord,
    before: Option<&NatRecord>,
    entry: &mut NodeAddress,
    now: Timestamp,
    policy: &Policy,
) {
    record.node.clone_from(&entry.node);
    record.gone = false;
    record.seen = entry.stored;
    record.wanted = entry.wanted;
    let same = before.is_some_and(|before| before.seen == record.seen && before.wanted == record.wanted);
    if !same {
        record.since = Some(now);
    }
    let Some(set_at) = record.set_at else { return };
    if before.is_some_and(|before| before.wanted != record.wanted) {
        record.set_at = None;
    } else if record.seen != record.wanted && now.duration_since(set_at) >= policy.replication {
        entry.reasons.push(AddressReason::NotKept { set_at });
    }
}
