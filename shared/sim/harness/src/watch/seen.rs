//! What is so at the end of a minute: each node as it really is and as it is shown, and how much room there is in a location at most
//! and at least, by what is shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{HdCalls, LocationId, LocationName};
use spillway_core::ledger::{Hold, Ledger, NodeRecord, OperatorCommand};
use spillway_core::observation::{InstanceState, Location, Node, NodeRole, Platform, PlatformScope};
use spillway_core::policy::{Mode, Policy};
use spillway_engine::ports::{Clock, FleetRead, LedgerRead, ManagementRead};
use spillway_world::{NodeView, ServiceView};

use crate::{Harness, finish};

/// What begins the reason of every maintenance mode of ours.
const OURS: &str = "Spillway";

/// And of that of a retired node, which stays.
const RETIRED: &str = "Spillway: retired";

/// A node at the end of a minute.
#[derive(Debug)]
pub(super) struct SeenNode {
    /// As it really is.
    pub(super) view: NodeView,
    /// As the Management Node shows it.
    pub(super) node: Node,
    /// Whether it is an overflow node in the policy's scope.
    pub(super) ours: bool,
    /// As EC2 shows its instance; `None` where it does not list it.
    pub(super) shown: Option<InstanceState>,
    /// Whether EC2 would start it.
    pub(super) could_start: bool,
    /// Whether it has reported lately.
    pub(super) fresh: bool,
    /// Since its launch.
    pub(super) age: Option<SignedDuration>,
    /// Whether it has reported since its launch.
    pub(super) reported: bool,
    /// What it carries when empty, if it never says so.
    pub(super) usual: u32,
    /// Conference shards that are shown on it.
    pub(super) shards: usize,
}

impl SeenNode {
    pub(super) fn is_running(&self) -> bool {
        matches!(self.view.state, Some(InstanceState::Pending | InstanceState::Running))
    }

    /// Configured so, and shown so.
    pub(super) fn shows_maintenance(&self) -> bool {
        self.node.status.as_ref().is_some_and(|status| status.maintenance_mode)
    }

    pub(super) fn is_in_our_maintenance(&self) -> bool {
        self.node.maintenance_mode && self.node.maintenance_mode_reason.starts_with(OURS)
    }

    pub(super) fn is_in_anothers_maintenance(&self) -> bool {
        self.node.maintenance_mode && !self.node.maintenance_mode_reason.starts_with(OURS)
    }

    pub(super) fn is_retired(&self) -> bool {
        self.node.maintenance_mode_reason.starts_with(RETIRED)
    }

    /// HD calls that it carries at most when it is empty, as far as anybody could know.
    pub(super) fn capacity(&self) -> u32 {
        self.view.capacity.0.max(self.usual)
    }

    /// HD calls free, as it reports; `None`: not known.
    fn free(&self) -> Option<u32> {
        let status = self.node.status.as_ref().filter(|status| self.fresh && status.max_hd_calls.0 > 0)?;
        spillway_core::assess::free_hd_calls(status).map(|calls| calls.0)
    }

    pub(super) fn another_version(&self, platform: &Platform) -> bool {
        self.node.status.as_ref().is_some_and(|status| status.version != platform.version)
    }
}

/// Everything at the end of a minute.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) now: Timestamp,
    pub(super) policy: &'a Policy,
    pub(super) platform: Platform,
    pub(super) ledger: Ledger,
    pub(super) nodes: Vec<SeenNode>,
    pub(super) upgrading: bool,
    networks: usize,
}

