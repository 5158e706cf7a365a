//! The observation, made sense of: which instance is which node, what each location is for, who is ready.
//! Everything a rule asks is answered here once, in linear time; nothing is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxBuildHasher, FxHashMap as HashMap, FxHashSet as HashSet};

use crate::ids::{HdCalls, InstanceId, LocationId, LocationName};
use crate::ledger::{Ledger, NodeRecord};
use crate::observation::{Fleet, Instance, InstanceState, Location, Node, NodeRole, NodeStatus, Platform};
use crate::policy::Policy;

/// How a start that was ordered is counted as on its way although EC2 does not show it yet: EC2 is eventually
/// consistent, and a second evaluator must not order it again.
pub const ORDER_GRACE: SignedDuration = SignedDuration::from_secs(90);

/// Allowance between our clock and EC2's when a launch time is compared with an order.
const CLOCK_ALLOWANCE: SignedDuration = SignedDuration::from_secs(30);

/// What begins the reason of every maintenance mode that Spillway sets.
pub const MAINTENANCE_MARK: &str = "Spillway";
/// What begins the reason of a node that an operator retired: it stays in maintenance mode while stopped.
pub const RETIRED_MARK: &str = "Spillway: retired";

/// Where an overflow node is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Stopped, and not on its way.
    Stopped,
    /// Started, not yet ready, within the boot limit. Its capacity counts as on its way.
    Booting {
        /// Since when.
        since: Timestamp,
    },
    /// Capacity.
    Ready,
    /// Was ready in this life and has not reported for longer than the policy's staleness, or its load is not
    /// known.
    Degraded,
    /// Not ready at the boot limit, or stopped again before it was ready.
    FailedStart {
        /// EC2's state reason, or what is missing.
        cause: String,
    },
    /// In maintenance mode.
    Maintenance {
        /// Whether Spillway set it.
        ours: bool,
    },
    /// On its way down.
    Stopping,
    /// Terminated, or about to be.
    Gone,
}

impl Phase {
    /// The word for people, as used in logs and tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Booting { .. } => "booting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::FailedStart { .. } => "failed start",
            Self::Maintenance { .. } => "maintenance",
            Self::Stopping => "stopping",
            Self::Gone => "gone",
        }
    }
}

/// A node on an instance of ours.
#[derive(Debug, Clone)]
pub struct OverflowNode<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// The node.
    pub node: &'a Node,
    /// What is remembered of it.
    pub record: Option<&'a NodeRecord>,
    /// Where it is in its life.
    pub phase: Phase,
    /// What it carries when empty: reported, else remembered, else by instance type.
    pub capacity: HdCalls,
    /// Free HD calls while ready, else 0.
    pub free: HdCalls,
    /// Whether anything is known to run on it.
    pub hosts: bool,
    /// Whether nothing is seen to run on it: no shard, and no tokens in use (not asked of a node in maintenance,
    /// whose load reads 100). Needs a reading of the shards. Not proof of idleness.
    pub quiet: bool,
}

impl OverflowNode<'_> {
    /// Whether it is capacity, or on its way to be, or was a moment ago.
    pub fn is_up(&self) -> bool {
        matches!(
            self.phase,
            Phase::Booting { .. } | Phase::Ready | Phase::Degraded | Phase::Maintenance { .. }
        )
    }

    /// Whether EC2 shows it running or starting, ready or not.
    pub fn is_running(&self) -> bool {
        matches!(self.instance.state, InstanceState::Pending | InstanceState::Running)
    }

    /// When this life began, by EC2's launch time, else by the order.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.instance.launched_at.or_else(|| self.record?.life.as_ref().map(|life| life.started_at))
    }

    /// Whether the node was ready in this life.
    pub fn was_ready(&self) -> bool {
        was_ready(self.instance, self.record)
    }

    /// Whether the Management Node has never heard of the node since it was launched: it cannot have taken a
    /// call, although it does not report that it has none.
    pub fn never_reported(&self) -> bool {
        !self.was_ready() && !reported_since_launch(self.instance, self.node.status.as_ref())
    }
}

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

