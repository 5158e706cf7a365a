//! Our ports over the simulated world, in virtual time: the same cycle that runs on AWS runs here, thousands of times in
//! a second. What goes wrong goes wrong at the ports, what must never happen is watched there, and scenarios are
//! played on it.
//!
//! It must not speak HTTP, reach AWS or read a clock: a test that needs one of these stands in another crate. It decides
//! nothing about calls or nodes; that is the planner's business, and the world's.
//!
//! Begin with [`Harness`], then [`intercept::Interceptor`] and [`scenario::play`].

mod harness;
pub mod intercept;
pub mod ports;
mod rule;
pub mod scenario;
mod watch;

pub use self::harness::{Harness, HarnessFleet, HarnessManagement, QUIET_CYCLES, TICK, finish};
pub use self::rule::{Broken, Rule};
