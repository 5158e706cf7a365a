//! Runs what `spillway_core` decides. Everything here goes the same way:
//!
//! > observe, plan, check, record intent, apply, record outcome
//!
//! Begin with [`cycle`]: it reads the world through the [`ports`], lets the planner decide and the safety check object, and
//! carries out the plan under a lease. [`prewarm`] writes a hold and runs one cycle; [`operator`] stores what a person asks
//! for and runs one cycle; [`operation`] does what a node needs beyond starting and stopping. [`reconcile`] keeps static NAT
//! addresses right: the same shape, without a lease.
//!
//! This crate makes no decision about nodes, waits for nothing but the ports, and knows no server: adapters implement the
//! ports, and so does the simulated world. Nothing is retried in here; the next cycle reads the world again.

mod collect;
pub mod cycle;
pub mod learning;
pub mod operation;
pub mod operator;
pub mod ports;
pub mod prewarm;
pub mod reconcile;

pub use collect::{SnapshotSystems, collect};
