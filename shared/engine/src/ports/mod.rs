//! The systems outside, as the engine needs them. Reading and writing are apart, so that whoever is given only the
//! reading half cannot change anything. Adapters implement these and nothing else; the simulated world does too.

mod fleet;
mod ledger;
mod management;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use fleet::{
    AddressRead, AddressWrite, FleetRead, FleetWrite, InstanceOrder, InstanceScope, OperatorFleet,
    OrderResults,
};
pub use ledger::{
    ForecastRead, ForecastWrite, Lease, LeaseError, LedgerRead, LedgerWrite, LoadRead, NatLedger,
};
pub use management::{
    CertificateRead, ConfigurationWrite, LicenceRead, ManagementRead, ManagementWrite, NodeRead,
    OverflowStart, PlatformRefresh,
};

/// Time.
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// A clock that never goes back, from an arbitrary start; for leases and deadlines.
    fn monotonic(&self) -> Duration;
    /// Waits for work, no longer than this; `None` when the time is over. What was asked of a system by then may have been done
    /// all the same. A clock without a timer waits until the work is done.
    fn within<T: Send>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send,
    ) -> impl Future<Output = Option<T>> + Send
    where
        Self: Sized,
    {
        let _ = limit;
        async { Some(work.await) }
    }
}

/// The four systems that somebody works with, as one type parameter. What each of them must be able to do is said where it
/// is needed: `S: Systems<Fleet: FleetRead>`.
pub trait Systems {
    /// EC2.
    type Fleet;
    /// The Management Node.
    type Management;
    /// The ledger.
    type Ledger;
    /// Time.
    type Clock: Clock;
}

impl<F, M, L, C: Clock> Systems for (F, M, L, C) {
    type Fleet = F;
    type Management = M;
    type Ledger = L;
    type Clock = C;
}

/// The systems at work.
pub struct Ports<'a, S: Systems> {
    /// EC2.
    pub fleet: &'a S::Fleet,
    /// The Management Node.
    pub management: &'a S::Management,
    /// The ledger.
    pub ledger: &'a S::Ledger,
    /// Time.
    pub clock: &'a S::Clock,
}

impl<'a, F, M, L, C: Clock> Ports<'a, (F, M, L, C)> {
    /// These four.
    pub fn of(fleet: &'a F, management: &'a M, ledger: &'a L, clock: &'a C) -> Self {
        Self { fleet, management, ledger, clock }
    }
}

impl<S: Systems> Clone for Ports<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Systems> Copy for Ports<'_, S> {}

impl<S: Systems> fmt::Debug for Ports<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
