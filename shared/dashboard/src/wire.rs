//! What a refresh sends. One value, and small: it is fetched four times a minute for as long as a page stands open,
//! maybe through a tunnel from a telephone. Rows instead of objects, one dictionary for everything that repeats
//! (locations, types, reasons), and seconds before or after the reading instead of instants. The names of the columns
//! are here and in `page.js`, and nowhere else; this is no interface for anybody else, `spillway status --json` is.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_core::ids::{InstanceId, LocationName};
use spillway_core::ledger::{Event, LocationLoad};
use spillway_core::policy::Mode;
use spillway_core::ports::MinuteOfLoad;
use spillway_core::report::{ThresholdWord, actor};

use crate::source::{PageData, Window};
use spillway_view::{NodeRun, OverflowNode, Status, place};

/// Locations whose load is drawn; the busiest first. More cannot be told apart on a screen.
const CHARTS: usize = 16;

/// Runs that are drawn; the latest first.
const RUNS: usize = 120;

/// Conferences that are named; a tooltip's worth for a platform of ordinary size.
const CONFERENCES: usize = 100;

/// Reasons that are longer are cut: EC2's encoded messages run to kilobytes.
const LONGEST_TEXT: usize = 300;

/// Stretches of time that a chart is made of.
const POINTS: i64 = 72;

/// Everything that repeats, once.
#[derive(Default)]
struct Texts {
    index: HashMap<String, usize>,
    all: Vec<String>,
}

impl Texts {
    fn of(&mut self, text: &str) -> usize {
        let text = match text.char_indices().nth(LONGEST_TEXT) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        if let Some(index) = self.index.get(&text) {
            return *index;
        }
        self.all.push(text.clone());
        self.index.insert(text, self.all.len() - 1);
        self.all.len() - 1
    }
}

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
    let PageData { status, line, load, runs, windows, last_event, locations_at } = data;
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
    let charts = pack_load(status, load, at, &mut texts);
    let bars = pack_runs(status, runs, at, &mut texts);
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
            "licences": first.licences_left, "licences_total": first.licences_total,
            "data_age": first.oldest_report_s,
            "cycle": first.last_cycle.as_ref().map(|cycle| {
                json!({"age": -after(at, cycle.at), "outcome": cycle.outcome, "summary": cycle.summary})
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
        "chart": {
            "past": Window::CHARTS.past.as_secs(), "ahead": Window::CHARTS.ahead.as_secs(),
            "base": chart_base(at, chart_step()) - at.as_second(), "step": chart_step(),
            "locations": charts, "runs": bars, "runs_all": runs.len(),
        },
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

fn pack_nodes(status: &Status, texts: &mut Texts) -> Vec<Value> {
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

/// When the charts begin, by the clock, so that a point does not wander from one refresh to the next.
fn chart_base(at: Timestamp, step: i64) -> i64 {
    (at.as_second() - Window::CHARTS.past.as_secs()).div_euclid(step) * step
}

fn chart_step() -> i64 {
    (Window::CHARTS.past.as_secs() / POINTS).max(60)
}

/// Load and capacity by location: `[name, threshold, principal, [load, …], [capacity, …]]`, a value for each stretch of time
/// and `null` where nothing is known. Of each stretch the minute with the highest load is drawn, so that a short peak is
/// not averaged away.
fn pack_load(status: &Status, minutes: &[MinuteOfLoad], at: Timestamp, texts: &mut Texts) -> Vec<Value> {
    let step = chart_step();
    let base = chart_base(at, step);
    let length = usize::try_from((at.as_second() - base) / step).unwrap_or(0) + 1;
    let last = MinuteOfLoad { at, locations: loads_now(status) };
    let mut by_location: BTreeMap<&LocationName, Vec<Option<(u32, u32)>>> = BTreeMap::new();
    for minute in minutes.iter().chain([&last]) {
        let Ok(index) = usize::try_from((minute.at.as_second() - base).div_euclid(step)) else { continue };
        for LocationLoad { location, free, max } in &minute.locations {
            let used = max.minus(*free).0;
            let points = by_location.entry(location).or_insert_with(|| vec![None; length]);
            let Some(point) = points.get_mut(index) else { continue };
            if point.is_none_or(|(before, _)| used >= before) {
                *point = Some((used, max.0));
            }
        }
    }
    let thresholds: HashMap<&LocationName, u32> = status
        .principal
        .iter()
        .map(|location| (&location.name, location.threshold.0))
        .chain(status.overflow.iter().map(|location| (&location.name, location.threshold.0)))
        .collect();
    // Principal locations first, then by the highest load.
    let is_principal = |name: &LocationName| status.principal.iter().any(|location| location.name == *name);
    let mut order: Vec<_> = by_location.into_iter().collect();
    order.sort_by_cached_key(|(name, points)| {
        let most = points.iter().flatten().map(|(used, _)| *used).max().unwrap_or(0);
        (!is_principal(name), std::cmp::Reverse(most), (*name).clone())
    });
    order
        .into_iter()
        .take(CHARTS)
        .map(|(name, points)| {
            let used: Vec<_> = points.iter().map(|point| point.map(|(used, _)| used)).collect();
            let max: Vec<_> = points.iter().map(|point| point.map(|(_, max)| max)).collect();
            json!([texts.of(name.as_str()), thresholds.get(name), is_principal(name), used, max])
        })
        .collect()
}

/// What was read a moment ago, as the last minute of load.
fn loads_now(status: &Status) -> Vec<LocationLoad> {
    let principal = status.principal.iter().map(|location| LocationLoad {
        location: location.name.clone(),
        free: location.free,
        max: location.max,
    });
    let overflow = status.overflow.iter().map(|location| LocationLoad {
        location: location.name.clone(),
        free: location.free,
        max: location.max,
    });
    principal.chain(overflow).collect()
}

fn pack_runs(status: &Status, runs: &[NodeRun], at: Timestamp, texts: &mut Texts) -> Vec<Value> {
    let places: HashMap<&InstanceId, usize> =
        status.nodes.iter().enumerate().map(|(place, node)| (&node.instance, place)).collect();
    let first = at.saturating_sub(Window::CHARTS.past).unwrap_or(at);
    let seconds = |instant: &Option<Timestamp>| instant.map(|instant| after(at, instant));
    runs.iter()
        .rev()
        .filter(|run| run.until.is_none_or(|until| until >= first))
        .take(RUNS)
        .map(|run| {
            let NodeRun {
                instance,
                node,
                location: _,
                from,
                ready,
                drain,
                until,
                failed,
                by: _,
                reason: _,
                ended,
            } = run;
            // A node that is listed is named by its place in the list; one without a name by its instance.
            let name = || node.as_ref().map_or(instance.as_str(), |node| node.as_str());
            let place = places.get(instance).map_or_else(|| json!(name()), |place| json!(place));
            json!([
                place,
                seconds(from),
                seconds(ready),
                seconds(drain),
                seconds(until),
                u8::from(*failed),
                texts.of(&run.began()),
                texts.of(ended)
            ])
        })
        .collect()
}

/// Seconds from one instant to another, negative for the past. Whole seconds are subtracted, since the page adds them to a
/// whole one: of the difference the rest would be cut off, and a hold until 10:00 would be shown until 09:59.
fn after(at: Timestamp, instant: Timestamp) -> i64 {
    instant.as_second() - at.as_second()
}
