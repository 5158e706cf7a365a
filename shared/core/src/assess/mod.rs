//! The observation, made sense of: which instance is which node, what each location is for, who is ready.
//! Everything a rule asks is answered here once, in linear time; nothing is decided.

mod address;
mod issue;
mod join;
mod node;
mod phase;
mod shards;
mod status;
mod tags;
mod upgrade;
mod vpcs;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::ids::{HdCalls, LocationId, LocationName};
use crate::ledger::Ledger;
use crate::observation::{Fleet, Instance, Location, NodeRole, Platform};
use crate::policy::Policy;
use issue::note_issues;
use join::{join, ordered_and_not_listed};
use node::overflow_node;
use shards::Shards;
use status::ready_load;
use upgrade::overdue_upgrade;

pub(crate) use address::is_private_only;
pub use address::{WrongAddress, wrong_address};
pub use issue::Issue;
pub use node::{BOOT_TAKES, ORDER_GRACE, OverflowNode, Phase, UPGRADE_LASTS, WITHOUT_CALLS};
pub(crate) use node::{CLOCK_ALLOWANCE, STOPPED_BEFORE_READY};
pub use phase::NodePhase;
pub use status::{
    MAINTENANCE_MARK, RETIRED_MARK, free_hd_calls, in_maintenance, is_fresh, is_our_maintenance,
    shows_upgrade,
};
pub use tags::{ALLOCATION_TAG, CLOUD_TAG, allocation_of, is_ours};
pub use upgrade::is_upgrading;
pub(crate) use vpcs::several_vpcs;

/// A location, with what is in it.
#[derive(Debug, Clone)]
pub struct LocationView<'a> {
    /// The location.
    pub location: &'a Location,
    /// Overflow nodes in it, in the order of their names.
    pub overflow: Vec<usize>,
    /// Always-on transcoding nodes in it.
    pub always_on: u32,
    /// Free HD calls of its ready nodes.
    pub free: HdCalls,
    /// HD calls its ready nodes carry when empty.
    pub max: HdCalls,
    /// Capacity of its booting nodes.
    pub booting: HdCalls,
    /// Whether a ready overflow node in it hosts calls.
    pub hosts: bool,
    /// Whether proxying nodes share it with transcoding ones, or always-on nodes with overflow nodes.
    pub mixed: bool,
}

impl LocationView<'_> {
    /// Free HD calls and what is on its way.
    pub fn room(&self) -> HdCalls {
        self.free.plus(self.booting)
    }
}

/// A watched pair: calls of the principal location overflow into nodes that can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchedPair {
    /// The primary overflow location. First, since pairs are sorted by it.
    pub overflow: LocationId,
    /// Where calls come in.
    pub signalling: LocationId,
    /// Where their media is transcoded: the location whose free HD calls count.
    pub principal: LocationId,
}

/// The observation, made sense of.
#[derive(Debug, Clone)]
pub struct Assessment<'a> {
    /// What the Management Node said.
    pub platform: &'a Platform,
    /// Overflow nodes, in the order of their names.
    pub nodes: Vec<OverflowNode<'a>>,
    /// Locations by id.
    pub locations: BTreeMap<LocationId, LocationView<'a>>,
    /// Watched pairs.
    pub pairs: Vec<WatchedPair>,
    /// What keeps nodes from being used.
    pub issues: Vec<Issue>,
    /// Always-on transcoding nodes not in maintenance mode and outside overflow locations, and how many of them
    /// are stale.
    pub always_on: (u32, u32),
    /// Whether anything is being upgraded, and not for longer than an upgrade can last.
    pub upgrading: bool,
}

