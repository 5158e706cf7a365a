//! Reads what a status shows, with the fewest requests: what changes seldom is taken from the ledger, where a cycle found it so
//! a moment ago. Whoever is about to act reads everything (`read_world`).

use futures_util::future::join;
use spillway_core::policy::Policy;
use spillway_core::snapshot::Snapshot;

use crate::cycle::observe_known;
use crate::ports::{
    CertificateRead, Clock, FleetRead, LedgerRead, LicenceRead, PlatformRefresh, Ports, Systems,
};

/// What a snapshot needs of the systems.
pub trait SnapshotSystems:
    Systems<Fleet: FleetRead, Management: PlatformRefresh + LicenceRead + CertificateRead, Ledger: LedgerRead>
{
}

impl<S> SnapshotSystems for S where
    S: Systems<
            Fleet: FleetRead,
            Management: PlatformRefresh + LicenceRead + CertificateRead,
            Ledger: LedgerRead,
        >
{
}

/// EC2 and the ledger, then the Management Node: seven calls and pages while cycles run and overflow nodes are up, one less
/// while none is, three more where no cycle has read the platform for as long as a report may be old.
pub async fn collect<S: SnapshotSystems>(ports: Ports<'_, S>, policy: &Policy) -> Snapshot {
    let Ports { fleet, management, ledger, clock } = ports;
    let now = clock.now();
    let (ledger, fleet) = join(ledger.read_ledger(now), fleet.read_fleet()).await;
    let known = ledger.as_ref().ok().and_then(|ledger| ledger.known_platform(now, policy.staleness));
    // At most two at a time: a request that finds the database locked is worse than one that waits.
    let observation = observe_known(management, clock, fleet, known).await;
    let (licences, certificates) = if observation.platform.is_ok() {
        join(management.read_licences(), management.read_certificates()).await
    } else {
        // It has said already that it does not answer.
        (Ok(None), Ok(Vec::new()))
    };
    Snapshot { observation, ledger, licences, certificates }
}
