//! Virtual time as a clock.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use spillway_engine::ports::Clock;

use spillway_world::{SharedWorld, lock};

/// The world's time. It moves only when somebody advances the world.
#[derive(Clone)]
pub struct SimClock {
    world: SharedWorld,
}

impl SimClock {
    /// The clock of a world.
    pub fn new(world: SharedWorld) -> Self {
        Self { world }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        lock(&self.world).now()
    }

    fn monotonic(&self) -> Duration {
        let world = lock(&self.world);
        // The world never goes back, so its own time is monotonic.
        Duration::try_from(world.now().duration_since(world.started_at())).unwrap_or(Duration::ZERO)
    }

    /// Work that moves the world's time and yields is given up when the time is over.
    async fn within<T: Send>(&self, limit: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
        let began = self.monotonic();
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.monotonic().saturating_sub(began) >= limit => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