impl<'a> Assessment<'a> {
    /// Makes sense of what was read.
    pub fn new(
        policy: &Policy,
        platform: &'a Platform,
        fleet: &'a Fleet,
        ledger: Option<&'a Ledger>,
        now: Timestamp,
    ) -> Self {
        let mut issues = Vec::new();
        let joined = join(policy, platform, fleet, &mut issues);
        let shards = Shards::of(platform);
        // An always-on node is one whose address no instance with our tag has.
        let on_instances: HashSet<Ipv4Addr> =
            fleet.instances.iter().flat_map(Instance::private_addresses).collect();

        let mut nodes: Vec<OverflowNode<'a>> = joined
            .into_iter()
            .map(|(instance, node)| {
                let record = ledger.and_then(|ledger| ledger.nodes.get(&instance.id));
                overflow_node(policy, platform, instance, node, record, shards.as_ref(), now)
            })
            .collect();
        nodes.sort_by(|a, b| (&a.node.name, &a.instance.id).cmp(&(&b.node.name, &b.instance.id)));

        let mut locations: BTreeMap<LocationId, LocationView<'a>> =
            platform.locations.iter().map(|location| (location.id, empty_view(location))).collect();
        let mut proxying: HashMap<LocationId, u32> = HashMap::default();
        let mut always_on = (0, 0);
        // The guide: the distributed database is off for nodes that are only powered on some of the time, and
        // always-on nodes are not mixed with them. An instance that lost its tag is seen by either.
        let part_time: HashSet<LocationId> = nodes.iter().map(|node| node.node.location).collect();
        let overdue = overdue_upgrade(policy, platform, ledger, now);
        let upgrading = is_upgrading(policy, platform, ledger, now);
        issues.extend(fleet.unreadable.iter().map(|each| Issue::RegionUnreadable {
            region: each.region.clone(),
            detail: each.fault.detail.clone(),
            remedy: each.fault.remedy.clone(),
        }));
        issues.extend(overdue.map(|since| Issue::UpgradeOverdue { since }));

        for node in &platform.nodes {
            if node.role == NodeRole::Proxying {
                *proxying.entry(node.location).or_default() += 1;
                continue;
            }
            if on_instances.contains(&node.address) {
                continue;
            }
            // In a region that cannot be read it may be an overflow node, which the guide has without the distributed database:
            // neither capacity nor always-on.
            if !fleet.unreadable.is_empty() && !node.distributed_database {
                continue;
            }
            let Some(view) = locations.get_mut(&node.location) else { continue };
            view.always_on += 1;
            if in_maintenance(node) {
                continue;
            }
            let load = ready_load(policy, platform, node);
            if let Some((max, free)) = load {
                view.max = view.max.plus(max);
                view.free = view.free.plus(free);
            }
            // One that is meant to be off part of the time says nothing about an outage by being off.
            if node.distributed_database && !part_time.contains(&node.location) {
                always_on.0 += 1;
                always_on.1 += u32::from(load.is_none());
            }
        }
        for (index, node) in nodes.iter().enumerate() {
            let Some(view) = locations.get_mut(&node.node.location) else { continue };
            view.overflow.push(index);
            match node.phase {
                Phase::Ready => {
                    view.max = view.max.plus(node.capacity);
                    view.free = view.free.plus(node.free);
                }
                Phase::Booting { .. } => view.booting = view.booting.plus(node.capacity),
                _ => {}
            }
            view.hosts |= node.hosts;
        }
        for (location, capacity) in ordered_and_not_listed(policy, fleet, ledger, now) {
            if let Some(view) = locations.get_mut(&location) {
                view.booting = view.booting.plus(capacity);
            }
        }
        for view in locations.values_mut() {
            let transcoding = view.always_on > 0 || !view.overflow.is_empty();
            view.mixed = (transcoding && proxying.contains_key(&view.location.id))
                || (view.always_on > 0 && !view.overflow.is_empty());
        }
        let pairs = watched_pairs(&locations);
        note_issues(&nodes, &locations, &pairs, now, &mut issues);
        Self { platform, nodes, locations, pairs, issues, always_on, upgrading }
    }

    /// Whether most always-on nodes are stale together: an outage, not a lack of capacity.
    pub fn is_outage(&self) -> bool {
        let (all, stale) = self.always_on;
        stale * 2 > all
    }

    /// The name of a location, or its id where the Management Node has no name for it.
    pub fn location_name(&self, id: LocationId) -> LocationName {
        self.locations
            .get(&id)
            .map_or_else(|| LocationName::new(format!("location {id}")), |view| view.location.name.clone())
    }

    /// The watched pairs whose overflow location this is.
    pub fn pairs_into(&self, overflow: LocationId) -> impl Iterator<Item = &WatchedPair> {
        let from = self.pairs.partition_point(|pair| pair.overflow < overflow);
        self.pairs.iter().skip(from).take_while(move |pair| pair.overflow == overflow)
    }

    /// The nodes of a location.
    pub fn nodes_in(&self, id: LocationId) -> impl Iterator<Item = &OverflowNode<'a>> {
        self.locations
            .get(&id)
            .into_iter()
            .flat_map(|view| view.overflow.iter())
            .filter_map(|index| self.nodes.get(*index))
    }

    /// Locations that hold overflow nodes: the overflow locations (guide: detected, not configured).
    pub fn overflow_locations(&self) -> impl Iterator<Item = (LocationId, &LocationView<'a>)> {
        self.locations.iter().filter(|(_, view)| !view.overflow.is_empty()).map(|(id, view)| (*id, view))
    }
}

fn empty_view(location: &Location) -> LocationView<'_> {
    LocationView {
        location,
        overflow: Vec::new(),
        always_on: 0,
        free: HdCalls(0),
        max: HdCalls(0),
        booting: HdCalls(0),
        hosts: false,
        mixed: false,
    }
}

/// (L, C, B): L has an always-on transcoding node, or a transcoding location C that has; B, its primary overflow
/// location, holds overflow nodes. The secondary overflow location never makes a pair.
fn watched_pairs(locations: &BTreeMap<LocationId, LocationView<'_>>) -> Vec<WatchedPair> {
    let has_always_on = |id: &LocationId| locations.get(id).is_some_and(|view| view.always_on > 0);
    let mut pairs = Vec::new();
    for (id, view) in locations {
        let Some(overflow) = view.location.overflow_location1 else { continue };
        if locations.get(&overflow).is_none_or(|view| view.overflow.is_empty()) {
            continue;
        }
        let principal = view.location.transcoding_location.unwrap_or(*id);
        let used = has_always_on(id) || (principal != *id && has_always_on(&principal));
        if used && principal != overflow {
            pairs.push(WatchedPair { overflow, signalling: *id, principal });
        }
    }
    pairs.sort_unstable();
    pairs
}