/// Something that keeps a node from being used, for the status page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "issue")]
pub enum Issue {
    /// The instance's private address belongs to no Conferencing Node.
    NoSuchNode {
        /// Instance.
        instance: InstanceId,
        /// Its private address.
        address: Option<Ipv4Addr>,
    },
    /// Two instances, or two nodes, have the same private address.
    Ambiguous {
        /// Instance.
        instance: InstanceId,
        /// The address.
        address: Ipv4Addr,
    },
    /// A tagged instance that is a proxying node: never HD capacity.
    ProxyingNode {
        /// Instance.
        instance: InstanceId,
    },
    /// Always-on and overflow nodes, or proxying and transcoding nodes, in one location.
    MixedLocation {
        /// Location.
        location: LocationName,
    },
    /// An overflow location that is only somebody's secondary overflow: used if running, never started.
    SecondaryOnly {
        /// Location.
        location: LocationName,
    },
    /// Not in a location that anything overflows to.
    NotAnOverflowLocation {
        /// Location.
        location: LocationName,
    },
    /// An overflow node with the distributed database on.
    DistributedDatabase {
        /// Instance.
        instance: InstanceId,
    },
    /// In maintenance mode set by somebody else.
    ForeignMaintenance {
        /// Instance.
        instance: InstanceId,
        /// The reason given there.
        reason: String,
    },
    /// Runs another version than the Management Node.
    VersionBehind {
        /// Instance.
        instance: InstanceId,
        /// Its version.
        version: String,
    },
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
    /// Whether anything is being upgraded, or a running node has another version.
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
        let joined = join(platform, fleet, &mut issues);
        let shards = shards_by_node(platform);
        // An always-on node is one whose address no instance with our tag has.
        let on_instances: HashSet<Ipv4Addr> =
            fleet.instances.iter().filter_map(|instance| instance.private_ip).collect();

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
        let mut upgrading = platform.upgrading;

