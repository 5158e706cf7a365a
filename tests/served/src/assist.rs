//! What a pre-warm asks of the Management Node over HTTP: licences, and Pexip's own start command.

use std::sync::Arc;

use jiff::SignedDuration;
use spillway_core::observation::Licences;
use spillway_core::outcome::Outcome;
use spillway_core::policy::{Mode, Policy};
use spillway_core::prewarm::{PrewarmEnd, PrewarmRefusal, Tick, WindowSpec};
use spillway_engine::cycle::{Cycle, LeaseMemory};
use spillway_engine::ports::Ports;
use spillway_engine::ports::{Clock, LicenceRead, OverflowStart};
use spillway_engine::prewarm::run;
use spillway_harness::ports::{MemoryLedger, SimClock, SimFleet};
use spillway_world::{SharedWorld, fixtures, lock};

use crate::serve;

fn world() -> SharedWorld {
    fixtures::hq()
        .always_on("HQ", 2)
        .overflow_nodes("Burst", 3)
        .bursting(true)
        .min_lifetime(50)
        .build_shared()
        .expect("a world")
}

#[tokio::test]
async fn licences_are_read_and_a_release_that_shows_none_is_not_one_without() {
    let world = world();
    let (_server, http) = serve(&world).await;
    lock(&world).set_licences(Some(80));
    assert_eq!(http.read_licences().await, Ok(Some(Licences { ports_used: 0, ports_total: 80 })));
    for unknown in [None, Some(0)] {
        lock(&world).set_licences(unknown);
        assert_eq!(http.read_licences().await, Ok(None), "{unknown:?}");
    }
}

#[tokio::test]
async fn in_assist_mode_pexip_starts_a_windows_nodes_by_its_own_command() {
    let world = world();
    let (_server, http) = serve(&world).await;
    assert_eq!(http.read_cloud_instances().await.expect("a list").len(), 3);
    let policy = Policy { mode: Mode::Assist, ..Policy::with_defaults("manager") };
    let (fleet, ledger) = (SimFleet::new(Arc::clone(&world), "manager"), MemoryLedger::new());
    let clock = SimClock::new(Arc::clone(&world));
    let ports = Ports::of(&fleet, &http, &ledger, &clock);
    let deadline = clock.monotonic() + std::time::Duration::from_secs(45);
    let cycle = Cycle { ports, policy: &policy, owner: "prewarm-1".to_owned(), deadline, profiles: None };
    let tick = |lead_minutes: u32| Tick {
        spec: WindowSpec { lead_minutes, ..WindowSpec::with_defaults("w", "UTC") },
        scheduled_at: Some(clock.now()),
    };

    let early = Box::pin(run(&cycle, &tick(51), &mut LeaseMemory::default())).await;
    let refused = PrewarmRefusal::TooEarly { lead_minutes: 51, lifetime_minutes: 50 };
    assert_eq!(early.end, PrewarmEnd::Refused(refused));
    assert!(lock(&world).stats().starts.is_empty());

    let fired = Box::pin(run(&cycle, &tick(10), &mut LeaseMemory::default())).await;
    let PrewarmEnd::Held(held) = &fired.end else { panic!("{}", fired.summary()) };
    assert_eq!(held.cycle.outcome, Outcome::Acted, "{}", fired.summary());
    lock(&world).advance_by(SignedDuration::from_secs(30));
    let by: Vec<_> = lock(&world).stats().starts.clone().into_iter().collect();
    assert_eq!(by, [(spillway_world::Initiator::Pexip, 3)], "none of them by Spillway");

    // Once more: they are up, and nothing is asked again.
    let again = Box::pin(run(&cycle, &tick(10), &mut LeaseMemory::default())).await;
    assert!(again.summary().contains("nothing to do"), "{}", again.summary());
}
