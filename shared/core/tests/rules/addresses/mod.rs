//! The rule of the static NAT address, as a table: what is stored, what the instance has, what the policy says.

mod interfaces;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::AllocationId;
use spillway_core::observation::ElasticAddress;
use spillway_core::observation::{Instance, InstanceState, Reading};
use spillway_core::policy::{NatNodes, Policy};
use spillway_core::reconcile::{
    AddressAction, AddressObservation, AddressPlan, AddressReason, NatRecord, NatState, plan_addresses,
};

use crate::common::{BURST, HQ, Scene, minutes, now};

const OLD: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const NEW: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
const ELASTIC: Ipv4Addr = Ipv4Addr::new(34, 248, 0, 1);

/// One overflow node that runs for ten minutes, and what is known about it.
struct Look {
    policy: Policy,
    scene: Scene,
    elastic: Reading<Vec<ElasticAddress>>,
    idle: Option<bool>,
    sweep: bool,
    state: Option<NatState>,
}

impl Look {
    fn new(stored: Option<Ipv4Addr>, public: Option<Ipv4Addr>) -> Self {
        let mut scene = Scene::new().ready(BURST, 10, 0);
        scene.platform.nodes[0].static_nat_address = stored;
        scene.fleet.instances[0].public_ip = public;
        scene.fleet.instances[0].launched_at = Some(now() - minutes(10));
        Self {
            policy: Policy::with_defaults("mgr"),
            scene,
            elastic: Ok(Vec::new()),
            idle: None,
            sweep: true,
            state: Some(NatState::default()),
        }
    }

    fn instance(&mut self) -> &mut Instance {
        &mut self.scene.fleet.instances[0]
    }

