//! A refresh, read through the core's ports: the status, the load and the lives of the last hours.

use jiff::tz::TimeZone;
use spillway_core::cycle::{Ports, read_world};
use spillway_core::policy::Policy;
use spillway_core::ports::{Clock, FleetRead, LedgerRead, LicenceRead, LoadRead, ManagementRead};

use super::lives::lives;
use super::memory::Memory;
use super::source::{PageData, WindowLine};
use crate::make::{Read, status};
use crate::text::{View, first_line};

/// Reads everything that a refresh shows; the windows to come are given, since no port knows them. What cannot be read is
/// said in the status; the past that was read before is kept.
pub async fn read_page<F, M, L, C>(
    ports: Ports<'_, F, M, L, C>,
    policy: &Policy,
    platform: &str,
    zone: &TimeZone,
    memory: &mut Memory,
    windows: Vec<WindowLine>,
) -> PageData
where
    F: FleetRead,
    M: ManagementRead + LicenceRead,
    L: LedgerRead + LoadRead,
    C: Clock,
{
    let (licences, (observation, ledger)) = tokio::join!(ports.management.read_licences(), read_world(ports));
    // A Management Node that does not answer has said so already, in the observation.
    let licences = licences.ok().flatten().map(|licences| (licences.ports_used, licences.ports_total));
    let now = ports.clock.now();
    let read = Read { platform, policy, observation: &observation, ledger: &ledger, licences, now };
    let (mut status, _) = status(&read);
    // A ledger that is down has been said by the status already.
    if ledger.is_ok()
        && let Err(fault) = memory.refresh(ports.ledger, now).await
    {
        status.trouble.push(crate::status::Trouble { what: fault.to_string(), remedy: fault.remedy });
    }
    let line = first_line(&status, &View { zone: zone.clone(), now, all: true, width: None });
    PageData {
        line,
        load: memory.load(),
        lives: lives(&memory.events(), &status.nodes),
        windows,
        last_event: memory.last_event(),
        locations_at: status.at,
        status,
    }
}
