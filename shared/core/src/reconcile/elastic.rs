//! Which Elastic IP an instance gets. One that is associated with anything else is never taken, not even from an instance
//! that does not ask for it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::observation::AddressObservation;
use super::reason::AddressReason;
use crate::assess::{CLOUD_TAG, allocation_of};
use crate::ids::{AllocationId, InstanceId};
use crate::observation::{ElasticAddress, Instance, InstanceState, Node};
use crate::policy::Policy;

/// The Elastic IP of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Elastic {
    /// It asks for none, or for one that it cannot have.
    None,
    /// It has it.
    Here(Ipv4Addr),
    /// It can have it.
    Free(AllocationId, Ipv4Addr),
}

/// All Elastic IPs that were asked about.
pub(super) struct Elastics<'a> {
    policy: &'a Policy,
    read: bool,
    known: BTreeMap<&'a AllocationId, &'a ElasticAddress>,
    /// The instance that asks first, in the order of ids: two that carry the same tag must not take turns.
    first: BTreeMap<AllocationId, &'a InstanceId>,
}

impl<'a> Elastics<'a> {
    pub(super) fn new(policy: &'a Policy, observation: &'a AddressObservation) -> Self {
        let known = observation.elastic.as_deref().unwrap_or_default();
        let mut first: BTreeMap<AllocationId, &InstanceId> = BTreeMap::new();
        for instance in observation.instances.iter().filter(|each| each.state == InstanceState::Running) {
            if let Ok(Some(allocation)) = allocation_of(policy, instance) {
                let id = first.entry(allocation).or_insert(&instance.id);
                *id = (*id).min(&instance.id);
            }
        }
        Self {
            policy,
            read: observation.elastic.is_ok(),
            known: known.iter().map(|elastic| (&elastic.allocation, elastic)).collect(),
            first,
        }
    }

    /// The Elastic IP of a running instance that is this node, and why it has none although it asks for one.
    pub(super) fn of(&self, instance: &Instance, node: &Node) -> (Elastic, Option<AddressReason>) {
        let allocation = match allocation_of(self.policy, instance) {
            Ok(None) => return (Elastic::None, None),
            Ok(Some(allocation)) => allocation,
            Err(value) => return (Elastic::None, Some(AddressReason::ElasticIpMalformed { value })),
        };
        if !self.read {
            return (Elastic::None, Some(AddressReason::ElasticIpUnread { allocation }));
        }
        let Some(elastic) = self.known.get(&allocation) else {
            return (Elastic::None, Some(AddressReason::ElasticIpMissing { allocation }));
        };
        if elastic.instance.as_ref() == Some(&instance.id) {
            // It is the instance's address, whoever associated it; unless it leads to another of its private addresses.
            return match elastic.private.filter(|private| *private != node.address) {
                None => (Elastic::Here(elastic.address), None),
                Some(private) => {
                    let (at, node) = (private, node.address);
                    (Elastic::None, Some(AddressReason::ElasticIpAside { allocation, at, node }))
                }
            };
        }
        if elastic.tags.get(CLOUD_TAG) != Some(&self.policy.tag_value) {
            return (Elastic::None, Some(AddressReason::ElasticIpNotOurs { allocation }));
        }
        if elastic.instance.is_some() || elastic.elsewhere {
            let by = elastic.instance.clone();
            return (Elastic::None, Some(AddressReason::ElasticIpTaken { allocation, by }));
        }
        match self.first.get(&allocation).filter(|first| ***first != instance.id) {
            Some(first) => {
                let by = Some((*first).clone());
                (Elastic::None, Some(AddressReason::ElasticIpTaken { allocation, by }))
            }
            None => (Elastic::Free(allocation, elastic.address), None),
        }
    }
}
