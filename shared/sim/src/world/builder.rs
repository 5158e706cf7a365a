//! Worlds, readable: locations, nodes, callers. A name that is not there is an error of the scenario's author
//! and is named, not guessed.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{HdCalls, InstanceId, InstanceType, LocationName, NodeName};
use spillway_core::observation::{InstanceState, NodeRole};

use crate::callers::Callers;
use crate::dice::Dice;

use super::capacity::NodeCapacity;
use super::ec2::{Ec2, TAG};
use super::instance::{Instance, Shown};
use super::lives::whole_second;
use super::location::Location;
use super::management::{Bursting, Management, ManagementHost};
use super::node::{Node, NodeSettings, Report, Service};
use super::{Happening, SharedWorld, World, WorldSettings, later};

/// Why a world could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// A location is used that was not added.
    #[error("there is no location {0:?}: add it with `location` first")]
    NoSuchLocation(String),
    /// Two things have the same name.
    #[error("there are two of {0:?}: names are unique")]
    Twice(String),
    /// More nodes than addresses.
    #[error("at most {0} nodes fit into the simulated network")]
    TooManyNodes(usize),
}

/// The tag `pexip-cloud` of a group of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tag {
    /// The platform's on overflow nodes, none on others.
    Usual,
    Is(String),
    Missing,
}

/// A group of like nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    location: String,
    role: NodeRole,
    count: usize,
    prefix: Option<String>,
    instance_type: Option<String>,
    hd_calls: Option<u32>,
    region: Option<String>,
    zone: Option<String>,
    vpc: Option<String>,
    tag: Tag,
    overflow: bool,
    on_aws: bool,
    public: bool,
    elastic: bool,
    on_host: bool,
    running: Option<bool>,
    contacted: bool,
    media_priority_weight: i64,
    version: Option<String>,
}

impl NodeSpec {
    fn new(location: &str, overflow: bool, role: NodeRole) -> Self {
        Self {
            location: location.to_owned(),
            role,
            count: 1,
            prefix: None,
            instance_type: None,
            hd_calls: None,
            region: None,
            zone: None,
            vpc: None,
            tag: Tag::Usual,
            overflow,
            on_aws: true,
            public: false,
            elastic: false,
            on_host: false,
            running: None,
            contacted: true,
            media_priority_weight: 0,
            version: None,
        }
    }

    /// An always-on transcoding node: running, without the tag.
    pub fn always_on(location: &str) -> Self {
        Self::new(location, false, NodeRole::Transcoding)
    }

    /// An always-on proxying node.
    pub fn proxying(location: &str) -> Self {
        Self::new(location, false, NodeRole::Proxying)
    }

    /// An overflow node: stopped, with the tag.
    pub fn overflow(location: &str) -> Self {
        Self::new(location, true, NodeRole::Transcoding)
    }

    /// How many.
    #[must_use]
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Names are `<prefix>-1` and so on; else made from the location's name.
    #[must_use]
    pub fn named(mut self, prefix: &str) -> Self {
        self.prefix = Some(prefix.to_owned());
        self
    }

    /// Instance type; else the builder's.
    #[must_use]
    pub fn instance_type(mut self, instance_type: &str) -> Self {
        self.instance_type = Some(instance_type.to_owned());
        self
    }

    /// Another capacity than the instance type's.
    #[must_use]
    pub fn hd_calls(mut self, calls: u32) -> Self {
        self.hd_calls = Some(calls);
        self
    }

    /// Region; else the builder's.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Zone; else the builder's.
    #[must_use]
    pub fn zone(mut self, zone: &str) -> Self {
        self.zone = Some(zone.to_owned());
        self
    }

    /// VPC; else the builder's.
    #[must_use]
    pub fn vpc(mut self, vpc: &str) -> Self {
        self.vpc = Some(vpc.to_owned());
        self
    }

    /// Value of the tag `pexip-cloud`, or none at all; else the builder's on overflow nodes.
    #[must_use]
    pub fn tag(mut self, value: Option<&str>) -> Self {
        self.tag = value.map_or(Tag::Missing, |value| Tag::Is(value.to_owned()));
        self
    }

    /// Not on AWS at all: a node on the company's own machines.
    #[must_use]
    pub fn elsewhere(mut self) -> Self {
        self.on_aws = false;
        self
    }

    /// With a dynamic public address.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// With an Elastic IP.
    #[must_use]
    pub fn elastic(mut self) -> Self {
        self.elastic = true;
        self
    }

