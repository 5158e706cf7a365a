//! A ledger in memory with the conditional writes of the real one, so that two evaluators can race for it in a
//! test. It can be made to fail, and to forget.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use spillway_core::fault::Fault;
use spillway_core::ids::{HoldId, InstanceId};
use spillway_core::ledger::MinuteOfLoad;
use spillway_core::ledger::{
    CycleRecord, Digest, Event, Hold, KnownPlatform, Ledger, LocationLoad, NodeRecord, Request,
};
use spillway_core::outlook::{Days, Profiles};
use spillway_core::reconcile::{NatRecord, NatState, NatWrite};
use spillway_engine::ports::{
    ForecastRead, ForecastWrite, Lease, LeaseError, LedgerRead, LedgerWrite, LoadRead, NatLedger,
};

#[derive(Debug, Clone, Default)]
struct Items {
    cycle: CycleRecord,
    nodes: BTreeMap<InstanceId, NodeRecord>,
    nat: BTreeMap<InstanceId, NatRecord>,
    holds: BTreeMap<HoldId, Hold>,
    requests: BTreeMap<String, Request>,
    platform: Option<KnownPlatform>,
    /// By instant and id, as the real table has them.
    events: BTreeMap<(Timestamp, String), Event>,
    loads: BTreeMap<Timestamp, Vec<LocationLoad>>,
    days: Days,
    profiles: Profiles,
    fault: Option<Fault>,
    writes: u64,
}

impl Items {
    /// The first line of a key stays, except that one that names an actor completes one that does not.
    fn append(&mut self, events: &[Event]) {
        for event in events {
            match self.events.entry((event.at, event.id.clone())) {
                Entry::Vacant(place) => {
                    place.insert(event.clone());
                }
                Entry::Occupied(mut there) if event.completes(there.get()) => {
                    there.insert(event.clone());
                }
                Entry::Occupied(_) => {}
            }
        }
    }
}

/// One table; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    items: Arc<Mutex<Items>>,
}

impl MemoryLedger {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every read and write fails, until it is given `None`.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.items().fault = fault;
    }

    /// Loses everything.
    pub fn forget(&self) {
        let mut items = self.items();
        let fault = items.fault.take();
        *items = Items { fault, ..Items::default() };
    }

    /// Successful writes so far.
    pub fn writes(&self) -> u64 {
        self.items().writes
    }

    /// All history, oldest first; what was written under two instants once, as the real ledger reads it.
    pub fn events(&self) -> Vec<Event> {
        let mut events = self.stored_events();
        let mut seen = BTreeSet::new();
        events.retain(|event| seen.insert(event.id.clone()));
        events
    }

    /// The items of the history as they are stored, oldest first.
    pub fn stored_events(&self) -> Vec<Event> {
        self.items().events.values().cloned().collect()
    }

    /// The loads stored so far.
    pub fn loads(&self) -> Vec<(Timestamp, Vec<LocationLoad>)> {
        self.items().loads.iter().map(|(at, load)| (*at, load.clone())).collect()
    }

    /// What the reconciler remembers.
    pub fn nat_records(&self) -> BTreeMap<InstanceId, NatRecord> {
        self.items().nat.clone()
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<MutexGuard<'_, Items>, Fault> {
        let items = self.items();
        match &items.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(items),
        }
    }

    fn writing(&self) -> Result<MutexGuard<'_, Items>, Fault> {
        let mut items = self.working()?;
        items.writes += 1;
        Ok(items)
    }

    fn under(&self, lease: &Lease) -> Result<MutexGuard<'_, Items>, LeaseError> {
        let items = self.working()?;
        let held = items.cycle.token == lease.token && items.cycle.owner.as_deref() == Some(&lease.owner);
        if held { Ok(items) } else { Err(LeaseError::Lost) }
    }
}

impl LedgerRead for MemoryLedger {
    async fn read_ledger(&self, now: Timestamp) -> Result<Ledger, Fault> {
        let items = self.working()?;
        Ok(Ledger {
            cycle: items.cycle.clone(),
            nodes: items.nodes.clone(),
            // What has ended is left out, as an item past its time to live is.
            holds: items.holds.values().filter(|hold| now < hold.until).cloned().collect(),
            requests: items.requests.values().cloned().collect(),
            platform: items.platform.clone(),
        })
    }

    async fn read_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        drop(self.working()?);
        Ok(self.events().into_iter().filter(|event| from <= event.at && event.at < until).collect())
    }
}

impl ForecastRead for MemoryLedger {
    async fn read_profiles(&self) -> Result<Profiles, Fault> {
        Ok(self.working()?.profiles.clone())
    }
}

impl ForecastWrite for MemoryLedger {
    async fn read_days(&self, since: Date) -> Result<Days, Fault> {
        let mut days = self.working()?.days.clone();
        for days in days.values_mut() {
            days.retain(|day| day.date >= since);
        }
        Ok(days)
    }

