//! What the ledger tells of a period: its events, and from when until when nodes ran.

use jiff::{SignedDuration, Timestamp};
use spillway_core::ledger::{Event, Ledger};
use spillway_dynamodb::DynamoLedger;
use spillway_engine::ports::LedgerRead;
use spillway_view::{NodeRun, Present, node_runs};

use crate::exit::Failure;

/// The start of a node that ran when the period began is searched this far back. A node that started before that, and has
/// stopped, counts from there.
const BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A period.
pub(super) struct Past {
    pub(super) events: Vec<Event>,
    pub(super) runs: Vec<NodeRun>,
}

pub(super) async fn past(ledger: &DynamoLedger, from: Timestamp, until: Timestamp) -> Result<Past, Failure> {
    let read_from = from.saturating_sub(BEFORE).unwrap_or(from);
    let (events, state) = tokio::join!(ledger.read_events(read_from, until), ledger.read_ledger(until));
    let (events, state): (Vec<Event>, Ledger) = (events?, state?);
    let runs = node_runs(&events, &Present::of_ledger(&state));
    Ok(Past { events, runs })
}
