//! EC2's request rate, kept on our side: a request over the rate is not only refused, it also makes the bucket
//! take longer to fill, for whoever else works in the account.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// `StartInstances` and `StopInstances` each have a bucket of 5 requests that fills by 2 a second (EC2 API
/// reference: *Request throttling*). One bucket for both leaves the other half to people.
const CAPACITY: f64 = 5.0;
const PER_SECOND: f64 = 2.0;

/// One region's bucket.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    level: Mutex<Level>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    /// Below zero: tokens promised to those who wait.
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    pub(crate) fn full() -> Self {
        Self { level: Mutex::new(Level { tokens: CAPACITY, at: Instant::now() }) }
    }

    /// Waits for a token; `false`, at once, when there will be none in time.
    pub(crate) async fn take(&self, until: Instant) -> bool {
        let Some(ready_at) = self.promise(until) else { return false };
        sleep_until(ready_at).await;
        true
    }

    fn promise(&self, until: Instant) -> Option<Instant> {
        let now = Instant::now();
        // A poisoned lock holds two numbers, either of which is safe to go on with.
        let mut level = self.level.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let filled = level.tokens + now.duration_since(level.at).as_secs_f64() * PER_SECOND;
        let tokens = filled.min(CAPACITY) - 1.0;
        let wait = Duration::from_secs_f64((-tokens).max(0.0) / PER_SECOND);
        let ready_at = now + wait;
        if ready_at > until || now >= until {
            return None;
        }
        *level = Level { tokens, at: now };
        Some(ready_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_at_once_then_two_a_second() {
        let bucket = TokenBucket::full();
        let began = Instant::now();
        let far = began + Duration::from_hours(1);
        let mut waited = Vec::new();
        for _ in 0..9 {
            assert!(bucket.take(far).await);
            waited.push(began.elapsed().as_millis());
        }
        assert_eq!(waited, [0, 0, 0, 0, 0, 500, 1_000, 1_500, 2_000]);
        tokio::time::advance(Duration::from_mins(1)).await;
        let later = Instant::now();
        for _ in 0..5 {
            assert!(bucket.take(far).await);
        }
        assert_eq!(later.elapsed(), Duration::ZERO, "it fills to five and no further");
        assert!(bucket.take(far).await);
        assert_eq!(later.elapsed(), Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn no_token_in_time_is_said_at_once_and_costs_none() {
        let bucket = TokenBucket::full();
        let now = Instant::now();
        let soon = now + Duration::from_millis(400);
        for _ in 0..5 {
            assert!(bucket.take(soon).await);
        }
        assert!(!bucket.take(soon).await);
        assert_eq!(now.elapsed(), Duration::ZERO);
        assert!(bucket.take(now + Duration::from_millis(500)).await);
        assert!(!TokenBucket::full().take(Instant::now()).await, "the time is over");
    }
}
