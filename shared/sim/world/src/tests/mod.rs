//! The world's own rules, tested: each test names one.

mod builtin;
mod days;
mod ec2;
mod model;
mod placement;
mod runs;

use jiff::{SignedDuration, Timestamp};

use super::{World, WorldBuilder, fixtures};

fn start() -> Timestamp {
    fixtures::monday_in_may()
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// One location with always-on nodes that overflows to one with overflow nodes; boots take exactly five minutes.
fn pair(always_on: usize, overflow: usize) -> WorldBuilder {
    fixtures::london().always_on("London", always_on).overflow_nodes("AWS burst", overflow).boots_in(mins(5))
}

fn instance_of(world: &World, node: &str) -> spillway_core::ids::InstanceId {
    world.node(node).unwrap().instance.unwrap()
}
