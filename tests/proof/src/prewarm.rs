//! A pre-warm that dies or fails anywhere: the window is not lost, and nothing is started twice.

use jiff::{SignedDuration, Timestamp};
use spillway_core::policy::Policy;
use spillway_core::prewarm::{LicenceCheck, PrewarmEnd, Tick, WindowSpec};
use spillway_harness::intercept::{CallFaults, Death, Strike};
use spillway_harness::{Harness, TICK};
use spillway_world::fixtures;

const NODES: usize = 4;

/// HQ with nothing to do and four nodes stopped, half past eight; the evaluator has run for a while.
fn morning() -> Harness {
    let world = fixtures::hq()
        .always_on("HQ", 2)
        .overflow_nodes("Burst", NODES)
        .boots_in(SignedDuration::from_mins(4))
        .build()
        .expect("a world");
    let mut harness = Harness::new(world, Policy::with_defaults("manager"));
    minutes(&mut harness, 3);
    harness
}

fn tick(at: Timestamp) -> Tick {
    Tick { spec: WindowSpec::with_defaults("w", "UTC"), scheduled_at: Some(at) }
}

/// The evaluator, once a minute.
fn minutes(harness: &mut Harness, count: u32) {
    for _ in 0..count {
        harness.advance(TICK);
        harness.cycle();
    }
}

fn up(harness: &Harness) -> usize {
    use spillway_core::observation::InstanceState::{Pending, Running};
    let nodes = harness.world().nodes();
    nodes.iter().filter(|node| node.is_overflow && matches!(node.state, Some(Pending | Running))).count()
}

fn check(harness: &Harness, what: &str) {
    assert_eq!(up(harness), NODES, "{what}");
    assert_eq!(harness.starts_and_stops(), (NODES as u64, 0), "{what}");
    assert_eq!(harness.broken(), Vec::<String>::new(), "{what}");
}

#[test]
fn the_function_dies_at_every_await_point_and_the_window_is_not_lost() {
    // Reading the ledger has two await points, writing the hold two: whoever dies after that leaves it written.
    let written = 4;
    let mut points = 0;
    for point in 1.. {
        for retried in [false, true] {
            if point < written && !retried {
                continue;
            }
            let mut harness = morning();
            let tick = tick(harness.now());
            let died = harness.prewarm_dies(&Death::at(point), &tick);
            if !died {
                points = point;
                break;
            }
            if retried {
                // Lambda tries again a minute later.
                harness.advance(TICK);
                harness.prewarm(&tick).expect("it ends");
            }
            // The lease of the dead may have to run out.
            minutes(&mut harness, 3);
            check(&harness, &format!("died at {point}, retried: {retried}"));
        }
        if points > 0 {
            break;
        }
    }
    assert!(points > 20, "the whole function was swept: {points}");
}

#[test]
fn whatever_call_fails_the_hold_is_written_or_the_invocation_fails() {
    let mut failed = 0;
    for strike in [Strike::Before, Strike::After] {
        for nth in 1.. {
            let mut harness = morning();
            let tick = tick(harness.now());
            let faults = CallFaults::nth(nth, strike);
            let fired = harness.prewarm_through(&faults, &tick).expect("it ends");
            if faults.calls() < nth {
                break;
            }
            if fired.is_failure() {
                failed += 1;
                harness.advance(TICK);
                assert!(!harness.prewarm(&tick).expect("it ends").is_failure());
            }
            // Instances that were refused back off for five minutes.
            minutes(&mut harness, 7);
            check(&harness, &format!("call {nth} failed {strike:?}: {}", fired.summary()));
        }
    }
    assert_eq!(failed, 0, "one failed write is tried again at once");
}

#[test]
fn without_the_ledger_the_invocation_fails_and_the_next_one_makes_it_good() {
    use spillway_core::fault::{Fault, FaultKind, System};
    let mut harness = morning();
    let tick = tick(harness.now());
    harness.ledger().set_fault(Some(Fault::new(System::Ledger, FaultKind::Timeout, "no answer in time")));
    let fired = harness.prewarm(&tick).expect("it ends");
    assert!(matches!(fired.end, PrewarmEnd::NotWritten(_)) && fired.is_failure());
    assert_eq!(up(&harness), 0);
    harness.ledger().set_fault(None);
    harness.advance(TICK);
    assert!(!harness.prewarm(&tick).expect("it ends").is_failure());
    check(&harness, "the second attempt");
}

#[test]
fn a_repeat_while_the_nodes_boot_holds_what_the_first_one_held() {
    let mut harness = morning();
    // Two nodes' worth of licences beyond what is free at HQ.
    harness.world().set_licences(Some(34 + 20));
    let tick = tick(harness.now());
    for minute in 0..4 {
        let fired = harness.prewarm(&tick).expect("it ends");
        let PrewarmEnd::Held(held) = &fired.end else { panic!("{}", fired.summary()) };
        assert_eq!(held.repeated, minute > 0);
        minutes(&mut harness, 1);
        assert_eq!(up(&harness), 2, "{}", fired.summary());
    }
    assert_eq!(harness.starts_and_stops(), (2, 0));
}

#[test]
fn no_port_licences_at_all_are_not_known_ones() {
    let mut harness = morning();
    harness.world().set_licences(Some(0));
    let tick = tick(harness.now());
    let fired = harness.prewarm(&tick).expect("it ends");
    let PrewarmEnd::Held(held) = &fired.end else { panic!("{}", fired.summary()) };
    assert_eq!((held.licences.clone(), held.hold.asked), (LicenceCheck::Unknown, None));
    assert_eq!(held.unchecked, ["licences (this release does not show them)"]);
    minutes(&mut harness, 1);
    assert_eq!(up(&harness), 4, "{}", fired.summary());
}
