//! When a failed request is sent again, and how long after. Only idempotent requests are: every GET, and a PATCH,
//! because each PATCH of ours sets named fields to fixed values, so that sending it twice leaves what sending it
//! once leaves. A POST (a command) is sent once: whether the first one was carried out cannot be known. The one
//! POST that is repeated is the request for a token, as part of the GET or PATCH that needs it: it changes nothing
//! and carries a new assertion each time.

use std::time::Duration;

use jiff::Timestamp;

/// How often and how fast an idempotent request is repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How many times a request is sent in all. The vendor's own client retries three times.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub first_wait: Duration,
    /// No wait of our own is longer. A `Retry-After` of the server may be.
    pub longest_wait: Duration,
    /// Which part of the wait is random, 0 to 1, so that clients that failed together do not return together.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(4),
            jitter: 0.5,
        }
    }
}

impl RetryPolicy {
    /// No repeats at all.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The wait before the next attempt, after `failures` failed ones; `None` when they are used up. What the
    /// server asks for counts as the least.
    pub(crate) fn wait(&self, failures: u32, retry_after: Option<Duration>, random: f64) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(1 << (failures.saturating_sub(1)).min(16));
        let wait = doubled.min(self.longest_wait);
        let jittered = wait.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * random.clamp(0.0, 1.0));
        Some(retry_after.map_or(jittered, |asked| asked.max(jittered)))
    }
}

/// A `Retry-After` header: seconds, or a date to be held against the server's own `Date`.
pub(crate) fn parse_retry_after(header: &str, server_time: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = parse_http_date(header)?;
    Some(Duration::try_from(until.duration_since(server_time)).unwrap_or(Duration::ZERO))
}

/// A date as HTTP headers write it.
pub(crate) fn parse_http_date(header: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(header).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let policy = RetryPolicy {
            attempts: 5,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_millis(350),
            jitter: 0.5,
        };
        let millis = |failures, random| policy.wait(failures, None, random).map(|wait| wait.as_millis());
        assert_eq!(
            [1, 2, 3, 4, 5].map(|n| millis(n, 0.0)),
            [Some(100), Some(200), Some(350), Some(350), None]
        );
        assert_eq!(millis(1, 1.0), Some(50), "jitter takes at most its part away");
        assert_eq!(RetryPolicy::never().wait(1, None, 0.0), None);
        let huge = RetryPolicy { attempts: u32::MAX, ..policy };
        assert_eq!(huge.wait(4_000_000, None, 0.0), Some(Duration::from_millis(350)));
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(1, Some(Duration::from_secs(7)), 0.3), Some(Duration::from_secs(7)));
        assert_eq!(policy.wait(1, Some(Duration::ZERO), 0.0), Some(policy.first_wait));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (header, seconds) in [
            ("0", Some(0)),
            (" 12 ", Some(12)),
            ("Sun, 22 Nov 2026 10:00:05 GMT", Some(5)),
            ("Sun, 22 Nov 2026 09:00:05 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
        ] {
            assert_eq!(parse_retry_after(header, now), seconds.map(Duration::from_secs), "{header}");
        }
    }
}
