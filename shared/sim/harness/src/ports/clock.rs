//! Virtual time as a clock.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use spillway_engine::ports::Clock;

use spillway_world::{SharedWorld, later, lock};

/// The world's time, or ahead of it. It moves only when somebody advances the world.
#[derive(Clone)]
pub struct SimClock {
    world: SharedWorld,
    /// Seconds. Clones share it.
    ahead: Arc<AtomicI64>,
    patient: Arc<AtomicBool>,
}

impl SimClock {
    /// The clock of a world.
    pub fn new(world: SharedWorld) -> Self {
        Self { world, ahead: Arc::default(), patient: Arc::default() }
    }

    /// Our wall clock differs from EC2's from now on by so many seconds. The monotonic one does not know.
    pub fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }

    /// By how much our wall clock is ahead of EC2's.
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_secs(self.ahead.load(Ordering::SeqCst))
    }

    /// No work is given up any more, however long it takes: as it was when a slow Management Node cost the lease.
    pub fn never_gives_up(&self) {
        self.patient.store(true, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        later(lock(&self.world).now(), self.ahead())
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
            Poll::Pending if self.patient.load(Ordering::SeqCst) => Poll::Pending,
            Poll::Pending if self.monotonic().saturating_sub(began) >= limit => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
