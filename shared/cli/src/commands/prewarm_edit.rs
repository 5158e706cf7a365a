//! `spillway prewarm add|remove|skip`: changes of windows in EventBridge Scheduler. What a window would refuse when it fires
//! is refused here, before it is stored.

use clap::Args;
use jiff::civil::Date;
use serde_json::json;
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::ledger::HoldAmount;
use spillway_core::prewarm::WindowSpec;
use spillway_scheduler::{Target, Window};

use super::prewarm::scheduler;
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::desk::Desk;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};

/// `spillway prewarm add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The window's name
    #[arg(value_name = "NAME")]
    name: String,
    /// When it fires, as Scheduler writes it: "cron(50 8 ? * MON-FRI *)"
    #[arg(long, value_name = "EXPRESSION")]
    schedule: String,
    /// The IANA time zone: Europe/Oslo
    #[arg(long, value_name = "ZONE")]
    zone: String,
    /// Only in this overflow location
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Capacity for this many HD calls (all nodes unless said)
    #[arg(long, value_name = "N", conflicts_with = "nodes")]
    hd_calls: Option<u32>,
    /// This many overflow nodes (all nodes unless said)
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// Minutes from firing to the spike
    #[arg(long, value_name = "MINUTES")]
    lead: Option<u32>,
    /// Minutes from firing to the end of the hold
    #[arg(long, value_name = "MINUTES")]
    hold: Option<u32>,
    #[command(flatten)]
    acting: Acting,
}

/// `spillway prewarm remove`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The window's name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    acting: Acting,
}

/// A window, and dates of it that are to change.
#[derive(Debug, Args)]
pub(super) struct Dates {
    /// The window's name
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// Dates in the window's own zone: 2026-12-24
    #[arg(value_name = "DATE", required = true)]
    pub(super) date: Vec<Date>,
    #[command(flatten)]
    pub(super) acting: Acting,
}

