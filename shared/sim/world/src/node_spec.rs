//! A group of like nodes, described in words that a scenario reads well in. It builds nothing.

use spillway_core::observation::NodeRole;

/// The tag `pexip-cloud` of a group of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    /// The platform's on overflow nodes, none on others.
    Usual,
    Is(String),
    Missing,
}

/// A group of like nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    pub(super) location: String,
    pub(super) role: NodeRole,
    pub(super) count: usize,
    pub(super) prefix: Option<String>,
    pub(super) instance_type: Option<String>,
    pub(super) hd_calls: Option<u32>,
    pub(super) region: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) vpc: Option<String>,
    pub(super) tag: Tag,
    pub(super) overflow: bool,
    pub(super) on_aws: bool,
    pub(super) public: bool,
    pub(super) elastic: bool,
    pub(super) on_host: bool,
    pub(super) ena: bool,
    pub(super) running: Option<bool>,
    pub(super) contacted: bool,
    pub(super) media_priority_weight: i64,
    pub(super) version: Option<String>,
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
            ena: true,
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

    /// Without ENA support, as instances of older families can be.
    #[must_use]
    pub fn without_ena(mut self) -> Self {
        self.ena = false;
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
