//! Proof across the crates in virtual time: scenarios, sweeps of faults and deaths, random hours, rivals, node operations.
//!
//! It must not need HTTP, AWS or a clock, so that `cargo nextest run -p spillway-proof` compiles pure crates only; what needs
//! one of these is in `tests/served`. Nothing here needs anything outside the clone.
//!
//! Begin with `scenarios.rs` and a script in `tests/scenarios`, then `situations.rs` and `sweeps.rs`.

#![cfg(test)]

mod addresses;
mod learning;
mod operations;
mod prewarm;
mod properties;
mod reconcile;
mod rivals;
mod runs;
mod scenarios;
mod shadow;
mod situations;
mod slow;
mod sweeps;
mod weekday;

/// Nothing here waits for anything but itself.
fn now<F: Future>(future: F) -> F::Output {
    spillway_harness::finish(future).expect("nothing waits")
}
