//! What is remembered between cycles. The ledger is small and is read whole; everything in it can be lost
//! without dropping a call: what is unknown is treated as young, busy or somebody else's.

mod outcome;

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{HdCalls, HoldId, InstanceId, LocationId, LocationName, NodeName};
use crate::observation::{BurstingSettings, Location, Platform};

pub use outcome::Outcome;

/// Version of the items' shape. A reader takes items of its own version and older ones.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole `STATE` partition, expired items left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Lease and digest of the last cycle.
    pub cycle: CycleRecord,
    /// One record per instance ever started, watched or drained.
    pub nodes: BTreeMap<InstanceId, NodeRecord>,
    /// Current demand floors.
    pub holds: Vec<Hold>,
    /// Operators' wishes, oldest first.
    pub requests: Vec<Request>,
    /// What changes seldom at the Management Node, as the last cycle that could read it saw it.
    #[serde(default)]
    pub platform: Option<KnownPlatform>,
}

/// What changes seldom at the Management Node: settings, locations, version. A cycle writes it where it differs from
/// what is there, and the digest says when it was last found so. Whoever only looks need not read it again; whoever
/// acts does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPlatform {
    /// The address that answered as the primary Management Node.
    pub address: String,
    /// The Management Node's software version.
    pub version: String,
    /// Whether the Management Node itself was being upgraded.
    pub upgrading: bool,
    /// The global bursting settings.
    pub bursting: BurstingSettings,
    /// All system locations, by id.
    pub locations: Vec<Location>,
}

impl KnownPlatform {
    /// What is to be remembered of a reading.
    pub fn of(platform: &Platform) -> Self {
        let Platform { address, version, upgrading, bursting, locations, .. } = platform;
        let mut locations = locations.clone();
        locations.sort_by_key(|location| location.id);
        Self {
            address: address.clone(),
            version: version.clone(),
            upgrading: *upgrading,
            bursting: bursting.clone(),
            locations,
        }
    }
}

/// The `CYCLE` item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleRecord {
    /// Number of times the lease was taken. Every write under the lease carries it.
    pub token: u64,
    /// Who holds the lease; `None` when it was given back.
    pub owner: Option<String>,
    /// When it was taken, by its owner's clock; for people.
    pub taken_at: Option<Timestamp>,
    /// What the last finished cycle found.
    pub digest: Option<Digest>,
}

/// A few facts from the last finished cycle that the next one needs, and what a status page shows first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// When the cycle ended.
    pub at: Timestamp,
    /// How it ended; `None` where that is not known.
    #[serde(default, deserialize_with = "outcome::known")]
    pub outcome: Option<Outcome>,
    /// One sentence.
    pub summary: String,
    /// When a cycle last read everything.
    #[serde(default)]
    pub last_good: Option<Timestamp>,
    /// The Management Node's address that answered last.
    #[serde(default)]
    pub address: String,
    /// When that address last changed: no stops for ten minutes after it.
    #[serde(default)]
    pub address_changed_at: Option<Timestamp>,
    /// What `bursting_enabled` was, and when it was read: a hold is met blindly only on a mode at most 24 h old.
    #[serde(default)]
    pub bursting_enabled: Option<(bool, Timestamp)>,
    /// What was refused last: by EC2, or a whole cycle. An operator asks for it before anything else, and it must not
    /// cost a search through the history.
    #[serde(default)]
    pub last_refusal: Option<LastRefusal>,
}

/// A refusal, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRefusal {
    /// When.
    pub at: Timestamp,
    /// What and why, one sentence.
    pub what: String,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Spillway's own rules.
    Spillway,
    /// Pexip's built-in controller.
    Pexip,
    /// A person, by the identity they acted with.
    Person(String),
    /// Somebody, not known who.
    Unknown,
}

/// What is remembered of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The item's own version: a write must carry the version that was read.
    #[serde(default)]
    pub version: u64,
    /// The current or last life; `None` when it is not known to have run.
    #[serde(default)]
    pub life: Option<Life>,
    /// The drain in progress.
    #[serde(default)]
    pub drain: Option<Drain>,
    /// Idle readings of a node that is not draining yet.
    #[serde(default)]
    pub quiet_since: Option<Timestamp>,
    /// `max_hd_calls` when it was last above zero.
    #[serde(default)]
    pub capacity: Option<HdCalls>,
    /// Name, location last seen: what a hold is met from while the Management Node cannot be read.
    #[serde(default)]
    pub name: Option<NodeName>,
    /// Location last seen.
    #[serde(default)]
    pub location: Option<(LocationId, LocationName)>,
    /// Whether the node was in somebody else's maintenance mode when last seen.
    #[serde(default)]
    pub foreign_maintenance: bool,
    /// Failed starts in a row.
    #[serde(default)]
    pub failed_starts: u32,
    /// Not started again before this instant.
    #[serde(default)]
    pub back_off_until: Option<Timestamp>,
    /// An operator retired the node: it stays in maintenance mode and is not ours to start.
    #[serde(default)]
    pub retired: bool,
    /// A person vetoed the drain of this life by clearing our maintenance mode.
    #[serde(default)]
    pub drain_vetoed: bool,
}

