//! The table of overflow nodes.

use spillway_core::ledger::Actor;
use spillway_core::report::{NodeReason, actor};

use super::{Page, View};
use crate::clean::clip;
use crate::paint::{Paint, Tone};
use crate::status::{NodeState, OverflowNode, Status};
use crate::table::{Align, Columns};
use crate::time::{age, clock, local};

pub(super) fn nodes<P: Paint>(status: &Status, view: &View, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("overflow node", Align::Left),
        ("state", Align::Left),
        ("since", Align::Left),
        ("free HD", Align::Right),
        ("of", Align::Right),
        ("hosting", Align::Left),
        ("held until", Align::Left),
        ("why", Align::Left),
    ]);
    let mut tones = Vec::new();
    let is_shown = |node: &&OverflowNode| view.all || node.state != NodeState::Stopped;
    for node in status.nodes.iter().filter(is_shown) {
        columns.row(row(node, view));
        tones.push(match node.state {
            NodeState::FailedStart | NodeState::Degraded => Tone::Bad,
            NodeState::Maintenance | NodeState::BackingOff => Tone::Warn,
            _ => Tone::Plain,
        });
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
    let hidden = status.nodes.iter().filter(|node| !is_shown(node)).count();
    if hidden > 0 {
        if columns.is_empty() {
            page.line(Tone::Plain, "");
        }
        let nodes = if hidden == 1 { "node" } else { "nodes" };
        page.line(Tone::Plain, &format!("{hidden} overflow {nodes} stopped"));
    }
}

fn row(node: &OverflowNode, view: &View) -> [String; 8] {
    let hosting = match node.conferences.as_slice() {
        [] => String::new(),
        [name] if node.hosting == 1 => clip(name, 24),
        _ => format!("{} conferences", node.hosting),
    };
    // Why it runs, then what the rules say of it now.
    let started = node.started_why.as_ref().map(|why| match &node.started_by {
        Some(Actor::Spillway) | None => format!("started: {why}"),
        Some(by) => format!("started by {}: {why}", actor(by)),
    });
    let now = node.why.iter().filter(|why| !says_the_state(why, node.state)).cloned();
    [
        node.name.to_string(),
        node.state.word().to_owned(),
        node.since.map_or_else(String::new, |at| {
            format!("{} ({})", clock(at, view.now, &view.zone), age(at, view.now))
        }),
        if node.state == NodeState::Ready { node.free.to_string() } else { "-".to_owned() },
        node.max.to_string(),
        hosting,
        node.held_until.map_or_else(String::new, |at| clock(at, view.now, &view.zone)),
        local(&now.chain(started).collect::<Vec<_>>().join("; "), view.now, &view.zone),
    ]
}

/// Whether a reason only repeats the state's word.
fn says_the_state(why: &str, state: NodeState) -> bool {
    match state {
        NodeState::Stopped => why == NodeReason::Stopped.to_string(),
        NodeState::Retired => why == NodeReason::Retired.to_string(),
        NodeState::Stopping => why == NodeReason::Stopping.to_string(),
        _ => false,
    }
}
