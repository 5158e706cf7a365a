//! A platform with the guide's names, written down by hand: Monday, 2 March 2026, 08:58 in Oslo.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, HoldId, InstanceId, LocationId, LocationName, NodeId};
use spillway_core::ledger::Outcome;
use spillway_core::ledger::{
    Actor, CurrentRun, Digest, Drain, DrainKind, Hold, HoldAmount, HoldScope, LastRefusal, Ledger, NodeRecord,
};
use spillway_core::observation::Licences;
use spillway_core::observation::{
    BurstingSettings, Certificate, Fleet, Instance, InstanceState, Location, Node, NodeRole, NodeStatus,
    Observation, Platform, Shard,
};
use spillway_core::policy::Policy;
use spillway_core::snapshot::Snapshot;
use spillway_view::{Status, View, build_status, render};

pub(crate) const LONDON: LocationId = LocationId(1);
pub(crate) const BURST: LocationId = LocationId(2);
pub(crate) const EDGE: LocationId = LocationId(3);

pub(crate) fn now() -> Timestamp {
    "2026-03-02T07:58:00Z".parse().unwrap()
}

pub(crate) fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(crate) struct Scene {
    pub(crate) policy: Policy,
    pub(crate) platform: Result<Platform, Fault>,
    pub(crate) fleet: Result<Fleet, Fault>,
    pub(crate) ledger: Result<Ledger, Fault>,
    pub(crate) licences: Option<Licences>,
    pub(crate) certificates: Vec<Certificate>,
}

pub(crate) fn location(id: LocationId, name: &str, overflow: Option<LocationId>) -> Location {
    Location {
        id,
        name: name.into(),
        overflow_location1: overflow,
        overflow_location2: None,
        transcoding_location: None,
    }
}

/// What becomes of an overflow node.
pub(crate) enum Life0 {
    Stopped,
    /// Launched so many minutes ago.
    Booting(i64),
    /// Launched so many minutes ago, and this many HD calls on it.
    Ready(i64, u32),
    /// The same, and draining since.
    Draining(i64, i64),
}

impl Scene {
    pub(crate) fn empty() -> Self {
        Self {
            policy: Policy::with_defaults("mgr"),
            platform: Ok(Platform {
                server_time: now(),
                address: "https://mgr.example.com".to_owned(),
                version: "38".to_owned(),
                upgrading: false,
                bursting: BurstingSettings {
                    enabled: false,
                    threshold: HdCalls(5),
                    min_lifetime_minutes: 50,
                },
                locations: Vec::new(),
                nodes: Vec::new(),
                shards: Some(Vec::new()),
            }),
            fleet: Ok(Fleet::default()),
            ledger: Ok(Ledger::default()),
            licences: None,
            certificates: Vec::new(),
        }
    }

    pub(crate) fn london() -> Self {
        let mut scene = Self::empty();
        scene.platform().locations =
            vec![location(LONDON, "London", Some(BURST)), location(BURST, "AWS burst", None)];
        let digest = Digest {
            outcome: Some(Outcome::NoOp),
            summary: "nothing to do".to_owned(),
            last_good: Some(now() - SignedDuration::from_secs(21)),
            address: "https://mgr.example.com".to_owned(),
            bursting_enabled: Some((false, now())),
            ..Digest::new(now() - SignedDuration::from_secs(21))
        };
        scene.ledger().cycle.digest = Some(digest);
        scene.licences = Some(Licences { ports_used: 88, ports_total: 500 });
        scene
    }

    pub(crate) fn platform(&mut self) -> &mut Platform {
        self.platform.as_mut().unwrap()
    }