        for node in &platform.nodes {
            upgrading |= node.status.as_ref().is_some_and(|status| status.upgrading);
            if node.role == NodeRole::Proxying {
                *proxying.entry(node.location).or_default() += 1;
                continue;
            }
            if on_instances.contains(&node.address) {
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
            upgrading |= runs_another_version(platform, node);
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
        note_issues(platform, &nodes, &locations, &pairs, &mut issues);
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

/// A node is in maintenance mode when it is configured so or still runs so.
pub fn in_maintenance(node: &Node) -> bool {
    node.maintenance_mode || node.status.as_ref().is_some_and(|status| status.maintenance_mode)
}

/// Whether a maintenance mode is Spillway's.
pub fn is_our_maintenance(node: &Node) -> bool {
    node.maintenance_mode && node.maintenance_mode_reason.starts_with(MAINTENANCE_MARK)
}

/// Whether a node reports: capacity and load known, and fresh by the Management Node's own clock.
fn ready_load(policy: &Policy, platform: &Platform, node: &Node) -> Option<(HdCalls, HdCalls)> {
    let status = node.status.as_ref()?;
    let updated = status.last_updated?;
    if platform.server_time.duration_since(updated) > policy.staleness || status.max_hd_calls.0 == 0 {
        return None;
    }
    Some((status.max_hd_calls, free_hd_calls(status)?))
}

/// Free HD calls of one node, rounded down: from the media tokens where the release has them, since a whole
/// percent can read one call low; else from the load. `None`: not known, which is not "none in use".
pub fn free_hd_calls(status: &NodeStatus) -> Option<HdCalls> {
    let max = u64::from(status.max_hd_calls.0);
    let free = if status.max_media_tokens > 0 {
        let left = status.max_media_tokens.saturating_sub(status.media_tokens_used);
        max.saturating_mul(left) / status.max_media_tokens
    } else {
        let load = status.media_load?.clamp(0.0, 100.0);
        // A whole percent of a whole number: the allowance keeps 17 x 100 % from becoming 16.999….
        ((max as f64) * (100.0 - load) / 100.0 + 1e-9) as u64
    };
    Some(HdCalls(u32::try_from(free).unwrap_or(u32::MAX)))
}

/// Capacity of starts that were just ordered and whose instances EC2 does not list at all.
fn ordered_and_not_listed(
    policy: &Policy,
    fleet: &Fleet,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Vec<(LocationId, HdCalls)> {
    let ordered = |record: &NodeRecord| {
        record.life.as_ref().is_some_and(|life| {
            life.ready_at.is_none() && !life.failed && now.duration_since(life.started_at) < ORDER_GRACE
        })
    };
    let lately: Vec<(&InstanceId, &NodeRecord)> =
        ledger.into_iter().flat_map(|ledger| &ledger.nodes).filter(|(_, record)| ordered(record)).collect();
    if lately.is_empty() {
        return Vec::new();
    }
    let listed: HashSet<&InstanceId> = fleet.instances.iter().map(|instance| &instance.id).collect();
    lately
        .into_iter()
        .filter(|(id, _)| !listed.contains(id))
        .filter_map(|(_, record)| {
            let (location, _) = record.location.as_ref()?;
            let unknown = || policy.hd_calls.values().min().copied().unwrap_or(HdCalls::RECOMMENDED_NODE);
            Some((*location, record.capacity.unwrap_or_else(unknown)))
        })
        .collect()
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

fn shards_by_node(platform: &Platform) -> Option<HashMap<Ipv4Addr, u32>> {
    let shards = platform.shards.as_ref()?;
    let mut count = HashMap::default();
    for shard in shards {
        *count.entry(shard.node).or_default() += 1;
    }
    Some(count)
}

/// Pairs instances with nodes by private address. One that joins none, or two, is an issue and never an action.
fn join<'a>(
    platform: &'a Platform,
    fleet: &'a Fleet,
    issues: &mut Vec<Issue>,
) -> Vec<(&'a Instance, &'a Node)> {
    // `None`: two nodes have the address.
    let mut by_address: HashMap<Ipv4Addr, Option<&Node>> =
        HashMap::with_capacity_and_hasher(platform.nodes.len(), FxBuildHasher);
    for node in &platform.nodes {
        by_address.entry(node.address).and_modify(|found| *found = None).or_insert(Some(node));
    }
    let mut claims: HashMap<Ipv4Addr, u32> =
        HashMap::with_capacity_and_hasher(fleet.instances.len(), FxBuildHasher);
    for instance in &fleet.instances {
        if let Some(address) = instance.private_ip {
            *claims.entry(address).or_default() += 1;
        }
    }
    let mut joined = Vec::with_capacity(fleet.instances.len());
    for instance in &fleet.instances {
        if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            continue;
        }
        let found = instance.private_ip.and_then(|address| by_address.get(&address));
        match (instance.private_ip, found) {
            (Some(address), Some(None)) => {
                issues.push(Issue::Ambiguous { instance: instance.id.clone(), address });
            }
            (Some(address), Some(Some(_))) if claims.get(&address).copied().unwrap_or(0) > 1 => {
                issues.push(Issue::Ambiguous { instance: instance.id.clone(), address });
            }
            (_, Some(Some(node))) if node.role == NodeRole::Proxying => {
                issues.push(Issue::ProxyingNode { instance: instance.id.clone() });
            }
            (_, Some(Some(node))) => joined.push((instance, *node)),
            (address, _) => issues.push(Issue::NoSuchNode { instance: instance.id.clone(), address }),
        }
    }
    joined
}

fn reported_since_launch(instance: &Instance, status: Option<&NodeStatus>) -> bool {
    match (status.and_then(|status| status.last_updated), instance.launched_at) {
        (Some(updated), Some(launched)) => updated > launched,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn was_ready(instance: &Instance, record: Option<&NodeRecord>) -> bool {
    record.and_then(|record| record.life.as_ref()).is_some_and(|life| {
        life.ready_at.is_some() && (life.launched_at.is_none() || life.launched_at == instance.launched_at)
    })
}

fn overflow_node<'a>(
    policy: &Policy,
    platform: &Platform,
    instance: &'a Instance,
    node: &'a Node,
    record: Option<&'a NodeRecord>,
    shards: Option<&HashMap<Ipv4Addr, u32>>,
    now: Timestamp,
) -> OverflowNode<'a> {
    let reported = node.status.as_ref().map(|status| status.max_hd_calls).filter(|calls| calls.0 > 0);
    let capacity = reported
        .or_else(|| record.and_then(|record| record.capacity))
        .unwrap_or_else(|| policy.hd_calls_of(&instance.instance_type));
    let phase = phase_of(policy, platform, instance, node, record, now);
    let free = match phase {
        Phase::Ready => node.status.as_ref().and_then(free_hd_calls).unwrap_or_default(),
        _ => HdCalls(0),
    };
    let on_it = shards.map(|count| count.get(&node.address).copied().unwrap_or(0));
    let runs = instance.state == InstanceState::Running;
    // Not asked of a node in maintenance mode, whose load reads 100, nor of one that has not reported in this life.
    let asked = !in_maintenance(node)
        && (was_ready(instance, record) || reported_since_launch(instance, node.status.as_ref()));
    let tokens = node.status.as_ref().filter(|_| asked).map_or(0, |status| {
        if status.max_media_tokens > 0 {
            status.media_tokens_used
        } else {
            // Without tokens a load above nothing is the only trace of use besides the shards.
            status.media_load.map_or(1, |load| u64::from(load > 0.0))
        }
    });
    OverflowNode {
        instance,
        node,
        record,
        phase,
        capacity,
        free,
        hosts: runs && on_it.unwrap_or(0) > 0,
        quiet: runs && on_it == Some(0) && tokens == 0,
    }
}

fn phase_of(
    policy: &Policy,
    platform: &Platform,
    instance: &Instance,
    node: &Node,
    record: Option<&NodeRecord>,
    now: Timestamp,
) -> Phase {
    let life = record.and_then(|record| record.life.as_ref());
    match instance.state {
        InstanceState::ShuttingDown | InstanceState::Terminated | InstanceState::Unknown => Phase::Gone,
        InstanceState::Stopping => Phase::Stopping,
        InstanceState::Stopped => {
            let Some(life) = life else { return Phase::Stopped };
            let launched_since = life.launched_at.is_some()
                || instance.launched_at.is_some_and(|at| at + CLOCK_ALLOWANCE > life.started_at);
            let stop_ordered =
                record.and_then(|record| record.drain.as_ref()).is_some_and(|d| d.stop_ordered_at.is_some());
            if life.ready_at.is_some() || stop_ordered {
                Phase::Stopped
            } else if launched_since {
                let why =
                    if instance.state_reason.is_empty() { "no reason given" } else { &instance.state_reason };
                Phase::FailedStart { cause: format!("stopped before it was ready: {why}") }
            } else if now.duration_since(life.started_at) < ORDER_GRACE {
                Phase::Booting { since: life.started_at }
            } else {
                Phase::Stopped
            }
        }
        InstanceState::Pending | InstanceState::Running => {
            if in_maintenance(node) {
                if !node.maintenance_mode {
                    // Cleared a moment ago, and not yet replicated to the node: its capacity is on its way.
                    let fresh = node
                        .status
                        .as_ref()
                        .and_then(|status| status.last_updated)
                        .is_some_and(|at| platform.server_time.duration_since(at) <= policy.staleness);
                    return match (fresh, was_ready(instance, record)) {
                        (true, _) => Phase::Booting { since: now },
                        (false, true) => Phase::Degraded,
                        (false, false) => booting(policy, instance, life, now, "in maintenance mode"),
                    };
                }
                return Phase::Maintenance { ours: is_our_maintenance(node) };
            }
            running_phase(policy, platform, instance, node, record, now)
        }
    }
}

fn running_phase(
    policy: &Policy,
    platform: &Platform,
    instance: &Instance,
    node: &Node,
    record: Option<&NodeRecord>,
    now: Timestamp,
) -> Phase {
    let life = record.and_then(|record| record.life.as_ref());
    let was_ready = was_ready(instance, record);
    let reported = reported_since_launch(instance, node.status.as_ref());
    let synced = node.status.as_ref().is_some_and(|status| status.synced);
    let version = node.status.as_ref().map_or("", |status| status.version.as_str());
    let same_version = platform.version.is_empty() || version == platform.version;
    let load = ready_load(policy, platform, node);
    if instance.state == InstanceState::Running
        && reported
        && load.is_some()
        && same_version
        && (was_ready || synced)
    {
        return Phase::Ready;
    }
    if was_ready {
        return Phase::Degraded;
    }
    let missing = if !reported {
        "it has not reported to the Management Node since its launch"
    } else if !same_version {
        "its version is not the Management Node's"
    } else if load.is_none() {
        "it reports no capacity"
    } else {
        "its configuration is not synchronised"
    };
    booting(policy, instance, life, now, missing)
}

fn booting(
    policy: &Policy,
    instance: &Instance,
    life: Option<&crate::ledger::Life>,
    now: Timestamp,
    missing: &str,
) -> Phase {
    let since = instance.launched_at.or_else(|| life.map(|life| life.started_at)).unwrap_or(now);
    if now.duration_since(since) <= policy.boot_limit {
        Phase::Booting { since }
    } else {
        Phase::FailedStart { cause: format!("not ready {:#} after its launch: {missing}", policy.boot_limit) }
    }
}

fn runs_another_version(platform: &Platform, node: &OverflowNode<'_>) -> bool {
    node.instance.state == InstanceState::Running
        && !platform.version.is_empty()
        && reported_since_launch(node.instance, node.node.status.as_ref())
        && node
            .node
            .status
            .as_ref()
            .is_some_and(|status| !status.version.is_empty() && status.version != platform.version)
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

fn note_issues(
    platform: &Platform,
    nodes: &[OverflowNode<'_>],
    locations: &BTreeMap<LocationId, LocationView<'_>>,
    pairs: &[WatchedPair],
    issues: &mut Vec<Issue>,
) {
    let secondaries: BTreeSet<LocationId> =
        locations.values().filter_map(|view| view.location.overflow_location2).collect();
    for view in locations.values() {
        if view.mixed {
            issues.push(Issue::MixedLocation { location: view.location.name.clone() });
        }
        if view.overflow.is_empty() {
            continue;
        }
        let id = view.location.id;
        if pairs.binary_search_by_key(&id, |pair| pair.overflow).is_ok() {
            continue;
        }
        let location = view.location.name.clone();
        let secondary = secondaries.contains(&id);
        issues.push(if secondary {
            Issue::SecondaryOnly { location }
        } else {
            Issue::NotAnOverflowLocation { location }
        });
    }
    for node in nodes {
        let instance = node.instance.id.clone();
        if node.node.distributed_database {
            issues.push(Issue::DistributedDatabase { instance: instance.clone() });
        }
        if node.node.maintenance_mode && !is_our_maintenance(node.node) {
            let reason = node.node.maintenance_mode_reason.clone();
            issues.push(Issue::ForeignMaintenance { instance: instance.clone(), reason });
        }
        if runs_another_version(platform, node) {
            let version = node.node.status.as_ref().map(|status| status.version.clone()).unwrap_or_default();
            issues.push(Issue::VersionBehind { instance, version });
        }
    }
}
