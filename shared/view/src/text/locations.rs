//! The tables of locations.

use spillway_core::report::ThresholdWord;

use super::{Page, View};
use crate::paint::{Paint, Tone};
use crate::status::Status;
use crate::table::{Align, Columns};
use crate::time::local;

pub(super) fn principal<P: Paint>(status: &Status, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("principal location", Align::Left),
        ("free HD", Align::Right),
        ("of", Align::Right),
        ("threshold", Align::Right),
        ("overflows to", Align::Left),
        ("", Align::Left),
    ]);
    let mut tones = Vec::new();
    for location in &status.principal {
        columns.row([
            location.name.to_string(),
            location.free.to_string(),
            location.max.to_string(),
            location.threshold.to_string(),
            location.overflow.to_string(),
            location.word.to_string(),
        ]);
        tones.push(match location.word {
            ThresholdWord::Normal => Tone::Plain,
            ThresholdWord::ApproachingThreshold => Tone::Warn,
            ThresholdWord::BurstingThresholdReached => Tone::Bad,
        });
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
}

pub(super) fn overflow<P: Paint>(status: &Status, view: &View, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("overflow location", Align::Left),
        ("free HD", Align::Right),
        ("of", Align::Right),
        ("booting", Align::Right),
        ("threshold", Align::Right),
        ("ready", Align::Right),
        ("", Align::Left),
    ]);
    let mut tones = Vec::new();
    for location in &status.overflow {
        columns.row([
            location.name.to_string(),
            location.free.to_string(),
            location.max.to_string(),
            location.booting.to_string(),
            location.threshold.to_string(),
            format!("{} of {}", location.ready, location.nodes),
            local(&location.why.join("; "), view.now, &view.zone),
        ]);
        tones.push(Tone::Plain);
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
}

pub(super) fn edge<P: Paint>(status: &Status, page: &mut Page<'_, P>) {
    let mut columns = Columns::new(&[
        ("edge location", Align::Left),
        ("proxying nodes", Align::Right),
        ("media load", Align::Right),
        ("highest", Align::Right),
    ]);
    let percent = |load: Option<f64>| load.map_or("-".to_owned(), |load| format!("{load:.0} %"));
    let mut tones = Vec::new();
    for location in &status.edge {
        let nodes = if location.reporting == location.nodes {
            location.nodes.to_string()
        } else {
            format!("{} of {} reporting", location.reporting, location.nodes)
        };
        columns.row([location.name.to_string(), nodes, percent(location.load), percent(location.highest)]);
        tones.push(Tone::Plain);
    }
    if !columns.is_empty() {
        page.table(&columns, &tones);
    }
}
