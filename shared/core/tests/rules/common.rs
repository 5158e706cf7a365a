//! Observations written down by hand, for tests of the planner: one platform with the guide's names.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{HdCalls, InstanceId, LocationId, NodeId};
use spillway_core::ledger::{
    Actor, CurrentRun, Drain, DrainKind, Hold, HoldAmount, HoldScope, Ledger, NodeRecord,
};
use spillway_core::observation::{
    BurstingSettings, Fleet, Instance, InstanceState, Location, Node, NodeRole, NodeStatus, Observation,
    Platform, Shard,
};
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Policy;
use spillway_core::safety::check;

pub(crate) const HQ: LocationId = LocationId(1);
pub(crate) const BURST: LocationId = LocationId(2);
pub(crate) const SECOND: LocationId = LocationId(3);
pub(crate) const OTHER: LocationId = LocationId(4);

pub(crate) fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().expect("an instant")
}

pub(crate) fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// A platform of one principal location (HQ) with one overflow location (AWS burst), all nodes of 17 HD calls.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) policy: Policy,
    pub(crate) platform: Platform,
    pub(crate) fleet: Fleet,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
}

fn location(id: LocationId, name: &str, overflow: Option<LocationId>) -> Location {
    Location {
        id,
        name: name.into(),
        overflow_location1: overflow,
        overflow_location2: None,
        transcoding_location: None,
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            policy: Policy::with_defaults("mgr"),
            platform: Platform {
                server_time: now(),
                address: "https://mgr".to_owned(),
                version: "38".to_owned(),
                upgrading: false,
                bursting: BurstingSettings {
                    enabled: false,
                    threshold: HdCalls(5),
                    min_lifetime_minutes: 50,
                },
                locations: vec![location(HQ, "HQ", Some(BURST)), location(BURST, "AWS burst", None)],
                nodes: Vec::new(),
                shards: Some(Vec::new()),
            },
            fleet: Fleet::default(),
            ledger: Ledger::default(),
            now: now(),
        }
    }

    pub(crate) fn with_location(mut self, id: LocationId, name: &str, overflow: Option<LocationId>) -> Self {
        self.platform.locations.push(location(id, name, overflow));
        self
    }

    pub(crate) fn location_mut(&mut self, id: LocationId) -> &mut Location {
        self.platform.locations.iter_mut().find(|each| each.id == id).expect("a location")
    }

    fn push_node(&mut self, location: LocationId, max: u32, used: u32) -> &mut Node {
        let id = u64::try_from(self.platform.nodes.len()).expect("few") + 1;
        let octets = u32::try_from(id).expect("few");
        let node = Node {
            id: NodeId(id),
            name: format!("node{id:05}").as_str().into(),
            address: Ipv4Addr::from(0x0a00_0000 + octets),
            location,
            role: NodeRole::Transcoding,
            static_nat_address: None,
            maintenance_mode: false,
            maintenance_mode_reason: String::new(),
            distributed_database: true,
            certificate: None,
            status: Some(NodeStatus {
                synced: true,
                last_updated: Some(self.now - SignedDuration::from_secs(20)),
                maintenance_mode: false,
                media_load: Some(0.0),
                max_hd_calls: HdCalls(max),
                max_media_tokens: u64::from(max) * 10,
                media_tokens_used: u64::from(used) * 10,
                upgrading: false,
                version: "38".to_owned(),
            }),
        };
        self.platform.nodes.push(node);
        self.platform.nodes.last_mut().expect("just pushed")
    }

    /// One always-on node of 100 HD calls with this many free.
    pub(crate) fn always_on(mut self, location: LocationId, free: u32) -> Self {
        self.push_node(location, 100, 100 - free);
        self
    }

    fn push_instance(&mut self, location: LocationId, kind: &str, state: InstanceState) -> InstanceId {
        let node = self.push_node(location, 17, 0);
        node.distributed_database = false;
        if state == InstanceState::Stopped {
            node.status = None;
        }
        let (name, address) = (node.name.to_string(), node.address);
        let id = InstanceId::new(format!("i-{}", &name[4..]));
        self.fleet.instances.push(Instance {
            id: id.clone(),
            name,
            region: "eu-west-1".to_owned(),
            zone: "eu-west-1a".to_owned(),
            vpc: "vpc-1".to_owned(),
            instance_type: kind.into(),
            state,
            state_reason: String::new(),
            launched_at: None,
            private_ip: Some(address),
            public_ip: None,
            addresses: Vec::new(),
            tags: BTreeMap::from([("pexip-cloud".to_owned(), "mgr".to_owned())]),
        });
        id
    }

    pub(crate) fn stopped(self, count: usize) -> Self {
        self.stopped_in(BURST, "c5.2xlarge", count)
    }

    pub(crate) fn stopped_in(mut self, location: LocationId, kind: &str, count: usize) -> Self {
        for _ in 0..count {
            self.push_instance(location, kind, InstanceState::Stopped);
        }
        self
    }

    /// A node that runs since so many minutes and was ready five minutes after its launch.
    pub(crate) fn ready(mut self, location: LocationId, age: i64, used: u32) -> Self {
        let id = self.push_instance(location, "c5.2xlarge", InstanceState::Running);
        let launched = self.now - minutes(age);
        self.instance_mut(&id).launched_at = Some(launched);
        self.node_mut(&id).status.as_mut().expect("status").media_tokens_used = u64::from(used) * 10;
        if used > 0 {
            let node = self.node_mut(&id).address;
            let conference = "sales".to_owned();
            self.platform.shards.get_or_insert_default().push(Shard { node: Some(node), conference });
        }
        let run = CurrentRun {
            started_at: launched,
            by: Actor::Spillway,
            reason: "a test".to_owned(),
            launched_at: Some(launched),
            ready_at: Some(launched + minutes(5)),
            failed: false,
            forecast: false,
        };
        let idle_since = (used == 0).then(|| self.now - minutes(5));
        let record = NodeRecord { version: 1, run: Some(run), idle_since, ..NodeRecord::default() };
        self.ledger.nodes.insert(id, record);
        self
    }

    /// A node that was launched so many minutes ago and has not reported since.
    pub(crate) fn booting(mut self, location: LocationId, age: i64) -> Self {
        let id = self.push_instance(location, "c5.2xlarge", InstanceState::Running);
        let launched = self.now - minutes(age);
        self.instance_mut(&id).launched_at = Some(launched);
        self.node_mut(&id).status = None;
        let run = CurrentRun {
            started_at: launched,
            by: Actor::Spillway,
            reason: "a test".to_owned(),
            launched_at: None,
            ready_at: None,
            failed: false,
            forecast: false,
        };
        self.ledger.nodes.insert(id, NodeRecord { version: 1, run: Some(run), ..NodeRecord::default() });
        self
    }

    /// The last overflow node is draining, since so many minutes, and shows it.
    pub(crate) fn draining(mut self, kind: DrainKind, since: i64) -> Self {
        let id = self.fleet.instances.last().expect("a node").id.clone();
        let began_at = self.now - minutes(since);
        let node = self.node_mut(&id);
        node.maintenance_mode = true;
        node.maintenance_mode_reason = "Spillway: draining: a test".to_owned();
        let status = node.status.as_mut().expect("status");
        status.maintenance_mode = true;
        status.media_load = Some(100.0);
        let drain = Drain {
            maintenance_seen_at: Some(began_at),
            ..Drain::new(kind, Actor::Spillway, "a test", began_at)
        };
        self.ledger.nodes.get_mut(&id).expect("a record").drain = Some(drain);
        self
    }

    pub(crate) fn hold(
        mut self,
        id: &str,
        scope: HoldScope,
        amount: HoldAmount,
        from: i64,
        until: i64,
    ) -> Self {
        self.ledger.holds.push(Hold {
            id: spillway_core::ids::HoldId::new(id),
            scope,
            amount,
            from: self.now + minutes(from),
            until: self.now + minutes(until),
            by: Actor::Person("anna".to_owned()),
            reason: "all hands".to_owned(),
            spike_at: None,
            asked: None,
        });
        self
    }

    pub(crate) fn instance_mut(&mut self, id: &InstanceId) -> &mut Instance {
        self.fleet.instances.iter_mut().find(|each| each.id == *id).expect("an instance")
    }

    pub(crate) fn last_id(&self) -> InstanceId {
        self.fleet.instances.last().expect("an instance").id.clone()
    }

    pub(crate) fn node_mut(&mut self, id: &InstanceId) -> &mut Node {
        let address = self.instance_mut(id).private_ip;
        self.platform.nodes.iter_mut().find(|node| Some(node.address) == address).expect("a node")
    }

    pub(crate) fn last_node_mut(&mut self) -> &mut Node {
        let id = self.last_id();
        self.node_mut(&id)
    }

    pub(crate) fn last_record_mut(&mut self) -> &mut NodeRecord {
        let id = self.last_id();
        self.ledger.nodes.entry(id).or_default()
    }

    pub(crate) fn observation(&self) -> Observation {
        Observation {
            observed_at: self.now,
            platform: Ok(self.platform.clone()),
            fleet: Ok(self.fleet.clone()),
        }
    }

    /// The plan, which must pass the safety check.
    pub(crate) fn plan(&self) -> Plan {
        self.plan_with(&self.observation())
    }

    pub(crate) fn plan_with(&self, observation: &Observation) -> Plan {
        let reading = Ok(self.ledger.clone());
        let plan = spillway_core::plan(&self.policy, observation, &reading, self.now);
        check(&self.policy, observation, &reading, &plan, self.now).expect("a safe plan");
        plan
    }

    /// The actions in short: `start i-00002`, `drain i-00003`, ….
    pub(crate) fn actions(&self) -> Vec<String> {
        short(&self.plan())
    }
}

pub(crate) fn short(plan: &Plan) -> Vec<String> {
    plan.actions.iter().map(|action| format!("{} {}", action.word(), action.instance())).collect()
}

pub(crate) fn starts(plan: &Plan) -> usize {
    plan.actions.iter().filter(|action| matches!(action, Action::Start(_))).count()
}

/// Everything said about one node.
pub(crate) fn why(plan: &Plan, instance: &InstanceId) -> String {
    let node = plan.report.nodes.iter().find(|node| node.instance == *instance).expect("a node report");
    node.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Everything said about one location.
pub(crate) fn why_location(plan: &Plan, name: &str) -> String {
    plan.report
        .locations
        .iter()
        .filter(|location| location.name.as_str() == name)
        .flat_map(|location| location.reasons.iter().map(ToString::to_string))
        .collect::<Vec<_>>()
        .join("; ")
}
