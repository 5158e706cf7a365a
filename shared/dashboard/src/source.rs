//! What stands behind the page.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::fault::Fault;
use spillway_core::ledger::Event;
use spillway_core::ledger::MinuteOfLoad;

use crate::action::{Answer, PageAction, Preview};
use spillway_view::{NodeRun, Status};

/// Everything that one refresh shows.
#[derive(Debug, Clone, PartialEq)]
pub struct PageData {
    /// The status, as the command line shows it.
    pub status: Status,
    /// Its first line.
    pub line: String,
    /// The load of the last hours, a minute at a time.
    pub load: Vec<MinuteOfLoad>,
    /// The runs of overflow nodes in that time, the earliest first.
    pub runs: Vec<NodeRun>,
    /// Pre-warm windows to come.
    pub windows: Vec<WindowLine>,
    /// When the last event of the history was: a page that shows the history fetches it again when this changes.
    pub last_event: Option<Timestamp>,
    /// When the locations were read: earlier than the rest while the Management Node cannot be read.
    pub locations_at: Timestamp,
}

/// A pre-warm window that will fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowLine {
    /// The window's name.
    pub name: String,
    /// What it asks for, in words.
    pub what: String,
    /// When it fires.
    pub at: Timestamp,
    /// When the spike is expected.
    pub spike_at: Timestamp,
    /// When its hold ends.
    pub until: Timestamp,
    /// Whether it does nothing then: the date is one of those to skip.
    pub skipped: bool,
}

/// The time that the charts show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How far back.
    pub past: SignedDuration,
    /// How far ahead.
    pub ahead: SignedDuration,
}

impl Window {
    /// A morning and what comes next: long enough to see a spike as a whole, short enough to read a minute.
    pub const CHARTS: Self =
        Self { past: SignedDuration::from_hours(6), ahead: SignedDuration::from_hours(2) };
}

/// What the page shows and does.
pub trait PageSource: Send + Sync + 'static {
    /// Reads everything that a refresh shows. What could not be read is in the status; an error is for when there is
    /// nothing to show at all.
    fn read(&self) -> impl Future<Output = Result<PageData, Fault>> + Send;
    /// The history between two instants, oldest first.
    fn history(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<Event>, Fault>> + Send;
    /// Now, by the clock that the platform lives by.
    fn now(&self) -> Timestamp;
    /// What would be done. Changes nothing.
    fn preview(&self, action: &PageAction) -> impl Future<Output = Result<Preview, Fault>> + Send;
    /// Does it, and says what came of it.
    fn act(&self, action: &PageAction) -> impl Future<Output = Result<Answer, Fault>> + Send;
}
