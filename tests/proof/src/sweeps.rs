//! The fault sweep and the death sweep: in each situation every call of the cycle fails once, before its effect and
//! after it, and the cycle dies once at each await point. Clean cycles must then converge, and nobody is dropped.

use spillway_harness::intercept::{CallFaults, Death, Strike};

use crate::situations::{SITUATIONS, Situation};

#[test]
fn whatever_call_fails_the_next_clean_cycles_converge() {
    let mut swept = 0;
    for name in SITUATIONS {
        let counter = CallFaults::none();
        Situation::of(name).harness.cycle_through(&counter);
        let calls = counter.calls();
        assert!(calls >= 4, "{name}: only {calls} calls");
        for nth in 1..=calls {
            for strike in [Strike::Before, Strike::After] {
                let what = format!("{name}, call {nth} fails, {strike:?}");
                let mut situation = Situation::of(name);
                situation.harness.cycle_through(&CallFaults::nth(nth, strike));
                situation.converges(&what);
                // When the answer to a start is lost, one start too many is the price of not losing a call.
                let most = usize::from(strike == Strike::After);
                let excess = situation.harness.invariants().excess();
                assert!(excess.len() <= most, "{what}: {excess:?}");
                swept += 1;
            }
        }
    }
    assert!(swept > 100, "{swept} faults");
}

#[test]
fn the_process_dies_at_every_await_point_of_a_cycle() {
    let mut swept = 0;
    for name in SITUATIONS {
        let points = {
            let counter = Death::never();
            Situation::of(name).harness.cycle_through(&counter);
            counter.points()
        };
        for point in 1..=points {
            let what = format!("{name}, dies at point {point} of {points}");
            let mut situation = Situation::of(name);
            assert!(situation.harness.cycle_dies(&Death::at(point)), "{what}: it did not");
            situation.converges(&what);
            let excess = situation.harness.invariants().excess();
            assert!(excess.is_empty(), "{what}: {excess:?}");
            swept += 1;
        }
    }
    assert!(swept > 100, "{swept} deaths");
}

#[test]
fn every_cycle_of_an_hour_fails_somewhere_and_nobody_is_dropped() {
    for nth in 1..=12 {
        for strike in [Strike::Before, Strike::After] {
            let mut situation = Situation::of("start");
            for minute in 0..60 {
                // Two of three cycles fail at the same call.
                let faults = if minute % 3 == 2 { CallFaults::none() } else { CallFaults::nth(nth, strike) };
                situation.harness.cycle_through(&faults);
                situation.harness.advance(spillway_harness::TICK);
            }
            situation.converges(&format!("call {nth} fails for an hour, {strike:?}"));
        }
    }
}
