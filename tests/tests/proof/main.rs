//! Proof across the crates, in one binary: scripts, sweeps, properties, counted calls.

mod scenarios;
