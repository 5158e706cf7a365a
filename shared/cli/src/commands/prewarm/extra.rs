//! `spillway prewarm extra`: more dates on which a window fires. Each is a schedule that fires once, at the window's local
//! times, and that Scheduler deletes when it has fired.

use clap::Args;
use spillway_scheduler::{AwsScheduler, Window, WindowError};

use super::dates::{Dates, extras, print, unknown};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::session::CliSession;

/// `spillway prewarm extra`.
#[derive(Debug, Args)]
pub(crate) struct Extra {
    #[command(flatten)]
    dates: Dates,
    /// Do not fire on these dates after all
    #[arg(long)]
    undo: bool,
}

pub(crate) async fn run(context: &Context, options: &Extra, output: &Output) -> Ended {
    let Extra { dates, undo } = options;
    let session = CliSession::open(context, &dates.acting).await?;
    let scheduler = context.scheduler().await?;
    let mut there = extras(&scheduler, &dates.name).await?;
    there.retain(|extra| extra.only_date().is_some_and(|date| dates.date.contains(&date)));
    let (schedules, what) = if *undo {
        (taken_back(dates, there)?, "no longer fires")
    } else {
        (added(context, dates, &scheduler, &there).await?, "also fires")
    };
    if !output.json {
        for schedule in &schedules {
            output::note(&format!(
                "{}: {} in {}",
                schedule.name, schedule.expression, schedule.spec.time_zone
            ));
        }
    }
    dates.confirm(&session.place, what)?;
    for schedule in &schedules {
        if *undo {
            scheduler.delete(&schedule.name).await?;
        } else {
            scheduler.create(schedule).await?;
        }
    }
    dates.asked(&session, what).await?;
    print(context, &format!("{what} on {}", dates.words()), &dates.name, output);
    Ok(Exit::Done)
}

/// All of what is asked, or nothing.
async fn added(
    context: &Context,
    dates: &Dates,
    scheduler: &AwsScheduler,
    there: &[Window],
) -> Result<Vec<Window>, Failure> {
    let found = scheduler.get(&dates.name).await?.ok_or_else(|| unknown(&dates.name))?;
    let window = found.map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(date) = there.iter().find_map(Window::only_date) {
        return Err(Failure::usage(format!("{date} is an extra date of {} already", dates.name))
            .remedy("spillway prewarm list shows it"));
    }
    let mut schedules = Vec::new();
    for date in &dates.date {
        schedules.extend(window.new_extra_date(*date, context.now()).map_err(|error| refusal(&error))?);
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
            "name a date to come; dates and times are in the window's zone".to_owned()
        }
        _ => "spillway prewarm add makes a window of its own".to_owned(),
    };
    Failure::usage(error.to_string()).remedy(remedy)
}

fn taken_back(dates: &Dates, there: Vec<Window>) -> Result<Vec<Window>, Failure> {
    let missing = dates.date.iter().find(|date| !there.iter().any(|extra| extra.only_date() == Some(**date)));
    match missing {
        Some(date) => Err(Failure::usage(format!("{date} is not an extra date of {}", dates.name))
            .remedy("spillway prewarm list shows them")),
        None => Ok(there),
    }
}
