//! The world in real time, for a served Management Node. The clock is given from outside: the world itself has
//! none, and a test gives a clock of its own.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::state::{SharedWorld, later, lock};

/// A shared world that follows a clock, at a speed.
pub struct Paced<C> {
    world: SharedWorld,
    clock: C,
    began: Timestamp,
    speed: f64,
}

impl<C: Fn() -> Duration> Paced<C> {
    /// `clock` gives the real time since this was made.
    pub fn new(world: SharedWorld, speed: f64, clock: C) -> Self {
        let began = lock(&world).now();
        Self { world, clock, began, speed }
    }

    /// Brings the world to where the clock is, and gives its time.
    pub fn catch_up(&self) -> Timestamp {
        let passed = (self.clock)().as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::ZERO);
        let mut world = lock(&self.world);
        world.advance_to(later(self.began, passed));
        world.now()
    }

    /// The world.
    pub fn world(&self) -> &SharedWorld {
        &self.world
    }
}
