//! The rows of overflow nodes.

use serde_json::{Value, json};
use spillway_core::ids::InstanceId;
use spillway_core::report::actor;
use spillway_view::{OverflowNode, Status};

use super::after;
use super::texts::Texts;

/// Conferences that are named; a tooltip's worth for a platform of ordinary size.
const CONFERENCES: usize = 100;

pub(super) fn pack_nodes(status: &Status, texts: &mut Texts) -> Vec<Value> {
    let at = status.at;
    let mut named = CONFERENCES;
    status
        .nodes
        .iter()
        .map(|node| {
            let OverflowNode {
                instance,
                name,
                location,
                instance_type: _,
                state,
                since,
                max,
                free,
                started_by,
                started_why,
                held_until,
                conferences,
                hosting,
                why,
            } = node;
            let location = location.as_ref().map(|location| texts.of(location.as_str()));
            let started = started_why.as_ref().map(|why| {
                let by = started_by.as_ref().map_or("", actor);
                texts.of(&format!("{by}: {why}"))
            });
            let shown = conferences.len().min(named);
            named -= shown;
            // What only a running node has comes last.
            let mut row = vec![
                json!(name),
                json!(short(instance)),
                json!(location.map_or(0, |index| index + 1)),
                json!(texts.of(state.word())),
                json!(texts.of(&why.join("; "))),
                json!(max),
                json!(free),
                json!(since.map_or(0, |since| (-after(at, since)).max(1))),
                json!(started.map_or(0, |index| index + 1)),
                json!(held_until.map_or(0, |until| after(at, until).max(1))),
                json!(hosting),
                json!(&conferences[..shown]),
            ];
            while row.last().is_some_and(is_nothing) {
                row.pop();
            }
            Value::Array(row)
        })
        .collect()
}

/// What EC2 begins every id with goes without saying; an id of another shape is left as it is.
fn short(instance: &InstanceId) -> &str {
    let id = instance.as_str();
    let is_hex = |rest: &&str| rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    id.strip_prefix("i-").filter(is_hex).unwrap_or(id)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Array(all) => all.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        _ => false,
    }
}
