//! `spillway prewarm`: the windows in EventBridge Scheduler, and when they fire.

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use spillway_core::cycle::{Ports, read_world};
use spillway_core::ledger::HoldScope;
use spillway_core::ports::Clock;
use spillway_core::prewarm::{Preview, preview};
use spillway_scheduler::{AwsScheduler, Firing, SchedulerSettings, Window, Windows};
use spillway_view::scope;
use spillway_view::table::{Align, Columns};
use spillway_view::time::moment;

use crate::context::{Clients, Context};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};

/// `spillway prewarm`.
#[derive(Debug, Subcommand)]
pub(crate) enum Prewarm {
    /// The windows
    List,
    /// When each window fires, and what it would start on the platform as it is now
    Preview(PreviewOptions),
    /// Add a window
    Add(super::prewarm_edit::Add),
    /// Remove a window
    Remove(super::prewarm_edit::Remove),
    /// Dates on which a window does nothing
    Skip(super::prewarm_edit::Skip),
    /// Dates on which a window fires besides its own
    Extra(super::prewarm_extra::Extra),
}

/// `spillway prewarm preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewOptions {
    /// How many days from now
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
}

pub(crate) async fn run(context: &Context, command: &Prewarm, output: &Output) -> Ended {
    match command {
        Prewarm::List => list(context, output).await,
        Prewarm::Preview(options) => show_preview(context, options, output).await,
        Prewarm::Add(options) => Box::pin(super::prewarm_edit::add(context, options, output)).await,
        Prewarm::Remove(options) => Box::pin(super::prewarm_edit::remove(context, options, output)).await,
        Prewarm::Skip(options) => Box::pin(super::prewarm_edit::skip(context, options, output)).await,
        Prewarm::Extra(options) => Box::pin(super::prewarm_extra::run(context, options, output)).await,
    }
}

/// The scheduler of the platform's group, which the stack wrote down.
pub(crate) async fn scheduler(context: &Context) -> Result<AwsScheduler, Failure> {
    let settings = context.settings().await?;
    let group = settings.stack.as_ref().and_then(|stack| stack.schedule_group.clone()).ok_or_else(|| {
        Failure::usage(format!("the schedule group of platform {} is not known", context.platform))
            .remedy(format!("a stack deployed by SAM writes it to /spillway/{}/stack", context.platform))
    })?;
    Ok(AwsScheduler::connect(&context.config, SchedulerSettings { group, endpoint: None }))
}

/// A window that cannot be read is said; whether it would fire is not known.
fn bad(windows: &Windows) -> Exit {
    for bad in &windows.bad {
        output::note(&format!("window {} cannot be read: {}", bad.name, bad.error));
    }
    if windows.bad.is_empty() { Exit::Done } else { Exit::Partly }
}

fn place(window: &Window) -> String {
    scope(&window.spec.location.clone().map_or(HoldScope::All, HoldScope::Location))
}

async fn list(context: &Context, output: &Output) -> Ended {
    let windows = scheduler(context).await?.windows().await?;
    if output.json {
        let values: Vec<Value> = windows.windows.iter().map(value).collect();
        let bad: Vec<Value> =
            windows.bad.iter().map(|bad| json!({"name": bad.name, "error": bad.error.to_string()})).collect();
        output::json(&json!({"schema": 1, "platform": context.platform, "windows": values, "bad": bad}));
        return Ok(bad_exit(&windows));
    }
    let mut columns = Columns::new(&[
        ("window", Align::Left),
        ("when", Align::Left),
        ("zone", Align::Left),
        ("where", Align::Left),
        ("how much", Align::Left),
        ("lead", Align::Right),
        ("held", Align::Right),
        ("", Align::Left),
    ]);
    for window in &windows.windows {
        let spec = &window.spec;
        let mut remarks = Vec::new();
        if window.is_extra() {
            remarks.push(format!("extra date of {}", spec.window));
        }
        if !window.enabled {
            remarks.push("disabled".to_owned());
        }
        if !spec.skip.is_empty() {
            let dates: Vec<String> = spec.skip.iter().map(ToString::to_string).collect();
            remarks.push(format!("skips {}", dates.join(", ")));
        }
        if spec.ignore_licences {
            remarks.push("whatever the licences".to_owned());
        }
        if !spec.reason.is_empty() {
            remarks.push(spec.reason.clone());
        }
        columns.row([
            window.name.clone(),
            window.expression.as_str().to_owned(),
            spec.time_zone.clone(),
            place(window),
            spec.amount.to_string(),
            format!("{} min", spec.lead_minutes),
            format!("{} min", spec.hold_minutes),
            remarks.join("; "),
        ]);
    }
    if columns.is_empty() {
        output::note("no windows");
    } else {
        output::text(&lines(&columns));
    }
    Ok(bad(&windows))
}

fn bad_exit(windows: &Windows) -> Exit {
    if windows.bad.is_empty() { Exit::Done } else { Exit::Partly }
}

fn value(window: &Window) -> Value {
    json!({
        "name": window.name, "enabled": window.enabled, "expression": window.expression.as_str(),
        "flexible_minutes": window.flexible_minutes, "spec": window.spec,
        "extra_of": window.is_extra().then_some(&window.spec.window),
    })
}

async fn show_preview(context: &Context, options: &PreviewOptions, output: &Output) -> Ended {
    let now = context.clock.now();
    let until = now.saturating_add(SignedDuration::from_hours(24 * i64::from(options.days))).unwrap_or(now);
    let windows = scheduler(context).await?.windows().await?;
    let clients = context.clients().await?;
    let Clients { settings, fleet, management, ledger } = &clients;
    let ports = Ports { fleet, management, ledger, clock: context.clock.as_ref() };
    let (observation, ledger) = read_world(ports).await;
    // Without the platform it is still known when a window fires.
    let would = |window: &Window| {
        let (platform, fleet) = (observation.platform.as_ref().ok()?, observation.fleet.as_ref().ok()?);
        Some(preview(&settings.policy, platform, fleet, ledger.as_ref().ok(), &window.spec, now))
    };
    for fault in [observation.platform.as_ref().err(), observation.fleet.as_ref().err()].into_iter().flatten()
    {
        output::note(&format!("what the windows would start is not known: {fault}"));
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
        return Ok(bad_exit(&windows));
    }
    if firings.is_empty() {
        output::note(&format!("no window fires in the next {} days", options.days));
        return Ok(bad(&windows));
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
                (false, Some(preview)) => says(preview),
            },
        ]);
    }
    output::text(&lines(&columns));
    Ok(bad(&windows))
}

fn says(preview: &Preview) -> String {
    let Preview { up_nodes, up_hd_calls: _, starts, hd_calls, nodes } = preview;
    format!("{starts} of {nodes} nodes for {hd_calls} HD calls; {up_nodes} are up")
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

fn lines(columns: &Columns) -> String {
    // Every cell was cleaned when it was put in.
    let mut text = columns.lines().join("\n");
    text.push('\n');
    text
}
