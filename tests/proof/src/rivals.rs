//! Two evaluators at once: one is held up at each await point of its cycle while the other runs a whole cycle, or both
//! take turns. One has the lease; what it orders is not ordered again.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use spillway_core::fault::Fault;
use spillway_core::outcome::CycleReport;
use spillway_engine::cycle::LeaseMemory;
use spillway_harness::intercept::{Call, Interceptor};

use crate::situations::{SITUATIONS, Situation};

/// Gives the other one a turn before and after each call.
#[derive(Clone)]
struct Turn;

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(
        |_| {
            if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
        },
    )
    .await;
}

impl Interceptor for Turn {
    async fn before(&self, _: &Call<'_>) -> Result<(), Fault> {
        yield_once().await;
        Ok(())
    }

    async fn after(&self, _: &Call<'_>, _: bool) -> Result<(), Fault> {
        yield_once().await;
        Ok(())
    }
}

/// A cycle in progress.
struct Running<'a> {
    cycle: Pin<Box<dyn Future<Output = CycleReport> + 'a>>,
    ended: Option<CycleReport>,
}

impl Running<'_> {
    fn turn(&mut self) {
        if self.ended.is_none()
            && let Poll::Ready(report) = self.cycle.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.ended = Some(report);
        }
    }
}

/// Two cycles at the same instant: some turns of the first, then the second to its end (or turn by turn), then the
/// rest. Gives both reports and how many turns the first took.
fn play(situation: &Situation, head_start: usize, alternate: bool) -> (CycleReport, CycleReport, usize) {
    let (mut one, mut two) = (LeaseMemory::default(), LeaseMemory::default());
    let harness = &situation.harness;
    let mut first = Running { cycle: Box::pin(harness.cycle_beside("first", &Turn, &mut one)), ended: None };
    let mut second =
        Running { cycle: Box::pin(harness.cycle_beside("second", &Turn, &mut two)), ended: None };
    let mut turns = 0;
    for _ in 0..head_start {
        first.turn();
        turns += 1;
    }
    while second.ended.is_none() {
        second.turn();
        if alternate {
            first.turn();
        }
    }
    while first.ended.is_none() {
        first.turn();
        turns += 1;
    }
    (first.ended.expect("it ended"), second.ended.expect("it ended"), turns)
}

#[test]
fn two_evaluators_at_once_do_what_one_would_do() {
    for name in SITUATIONS {
        let alone = Situation::of(name).harness.cycle().count("start", true);
        let (.., turns) = play(&Situation::of(name), 0, false);
        for head_start in 0..turns {
            for alternate in [false, true] {
                let what = format!("{name}, {head_start} turns ahead, alternate {alternate}");
                let mut situation = Situation::of(name);
                let (first, second, _) = play(&situation, head_start, alternate);
                // A stop is safe to repeat and a start is not: whoever comes second finds it ordered.
                let starts = first.count("start", true) + second.count("start", true);
                assert!(starts <= alone, "{what}: {} and {}", first.summary(), second.summary());
                situation.converges(&what);
                let excess = situation.harness.invariants().excess();
                assert!(excess.is_empty(), "{what}: {excess:?}");
            }
        }
    }
}

#[test]
fn a_duplicate_invocation_orders_nothing_again() {
    for name in SITUATIONS {
        let mut situation = Situation::of(name);
        situation.harness.cycle();
        let before = situation.harness.starts_and_stops();
        for _ in 0..3 {
            situation.harness.cycle();
        }
        assert_eq!(situation.harness.starts_and_stops(), before, "{name}");
        situation.converges(name);
    }
}
