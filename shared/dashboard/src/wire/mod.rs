//! What a refresh sends. One value, and small: it is fetched four times a minute for as long as a page stands open,
//! maybe through a tunnel from a telephone. Rows instead of objects, one dictionary for everything that repeats
//! (locations, types, reasons), and seconds before or after the reading instead of instants. The names of the columns
//! are here and in `assets/page`, and nowhere else; this is no interface for anybody else, `spillway status --json` is.

mod chart;
mod nodes;
mod texts;

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_core::ledger::Event;
use spillway_core::policy::Mode;
use spillway_core::report::{ThresholdWord, actor};
use spillway_view::place;

use crate::source::PageData;
use nodes::pack_nodes;
use texts::Texts;

/// While the Management Node cannot be read, nothing is known of the locations: what was read last is shown, with its
/// age.
pub(crate) fn keep_locations(data: &mut PageData, before: &PageData) {
    let unknown = data.status.principal.is_empty() && data.status.overflow.is_empty();
    if unknown && !data.status.trouble.is_empty() {
        data.status.principal.clone_from(&before.status.principal);
        data.status.overflow.clone_from(&before.status.overflow);
        data.locations_at = before.locations_at;
    }
}

/// The value of a refresh.
pub fn pack(data: &PageData) -> Value {
    let PageData { status, line, load: _, runs: _, windows, last_event, locations_at } = data;
    let at = status.at;
    let mut texts = Texts::default();
    let principal: Vec<Value> = status
        .principal
        .iter()
        .map(|location| {
            let word = match location.word {
                ThresholdWord::Normal => 0,
                ThresholdWord::ApproachingThreshold => 1,
                ThresholdWord::BurstingThresholdReached => 2,
            };
            let (name, overflow) = (texts.of(location.name.as_str()), texts.of(location.overflow.as_str()));
            json!([name, location.free, location.max, location.threshold, word, overflow])
        })
        .collect();
    let overflow: Vec<Value> = status
        .overflow
        .iter()
        .map(|location| {
            let (name, why) = (texts.of(location.name.as_str()), texts.of(&location.why.join("; ")));
            json!([
                name,
                location.free,
                location.max,
                location.booting,
                location.threshold,
                location.ready,
                location.nodes,
                why
            ])
        })
        .collect();
    let nodes = pack_nodes(status, &mut texts);
    let holds: Vec<Value> = status
        .holds
        .iter()
        .map(|hold| {
            json!({
                "id": hold.id, "where": place(&hold.scope, &status.nodes), "amount": hold.amount.to_string(),
                "from": after(at, hold.from), "until": after(at, hold.until),
                "spike": hold.spike_at.map(|spike| after(at, spike)),
                "by": actor(&hold.by), "why": hold.reason,
            })
        })
        .collect();
    let windows: Vec<Value> = windows
        .iter()
        .map(|window| {
            json!({
                "name": window.name, "what": window.what, "from": after(at, window.at),
                "spike": after(at, window.spike_at), "until": after(at, window.until), "skipped": window.skipped,
            })
        })
        .collect();
    let chart = chart::pack(data, &mut texts);
    let first = &status.first;
    json!({
        "platform": status.platform,
        "at": at.as_second(),
        "mode": if status.mode == Mode::Assist { "assist" } else { "control" },
        "dry_run": status.dry_run,
        "line": line,
        "trouble": status.trouble,
        "first": {
            "room": first.room_now, "soon": first.room_in_5_minutes, "held": first.held,
            "ledger_read": first.ledger_read, "licences": first.licences_left, "licences_total": first.licences_total,
            "data_age": first.oldest_report_s,
            "cycle": first.last_cycle.as_ref().map(|cycle| {
                json!({"age": -after(at, cycle.at), "outcome": cycle.word(), "summary": cycle.summary})
            }),
            "good_cycle_age": first.last_good_cycle.map(|good| -after(at, good)),
            "refusal": first.last_refusal.as_ref().map(|refusal| {
                json!({"age": -after(at, refusal.at), "what": refusal.what})
            }),
        },
        "locations_age": -after(at, *locations_at),
        "principal": principal,
        "overflow": overflow,
        "nodes": nodes,
        "holds": holds,
        "windows": windows,
        "edge": status.edge,
        "issues": status.issues,
        "next": status.next.iter().take(20).collect::<Vec<_>>(),
        "next_all": status.next.len(),
        "chart": chart,
        "last_event": last_event.map(jiff::Timestamp::as_millisecond),
        "texts": texts.all,
    })
}

/// The history, oldest first.
pub fn pack_history(events: &[Event]) -> Value {
    let rows: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "at": event.at.as_second(), "kind": event.kind, "node": event.node, "instance": event.instance,
                "location": event.location, "by": actor(&event.by), "why": event.reason,
            })
        })
        .collect();
    json!({"events": rows})
}

/// Seconds from one instant to another, negative for the past. Whole seconds are subtracted, since the page adds them to a
/// whole one: of the difference the rest would be cut off, and a hold until 10:00 would be shown until 09:59.
fn after(at: Timestamp, instant: Timestamp) -> i64 {
    instant.as_second() - at.as_second()
}