/// One life of a node: from an ordered start to the stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// When the start was ordered (ours) or the launch time (somebody else's).
    pub started_at: Timestamp,
    /// Who started it.
    pub by: Actor,
    /// Why, one sentence.
    pub reason: String,
    /// EC2's launch time of this life, once seen.
    #[serde(default)]
    pub launched_at: Option<Timestamp>,
    /// When it was first ready.
    #[serde(default)]
    pub ready_at: Option<Timestamp>,
    /// Whether this life was already counted as a failed start.
    #[serde(default)]
    pub failed: bool,
}

/// Who asked for a drain: an `Auto` drain is cancelled by a call, by need or by a hold; an operator's waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrainKind {
    /// By the stop rule.
    Auto,
    /// By an operator.
    Operator,
}

/// A drain in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Kind.
    pub kind: DrainKind,
    /// When maintenance mode was ordered.
    pub began_at: Timestamp,
    /// Who and why.
    pub by: Actor,
    /// Why, one sentence.
    pub reason: String,
    /// When our maintenance mode was first read back from the configuration. Seen and then gone means that a
    /// person cleared it: a veto.
    #[serde(default)]
    pub maintenance_seen_at: Option<Timestamp>,
    /// First of the two idle readings, taken with the node's status in maintenance.
    #[serde(default)]
    pub idle_at: Option<Timestamp>,
    /// When the stop was ordered.
    #[serde(default)]
    pub stop_ordered_at: Option<Timestamp>,
    /// Whether an operator ordered the stop whatever ran on the node: calls dropped by it are theirs, not a fault.
    #[serde(default)]
    pub calls_overridden: bool,
}

/// Where a hold applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldScope {
    /// Every overflow location.
    All,
    /// One overflow location.
    Location(LocationName),
    /// One overflow node: an operator started it, and wants it up.
    Node(InstanceId),
}

/// How much a hold asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldAmount {
    /// Every node.
    AllNodes,
    /// This many nodes.
    Nodes(u32),
    /// Capacity for this many HD calls.
    HdCalls(HdCalls),
}

impl fmt::Display for HoldAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllNodes => f.write_str("all nodes"),
            Self::Nodes(1) => f.write_str("1 node"),
            Self::Nodes(nodes) => write!(f, "{nodes} nodes"),
            Self::HdCalls(HdCalls(1)) => f.write_str("1 HD call"),
            Self::HdCalls(calls) => write!(f, "{calls} HD calls"),
        }
    }
}

/// A demand floor: this much capacity is up between two instants, whatever the load says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Id.
    pub id: HoldId,
    /// Where.
    pub scope: HoldScope,
    /// How much.
    pub amount: HoldAmount,
    /// From when (inclusive).
    pub from: Timestamp,
    /// Until when (exclusive).
    pub until: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When the nodes have to be ready: what a pre-warm window is measured by.
    #[serde(default)]
    pub spike_at: Option<Timestamp>,
    /// What was asked, where licences leave no room for all of it and `amount` is less.
    #[serde(default)]
    pub asked: Option<HoldAmount>,
}

impl Hold {
    /// Whether it counts at this instant.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it is about a node. Of a node whose location is not known it is where it is about all nodes, or this one.
    pub fn covers(&self, instance: &InstanceId, location: Option<&LocationName>) -> bool {
        match &self.scope {
            HoldScope::All => true,
            HoldScope::Location(name) => location == Some(name),
            HoldScope::Node(id) => id == instance,
        }
    }
}

/// An operator's wish, met by the next cycle that holds the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Id, in the order of asking.
    pub id: String,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What.
    pub wish: Wish,
}