    pub(crate) fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().unwrap()
    }

    pub(crate) fn node(
        &mut self,
        name: &str,
        at: LocationId,
        role: NodeRole,
        max: u32,
        used: u32,
    ) -> &mut Node {
        let platform = self.platform.as_mut().unwrap();
        let id = platform.nodes.len() as u64 + 1;
        platform.nodes.push(Node {
            id: NodeId(id),
            name: name.into(),
            address: Ipv4Addr::from(0x0a00_0000 + id as u32),
            location: at,
            role,
            static_nat_address: None,
            maintenance_mode: false,
            maintenance_mode_reason: String::new(),
            distributed_database: true,
            certificate: None,
            status: Some(NodeStatus {
                synced: true,
                last_updated: Some(now() - SignedDuration::from_secs(20)),
                maintenance_mode: false,
                media_load: Some(0.0),
                max_hd_calls: HdCalls(max),
                max_media_tokens: u64::from(max) * 10,
                media_tokens_used: u64::from(used) * 10,
                upgrading: false,
                version: "38".to_owned(),
            }),
        });
        platform.nodes.last_mut().unwrap()
    }

    pub(crate) fn burst(&mut self, name: &str, life: &Life0) -> InstanceId {
        let (max, used) = (17, if let Life0::Ready(_, used) = life { *used } else { 0 });
        let node = self.node(name, BURST, NodeRole::Transcoding, max, used);
        node.distributed_database = false;
        let (address, status) = (node.address, node.status.as_mut().unwrap());
        let launched = match life {
            Life0::Stopped => None,
            Life0::Booting(age) | Life0::Ready(age, _) | Life0::Draining(age, _) => Some(ago(*age)),
        };
        if matches!(life, Life0::Stopped | Life0::Booting(_)) {
            status.last_updated = Some(ago(900));
            status.max_hd_calls = HdCalls(0);
        }
        if let Life0::Draining(..) = life {
            status.maintenance_mode = true;
            node.maintenance_mode = true;
            node.maintenance_mode_reason = "Spillway: draining".to_owned();
        }
        node.static_nat_address = Some(Ipv4Addr::new(198, 51, 100, address.octets()[3]));
        let id = InstanceId::new(format!("i-{:08}", address.octets()[3]));
        self.fleet.as_mut().unwrap().instances.push(Instance {
            id: id.clone(),
            name: name.to_owned(),
            region: "eu-west-1".to_owned(),
            zone: "eu-west-1a".to_owned(),
            vpc: "vpc-1".to_owned(),
            instance_type: "c5.2xlarge".into(),
            state: if launched.is_some() { InstanceState::Running } else { InstanceState::Stopped },
            state_reason: String::new(),
            launched_at: launched,
            private_ip: Some(address),
            public_ip: launched.map(|_| Ipv4Addr::new(198, 51, 100, address.octets()[3])),
            addresses: Vec::new(),
            tags: BTreeMap::from([("pexip-cloud".to_owned(), "mgr".to_owned())]),
        });
        let ready = matches!(life, Life0::Ready(..) | Life0::Draining(..));
        let record = NodeRecord {
            version: 1,
            run: launched.map(|at| CurrentRun {
                started_at: at,
                by: Actor::Spillway,
                reason: "hold workday#0750: pre-warm for 09:00".to_owned(),
                launched_at: Some(at),
                ready_at: ready.then_some(at + SignedDuration::from_mins(5)),
                failed: false,
                forecast: false,
            }),
            drain: match life {
                Life0::Draining(_, since) => Some(Drain {
                    maintenance_seen_at: Some(ago(*since)),
                    ..Drain::new(DrainKind::Auto, Actor::Spillway, "idle", ago(*since))
                }),
                _ => None,
            },
            capacity: Some(HdCalls(17)),
            name: Some(name.into()),
            location: Some((BURST, "AWS burst".into())),
            ..NodeRecord::default()
        };
        self.ledger.as_mut().unwrap().nodes.insert(id.clone(), record);
        id
    }

    pub(crate) fn call(&mut self, node: &str, conference: &str) {
        let platform = self.platform();
        let address = platform.nodes.iter().find(|each| each.name.as_str() == node).unwrap().address;
        let shard = Shard { node: Some(address), conference: conference.to_owned() };
        platform.shards.get_or_insert_default().push(shard);
    }

    pub(crate) fn hold(&mut self, id: &str, scope: HoldScope, amount: HoldAmount) {
        self.ledger().holds.push(Hold {
            id: HoldId::new(id),
            scope,
            amount,
            from: ago(8),
            until: now() + SignedDuration::from_mins(62),
            by: Actor::Spillway,
            reason: "pre-warm for 09:00".to_owned(),
            spike_at: Some(now() + SignedDuration::from_mins(2)),
            asked: None,
        });
    }

    pub(crate) fn instance(&mut self, id: &InstanceId) -> &mut Instance {
        self.fleet.as_mut().unwrap().instances.iter_mut().find(|each| each.id == *id).unwrap()
    }

    pub(crate) fn status(&self) -> Status {
        let observation =
            Observation { observed_at: now(), platform: self.platform.clone(), fleet: self.fleet.clone() };
        let snapshot = Snapshot {
            observation,
            ledger: self.ledger.clone(),
            licences: Ok(self.licences),
            certificates: Ok(self.certificates.clone()),
        };
        build_status("acme", &self.policy, &snapshot, now())
    }

    /// On a terminal of this width.
    pub(crate) fn wide(&self, width: usize) -> String {
        let view = View { zone: TimeZone::UTC, now: now(), all: true, width: Some(width) };
        render(&self.status(), &view, &())
    }

    /// As it is shown in Oslo.
    pub(crate) fn text(&self, all: bool) -> String {
        let view = View { zone: TimeZone::get("Europe/Oslo").unwrap(), now: now(), all, width: None };
        render(&self.status(), &view, &())
    }
}

/// Monday, 08:58: a pre-warm window with one node late and one that did not start.
pub(crate) fn monday() -> Scene {
    let mut scene = Scene::london();
    scene.platform().locations.push(location(EDGE, "DMZ", None));
    for n in 1..=5 {
        scene.node(&format!("london-{n}"), LONDON, NodeRole::Transcoding, 17, 16);
    }
    for (n, load) in [(1, 31.0), (2, 47.0)] {
        let node = scene.node(&format!("edge-{n}"), EDGE, NodeRole::Proxying, 0, 0);
        node.status.as_mut().unwrap().media_load = Some(load);
    }
    scene.burst("aws-burst-1", &Life0::Ready(8, 9));
    scene.burst("aws-burst-2", &Life0::Ready(8, 0));
    scene.burst("aws-burst-3", &Life0::Booting(7));
    let failed = scene.burst("aws-burst-4", &Life0::Stopped);
    scene.burst("aws-burst-5", &Life0::Stopped);
    scene.burst("aws-burst-6", &Life0::Stopped);
    scene.call("aws-burst-1", "Weekly sales");
    scene.call("aws-burst-1", "Board");
    let record = scene.ledger().nodes.get_mut(&failed).unwrap();
    record.failed_starts = 1;
    record.back_off_until = Some(now() + SignedDuration::from_mins(3));
    scene.ledger().cycle.digest.as_mut().unwrap().last_refusal = Some(LastRefusal {
        at: ago(8),
        what: "start of aws-burst-4: InsufficientInstanceCapacity: We currently do not have sufficient c5.2xlarge \
               capacity in the Availability Zone you requested (eu-west-1a)."
            .to_owned(),
    });
    scene.hold("workday#0750", HoldScope::Location(LocationName::new("AWS burst")), HoldAmount::Nodes(4));
    scene
}

pub(crate) fn unreachable() -> Fault {
    Fault::new(System::ManagementNode, FaultKind::Timeout, "GET https://mgr.example.com/…: no answer in 5 s")
        .with_remedy("check that the Management Node runs and that this address reaches it")
}
