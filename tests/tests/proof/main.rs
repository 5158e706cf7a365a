//! Proof across the crates, in one binary: scripts, sweeps, properties, counted calls.

mod calls;
mod properties;
mod rivals;
mod scenarios;
mod situations;
mod sweeps;
