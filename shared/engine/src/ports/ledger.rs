//! The ledger: state under a lease, history, load, and what the reconciler keeps.

use jiff::Timestamp;
use jiff::civil::Date;
use spillway_core::fault::Fault;
use spillway_core::ids::{HoldId, InstanceId};
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use spillway_core::outlook::{Days, Profiles};
use spillway_core::reconcile::{NatState, NatWrite};
use std::future::Future;

/// Proof of holding the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who.
    pub owner: String,
    /// The number every write under the lease carries.
    pub token: u64,
}

/// Why a write under the lease did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has the lease, or changed the item first.
    #[error("another cycle has the lease")]
    Lost,
    /// The ledger failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Reads the ledger.
pub trait LedgerRead: Send + Sync {
    /// The whole state, expired items left out: one query.
    fn read_ledger(&self, now: Timestamp) -> impl Future<Output = Result<Ledger, Fault>> + Send;
    /// History between two instants, oldest first.
    fn read_events(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<Event>, Fault>> + Send;
}

/// Reads the load that cycles have recorded. No function needs it; a chart does, and whoever learns from load.
pub trait LoadRead: Send + Sync {
    /// The load of each recorded minute from one instant (included) to another (excluded), oldest first.
    fn read_load(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<MinuteOfLoad>, Fault>> + Send;
}

/// Reads what was learned of the platform's days.
pub trait ForecastRead: Send + Sync {
    /// What was learned, by principal location.
    fn read_profiles(&self) -> impl Future<Output = Result<Profiles, Fault>> + Send;
}

/// Closes days and stores what was learned from them.
pub trait ForecastWrite: ForecastRead {
    /// The closed days from a date on, by principal location.
    fn read_days(&self, since: Date) -> impl Future<Output = Result<Days, Fault>> + Send;
    /// Stores days; one that is there is replaced.
    fn put_days(&self, days: &Days) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores what was learned in the place of what was.
    fn put_profiles(&self, profiles: &Profiles) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Writes the ledger.
pub trait LedgerWrite: LedgerRead {
    /// Takes the lease if the `CYCLE` item still has the token that was seen. The rule of when to try is the
    /// cycle's; the ledger only swaps.
    fn take_lease(
        &self,
        seen: &CycleRecord,
        owner: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Lease, LeaseError>> + Send;
    /// Writes node records, all under the lease; each must still have the version it carries (0: not there yet),
    /// and is stored with the next version.
    fn put_nodes(
        &self,
        lease: &Lease,
        records: &[(InstanceId, NodeRecord)],
    ) -> impl Future<Output = Result<(), LeaseError>> + Send;
    /// Gives the lease back and stores the digest, one write.
    fn finish(&self, lease: &Lease, digest: &Digest) -> impl Future<Output = Result<(), LeaseError>> + Send;
    /// Ends a cycle that had nothing to change, in one write: if the `CYCLE` item still has the token that was
    /// seen, the token moves on, the lease is free, the digest is stored, and so is the load of the minute.
    fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> impl Future<Output = Result<(), LeaseError>> + Send;
    /// Appends history, without the lease. A repeated id is the same item.
    fn append_events(&self, events: &[Event]) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores the load of one minute, without the lease.
    fn put_load(
        &self,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores what changes seldom at the Management Node, without the lease.
    fn put_platform(&self, platform: &KnownPlatform) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores a hold; the same id replaces.
    fn put_hold(&self, hold: &Hold) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes a hold; one that is not there is fine.
    fn remove_hold(&self, id: &HoldId) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stores a request.
    fn put_request(&self, request: &Request) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes a request that was met; one that is not there is fine.
    fn remove_request(&self, id: &str) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The ledger as the reconciler uses it, without the lease.
pub trait NatLedger: Send + Sync {
    /// The whole state and the reconciler's own items, expired items left out: one query.
    fn read_nat(&self, now: Timestamp) -> impl Future<Output = Result<NatState, Fault>> + Send;
    /// Writes records and history. A record is written if it still has the version it carries (0: not there yet), with
    /// the next version, together with its event or not at all; one that somebody else changed in between is left as it
    /// is. What was seen is appended, and a repeated event is the same item.
    fn write_nat(
        &self,
        writes: &[NatWrite],
        seen: &[Event],
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}