    /// On a dedicated host.
    #[must_use]
    pub fn on_host(mut self) -> Self {
        self.on_host = true;
        self
    }

    /// Running and ready when the world begins, or stopped.
    #[must_use]
    pub fn running(mut self, running: bool) -> Self {
        self.running = Some(running);
        self
    }

    /// Never in contact with the Management Node yet: its capacity is not known.
    #[must_use]
    pub fn never_contacted(mut self) -> Self {
        self.contacted = false;
        self
    }

    /// `media_priority_weight`.
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Self {
        self.media_priority_weight = weight;
        self
    }

    /// Another software version than the Management Node's.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }
}

/// How a platform is sized from a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// Always-on share of the capacity (guide: 30:70 between always-on and overflow).
    pub always_on_share: f64,
    /// Capacity for the peak times this: whole calls, backplanes and the three-node rule leave gaps.
    pub headroom: f64,
    /// Fixed number of always-on nodes instead.
    pub always_on: Option<usize>,
    /// Fixed number of overflow nodes instead.
    pub overflow: Option<usize>,
}

impl Default for Sizing {
    fn default() -> Self {
        Self { always_on_share: 0.3, headroom: 1.25, always_on: None, overflow: None }
    }
}

impl Sizing {
    /// Always-on and overflow nodes of the recommended type for these callers, at least one of each.
    pub fn nodes(&self, callers: &Callers) -> (usize, usize) {
        let peak = callers.peak().map_or(0.0, |(load, _)| load.hd());
        let each = f64::from(NodeCapacity::C5_2XLARGE.hd);
        let all = (peak * self.headroom / each).ceil().max(2.0);
        let always_on = (all * self.always_on_share).round().clamp(1.0, all - 1.0);
        (
            self.always_on.unwrap_or(always_on as usize).max(1),
            self.overflow.unwrap_or((all - always_on) as usize),
        )
    }
}

/// Builds a [`World`].
#[derive(Debug, Clone)]
pub struct WorldBuilder {
    start: Timestamp,
    seed: u64,
    settings: WorldSettings,
    locations: Vec<String>,
    links: Vec<(String, Link, String)>,
    shares: Vec<(String, f64)>,
    nodes: Vec<NodeSpec>,
    instance_type: String,
    region: String,
    zone: String,
    vpc: String,
    tag_value: String,
    bursting: bool,
    threshold: u32,
    min_lifetime_minutes: u32,
    version: String,
    standby: bool,
    callers: Arc<Callers>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Overflow1,
    Overflow2,
    Transcoding,
}

/// Private addresses are 10.44.x.y: this many nodes fit.
const MOST_NODES: usize = 250 * 250;

impl WorldBuilder {
    /// A world that begins at an instant, empty, with Pexip's bursting off.
    pub fn new(start: Timestamp) -> Self {
        Self {
            start,
            seed: 1,
            settings: WorldSettings::default(),
            locations: Vec::new(),
            links: Vec::new(),
            shares: Vec::new(),
            nodes: Vec::new(),
            instance_type: "c5.2xlarge".to_owned(),
            region: "eu-west-1".to_owned(),
            zone: "eu-west-1a".to_owned(),
            vpc: "vpc-0a1b2c3d".to_owned(),
            tag_value: "manager".to_owned(),
            bursting: false,
            threshold: 5,
            min_lifetime_minutes: 50,
            version: "38 (77000.0.0)".to_owned(),
            standby: false,
            callers: Arc::default(),
        }
    }

    /// A platform for a load: one location `London` with always-on nodes that overflows to `AWS burst`, sized by
    /// the guide's example.
    pub fn sized_for(start: Timestamp, callers: Arc<Callers>, sizing: Sizing) -> Self {
        let (always_on, overflow) = sizing.nodes(&callers);
        Self::new(start)
            .location("London")
            .location("AWS burst")
            .overflow("London", "AWS burst")
            .always_on("London", always_on)
            .overflow_nodes("AWS burst", overflow)
            .calls_to("London", 1.0)
            .callers(callers)
    }

    /// Seed of everything drawn.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Changes the world's numbers.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut WorldSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Nodes are ready exactly this long after a start, and none fails: for tests of rules, not of luck.
    #[must_use]
    pub fn boots_in(self, time: SignedDuration) -> Self {
        self.settings(|settings| {
            settings.boot.ready = (time, time);
            settings.boot.never_ready = 0.0;
        })
    }

