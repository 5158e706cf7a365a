//! The system's clock, for whoever brings none. It dates client assertions and the age of tokens; deadlines and
//! waits follow tokio's time, which tests can pause.

use std::time::Duration;

use jiff::Timestamp;
use spillway_engine::ports::Clock;
use tokio::time::Instant;

/// The wall clock, and a monotonic one that starts with it.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts now.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    async fn within<T: Send>(&self, limit: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
        tokio::time::timeout(limit, work).await.ok()
    }
}