impl Dates {
    /// The dates in one sentence's words.
    pub(super) fn words(&self) -> String {
        self.date.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Asks whether to store that the window does so on these dates.
    pub(super) fn confirm(&self, what: &str) -> Result<(), Failure> {
        confirm(&self.acting, &format!("{} {what} on {}: store this?", self.name, self.words()))
    }

    /// Writes down that it was asked.
    pub(super) async fn asked(&self, desk: &Desk<'_>, what: &str) -> Result<(), Failure> {
        let asked = format!("pre-warm window {} {what} on {}", self.name, self.words());
        Ok(desk.asked(&asked, None).await?)
    }
}

/// `spillway prewarm skip`.
#[derive(Debug, Args)]
pub(crate) struct Skip {
    #[command(flatten)]
    dates: Dates,
    /// Fire on these dates after all
    #[arg(long)]
    undo: bool,
}

pub(crate) async fn add(context: &Context, options: &Add, output: &Output) -> Ended {
    let desk = Desk::open(context, &options.acting).await?;
    let mut spec = WindowSpec::with_defaults(options.name.clone(), options.zone.clone());
    spec.location = options.location.clone().map(LocationName::new);
    spec.amount = match (options.hd_calls, options.nodes) {
        (Some(calls), _) => HoldAmount::HdCalls(HdCalls(calls)),
        (None, Some(nodes)) => HoldAmount::Nodes(nodes),
        (None, None) => HoldAmount::AllNodes,
    };
    spec.lead_minutes = options.lead.unwrap_or(spec.lead_minutes);
    spec.hold_minutes = options.hold.unwrap_or(spec.hold_minutes);
    spec.reason = options.acting.reason.clone().unwrap_or_default();
    let window = Window::new(spec, &options.schedule, target(&desk)?)
        .map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(location) = &window.spec.location {
        desk.look().await?.overflow_location(desk.policy(), location.as_str())?;
    }
    let scheduler = scheduler(context).await?;
    if scheduler.get(&window.name).await?.is_some() {
        return Err(Failure::usage(format!("there is a window {} already", window.name))
            .remedy("choose another name, or remove that one first"));
    }
    if !output.json {
        output::note(&format!(
            "{}: {} at {} in {}, held for {} minutes",
            window.name, window.spec.amount, options.schedule, options.zone, window.spec.hold_minutes
        ));
    }
    confirm(&options.acting, "Add this window?")?;
    scheduler.create(&window).await?;
    desk.asked(&format!("pre-warm window {} added", window.name), None).await?;
    said(context, "added", &window.name, output);
    Ok(Exit::Done)
}

pub(crate) async fn remove(context: &Context, options: &Remove, output: &Output) -> Ended {
    let desk = Desk::open(context, &options.acting).await?;
    let scheduler = scheduler(context).await?;
    let extras = super::prewarm_extra::extras(&scheduler, &options.name).await?;
    let dates: Vec<String> =
        extras.iter().filter_map(Window::only_date).map(|date| date.to_string()).collect();
    let also =
        if dates.is_empty() { String::new() } else { format!(" and its extra dates {}", dates.join(", ")) };
    confirm(&options.acting, &format!("Remove the window {}{also}?", options.name))?;
    let mut removed = scheduler.delete(&options.name).await?;
    for extra in &extras {
        removed |= scheduler.delete(&extra.name).await?;
    }
    if !removed {
        return Err(unknown(&options.name));
    }
    desk.asked(&format!("pre-warm window {} removed{also}", options.name), None).await?;
    said(context, "removed", &options.name, output);
    Ok(Exit::Done)
}

pub(crate) async fn skip(context: &Context, options: &Skip, output: &Output) -> Ended {
    let Skip { dates, undo } = options;
    let desk = Desk::open(context, &dates.acting).await?;
    let scheduler = scheduler(context).await?;
    let found = scheduler.get(&dates.name).await?.ok_or_else(|| unknown(&dates.name))?;
    let mut window = found.map_err(|error| Failure::usage(error.to_string()))?;
    window.spec.skip.retain(|date| !dates.date.contains(date));
    if !undo {
        let extras = super::prewarm_extra::extras(&scheduler, &dates.name).await?;
        if let Some(date) = extras.iter().filter_map(Window::only_date).find(|date| dates.date.contains(date))
        {
            return Err(Failure::usage(format!("{date} is an extra date of {}", dates.name))
                .remedy(format!("spillway prewarm extra {} {date} --undo", dates.name)));
        }
        window.spec.skip.extend(&dates.date);
        window.spec.skip.sort();
        window.spec.skip.dedup();
    }
    window.spec.validate().map_err(|error| Failure::usage(error.to_string()))?;
    let what = if *undo { "fires again" } else { "does not fire" };
    dates.confirm(what)?;
    scheduler.update(&window).await?;
    dates.asked(&desk, what).await?;
    said(context, what, &dates.name, output);
    Ok(Exit::Done)
}

/// Whom a new window invokes: what the stack wrote down.
fn target(desk: &Desk<'_>) -> Result<Target, Failure> {
    let missing = || {
        Failure::usage("the pre-warm function of the platform is not known")
            .remedy(format!("a stack deployed by SAM writes it to /spillway/{}/stack", desk.context.platform))
    };
    let stack = desk.clients.settings.stack.as_ref().ok_or_else(missing)?;
    Ok(Target {
        function_arn: stack.prewarm_function.clone().ok_or_else(missing)?,
        role_arn: stack.scheduler_role.clone().ok_or_else(missing)?,
        dead_letter_arn: stack.dead_letter_queue.clone(),
        ..Target::default()
    })
}

pub(super) fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is no window {name}")).remedy("spillway prewarm list shows them")
}

pub(super) fn said(context: &Context, what: &str, name: &str, output: &Output) {
    if output.json {
        output::json(&json!({"schema": 1, "platform": context.platform, "window": name, "now": what}));
    } else {
        output::text(&format!("{}: {what}\n", spillway_view::clean(name)));
    }
}
