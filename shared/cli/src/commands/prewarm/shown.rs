//! How windows are shown, in lists and in previews.

use spillway_core::ledger::HoldScope;
use spillway_scheduler::{Window, Windows};
use spillway_view::scope;
use spillway_view::table::Columns;

use crate::exit::Exit;
use crate::output;

/// Names the windows that cannot be read; whether they would fire is not known.
pub(super) fn note_bad(windows: &Windows) {
    for bad in &windows.bad {
        output::note(&format!("window {} cannot be read: {}", bad.name, bad.error));
    }
}

pub(super) fn exit_of(windows: &Windows) -> Exit {
    if windows.bad.is_empty() { Exit::Done } else { Exit::Partly }
}

/// Where the nodes are held.
pub(super) fn place(window: &Window) -> String {
    scope(&window.spec.location.clone().map_or(HoldScope::All, HoldScope::Location))
}

pub(super) fn lines(columns: &Columns) -> String {
    // Every cell was cleaned when it was put in.
    let mut text = columns.lines().join("\n");
    text.push('\n');
    text
}
