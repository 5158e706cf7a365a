//! How fast addresses are set. The Management Node takes 1,000 requests in 60 seconds from everybody together (api:
//! *Limits*), and a storm of starts reaches two reconcilers at once: each sends at most 5 changes a second, so that both
//! together stay at 600 a minute and leave the rest to the cycles, to people, and to the reads in between. A node takes five
//! minutes to boot; at that pace a thousand have their address long before.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Changes that are sent without waiting.
const AT_ONCE: u32 = 20;

/// The pace of one client.
#[derive(Debug)]
pub(crate) struct Pace {
    every: Duration,
    /// When the next change would be due, had each been sent at its time.
    due: Mutex<Instant>,
}

impl Pace {
    /// So much time between two changes, after the first ones.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, due: Mutex::new(Instant::now()) }
    }

    /// Waits until a change may be sent.
    pub(crate) async fn wait(&self) {
        sleep_until(self.next()).await;
    }

    fn next(&self) -> Instant {
        let now = Instant::now();
        // A poisoned lock holds an instant like any other.
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = (*due).max(now) + self.every;
        due.checked_sub(self.every * AT_ONCE).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Timing;

    #[tokio::test(start_paused = true)]
    async fn twenty_at_once_then_five_a_second() {
        let (pace, began) = (Pace::new(Timing::default().between_changes), Instant::now());
        let mut waited = Vec::new();
        for _ in 0..25 {
            pace.wait().await;
            waited.push(began.elapsed().as_millis());
        }
        assert_eq!(waited[19], 0);
        assert_eq!(waited[20..], [200, 400, 600, 800, 1_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn two_clients_send_no_more_than_two_thirds_of_the_limit_in_any_minute() {
        let (pace, began) = (Pace::new(Timing::default().between_changes), Instant::now());
        let mut sent = 0;
        while began.elapsed() <= Duration::from_mins(1) {
            pace.wait().await;
            sent += 1;
        }
        assert!(2 * sent <= 660, "{sent} in a minute");
    }
}