    /// The instance asks for an Elastic IP, which is in this state.
    fn asks(mut self, change: impl FnOnce(&mut ElasticAddress)) -> Self {
        self.instance().tags.insert("spillway-allocation".to_owned(), "eipalloc-1".to_owned());
        let mut elastic = ElasticAddress {
            allocation: AllocationId::new("eipalloc-1"),
            address: ELASTIC,
            instance: None,
            private: None,
            elsewhere: false,
            tags: BTreeMap::from([("pexip-cloud".to_owned(), "mgr".to_owned())]),
        };
        change(&mut elastic);
        self.elastic = Ok(vec![elastic]);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn plan(&self) -> AddressPlan {
        let mut observation = AddressObservation::empty(now(), self.sweep);
        observation.instances.clone_from(&self.scene.fleet.instances);
        observation.asked = observation.instances.iter().map(|each| each.id.clone()).collect();
        observation.nodes.clone_from(&self.scene.platform.nodes);
        observation.locations =
            self.scene.platform.locations.iter().map(|each| (each.id, each.name.clone())).collect();
        observation.elastic.clone_from(&self.elastic);
        observation.note_vpcs(&self.policy);
        if let Some(idle) = self.idle {
            observation.idle.insert(self.scene.fleet.instances[0].id.clone(), idle);
        }
        plan_addresses(&self.policy, &observation, self.state.as_ref(), now())
    }

    /// What is done, in a word or two.
    fn does(&self) -> String {
        let plan = self.plan();
        let told: Vec<String> = plan
            .actions
            .iter()
            .map(|action| match action {
                AddressAction::SetStaticNat { to, .. } => format!("set {to}"),
                AddressAction::ClearStaticNat { .. } => "clear".to_owned(),
                AddressAction::AssociateAddress { to, instead, .. } => match instead {
                    Some(instead) => format!("take {to} else {instead}"),
                    None => format!("take {to}"),
                },
            })
            .collect();
        let asks = (!plan.is_idle.is_empty()).then(|| "ask".to_owned());
        told.into_iter().chain(asks).collect::<Vec<_>>().join(", ")
    }

    fn why(&self) -> Vec<AddressReason> {
        self.plan().nodes.first().map(|node| node.reasons.clone()).unwrap_or_default()
    }
}

fn young(look: &mut Look) {
    look.instance().launched_at = Some(now() - minutes(1));
}

fn private(look: &mut Look) {
    look.policy.nat.private_only = vec!["AWS burst".into()];
}

#[test]
fn what_is_done_with_a_running_node() {
    let free = |look: Look| look.asks(|_| ());
    let here = |look: Look| look.asks(|elastic| elastic.instance = Some("i-00001".into()));
    let table: Vec<(&str, Look, &str)> = vec![
        ("right", Look::new(Some(OLD), Some(OLD)), ""),
        (
            "wrong for every call: at once, whatever runs there",
            Look::new(Some(OLD), Some(NEW)),
            "set 203.0.113.2",
        ),
        ("none yet: it is asked whether anything runs there", Look::new(None, Some(NEW)), "ask"),
        (
            "none yet, and idle",
            Look::new(None, Some(NEW)).with(|look| look.idle = Some(true)),
            "set 203.0.113.2",
        ),
        ("none yet, and busy", Look::new(None, Some(NEW)).with(|look| look.idle = Some(false)), ""),
        ("none yet, and just started", Look::new(None, Some(NEW)).with(young), "set 203.0.113.2"),
        ("an event asks for nothing", Look::new(None, Some(NEW)).with(|look| look.sweep = false), ""),
        ("no public address: left alone", Look::new(Some(OLD), None), ""),
        ("private-only, with none", Look::new(None, Some(NEW)).with(private), ""),
        ("private-only, with a stale one", Look::new(Some(OLD), None).with(private), "clear"),
        ("private-only, with one that calls may use", Look::new(Some(OLD), Some(OLD)).with(private), "ask"),
        ("an Elastic IP that it has", here(Look::new(Some(OLD), Some(ELASTIC))), "set 34.248.0.1"),
        ("EC2 still shows the dynamic one", here(Look::new(Some(OLD), Some(OLD))), "set 34.248.0.1"),
        ("has it, and right", here(Look::new(Some(ELASTIC), Some(ELASTIC))), ""),
        (
            "free, and nobody is on the node",
            free(Look::new(Some(OLD), Some(OLD)).with(young)),
            "take 34.248.0.1",
        ),
        ("free, and calls may use the dynamic one", free(Look::new(Some(OLD), Some(OLD))), "ask"),
        (
            "free, and the stored one is wrong: the one it has at once, the Elastic IP when nobody is there",
            free(Look::new(Some(OLD), Some(NEW))).with(|look| look.idle = Some(false)),
            "set 203.0.113.2",
        ),
        ("the same, not asked yet", free(Look::new(Some(OLD), Some(NEW))), "set 203.0.113.2, ask"),
        (
            "the same, without the ledger",
            free(Look::new(Some(OLD), Some(NEW))).with(|look| look.state = None),
            "set 203.0.113.2",
        ),
        (
            "the same, and idle",
            free(Look::new(Some(OLD), Some(NEW))).with(|look| look.idle = Some(true)),
            "take 34.248.0.1 else 203.0.113.2",
        ),
        ("free, and there is no other: it waits too", free(Look::new(Some(OLD), None)), "ask"),
        (
            "lost, and still stored, with somebody on the node",
            free(Look::new(Some(ELASTIC), Some(NEW))).with(|look| look.idle = Some(false)),
            "set 203.0.113.2",
        ),
        (
            "lost, and still stored, and just started",
            free(Look::new(Some(ELASTIC), Some(NEW)).with(young)),
            "take 34.248.0.1 else 203.0.113.2",
        ),
    ];
    for (what, look, does) in table {
        assert_eq!(look.does(), does, "{what}: {:?}", look.why());
        assert!(!look.why().is_empty(), "{what}: a reason is given");
    }
}

#[test]
fn an_elastic_ip_that_cannot_be_had_leaves_the_dynamic_address() {
    let table: Vec<(&str, Look)> = vec![
        ("is associated with i-9", Look::new(Some(OLD), Some(NEW)).asks(|e| e.instance = Some("i-9".into()))),
        ("something that is no instance", Look::new(Some(OLD), Some(NEW)).asks(|e| e.elsewhere = true)),
        ("lacks the platform's tag", Look::new(Some(OLD), Some(NEW)).asks(|e| e.tags.clear())),
        (
            "there is no Elastic IP",
            Look::new(Some(OLD), Some(NEW)).asks(|_| ()).with(|l| l.elastic = Ok(vec![])),
        ),
        (
            "write an allocation id",
            Look::new(Some(OLD), Some(NEW)).asks(|_| ()).with(|l| {
                drop(l.instance().tags.insert("spillway-allocation".to_owned(), "52.1.2.3".to_owned()));
            }),
        ),
        (
            "EC2 did not say",
            Look::new(Some(OLD), Some(NEW)).asks(|_| ()).with(|look| {
                look.elastic = Err(Fault::new(System::Ec2, FaultKind::Throttled, "slow down"));
            }),
        ),
    ];
    for (says, look) in table {
        assert_eq!(look.does(), "set 203.0.113.2", "{says}");
        let why: Vec<String> = look.why().iter().map(ToString::to_string).collect();
        assert!(why.iter().any(|why| why.contains(says)), "{says}: {why:?}");
    }
}

#[test]
fn of_two_instances_that_ask_for_one_elastic_ip_one_gets_it() {
    let mut look = Look::new(Some(OLD), Some(OLD)).asks(|_| ()).with(young);
    look.scene = look.scene.ready(BURST, 10, 0);
    let first = look.scene.fleet.instances[0].clone();
    let second = &mut look.scene.fleet.instances[1];
    (second.tags, second.launched_at, second.public_ip) = (first.tags, first.launched_at, Some(NEW));
    look.scene.platform.nodes[1].static_nat_address = Some(NEW);
    assert_eq!(look.does(), "take 34.248.0.1");
    let taken = |reason: &AddressReason| matches!(reason, AddressReason::ElasticIpTaken { .. });
    assert!(look.plan().nodes[1].reasons.iter().any(taken));
}

#[test]
fn nothing_is_done_on_the_way_up_or_down_and_a_stopped_node_keeps_what_it_has() {
    for state in [
        InstanceState::Pending,
        InstanceState::Stopping,
        InstanceState::ShuttingDown,
        InstanceState::Terminated,
    ] {
        let look = Look::new(Some(OLD), Some(NEW)).with(|look| look.instance().state = state);
        assert_eq!(look.does(), "", "{state:?}");
    }
    let stopped = |stored, public| {
        Look::new(stored, public).with(|look| look.instance().state = InstanceState::Stopped)
    };
    assert_eq!(stopped(Some(OLD), None).does(), "");
    let clears = |look: &mut Look| look.policy.nat.clear_on_stop = true;
    assert_eq!(stopped(Some(OLD), None).with(clears).does(), "clear");
    assert_eq!(stopped(Some(ELASTIC), Some(ELASTIC)).with(clears).does(), "", "an Elastic IP stays with it");
    assert_eq!(stopped(Some(ELASTIC), None).asks(|_| ()).with(clears).does(), "", "it may be its Elastic IP");
    assert_eq!(stopped(Some(OLD), None).with(private).does(), "clear");
}

#[test]
fn an_address_that_two_have_is_nobodys() {
    let mut look = Look::new(Some(OLD), Some(NEW));
    let mut twin = look.scene.fleet.instances[0].clone();
    (twin.id, twin.vpc) = ("i-twin".into(), "vpc-2".to_owned());
    look.scene.fleet.instances.push(twin);
    assert_eq!(look.does(), "");
    assert!(matches!(look.why()[..], [AddressReason::Ambiguous { .. }]));
    // One of them is gone: its address is the other's alone.
    look.scene.fleet.instances[1].state = InstanceState::Terminated;
    assert_eq!(look.does(), "set 203.0.113.2");
    let mut look = Look::new(Some(OLD), Some(NEW));
    let mut twin = look.scene.platform.nodes[0].clone();
    twin.id = spillway_core::ids::NodeId(99);
    look.scene.platform.nodes.push(twin);
    assert_eq!(look.does(), "", "two nodes");
    look.scene.platform.nodes.clear();
    assert!(matches!(look.why()[..], [AddressReason::NoSuchNode { .. }]));
}

#[test]
fn instances_in_several_vpcs_get_no_address_until_the_policy_names_the_platforms() {
    // (region, VPC and state of another instance, the policy's VPCs, what is done)
    let table = [
        ("eu-west-1", "vpc-1", InstanceState::Stopped, None, "set 203.0.113.2"),
        ("eu-west-1", "vpc-2", InstanceState::Stopped, None, ""),
        ("eu-west-1", "vpc-2", InstanceState::Terminated, None, "set 203.0.113.2"),
        ("eu-west-1", "vpc-2", InstanceState::Stopped, Some("vpc-1"), "set 203.0.113.2"),
        ("us-east-1", "vpc-2", InstanceState::Stopped, None, "set 203.0.113.2"),
    ];
    for (region, vpc, state, named, does) in table {
        let mut look = Look::new(Some(OLD), Some(NEW));
        look.policy.vpcs = named.into_iter().map(str::to_owned).collect();
        let mut other = look.instance().clone();
        (other.id, other.region, other.vpc) = ("i-other".into(), region.to_owned(), vpc.to_owned());
        (other.state, other.private_ip) = (state, Some([10, 9, 9, 9].into()));
        look.scene.fleet.instances.push(other);
        assert_eq!(look.does(), does, "{region} {vpc} {state:?} {named:?}");
    }
}

#[test]
fn without_the_tag_only_always_on_nodes_in_the_named_vpcs_exist_and_only_if_the_policy_says_so() {
    let untagged = |tag: Option<&str>, nodes, vpcs: &[&str]| {
        let mut look = Look::new(Some(OLD), Some(NEW)).asks(|_| ());
        look.policy.nat.nodes = nodes;
        look.policy.vpcs = vpcs.iter().map(|vpc| (*vpc).to_owned()).collect();
        look.scene.platform.nodes[0].location = HQ;
        look.instance().tags.remove("pexip-cloud");
        if let Some(tag) = tag {
            look.instance().tags.insert("pexip-cloud".to_owned(), tag.to_owned());
        }
        look
    };
    assert_eq!(
        untagged(None, NatNodes::All, &["vpc-1"]).does(),
        "set 203.0.113.2",
        "and never an Elastic IP"
    );
    assert_eq!(untagged(None, NatNodes::Overflow, &["vpc-1"]).does(), "");
    assert_eq!(untagged(None, NatNodes::All, &["vpc-2"]).does(), "");
    assert_eq!(untagged(None, NatNodes::All, &[]).does(), "");
    let another = untagged(Some("another"), NatNodes::All, &["vpc-1"]);
    assert_eq!(another.does(), "", "another platform's");
    assert!(another.plan().nodes.is_empty() && another.plan().records.is_empty(), "it does not exist");
}

#[test]
fn without_the_ledger_only_what_is_wrong_for_every_call_is_set() {
    let blind = |look: &mut Look| look.state = None;
    assert_eq!(Look::new(Some(OLD), Some(NEW)).with(blind).does(), "set 203.0.113.2");
    assert_eq!(Look::new(None, Some(NEW)).with(young).with(blind).does(), "");
    assert_eq!(Look::new(None, Some(NEW)).with(|look| look.idle = Some(true)).with(blind).does(), "");
}

#[test]
fn an_address_that_somebody_changed_back_is_said_and_set_again() {
    let set_long_ago = NatRecord {
        version: 3,
        node: Some("node00001".into()),
        wanted: Some(NEW),
        seen: Some(NEW),
        since: Some(now() - minutes(9)),
        set_at: Some(now() - minutes(9)),
        ..NatRecord::default()
    };
    let with = |record: NatRecord, stored| {
        let mut look = Look::new(stored, Some(NEW));
        look.state.as_mut().unwrap().records.insert("i-00001".into(), record);
        look
    };
    let not_kept = |look: &Look| look.why().iter().any(|why| matches!(why, AddressReason::NotKept { .. }));
    let changed = with(set_long_ago.clone(), Some(OLD));
    assert!(not_kept(&changed) && changed.does() == "set 203.0.113.2");
    let just_now = NatRecord { set_at: Some(now()), ..set_long_ago.clone() };
    assert!(!not_kept(&with(just_now, Some(OLD))), "it may not have arrived yet");
    let another_life = NatRecord { wanted: Some(OLD), ..set_long_ago };
    assert!(!not_kept(&with(another_life, Some(OLD))), "the address changed with a start");
}

#[test]
fn a_record_is_written_only_when_it_says_something_new() {
    let mut look = Look::new(Some(OLD), Some(OLD));
    let first = look.plan().records;
    assert!(first.values().all(|planned| planned.is_new) && first.len() == 1);
    let record = NatRecord { version: 1, ..first.values().next().unwrap().record.clone() };
    look.state.as_mut().unwrap().records.insert("i-00001".into(), record);
    assert!(look.plan().records.is_empty());
    assert!(
        Look::new(Some(OLD), None)
            .with(|look| look.instance().state = InstanceState::Stopped)
            .plan()
            .records
            .is_empty()
    );
}
