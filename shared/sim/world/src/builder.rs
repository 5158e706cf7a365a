//! Worlds, readable: locations, nodes, callers. A name that is not there is an error of the scenario's author
//! and is named, not guessed. This file only takes notes; `build` makes the world.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::callers::Callers;

use super::WorldSettings;
use super::node_spec::NodeSpec;
use super::sizing::Sizing;
use crate::state::management::Bursting;

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

/// Builds a [`World`](super::World).
#[derive(Debug, Clone)]
pub struct WorldBuilder {
    pub(super) start: Timestamp,
    pub(super) seed: u64,
    pub(super) settings: WorldSettings,
    pub(super) locations: Vec<String>,
    pub(super) links: Vec<(String, Link, String)>,
    pub(super) shares: Vec<(String, f64)>,
    pub(super) nodes: Vec<NodeSpec>,
    pub(super) instance_type: String,
    pub(super) region: String,
    pub(super) zone: String,
    pub(super) vpc: String,
    pub(super) tag_value: String,
    pub(super) bursting: bool,
    pub(super) threshold: u32,
    pub(super) min_lifetime_minutes: u32,
    pub(super) version: String,
    pub(super) standby: bool,
    pub(super) callers: Arc<Callers>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Overflow1,
    Overflow2,
    Transcoding,
}

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
            threshold: Bursting::THRESHOLD,
            min_lifetime_minutes: Bursting::MIN_LIFETIME_MINUTES,
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

    /// Each node reports so often.
    #[must_use]
    pub fn reports_every(self, time: SignedDuration) -> Self {
        self.settings(|settings| settings.reporting.every = (time, time))
    }

    /// A describe shows at once what was ordered.
    #[must_use]
    pub fn ec2_shows_at_once(self) -> Self {
        self.settings(|settings| settings.ec2.consistency = (SignedDuration::ZERO, SignedDuration::ZERO))
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

    /// All nodes on AWS have dynamic public addresses.
    #[must_use]
    pub fn everything_public(mut self) -> Self {
        for nodes in &mut self.nodes {
            nodes.public = true;
        }
        self
    }

    /// All nodes on AWS have Elastic IPs.
    #[must_use]
    pub fn everything_elastic(mut self) -> Self {
        for nodes in &mut self.nodes {
            nodes.public = true;
            nodes.elastic = true;
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
}
