//! Proof across the crates, in one binary: scripts, sweeps, properties, counted calls.

#![cfg(test)]
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod addresses;
mod operations;
mod prewarm;
mod properties;
mod reconcile;
mod rivals;
mod runs;
mod scenarios;
mod shadow;
mod situations;
mod sweeps;
mod weekday;

/// Nothing here waits for anything but itself.
fn now<F: Future>(future: F) -> F::Output {
    spillway_harness::finish(future).expect("nothing waits")
}