impl Ledger {
    /// What is known of the platform, where a cycle found it so within the given time.
    pub fn known_platform(&self, now: Timestamp, within: SignedDuration) -> Option<&KnownPlatform> {
        let known = self.platform.as_ref()?;
        let digest = self.cycle.digest.as_ref()?;
        let (enabled, read_at) = digest.bursting_enabled?;
        let fits = digest.address == known.address && enabled == known.bursting.enabled;
        (fits && now.duration_since(read_at) <= within).then_some(known)
    }

    /// The pause in force: the latest, as long as it is not over. Every function obeys it. A later one takes the place of
    /// those before it, also where it is the shorter.
    pub fn pause(&self, now: Timestamp) -> Option<Pause<'_>> {
        let latest = self
            .requests
            .iter()
            .filter(|request| matches!(request.wish, Wish::Pause { .. }))
            .max_by_key(|request| (request.at, &request.id))?;
        match latest.wish {
            Wish::Pause { until } if now < until => {
                Some(Pause { until, by: &latest.by, reason: &latest.reason })
            }
            _ => None,
        }
    }
}

/// A pause in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause<'a> {
    /// Its end.
    pub until: Timestamp,
    /// Who asked for it.
    pub by: &'a Actor,
    /// Why.
    pub reason: &'a str,
}

/// What an operator can ask of the next cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Drain and stop this node.
    Stop(InstanceId),
    /// Give up the drain of this node, or end its retirement: it takes calls again.
    Release(InstanceId),
    /// Drain and stop this node, and leave it so: it stays in maintenance mode, and no rule starts it.
    Retire(InstanceId),
    /// Start this node although it is retired. It stays in maintenance mode until it is released, so that its
    /// static NAT address is right before it takes a call.
    Reinstate(InstanceId),
    /// Do nothing until the instant. Who ends the pause before that removes the request.
    Pause {
        /// End of the pause.
        until: Timestamp,
    },
}

/// One line of history. The id makes a repeated write the same item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `planned_at` + node + action for what we do; instance + launch time + state for what we see.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Instance, where it is about one.
    pub instance: Option<InstanceId>,
    /// Node, where known.
    pub node: Option<NodeName>,
    /// Location, where known.
    pub location: Option<LocationName>,
    /// Who.
    pub by: Actor,
    /// Why, one sentence.
    pub reason: String,
}

impl Event {
    /// The id of something that was seen of one life of an instance: the same however often and by whom it is seen.
    pub fn id_of_seen(instance: &InstanceId, launched_at: Option<Timestamp>, kind: EventKind) -> String {
        let launch =
            launched_at.map_or_else(|| "never".to_owned(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string());
        let state = serde_json::to_string(&kind).unwrap_or_default();
        format!("{instance}-{launch}-{}", state.trim_matches('"'))
    }

    /// Whether this line may replace that one of the same id: the first one stays, except that one that names an actor
    /// completes one that does not.
    pub fn completes(&self, there: &Self) -> bool {
        there.by == Actor::Unknown && self.by != Actor::Unknown
    }
}

/// The kinds of history lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A start was ordered and accepted.
    Start,
    /// EC2 refused a start.
    StartRefused,
    /// A node became ready.
    Ready,
    /// A node did not become ready, or stopped while booting.
    StartFailed,
    /// A node was found running that we did not start.
    StartSeen,
    /// A drain began.
    DrainBegan,
    /// A drain was cancelled.
    DrainCancelled,
    /// A person vetoed a drain.
    DrainVetoed,
    /// A stop was ordered and accepted.
    Stop,
    /// EC2 refused a stop.
    StopRefused,
    /// A node was seen stopped.
    Stopped,
    /// Our maintenance mode was cleared on a stopped node.
    MaintenanceCleared,
    /// A static NAT address was changed.
    AddressChanged,
    /// A cycle was refused.
    CycleRefused,
    /// An operator's request was met or dismissed.
    RequestDone,
    /// An operator asked for something: a pause, a hold, a stop.
    Asked,
    /// An operator's command changed something outside a cycle: a tag, a location, an Elastic IP.
    Operated,
    /// A rule was set aside because an operator said so.
    Overridden,
    /// A node was retired, or set aside for an operation: it stays in maintenance mode.
    Retired,
    /// A cycle would have acted, and the mode or a dry run withheld it.
    Withheld,
}

/// Free and greatest HD capacity of a location at one minute: what load is learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationLoad {
    /// Location.
    pub location: LocationName,
    /// Free HD calls of its ready nodes.
    pub free: HdCalls,
    /// HD calls its ready nodes carry when empty.
    pub max: HdCalls,
}
