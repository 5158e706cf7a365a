//! A refresh, read through the engine's ports: the status, the load and the runs of the last hours.

use jiff::tz::TimeZone;
use spillway_core::policy::Policy;
use spillway_engine::ports::{Clock, LoadRead, Ports, Systems};

use crate::memory::Memory;
use crate::source::{PageData, WindowLine};
use spillway_engine::{SnapshotSystems, collect};
use spillway_view::{Present, Trouble, View, build_status, first_line, node_runs};

/// Reads everything that a refresh shows; the windows to come are given, since no port knows them. What cannot be read is
/// said in the status; the past that was read before is kept.
pub async fn read_page<S>(
    ports: Ports<'_, S>,
    policy: &Policy,
    platform: &str,
    zone: &TimeZone,
    memory: &mut Memory,
    windows: Vec<WindowLine>,
) -> PageData
where
    S: SnapshotSystems + Systems<Ledger: LoadRead>,
{
    let snapshot = collect(ports, policy).await;
    let now = ports.clock.now();
    let mut status = build_status(platform, policy, &snapshot, now);
    // A ledger that is down has been said by the status already.
    if snapshot.ledger.is_ok()
        && let Err(fault) = memory.refresh(ports.ledger, now).await
    {
        status.trouble.push(Trouble { what: fault.to_string(), remedy: fault.remedy });
    }
    let line = first_line(&status, &View { zone: zone.clone(), now, all: true, width: None });
    PageData {
        line,
        load: memory.load(),
        runs: node_runs(&memory.events(), &Present::of_nodes(&status.nodes)),
        windows,
        last_event: memory.last_event(),
        locations_at: status.at,
        status,
    }
}