impl<'a> Seen<'a> {
    /// `None` while something cannot be read: nothing is expected then.
    pub(super) fn of(harness: &'a Harness) -> Option<Self> {
        let policy = harness.policy();
        let scope = PlatformScope { shards: true };
        let platform = finish(harness.management().inner().read_platform(scope))?.ok()?;
        let fleet = finish(harness.fleet().inner().read_fleet())?.ok()?;
        let ledger = finish(harness.ledger().read_ledger(harness.clock().now()))?.ok()?;
        let shown: BTreeMap<_, _> = fleet.instances.iter().map(|instance| (&instance.id, instance)).collect();
        let world = harness.world();
        let now = world.now();
        let mut by_id: BTreeMap<_, _> = platform.nodes.iter().map(|node| (node.id, node.clone())).collect();
        let shards = platform.shards.as_deref().unwrap_or_default();
        let nodes = world.nodes().into_iter().filter_map(|view| {
            let node = by_id.remove(&view.id)?;
            let instance = view.instance.as_ref().and_then(|id| shown.get(id));
            let status = node.status.as_ref();
            let reported_ago = status.and_then(|status| status.last_updated);
            let reported_ago = reported_ago.map(|at| platform.server_time.duration_since(at));
            let age = view.launched_at.map(|at| now.duration_since(at));
            let calls = instance.and_then(|instance| policy.hd_calls.get(&instance.instance_type));
            Some(SeenNode {
                ours: view
                    .instance
                    .as_ref()
                    .is_some_and(|id| world.is_in_scope(id, harness.fleet().inner().scope())),
                shown: instance.map(|instance| instance.state),
                could_start: view.instance.as_ref().is_some_and(|id| world.could_start(id)),
                fresh: reported_ago.is_some_and(|ago| ago <= policy.staleness),
                reported: reported_ago.is_some_and(|ago| age.is_none_or(|age| ago < age)),
                usual: calls.copied().unwrap_or(HdCalls::RECOMMENDED_NODE).0,
                shards: shards.iter().filter(|shard| shard.node == Some(view.address)).count(),
                age,
                view,
                node,
            })
        });
        let nodes = nodes.collect();
        let networks = fleet.instances.iter().map(|instance| &instance.vpc).collect::<BTreeSet<_>>().len();
        let upgrading = world.is_upgrading();
        drop(world);
        Some(Self { now, policy, platform, ledger, nodes, upgrading, networks })
    }

    /// Whether cycles have to get on: no pause, the right mode, no outage that the always-on nodes could be taken for, no
    /// upgrade.
    pub(super) fn nothing_in_the_way(&self) -> bool {
        let paused = self.ledger.requests.iter().any(|request| {
            matches!(request.command, OperatorCommand::Pause { until } if self.now < until + SignedDuration::from_mins(1))
        });
        let matches = (self.policy.mode == Mode::Assist) == self.platform.bursting.enabled;
        let silent = self
            .nodes
            .iter()
            .any(|node| !node.ours && node.node.distributed_database && node.free().is_none());
        !paused && matches && !silent && !self.upgrading
    }

    /// Whether the policy names its VPCs, or all of its instances stand in one: else nothing may be touched.
    pub(super) fn is_of_one_network(&self) -> bool {
        !self.policy.vpcs.is_empty() || self.networks <= 1
    }

    pub(super) fn record(&self, node: &SeenNode) -> Option<&NodeRecord> {
        self.ledger.nodes.get(node.view.instance.as_ref()?)
    }

    pub(super) fn nodes_in(&self, location: LocationId) -> impl Iterator<Item = &SeenNode> {
        self.nodes.iter().filter(move |node| node.node.location == location)
    }

    pub(super) fn ours(&self) -> impl Iterator<Item = &SeenNode> {
        self.nodes.iter().filter(|node| node.ours)
    }

