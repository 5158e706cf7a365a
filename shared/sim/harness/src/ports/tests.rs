//! The ports over the world, and the ledger's conditions.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HdCalls, InstanceId};
use spillway_core::ledger::{
    Actor, CycleRecord, Digest, Event, EventKind, Hold, HoldAmount, HoldScope, NodeRecord,
};
use spillway_core::observation::InstanceState;
use spillway_core::observation::PlatformScope;
use spillway_engine::ports::{
    Clock, FleetRead, FleetWrite, InstanceOrder, Lease, LeaseError, LedgerRead, LedgerWrite, ManagementRead,
    ManagementWrite,
};

use super::{MemoryLedger, SimClock, SimFleet, SimManagement};
use spillway_world::{SharedWorld, fixtures, lock};

fn start() -> Timestamp {
    fixtures::monday_in_may()
}

pub(crate) fn world() -> SharedWorld {
    fixtures::london()
        .always_on("London", 1)
        .overflow_nodes("AWS burst", 2)
        .boots_in(SignedDuration::from_mins(5))
        .ec2_shows_at_once()
        .build_shared()
        .unwrap()
}

/// Nothing here waits for anything but itself.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

pub(crate) fn orders(fleet: &SimFleet) -> Vec<InstanceOrder> {
    let instances = now(fleet.read_fleet()).unwrap().instances;
    instances
        .into_iter()
        .map(|i| InstanceOrder {
            instance: i.id,
            region: i.region,
            zone: i.zone,
            instance_type: i.instance_type,
        })
        .collect()
}

pub(crate) fn states(fleet: &SimFleet) -> Vec<InstanceState> {
    now(fleet.read_fleet()).unwrap().instances.into_iter().map(|i| i.state).collect()
}

#[test]
fn the_ports_show_and_change_one_world() {
    let world = world();
    let (fleet, management) =
        (SimFleet::new(Arc::clone(&world), "manager"), SimManagement::new(Arc::clone(&world)));
    let clock = SimClock::new(Arc::clone(&world));
    let orders = orders(&fleet);
    assert_eq!(orders.len(), 2);
    let results = now(fleet.start_instances(&orders));
    assert!(results.iter().all(|(_, result)| result.is_ok()) && results.len() == 2);
    assert_eq!(states(&fleet), [InstanceState::Pending; 2]);
    lock(&world).advance_by(SignedDuration::from_mins(6));
    assert_eq!(clock.now(), start() + SignedDuration::from_mins(6));
    assert_eq!(clock.monotonic(), std::time::Duration::from_mins(6));
    let platform = now(management.read_platform(PlatformScope { shards: false })).unwrap();
    assert_eq!((platform.nodes.len(), platform.shards), (3, None));
    let node = &platform.nodes[1];
    assert!(node.status.as_ref().unwrap().synced);
    now(management.set_maintenance(node.id, true, "Spillway: drain")).unwrap();
    assert!(now(management.read_activity(node.address)).unwrap().is_idle());
    now(fleet.stop_instances(&orders[..1])).pop().unwrap().1.unwrap();
    assert_eq!(states(&fleet), [InstanceState::Stopping, InstanceState::Running]);
    let missing = now(management.set_static_nat(spillway_core::ids::NodeId(99), None));
    assert_eq!(missing.unwrap_err().kind, FaultKind::NotFound);
}

#[test]
fn a_fault_of_the_management_node_is_every_calls_fault() {
    let world = world();
    let management = SimManagement::new(Arc::clone(&world));
    let fault = Fault::new(System::ManagementNode, FaultKind::Server, "503 with an HTML page");
    lock(&world).set_management_fault(Some(fault.clone()));
    assert_eq!(now(management.read_platform(PlatformScope { shards: true })), Err(fault.clone()));
    let id = lock(&world).node("london-1").unwrap().id;
    assert_eq!(now(management.set_maintenance(id, true, "x")), Err(fault));
    assert!(!lock(&world).node("london-1").unwrap().maintenance_configured);
}

fn digest() -> Digest {
    Digest { outcome: Some(spillway_core::ledger::Outcome::Acted), ..Digest::new(start()) }
}

fn instance(n: u32) -> InstanceId {
    InstanceId::new(format!("i-{n}"))
}

#[test]
fn of_two_who_saw_the_same_token_one_gets_the_lease() {
    let ledger = MemoryLedger::new();
    let seen = now(ledger.read_ledger(start())).unwrap().cycle;
    let first = now(ledger.take_lease(&seen, "a", start())).unwrap();
    assert_eq!(first, Lease { owner: "a".to_owned(), token: 1 });
    assert_eq!(now(ledger.take_lease(&seen, "b", start())), Err(LeaseError::Lost));
    // Whoever sees the new token may take it over; then the first writes nothing any more.
    let seen = now(ledger.read_ledger(start())).unwrap().cycle;
    assert_eq!(seen.owner.as_deref(), Some("a"));
    let second = now(ledger.take_lease(&seen, "b", start())).unwrap();
    let record = [(instance(1), NodeRecord::default())];
    assert_eq!(now(ledger.put_nodes(&first, &record)), Err(LeaseError::Lost));
    assert_eq!(now(ledger.finish(&first, &digest())), Err(LeaseError::Lost));
    now(ledger.put_nodes(&second, &record)).unwrap();
    now(ledger.finish(&second, &digest())).unwrap();
    let cycle = now(ledger.read_ledger(start())).unwrap().cycle;
    assert_eq!((cycle.token, cycle.owner, cycle.digest), (2, None, Some(digest())));
    assert_eq!(now(ledger.put_nodes(&second, &record)), Err(LeaseError::Lost), "given back");
}

