//! Whether the lease may be taken.

use std::time::Duration;

use spillway_core::ledger::Ledger;

/// How long a lease lasts: longer than a function may run (45 s), shorter than the time between two ticks (60 s).
pub const LEASE: Duration = Duration::from_secs(55);

/// What a warm function remembers of the lease: an owner that has not changed for a whole lease on *our*
/// monotonic clock is dead, whatever the wall clocks say.
#[derive(Debug, Clone, Default)]
pub struct LeaseMemory {
    seen: Option<(u64, Duration)>,
}

impl LeaseMemory {
    pub(super) fn may_take(&mut self, ledger: &Ledger, monotonic: Duration) -> bool {
        if ledger.cycle.owner.is_none() {
            self.seen = None;
            return true;
        }
        match self.seen {
            Some((token, since)) if token == ledger.cycle.token => monotonic.saturating_sub(since) >= LEASE,
            _ => {
                self.seen = Some((ledger.cycle.token, monotonic));
                false
            }
        }
    }
}