    /// The holds that count now.
    pub(super) fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.ledger.holds.iter().filter(|hold| hold.from <= self.now && self.now < hold.until)
    }

    pub(super) fn threshold(&self, location: &LocationName) -> u32 {
        self.policy.threshold_of(location, &self.platform.bursting).0
    }

    /// Whether a node may still be on its way up.
    pub(super) fn is_young(&self, node: &SeenNode) -> bool {
        let limit = self.policy.boot_limit + SignedDuration::from_secs(90);
        node.is_running() && node.age.is_none_or(|age| age <= limit)
    }

    /// The locations whose calls overflow into this one, each with where their media is transcoded.
    fn principals(&self, overflow: LocationId) -> impl Iterator<Item = &Location> {
        let always_on = |id: LocationId| {
            self.nodes_in(id).any(|node| !node.ours && node.node.role == NodeRole::Transcoding)
        };
        let of = |id: LocationId| self.platform.locations.iter().find(|each| each.id == id);
        self.platform.locations.iter().filter_map(move |location| {
            let media = location.transcoding_location.unwrap_or(location.id);
            let used = location.overflow_location1 == Some(overflow) && media != overflow;
            (used && (always_on(location.id) || always_on(media))).then(|| of(media)).flatten()
        })
    }

    /// Whether calls are shown in an overflow location that is somebody's primary one.
    fn hosts(&self, location: LocationId) -> bool {
        self.principals(location).next().is_some()
            && self.nodes_in(location).any(|node| node.ours && node.shards > 0)
    }

    /// Whether an overflow location is needed, even if every node is as free as it can be.
    pub(super) fn is_needed(&self, location: LocationId, most: impl Fn(&SeenNode) -> u32) -> bool {
        let full = |principal: &Location| {
            let free: u32 = self.nodes_in(principal.id).map(&most).sum();
            free <= self.threshold(&principal.name)
        };
        self.principals(location).any(full) || self.hosts(location)
    }

    /// Whether an overflow location could be needed with the margin of the stop rule, if every node is as full as it can be.
    pub(super) fn may_be_needed(&self, location: LocationId) -> bool {
        let margin = self.policy.stop_margin.0;
        let full = |principal: &Location| {
            let free: u32 = self.nodes_in(principal.id).map(|node| self.at_least_free(node)).sum();
            free <= self.threshold(&principal.name) + margin
        };
        self.principals(location).any(full) || self.hosts(location)
    }

    /// Whether another location may be in need of this one, its fallback, with so many HD calls free here.
    pub(super) fn is_leant_on(&self, fallback: &LocationName, free: u32) -> bool {
        self.platform.locations.iter().any(|location| {
            let own: u32 = self.nodes_in(location.id).map(|node| self.at_least_free(node)).sum();
            self.policy.fallback.get(&location.name) == Some(fallback)
                && self.may_be_needed(location.id)
                && own + free <= self.threshold(&location.name) + self.policy.stop_margin.0
        })
    }

    /// HD calls that are free on a node for certain.
    pub(super) fn at_least_free(&self, node: &SeenNode) -> u32 {
        let up = node.view.service == ServiceView::Ready
            && (!node.ours || node.view.state == Some(InstanceState::Running));
        let maintained = node.node.maintenance_mode || node.shows_maintenance();
        let free = node.free().filter(|_| up && !maintained && !node.another_version(&self.platform));
        let role = node.node.role == NodeRole::Transcoding;
        free.filter(|_| role).unwrap_or(0)
    }

    /// HD calls that are free on a node at most, or on their way, where `cleared` says that its maintenance mode was cleared
    /// lately.
    pub(super) fn at_most_free(&self, node: &SeenNode, cleared: bool) -> u32 {
        if node.node.role != NodeRole::Transcoding || node.node.maintenance_mode {
            return 0;
        }
        if node.ours && !node.is_running() {
            return 0;
        }
        let all = node.capacity();
        match node.free() {
            // What it said in an earlier run is nothing.
            _ if node.shows_maintenance() && node.reported => {
                if cleared && node.ours {
                    all
                } else {
                    0
                }
            }
            free if node.ours && self.is_young(node) => all.max(free.unwrap_or(0)),
            free => free.unwrap_or(0),
        }
    }
}

/// Whether a hold is about a node.
pub(super) fn covers(hold: &Hold, node: &SeenNode) -> bool {
    node.view.instance.as_ref().is_some_and(|id| hold.covers(id, Some(&node.view.location)))
}
