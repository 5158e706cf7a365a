//! A simulated Management Node that any Pexip client can be pointed at: the served Management API in front of a world
//! that a platform file describes. `cargo simulate` is its binary.
//!
//! It must not know Spillway: no ports, no cycle, no ledger. It decides nothing about calls or nodes either.
//!
//! Begin with [`platform_file::PlatformFile`].

pub mod control;
pub mod platform_file;