    /// Adds a location.
    #[must_use]
    pub fn location(mut self, name: &str) -> Self {
        self.locations.push(name.to_owned());
        self
    }

    /// Primary overflow location.
    #[must_use]
    pub fn overflow(self, from: &str, to: &str) -> Self {
        self.link(from, Link::Overflow1, to)
    }

    /// Secondary overflow location.
    #[must_use]
    pub fn secondary_overflow(self, from: &str, to: &str) -> Self {
        self.link(from, Link::Overflow2, to)
    }

    /// Transcoding location.
    #[must_use]
    pub fn transcoding(self, from: &str, to: &str) -> Self {
        self.link(from, Link::Transcoding, to)
    }

    fn link(mut self, from: &str, link: Link, to: &str) -> Self {
        self.links.push((from.to_owned(), link, to.to_owned()));
        self
    }

    /// Share of the callers who come in at a location. Without any, locations with always-on nodes share equally.
    #[must_use]
    pub fn calls_to(mut self, location: &str, share: f64) -> Self {
        self.shares.push((location.to_owned(), share));
        self
    }

    /// Adds always-on transcoding nodes.
    #[must_use]
    pub fn always_on(self, location: &str, count: usize) -> Self {
        self.with(NodeSpec::always_on(location).count(count))
    }

    /// Adds always-on proxying nodes.
    #[must_use]
    pub fn proxying(self, location: &str, count: usize) -> Self {
        self.with(NodeSpec::proxying(location).count(count))
    }

    /// Adds overflow nodes, stopped.
    #[must_use]
    pub fn overflow_nodes(self, location: &str, count: usize) -> Self {
        self.with(NodeSpec::overflow(location).count(count))
    }

    /// Adds nodes.
    #[must_use]
    pub fn with(mut self, nodes: NodeSpec) -> Self {
        self.nodes.push(nodes);
        self
    }

    /// All overflow nodes run from the beginning: the "everything always on" platform, when no controller acts.
    #[must_use]
    pub fn everything_running(mut self) -> Self {
        for nodes in &mut self.nodes {
            nodes.running = Some(true);
        }
        self
    }

    /// Instance type of nodes that name none.
    #[must_use]
    pub fn instance_type(mut self, instance_type: &str) -> Self {
        instance_type.clone_into(&mut self.instance_type);
        self
    }

    /// Region of nodes that name none.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Zone of nodes that name none.
    #[must_use]
    pub fn zone(mut self, zone: &str) -> Self {
        zone.clone_into(&mut self.zone);
        self
    }

    /// VPC of nodes that name none.
    #[must_use]
    pub fn vpc(mut self, vpc: &str) -> Self {
        vpc.clone_into(&mut self.vpc);
        self
    }

    /// Tag value the Management Node shows: its hostname, or `unknown`.
    #[must_use]
    pub fn tag_value(mut self, value: &str) -> Self {
        value.clone_into(&mut self.tag_value);
        self
    }

    /// Whether Pexip's own bursting is on.
    #[must_use]
    pub fn bursting(mut self, enabled: bool) -> Self {
        self.bursting = enabled;
        self
    }

    /// The platform's bursting threshold, HD calls.
    #[must_use]
    pub fn threshold(mut self, calls: u32) -> Self {
        self.threshold = calls;
        self
    }

    /// The platform's minimum lifetime, minutes.
    #[must_use]
    pub fn min_lifetime(mut self, minutes: u32) -> Self {
        self.min_lifetime_minutes = minutes;
        self
    }

    /// The Management Node's software version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// A standby Management Node, so that it can fail over.
    #[must_use]
    pub fn with_standby(mut self) -> Self {
        self.standby = true;
        self
    }

    /// The callers.
    #[must_use]
    pub fn callers(mut self, callers: Arc<Callers>) -> Self {
        self.callers = callers;
        self
    }

    /// Builds it, to be shared.
    pub fn build_shared(self) -> Result<SharedWorld, WorldError> {
        Ok(Arc::new(Mutex::new(self.build()?)))
    }