    async fn put_days(&self, days: &Days) -> Result<(), Fault> {
        let mut items = self.working()?;
        for (name, days) in days {
            let there = items.days.entry(name.clone()).or_default();
            there.retain(|day| days.iter().all(|new| new.date != day.date));
            there.extend(days.iter().cloned());
        }
        Ok(())
    }

    async fn put_profiles(&self, profiles: &Profiles) -> Result<(), Fault> {
        self.working()?.profiles.extend(profiles.clone());
        Ok(())
    }
}

impl LoadRead for MemoryLedger {
    async fn read_load(&self, from: Timestamp, until: Timestamp) -> Result<Vec<MinuteOfLoad>, Fault> {
        let items = self.working()?;
        let minutes = items.loads.range(from..until);
        Ok(minutes.map(|(at, load)| MinuteOfLoad { at: *at, locations: load.clone() }).collect())
    }
}

impl LedgerWrite for MemoryLedger {
    async fn take_lease(&self, seen: &CycleRecord, owner: &str, now: Timestamp) -> Result<Lease, LeaseError> {
        let mut items = self.working()?;
        if items.cycle.token != seen.token {
            return Err(LeaseError::Lost);
        }
        items.writes += 1;
        items.cycle.token += 1;
        items.cycle.owner = Some(owner.to_owned());
        items.cycle.taken_at = Some(now);
        Ok(Lease { owner: owner.to_owned(), token: items.cycle.token })
    }

    async fn put_nodes(&self, lease: &Lease, records: &[(InstanceId, NodeRecord)]) -> Result<(), LeaseError> {
        let mut items = self.under(lease)?;
        let current = |id: &InstanceId| items.nodes.get(id).map_or(0, |record| record.version);
        if records.iter().any(|(id, record)| current(id) != record.version) {
            return Err(LeaseError::Lost);
        }
        if !records.is_empty() {
            items.writes += 1;
        }
        for (id, record) in records {
            let next = NodeRecord { version: record.version + 1, ..record.clone() };
            items.nodes.insert(id.clone(), next);
        }
        Ok(())
    }

    async fn finish(&self, lease: &Lease, digest: &Digest) -> Result<(), LeaseError> {
        let mut items = self.under(lease)?;
        items.writes += 1;
        items.cycle.owner = None;
        items.cycle.digest = Some(digest.clone());
        Ok(())
    }

    async fn close_idle(
        &self,
        seen: &CycleRecord,
        digest: &Digest,
        at: Timestamp,
        load: &[LocationLoad],
    ) -> Result<(), LeaseError> {
        let mut items = self.working()?;
        if items.cycle.token != seen.token {
            return Err(LeaseError::Lost);
        }
        items.writes += 1;
        items.cycle.token += 1;
        items.cycle.owner = None;
        items.cycle.digest = Some(digest.clone());
        if !load.is_empty() {
            items.loads.insert(at, load.to_vec());
        }
        Ok(())
    }

    async fn append_events(&self, events: &[Event]) -> Result<(), Fault> {
        let mut items = self.writing()?;
        items.append(events);
        Ok(())
    }

    async fn put_load(&self, at: Timestamp, load: &[LocationLoad]) -> Result<(), Fault> {
        self.writing()?.loads.insert(at, load.to_vec());
        Ok(())
    }

    async fn put_platform(&self, platform: &KnownPlatform) -> Result<(), Fault> {
        self.writing()?.platform = Some(platform.clone());
        Ok(())
    }

    async fn put_hold(&self, hold: &Hold) -> Result<(), Fault> {
        self.writing()?.holds.insert(hold.id.clone(), hold.clone());
        Ok(())
    }

    async fn remove_hold(&self, id: &HoldId) -> Result<(), Fault> {
        self.writing()?.holds.remove(id);
        Ok(())
    }

    async fn put_request(&self, request: &Request) -> Result<(), Fault> {
        self.writing()?.requests.insert(request.id.clone(), request.clone());
        Ok(())
    }

    async fn remove_request(&self, id: &str) -> Result<(), Fault> {
        self.writing()?.requests.remove(id);
        Ok(())
    }
}

impl NatLedger for MemoryLedger {
    async fn read_nat(&self, now: Timestamp) -> Result<NatState, Fault> {
        let ledger = self.read_ledger(now).await?;
        Ok(NatState { ledger, records: self.nat_records() })
    }

    async fn write_nat(&self, writes: &[NatWrite], seen: &[Event]) -> Result<(), Fault> {
        let mut items = self.writing()?;
        for NatWrite { instance, record, event } in writes {
            if items.nat.get(instance).map_or(0, |there| there.version) != record.version {
                continue;
            }
            let next = NatRecord { version: record.version + 1, ..record.clone() };
            items.nat.insert(instance.clone(), next);
            items.append(event.as_slice());
        }
        items.append(seen);
        Ok(())
    }
}
