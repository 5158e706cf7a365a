//! The world's own rules, tested: each test names one.

mod builtin;
mod days;
mod ec2;
mod lives;
mod model;
mod placement;

use jiff::{SignedDuration, Timestamp};

use super::{World, WorldBuilder};

fn start() -> Timestamp {
    "2026-05-04T08:00:00Z".parse().unwrap()
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// One location with always-on nodes that overflows to one with overflow nodes; boots take exactly five minutes.
fn pair(always_on: usize, overflow: usize) -> WorldBuilder {
    WorldBuilder::new(start())
        .location("London")
        .location("AWS burst")
        .overflow("London", "AWS burst")
        .always_on("London", always_on)
        .overflow_nodes("AWS burst", overflow)
        .boots_in(mins(5))
}

fn instance_of(world: &World, node: &str) -> spillway_core::ids::InstanceId {
    world.node(node).unwrap().instance.unwrap()
}