    /// Builds it.
    pub fn build(self) -> Result<World, WorldError> {
        let mut world = self.empty_world();
        for name in &self.locations {
            if world.location_named(name).is_some() {
                return Err(WorldError::Twice(name.clone()));
            }
            world.locations.push(Location::new(LocationName::new(name)));
        }
        let find = |world: &World, name: &str| {
            world.location_named(name).ok_or_else(|| WorldError::NoSuchLocation(name.to_owned()))
        };
        for (from, link, to) in &self.links {
            let (from, to) = (find(&world, from)?, find(&world, to)?);
            if let Some(location) = world.locations.get_mut(from) {
                match link {
                    Link::Overflow1 => location.overflow1 = Some(to),
                    Link::Overflow2 => location.overflow2 = Some(to),
                    Link::Transcoding => location.transcoding = Some(to),
                }
            }
        }
        for spec in &self.nodes {
            find(&world, &spec.location)?;
            self.add_nodes(&mut world, spec)?;
        }
        for (name, share) in &self.shares {
            let ix = find(&world, name)?;
            if let Some(location) = world.locations.get_mut(ix) {
                location.share = *share;
            }
        }
        if self.shares.is_empty() {
            let principal = self.nodes.iter().filter(|spec| !spec.overflow).map(|spec| &spec.location);
            for name in principal {
                let ix = find(&world, name)?;
                if let Some(location) = world.locations.get_mut(ix) {
                    location.share = 1.0;
                }
            }
        }
        if world.settings.controller.present {
            world.plan(world.settings.controller.tick, Happening::ControllerTick);
        }
        if world.settings.sample_every.is_some() {
            world.plan(SignedDuration::ZERO, Happening::SampleDue);
        }
        Ok(world)
    }

    fn empty_world(&self) -> World {
        let host = |name: &str, address: &str| ManagementHost {
            name: name.to_owned(),
            hostname: name.to_owned(),
            address: address.to_owned(),
            other: serde_json::Map::new(),
        };
        let mut hosts = vec![host("manager", "10.44.254.1")];
        if self.standby {
            hosts.push(host("manager-standby", "10.44.254.2"));
        }
        World {
            settings: self.settings.clone(),
            dice: Dice::new(self.seed),
            started_at: self.start,
            now: self.start,
            queue: super::Queue::default(),
            locations: Vec::new(),
            nodes: Vec::new(),
            by_address: BTreeMap::new(),
            instances: Vec::new(),
            by_instance: BTreeMap::new(),
            node_of: BTreeMap::new(),
            ec2: Ec2 { reachable_for_pexip: true, ..Ec2::default() },
            management: Management {
                hosts,
                primary: 0,
                version: self.version.clone(),
                upgrading: false,
                upgrade: None,
                down: false,
                fault: None,
                bursting: Bursting {
                    enabled: self.bursting,
                    threshold: HdCalls(self.threshold),
                    min_lifetime_minutes: self.min_lifetime_minutes,
                },
                tag_value: self.tag_value.clone(),
                global: serde_json::Map::new(),
            },
            controller: super::Controller::default(),
            callers: Arc::clone(&self.callers),
            next_caller: 0,
            next_call: 0,
            calls: BTreeMap::new(),
            conferences: BTreeMap::new(),
            conferences_begun: 0,
            redialling: 0,
            history: super::History::default(),
            tally: super::Tally::default(),
            samples: Vec::new(),
        }
    }

