//! Calls fail before or after their effect, or never return.

use spillway_core::fault::{FaultKind, RefusalKind, System};
use spillway_core::observation::InstanceState;
use spillway_core::observation::PlatformScope;
use spillway_engine::ports::{FleetRead, FleetWrite, ManagementRead};

use std::sync::Arc;

use super::{CallFaults, Death, Intercepted, Strike, until_death};
use crate::ports::tests::{now, orders, states, world};
use crate::ports::{SimFleet, SimManagement};

#[test]
fn the_nth_call_fails_before_or_after_its_effect() {
    for (strike, started) in [(Strike::Before, false), (Strike::After, true)] {
        let world = world();
        let faults = CallFaults::nth(2, strike).of(FaultKind::Throttled);
        let plain = SimFleet::new(Arc::clone(&world), "manager");
        let fleet = Intercepted::new(plain.clone(), faults.clone());
        assert!(now(fleet.read_fleet()).is_ok());
        let results = now(fleet.start_instances(&orders(&plain)[..1]));
        assert_eq!(results[0].1.as_ref().unwrap_err().kind, RefusalKind::Throttled);
        assert_eq!(states(&plain)[0] == InstanceState::Pending, started);
        assert!(now(fleet.read_fleet()).is_ok());
        assert_eq!(faults.calls(), 3);
    }
}

#[test]
fn one_counter_counts_all_ports_or_only_one_system() {
    let world = world();
    let faults = CallFaults::nth(2, Strike::Before).only(System::ManagementNode);
    let fleet = Intercepted::new(SimFleet::new(Arc::clone(&world), "manager"), faults.clone());
    let management = Intercepted::new(SimManagement::new(world), faults.clone());
    let scope = PlatformScope { shards: false };
    assert!(now(management.read_platform(scope)).is_ok());
    assert!(now(fleet.read_fleet()).is_ok());
    assert!(now(management.read_platform(scope)).is_err());
    assert!(now(management.read_platform(scope)).is_ok());
    assert_eq!(faults.calls(), 3);
}

#[test]
fn the_nth_await_point_never_returns() {
    // Points of a read and a start: before and after each.
    for (point, started) in [(1, false), (2, false), (3, false), (4, true)] {
        let world = world();
        let death = Death::at(point);
        let plain = SimFleet::new(Arc::clone(&world), "manager");
        let fleet = Intercepted::new(plain.clone(), death.clone());
        let orders = orders(&plain);
        let cycle = async {
            let _ = fleet.read_fleet().await;
            fleet.start_instances(&orders).await
        };
        assert!(now(until_death(&death, cycle)).is_none());
        assert!(death.struck());
        assert_eq!(states(&plain)[0] == InstanceState::Pending, started, "point {point}");
    }
    let death = Death::never();
    let fleet = Intercepted::new(SimFleet::new(world(), "manager"), death.clone());
    assert!(now(until_death(&death, fleet.read_fleet())).is_some());
    assert_eq!(death.points(), 2);
}