#[test]
fn records_are_written_all_or_none_and_only_at_the_version_they_were_read_at() {
    let ledger = MemoryLedger::new();
    let lease = now(ledger.take_lease(&CycleRecord::default(), "a", start())).unwrap();
    now(ledger.put_nodes(&lease, &[(instance(1), NodeRecord::default())])).unwrap();
    let read = now(ledger.read_ledger(start())).unwrap().nodes;
    assert_eq!(read[&instance(1)].version, 1);
    let batch = [(instance(2), NodeRecord::default()), (instance(1), NodeRecord::default())];
    assert_eq!(now(ledger.put_nodes(&lease, &batch)), Err(LeaseError::Lost));
    assert_eq!(now(ledger.read_ledger(start())).unwrap().nodes.len(), 1);
    let changed = NodeRecord { retired: true, ..read[&instance(1)].clone() };
    now(ledger.put_nodes(&lease, &[(instance(1), changed)])).unwrap();
    assert_eq!(now(ledger.read_ledger(start())).unwrap().nodes[&instance(1)].version, 2);
}

#[test]
fn history_is_written_once_and_expired_holds_are_not_read() {
    let ledger = MemoryLedger::new();
    let event = Event {
        id: "1".to_owned(),
        at: start(),
        kind: EventKind::Start,
        instance: None,
        node: None,
        location: None,
        by: Actor::Spillway,
        reason: String::new(),
    };
    now(ledger.append_events(&[event.clone(), event.clone()])).unwrap();
    now(ledger.append_events(std::slice::from_ref(&event))).unwrap();
    let later = start() + SignedDuration::from_secs(1);
    assert_eq!(now(ledger.read_events(start(), later)).unwrap(), [event]);
    assert!(now(ledger.read_events(later, later)).unwrap().is_empty());
    let hold = Hold {
        id: "h".into(),
        scope: HoldScope::All,
        amount: HoldAmount::HdCalls(HdCalls(3)),
        from: start(),
        until: later,
        by: Actor::Unknown,
        reason: String::new(),
        spike_at: None,
        asked: None,
    };
    now(ledger.put_hold(&hold)).unwrap();
    assert_eq!(now(ledger.read_ledger(start())).unwrap().holds, std::slice::from_ref(&hold));
    assert!(now(ledger.read_ledger(later)).unwrap().holds.is_empty());
    now(ledger.remove_hold(&hold.id)).unwrap();
    now(ledger.remove_hold(&hold.id)).unwrap();
}

#[test]
fn a_failing_ledger_fails_everything_and_keeps_what_it_had() {
    let ledger = MemoryLedger::new();
    let lease = now(ledger.take_lease(&CycleRecord::default(), "a", start())).unwrap();
    let fault = Fault::new(System::Ledger, FaultKind::Unreachable, "no route");
    ledger.set_fault(Some(fault.clone()));
    assert_eq!(now(ledger.read_ledger(start())).unwrap_err(), fault);
    assert_eq!(now(ledger.finish(&lease, &digest())), Err(LeaseError::Fault(fault)));
    ledger.set_fault(None);
    assert_eq!(now(ledger.read_ledger(start())).unwrap().cycle.token, 1);
}

proptest! {
    /// Whatever two owners do in whatever order, writes under a lease are only ever made by its last taker.
    #[test]
    fn only_the_last_taker_writes(steps in proptest::collection::vec((0_usize..2, 0_u8..4), 1..60)) {
        let ledger = MemoryLedger::new();
        let mut seen = [CycleRecord::default(), CycleRecord::default()];
        let mut leases: [Option<Lease>; 2] = [None, None];
        let mut holder: Option<usize> = None;
        for (who, step) in steps {
            match step {
                0 => seen[who] = now(ledger.read_ledger(start())).unwrap().cycle,
                1 => {
                    let owner = ["a", "b"][who];
                    if let Ok(lease) = now(ledger.take_lease(&seen[who], owner, start())) {
                        leases[who] = Some(lease);
                        holder = Some(who);
                    }
                }
                2 => {
                    let Some(lease) = &leases[who] else { continue };
                    let version = now(ledger.read_ledger(start())).unwrap().nodes
                        .get(&instance(1)).map_or(0, |record| record.version);
                    let record = NodeRecord { version, ..NodeRecord::default() };
                    let written = now(ledger.put_nodes(lease, &[(instance(1), record)])).is_ok();
                    prop_assert_eq!(written, holder == Some(who));
                }
                _ => {
                    let Some(lease) = &leases[who] else { continue };
                    let done = now(ledger.finish(lease, &digest())).is_ok();
                    prop_assert_eq!(done, holder == Some(who));
                    if done {
                        holder = None;
                    }
                }
            }
        }
    }
}
