//! Proof across the crates, in one binary: scripts, sweeps, properties, counted calls.

#![cfg(test)]
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod addresses;
mod calls;
mod operations;
mod prewarm;
mod properties;
mod rivals;
mod scenarios;
mod situations;
mod sweeps;
