//! What a cycle reads.

use futures_util::future::join;
use spillway_core::ledger::{KnownPlatform, Ledger};
use spillway_core::observation::{Fleet, InstanceState, Observation, Reading};

use crate::ports::{Clock, FleetRead, LedgerRead, ManagementRead, PlatformRefresh, Ports, Systems};
use spillway_core::observation::PlatformScope;

/// What a cycle reads, with the reading halves of the ports alone: for whoever wants to know what a cycle would do
/// and may not do it.
pub async fn read_world<S>(ports: Ports<'_, S>) -> (Observation, Reading<Ledger>)
where
    S: Systems<Fleet: FleetRead, Management: ManagementRead, Ledger: LedgerRead>,
{
    let now = ports.clock.now();
    let (ledger, fleet) = join(ports.ledger.read_ledger(now), ports.fleet.read_fleet()).await;
    (observe_beside(ports.management, ports.clock, fleet).await, ledger)
}

/// Reads the Management Node.
pub(super) async fn observe_beside<M: ManagementRead, C: Clock>(
    management: &M,
    clock: &C,
    fleet: Reading<Fleet>,
) -> Observation {
    // What is read afterwards is not older than this.
    let observed_at = clock.now();
    let platform = management.read_platform(scope(&fleet)).await;
    Observation { observed_at, platform, fleet }
}

/// The same for whoever only looks, where what changes seldom may be known.
pub async fn observe_known<M: PlatformRefresh, C: Clock>(
    management: &M,
    clock: &C,
    fleet: Reading<Fleet>,
    known: Option<&KnownPlatform>,
) -> Observation {
    let observed_at = clock.now();
    let platform = match known {
        Some(known) => management.refresh_platform(known, scope(&fleet)).await,
        None => management.read_platform(scope(&fleet)).await,
    };
    Observation { observed_at, platform, fleet }
}

/// The shards are read only while overflow nodes run.
fn scope(fleet: &Reading<Fleet>) -> PlatformScope {
    let shards = fleet.as_ref().is_ok_and(|fleet| {
        fleet.instances.iter().any(|instance| {
            matches!(
                instance.state,
                InstanceState::Pending | InstanceState::Running | InstanceState::Stopping
            )
        })
    });
    PlatformScope { shards }
}
