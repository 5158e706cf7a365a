//! Whether the static NAT address that is stored for a node is right for its callers: asked by the reconciler, before a
//! spike, by the status and by the node operations, and answered here for all of them.

use std::fmt;
use std::net::Ipv4Addr;

use super::tags::allocation_of;
use crate::ids::LocationName;
use crate::observation::{Instance, Node};
use crate::policy::Policy;

/// Why callers do not reach a running node by the address that it tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongAddress {
    /// The node's location has private addresses only, and the node tells a public one.
    Private {
        /// The address stored.
        stored: Ipv4Addr,
    },
    /// The address is not its instance's: wrong for every call from outside.
    Another {
        /// The address stored.
        stored: Ipv4Addr,
        /// The instance's; none: it has no public address.
        wanted: Option<Ipv4Addr>,
    },
    /// None is stored.
    Missing {
        /// The instance's; none: it asks for an Elastic IP and has no public address at all.
        wanted: Option<Ipv4Addr>,
    },
}

impl WrongAddress {
    /// What would make it right, where that can be written down: an address, or none at all for a private one. An
    /// instance without a public address has nothing to be written down; what is stored may be known to its operator only.
    pub fn remedy(self) -> Option<Option<Ipv4Addr>> {
        match self {
            Self::Private { .. } => Some(None),
            Self::Another { wanted, .. } | Self::Missing { wanted } => wanted.map(Some),
        }
    }
}

impl fmt::Display for WrongAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private { stored } => {
                write!(f, "its static NAT address is {stored}, and its location has private addresses only")
            }
            Self::Another { stored, wanted: Some(wanted) } => {
                write!(f, "its static NAT address is {stored}, and its instance's address is {wanted}")
            }
            Self::Another { stored, wanted: None } => {
                write!(f, "its static NAT address is {stored}, and its instance has no public address")
            }
            Self::Missing { wanted: Some(wanted) } => {
                write!(f, "it has no static NAT address, and its instance's address is {wanted}")
            }
            Self::Missing { wanted: None } => f.write_str(
                "it has no static NAT address, and its instance has not got the Elastic IP that it asks for",
            ),
        }
    }
}

/// Whether the stored address of a node is wrong for its callers while its instance runs; `None`: it is right. An Elastic
/// IP is the instance's public address from the moment that it has it; so a reading of the instance is enough, and one of
/// the Elastic IPs is not needed. Of an instance that does not run nothing can be said: its dynamic address comes with the
/// start.
pub fn wrong_address(
    policy: &Policy,
    location: Option<&LocationName>,
    instance: &Instance,
    node: &Node,
) -> Option<WrongAddress> {
    let stored = node.static_nat_address;
    if is_private_only(policy, location) {
        return stored.map(|stored| WrongAddress::Private { stored });
    }
    let asks_for_one = !matches!(allocation_of(policy, instance), Ok(None));
    match (stored, instance.public_of(node.address)) {
        (stored, wanted @ Some(_)) if stored == wanted => None,
        (Some(stored), wanted) => Some(WrongAddress::Another { stored, wanted }),
        (None, wanted @ Some(_)) => Some(WrongAddress::Missing { wanted }),
        (None, None) => asks_for_one.then_some(WrongAddress::Missing { wanted: None }),
    }
}

/// Whether policy says that the nodes of a location have no static NAT address (a private cloud in the guide).
pub(crate) fn is_private_only(policy: &Policy, location: Option<&LocationName>) -> bool {
    location.is_some_and(|name| policy.nat.private_only.contains(name))
}

#[cfg(test)]
mod tests {
    use super::super::{ALLOCATION_TAG, CLOUD_TAG};
    use super::*;
    use crate::ids::{LocationId, NodeId};
    use crate::observation::{InstanceState, NodeRole};

    const HERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);

    fn wrong(
        stored: Option<Ipv4Addr>,
        public: Option<Ipv4Addr>,
        allocation: Option<&str>,
        private: bool,
    ) -> Option<WrongAddress> {
        let mut policy = Policy::with_defaults("mgr");
        if private {
            policy.nat.private_only.push("Burst".into());
        }
        let mut tags = std::collections::BTreeMap::from([(CLOUD_TAG.to_owned(), "mgr".to_owned())]);
        tags.extend(allocation.map(|text| (ALLOCATION_TAG.to_owned(), text.to_owned())));
        let instance = Instance {
            id: "i-1".into(),
            name: String::new(),
            region: "eu-west-1".to_owned(),
            zone: "eu-west-1a".to_owned(),
            vpc: "vpc-1".to_owned(),
            instance_type: "c5.2xlarge".into(),
            state: InstanceState::Running,
            state_reason: String::new(),
            launched_at: None,
            private_ip: Some(Ipv4Addr::new(10, 0, 0, 1)),
            public_ip: public,
            addresses: Vec::new(),
            tags,
        };
        let node = Node {
            id: NodeId(1),
            name: "b-1".into(),
            address: Ipv4Addr::new(10, 0, 0, 1),
            location: LocationId(1),
            role: NodeRole::Transcoding,
            static_nat_address: stored,
            maintenance_mode: false,
            maintenance_mode_reason: String::new(),
            distributed_database: false,
            certificate: None,
            status: None,
        };
        wrong_address(&policy, Some(&"Burst".into()), &instance, &node)
    }

    #[test]
    fn the_stored_address_is_right_where_callers_reach_the_instance_by_it() {
        use WrongAddress::{Another, Missing, Private};
        let (here, elsewhere, asks) = (Some(HERE), Some(ELSEWHERE), Some("eipalloc-1"));
        let table = [
            (here, here, None, false, None),
            (elsewhere, here, None, false, Some(Another { stored: ELSEWHERE, wanted: here })),
            (None, here, None, false, Some(Missing { wanted: here })),
            (here, None, None, false, Some(Another { stored: HERE, wanted: None })),
            // Reached from inside only, as its operator wants it.
            (None, None, None, false, None),
            (None, None, asks, false, Some(Missing { wanted: None })),
            (here, here, asks, false, None),
            (here, here, None, true, Some(Private { stored: HERE })),
            (elsewhere, here, None, true, Some(Private { stored: ELSEWHERE })),
            (None, here, None, true, None),
            (None, None, asks, true, None),
        ];
        for (stored, public, allocation, private, expected) in table {
            let found = wrong(stored, public, allocation, private);
            assert_eq!(found, expected, "{stored:?} {public:?} {allocation:?} {private}");
        }
    }

    #[test]
    fn what_cannot_be_written_down_is_left_alone() {
        let remedy = |stored, public, private| wrong(stored, public, None, private).map(WrongAddress::remedy);
        assert_eq!(remedy(Some(ELSEWHERE), Some(HERE), false), Some(Some(Some(HERE))));
        assert_eq!(remedy(Some(HERE), Some(HERE), true), Some(Some(None)), "cleared");
        assert_eq!(remedy(Some(HERE), None, false), Some(None));
    }
}
