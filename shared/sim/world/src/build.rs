//! A world made from a builder's notes: everything in it as if it had run for a day already.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use spillway_core::ids::{HdCalls, InstanceId, InstanceType, LocationName, NodeName};
use spillway_core::observation::InstanceState;

use crate::dice::Dice;

use super::builder::{Link, WorldBuilder, WorldError};
use super::capacity::NodeCapacity;
use super::licences::LICENCES;
use super::node_spec::{NodeSpec, Tag};
use super::runs::whole_second;
use crate::state::ec2::{Ec2, TAG};
use crate::state::instance::{Instance, Shown};
use crate::state::location::Location;
use crate::state::management::{Bursting, Management, ManagementHost};
use crate::state::node::{Node, NodeSettings, Report, Service};
use crate::state::numbers::Numbers;
use crate::state::{Happening, SharedWorld, World, later};

/// Private addresses are 10.44.x.y: this many nodes fit.
const MOST_NODES: usize = 250 * 250;

impl WorldBuilder {
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
            world.location_numbers.add(None);
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
            queue: crate::state::queue::Queue::default(),
            locations: Vec::new(),
            location_numbers: Numbers::default(),
            nodes: Vec::new(),
            node_numbers: Numbers::default(),
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
                licences: Some(LICENCES),
                global: serde_json::Map::new(),
            },
            controller: crate::state::controller::Controller::default(),
            callers: Arc::clone(&self.callers),
            next_caller: 0,
            next_call: 0,
            calls: BTreeMap::new(),
            conferences: BTreeMap::new(),
            conferences_begun: 0,
            redialling: 0,
            history: crate::state::history::History::default(),
            stats: super::Stats::default(),
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
            // An overflow node that is stopped still has the address of its last run.
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
                cut_off: false,
                silent: false,
                hides_load: false,
                load: super::Load::NONE,
                media_legs: 0,
                signalling: 0,
                parts: 0,
                other: serde_json::Map::new(),
                deleted: false,
            });
            world.node_numbers.add(None);
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
            ena: spec.ena,
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
        if let Some(address) = elastic_ip {
            world.add_address(address, Some(ix));
        }
        public_ip
    }
}
