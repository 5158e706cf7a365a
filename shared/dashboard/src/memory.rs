//! What the page has read of the past already. The past does not change: a refresh asks the ledger for the last
//! minutes only, so that a page that stands open all day costs the ledger as good as nothing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ledger::Event;
use spillway_core::ledger::MinuteOfLoad;
use spillway_engine::ports::{LedgerRead, LoadRead};

use crate::source::Window;

/// A cycle writes what it did some time after it happened: the last minutes are read again.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// The events and the load of the charts' time.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    read_until: Option<Timestamp>,
    events: BTreeMap<(Timestamp, String), Event>,
    load: BTreeMap<Timestamp, MinuteOfLoad>,
}

impl Memory {
    /// Reads what is new.
    ///
    /// # Errors
    /// The ledger's fault; what was read before stays.
    pub async fn refresh<L: LedgerRead + LoadRead>(
        &mut self,
        ledger: &L,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let first = now - Window::CHARTS.past;
        // A clock that was set back makes what is known worthless.
        let known = self.read_until.filter(|until| *until <= now);
        if known.is_none() {
            self.events.clear();
            self.load.clear();
        }
        let from = known.map_or(first, |until| (until - OVERLAP).max(first));
        // The last cycle's lines may carry a moment after ours.
        let until = now + SignedDuration::from_mins(2);
        let events = ledger.read_events(from, until).await?;
        let load = ledger.read_load(from, until).await?;
        self.events.extend(events.into_iter().map(|event| ((event.at, event.id.clone()), event)));
        self.load.extend(load.into_iter().map(|minute| (minute.at, minute)));
        self.events.retain(|(at, _), _| *at >= first);
        self.load.retain(|at, _| *at >= first);
        self.read_until = Some(now);
        Ok(())
    }

    /// The events, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.events.values().cloned().collect()
    }

    /// The load, oldest first.
    pub fn load(&self) -> Vec<MinuteOfLoad> {
        self.load.values().cloned().collect()
    }

    /// When the last event was.
    pub fn last_event(&self) -> Option<Timestamp> {
        self.events.last_key_value().map(|((at, _), _)| *at)
    }
}
