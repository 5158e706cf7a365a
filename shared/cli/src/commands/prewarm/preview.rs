//! `spillway prewarm preview`: when each window fires, and what it would start on the platform as it is now.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use spillway_core::prewarm::{Preview, preview};
use spillway_engine::cycle::read_world;
use spillway_scheduler::{Firing, Window};
use spillway_view::table::{Align, Columns};
use spillway_view::time::moment;

use super::shown::{exit_of, lines, note_bad, place};
use crate::context::Context;
use crate::exit::Ended;
use crate::output::{self, Output};

/// `spillway prewarm preview`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many days from now
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
}

pub(super) async fn show(context: &Context, options: &Options, output: &Output) -> Ended {
    let now = context.now();
    let until = now.saturating_add(SignedDuration::from_hours(24 * i64::from(options.days))).unwrap_or(now);
    let windows = context.scheduler().await?.windows().await?;
    let clients = context.clients().await?;
    let (observation, ledger) = read_world(clients.ports()).await;
    // Without the platform it is still known when a window fires.
    let would = |window: &Window| {
        let (platform, fleet) = (observation.platform.as_ref().ok()?, observation.fleet.as_ref().ok()?);
        Some(preview(&clients.settings.policy, platform, fleet, ledger.as_ref().ok(), &window.spec, now))
    };
    for fault in [observation.platform.as_ref().err(), observation.fleet.as_ref().err()].into_iter().flatten()
    {
        output::note(&format!("it is not known what the windows would start: {fault}"));
    }
    let mut firings: Vec<(&Window, Firing, Option<Preview>)> = Vec::new();
    for window in &windows.windows {
        let preview = would(window);
        firings.extend(window.firings(now, until).into_iter().map(|firing| (window, firing, preview)));
    }
    firings.sort_by_key(|(window, firing, _)| (firing.scheduled.timestamp(), window.name.clone()));
    if output.json {
        let values: Vec<Value> = firings.iter().map(firing_value).collect();
        output::json(&json!({
            "schema": 1, "platform": context.platform, "from": now, "until": until, "firings": values,
        }));
        return Ok(exit_of(&windows));
    }
    if firings.is_empty() {
        output::note(&format!("no window fires in the next {} days", options.days));
        note_bad(&windows);
        return Ok(exit_of(&windows));
    }
    let mut columns = Columns::new(&[
        ("fires", Align::Left),
        ("window", Align::Left),
        ("where", Align::Left),
        ("asks for", Align::Left),
        ("spike", Align::Left),
        ("held until", Align::Left),
        ("would start, as things are now", Align::Left),
    ]);
    let clock = |at: Timestamp| at.to_zoned(output.zone.clone()).strftime("%H:%M").to_string();
    for (window, firing, preview) in &firings {
        columns.row([
            moment(firing.scheduled.timestamp(), &output.zone),
            window.name.clone(),
            place(window),
            window.spec.amount.to_string(),
            clock(firing.spike_at),
            clock(firing.held_until),
            match (firing.skipped, preview) {
                (true, _) => "skipped on this date".to_owned(),
                (false, None) => "not known".to_owned(),
                (false, Some(preview)) => would_start(preview),
            },
        ]);
    }
    output::text(&lines(&columns));
    note_bad(&windows);
    Ok(exit_of(&windows))
}

fn would_start(preview: &Preview) -> String {
    let Preview { up_nodes, up_hd_calls: _, starts, hd_calls, nodes } = preview;
    format!("{starts} of {nodes} nodes for {hd_calls} HD calls; {up_nodes} are up already")
}

fn firing_value((window, firing, preview): &(&Window, Firing, Option<Preview>)) -> Value {
    let would = preview.map(|preview| {
        let Preview { up_nodes, up_hd_calls, starts, hd_calls, nodes } = preview;
        json!({
            "up_nodes": up_nodes, "up_hd_calls": up_hd_calls, "starts": starts, "hd_calls": hd_calls, "nodes": nodes,
        })
    });
    json!({
        "window": window.name, "scheduled": firing.scheduled.timestamp(), "latest": firing.latest,
        "skipped": firing.skipped, "spike_at": firing.spike_at, "held_until": firing.held_until, "would": would,
    })
}
