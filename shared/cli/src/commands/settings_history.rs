//! The line of history for a setting that was changed: by whom and why, never the setting itself.

use spillway_core::ledger::{Event, EventKind};
use spillway_engine::ports::LedgerWrite;

use crate::acting::Acting;
use crate::context::Context;
use crate::exit::Failure;

/// Writes the line. The ledger may not be reachable while a platform is set up: the parameter is stored all the same.
pub(super) async fn record(context: &Context, acting: &Acting, what: &str) -> Result<(), Failure> {
    let ledger = context.connector.ledger_without_settings().await?;
    let by = context.caller().await?.by.clone();
    let at = context.now();
    let event = Event {
        id: format!("{at}-settings"),
        at,
        kind: EventKind::Operated,
        instance: None,
        node: None,
        location: None,
        by,
        reason: format!("{what}: {}", acting.reason_or_none()),
    };
    Ok(ledger.append_events(&[event]).await?)
}
