//! What the charts draw: load and capacity by location, and the runs of nodes.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_core::ids::{InstanceId, LocationName};
use spillway_core::ledger::LocationLoad;
use spillway_core::ledger::MinuteOfLoad;
use spillway_view::{NodeRun, Status};

use super::after;
use super::texts::Texts;
use crate::source::{PageData, Window};

/// Locations whose load is drawn; the busiest first. More cannot be told apart on a screen.
const CHARTS: usize = 16;

/// Runs that are drawn; the latest first.
const RUNS: usize = 120;

/// Stretches of time that a chart is made of.
const POINTS: i64 = 72;

/// All of it.
pub(super) fn pack(data: &PageData, texts: &mut Texts) -> Value {
    let PageData { status, load, runs, .. } = data;
    let at = status.at;
    let (locations, bars) = (pack_load(status, load, at, texts), pack_runs(status, runs, at, texts));
    json!({
        "past": Window::CHARTS.past.as_secs(), "ahead": Window::CHARTS.ahead.as_secs(),
        "base": chart_base(at, chart_step()) - at.as_second(), "step": chart_step(),
        "locations": locations, "runs": bars, "runs_all": runs.len(),
    })
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
