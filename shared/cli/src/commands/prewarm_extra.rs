//! `spillway prewarm extra`: dates on which a window fires besides its own. Each is a schedule that fires once, at the
//! window's local times, and that Scheduler deletes when it has fired.

use clap::Args;
use jiff::civil::Date;
use spillway_core::ports::Clock;
use spillway_scheduler::{AwsScheduler, Window, WindowError};

use super::prewarm::scheduler;
use super::prewarm_edit::{said, unknown};
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::desk::Desk;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};

/// `spillway prewarm extra`.
#[derive(Debug, Args)]
pub(crate) struct Extra {
    /// The window's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Dates in the window's own zone: 2026-12-05
    #[arg(value_name = "DATE", required = true)]
    date: Vec<Date>,
    /// Do not fire on these dates after all
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn run(context: &Context, options: &Extra, output: &Output) -> Ended {
    let desk = Desk::open(context, &options.acting).await?;
    let scheduler = scheduler(context).await?;
    let mut there = extras(&scheduler, &options.name).await?;
    there.retain(|extra| extra.only_date().is_some_and(|date| options.date.contains(&date)));
    let (schedules, what) = if options.undo {
        (taken_back(options, there)?, "does not fire as well")
    } else {
        (added(context, options, &scheduler, &there).await?, "fires as well")
    };
    let dates: Vec<String> = options.date.iter().map(ToString::to_string).collect();
    if !output.json {
        for schedule in &schedules {
            output::note(&format!(
                "{}: {} in {}",
                schedule.name, schedule.expression, schedule.spec.time_zone
            ));
        }
    }
    confirm(&options.acting, &format!("{} {what} on {}: store this?", options.name, dates.join(", ")))?;
    for schedule in &schedules {
        if options.undo {
            scheduler.delete(&schedule.name).await?;
        } else {
            scheduler.create(schedule).await?;
        }
    }
    desk.asked(&format!("pre-warm window {} {what} on {}", options.name, dates.join(", ")), None).await?;
    said(context, &format!("{what} on {}", dates.join(", ")), &options.name, output);
    Ok(Exit::Done)
}

/// The schedules of a window's extra dates.
pub(super) async fn extras(scheduler: &AwsScheduler, name: &str) -> Result<Vec<Window>, Failure> {
    let windows = scheduler.windows().await?.windows;
    Ok(windows.into_iter().filter(|window| window.is_extra_of(name)).collect())
}

/// All of what is asked, or nothing.
async fn added(
    context: &Context,
    options: &Extra,
    scheduler: &AwsScheduler,
    there: &[Window],
) -> Result<Vec<Window>, Failure> {
    let found = scheduler.get(&options.name).await?.ok_or_else(|| unknown(&options.name))?;
    let window = found.map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(date) = there.iter().find_map(Window::only_date) {
        return Err(Failure::usage(format!("{date} is an extra date of {} already", options.name))
            .remedy("spillway prewarm list shows it"));
    }
    let mut schedules = Vec::new();
    for date in &options.date {
        schedules.extend(window.new_extra_date(*date, context.clock.now()).map_err(|error| refusal(&error))?);
    }
    schedules.sort_by(|a, b| a.name.cmp(&b.name));
    schedules.dedup_by(|a, b| a.name == b.name);
    Ok(schedules)
}

fn refusal(error: &WindowError) -> Failure {
    let remedy = match error {
        WindowError::SkippedDate { window, date } => format!("spillway prewarm skip {window} {date} --undo"),
        WindowError::FiresAnyway { .. } => "spillway prewarm preview shows when it fires".to_owned(),
        WindowError::NeverFires { .. } => {
            "a date to come; dates and times are in the window's zone".to_owned()
        }
        _ => "spillway prewarm add makes a window of its own".to_owned(),
    };
    Failure::usage(error.to_string()).remedy(remedy)
}

fn taken_back(options: &Extra, there: Vec<Window>) -> Result<Vec<Window>, Failure> {
    let missing =
        options.date.iter().find(|date| !there.iter().any(|extra| extra.only_date() == Some(**date)));
    match missing {
        Some(date) => Err(Failure::usage(format!("{date} is no extra date of {}", options.name))
            .remedy("spillway prewarm list shows them")),
        None => Ok(there),
    }
}
