//! What the ledger tells of a period: its events, and from when until when nodes ran.

use jiff::{SignedDuration, Timestamp};
use spillway_core::ledger::{Event, Ledger};
use spillway_core::ports::LedgerRead;
use spillway_dynamodb::DynamoLedger;
use spillway_status::{PastLife, lives};

use crate::exit::Failure;

/// The start of a node that ran when the period began is searched this far back. A node that started before that, and has
/// stopped, counts from there.
const BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A period.
pub(super) struct Past {
    pub(super) events: Vec<Event>,
    pub(super) lives: Vec<PastLife>,
}

pub(super) async fn past(ledger: &DynamoLedger, from: Timestamp, until: Timestamp) -> Result<Past, Failure> {
    let read_from = from.saturating_sub(BEFORE).unwrap_or(from);
    let (events, state) = tokio::join!(ledger.read_events(read_from, until), ledger.read_ledger(until));
    let (events, state): (Vec<Event>, Ledger) = (events?, state?);
    let lives = lives(&events, Some(&state), read_from);
    Ok(Past { events, lives })
}