    fn add_nodes(&self, world: &mut World, spec: &NodeSpec) -> Result<(), WorldError> {
        let prefix = spec.prefix.clone().unwrap_or_else(|| {
            spec.location.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        });
        let location = world.location_named(&spec.location).unwrap_or(0);
        let already =
            world.nodes.iter().filter(|n| n.name.as_str().starts_with(&format!("{prefix}-"))).count();
        for n in 0..spec.count {
            let ix = world.nodes.len();
            if ix >= MOST_NODES {
                return Err(WorldError::TooManyNodes(MOST_NODES));
            }
            let name = format!("{prefix}-{}", already + n + 1);
            if world.node_named(&name).is_some() {
                return Err(WorldError::Twice(name));
            }
            let address = Ipv4Addr::new(10, 44, (ix / 250) as u8, (ix % 250 + 1) as u8);
            let running = spec.running.unwrap_or(!spec.overflow);
            let public_ip =
                if spec.on_aws { self.add_instance(world, spec, &name, address, running) } else { None };
            let instance_type = InstanceType::new(spec.instance_type.as_ref().unwrap_or(&self.instance_type));
            let capacity =
                spec.hd_calls.map_or_else(|| NodeCapacity::of(&instance_type), NodeCapacity::of_hd);
            // An overflow node that is stopped still has the address of its last life.
            let static_nat =
                public_ip.or_else(|| (spec.on_aws && spec.public).then(|| world.new_public_address()));
            let settings = NodeSettings {
                maintenance: false,
                maintenance_reason: String::new(),
                static_nat,
                media_priority_weight: spec.media_priority_weight,
            };
            let began = later(world.now, -SignedDuration::from_hours(26));
            let version = spec.version.clone().unwrap_or_else(|| self.version.clone());
            let report = Report {
                last_updated: (spec.contacted && !running)
                    .then(|| later(world.now, -SignedDuration::from_hours(14))),
                boot_time: spec.contacted.then(|| whole_second(began)),
                capacity: spec.contacted.then_some(capacity),
                version: if spec.contacted { version.clone() } else { String::new() },
                ..Report::default()
            };
            world.nodes.push(Node {
                name: NodeName::new(&name),
                hostname: name,
                address,
                location,
                role: spec.role,
                distributed_database: !spec.overflow,
                capacity,
                instance: spec.on_aws.then(|| world.instances.len().saturating_sub(1)),
                configured: settings.clone(),
                effective: settings,
                replicating: std::collections::VecDeque::new(),
                changes: 0,
                service: if running { Service::Ready } else { Service::Down },
                epoch: 0,
                boot_time: running.then(|| whole_second(began)),
                ready_at: running.then_some(began),
                version,
                upgrading: false,
                report,
                reports: 0,
                silent: false,
                hides_load: false,
                load: super::Load::NONE,
                media_legs: 0,
                signalling: 0,
                parts: 0,
                other: serde_json::Map::new(),
                deleted: false,
            });
            world.by_address.insert(address, ix);
            if spec.on_aws {
                world.node_of.insert(world.instances.len() - 1, ix);
            }
            if running {
                world.store_report(ix);
                world.plan_report(ix, 0);
            }
        }
        Ok(())
    }

    /// The instance under a node; gives its public address.
    fn add_instance(
        &self,
        world: &mut World,
        spec: &NodeSpec,
        name: &str,
        private_ip: Ipv4Addr,
        running: bool,
    ) -> Option<Ipv4Addr> {
        let ix = world.instances.len();
        let or = |own: &Option<String>, usual: &str| own.clone().unwrap_or_else(|| usual.to_owned());
        let elastic_ip = spec.elastic.then(|| Ipv4Addr::new(34, 240, (ix / 250) as u8, (ix % 250 + 1) as u8));
        let dynamic = if spec.public && running { Some(world.new_public_address()) } else { None };
        let public_ip = elastic_ip.or(dynamic);
        let mut tags = BTreeMap::from([("Name".to_owned(), name.to_owned())]);
        let tag = match &spec.tag {
            Tag::Usual => spec.overflow.then(|| self.tag_value.clone()),
            Tag::Is(value) => Some(value.clone()),
            Tag::Missing => None,
        };
        if let Some(value) = tag {
            tags.insert(TAG.to_owned(), value);
        }
        let id = InstanceId::new(format!("i-{:017x}", 0x00a1_b2c3_d4e5_0000_u64 + ix as u64 + 1));
        let launched = later(world.now, -SignedDuration::from_hours(if running { 26 } else { 15 }));
        let stopped_reason = "Client.UserInitiatedShutdown: User initiated shutdown";
        world.instances.push(Instance {
            id: id.clone(),
            name: name.to_owned(),
            region: or(&spec.region, &self.region),
            zone: or(&spec.zone, &self.zone),
            vpc: or(&spec.vpc, &self.vpc),
            instance_type: InstanceType::new(or(&spec.instance_type, &self.instance_type)),
            private_ip,
            elastic_ip,
            dynamic_address: spec.public && !spec.elastic,
            tags,
            on_host: spec.on_host,
            stop_protected: false,
            now: Shown {
                state: if running { InstanceState::Running } else { InstanceState::Stopped },
                reason: if running { String::new() } else { stopped_reason.to_owned() },
                launched_at: Some(whole_second(launched)),
                public_ip,
            },
            before: None,
            listed_from: None,
            epoch: 0,
            starts: 0,
            next_boot: None,
            running_since: running.then_some(world.now),
            ran: SignedDuration::ZERO,
        });
        world.by_instance.insert(id, ix);
        public_ip
    }
}
