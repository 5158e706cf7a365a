//! `spillway prewarm skip`: dates on which a window does nothing.

use clap::Args;
use spillway_scheduler::Window;

use super::dates::{Dates, extras, of_the_stack, print, unknown};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::session::CliSession;

/// `spillway prewarm skip`.
#[derive(Debug, Args)]
pub(crate) struct Skip {
    #[command(flatten)]
    dates: Dates,
    /// Fire on these dates after all
    #[arg(long)]
    undo: bool,
}

pub(crate) async fn skip(context: &Context, options: &Skip, output: &Output) -> Ended {
    let Skip { dates, undo } = options;
    let session = CliSession::open(context, &dates.acting).await?;
    of_the_stack(
        &session,
        &dates.name,
        "sam deploy --parameter-overrides WindowSkip=DATE,DATE; or WindowState=DISABLED, and a window of your own by \
         spillway prewarm add",
    )?;
    let scheduler = context.scheduler().await?;
    let found = scheduler.get(&dates.name).await?.ok_or_else(|| unknown(&dates.name))?;
    let mut window = found.map_err(|error| Failure::usage(error.to_string()))?;
    window.spec.skip.retain(|date| !dates.date.contains(date));
    if !undo {
        let extras = extras(&scheduler, &dates.name).await?;
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
    dates.confirm(&session.place, what)?;
    scheduler.update(&window).await?;
    dates.asked(&session, what).await?;
    print(context, what, &dates.name, output);
    Ok(Exit::Done)
}
