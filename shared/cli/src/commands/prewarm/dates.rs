//! A window by its name, and dates of it.

use clap::Args;
use jiff::civil::Date;
use serde_json::json;
use spillway_scheduler::{AwsScheduler, Window};
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::Failure;
use crate::identity::Place;
use crate::output::{self, Output};
use crate::session::CliSession;

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
    pub(super) fn confirm(&self, place: &Place, what: &str) -> Result<(), Failure> {
        confirm(&self.acting, place, &format!("Store that {} {what} on {}?", self.name, self.words()))
    }

    /// Writes down that it was asked.
    pub(super) async fn asked(&self, session: &CliSession<'_>, what: &str) -> Result<(), Failure> {
        let asked = format!("pre-warm window {} {what} on {}", self.name, self.words());
        Ok(session.asked(&asked, None).await?)
    }
}

/// Refuses to change the window that the stack made. A deployment knows it as the template has it, would write that again
/// with the next change of a parameter, and stumbles over one that is gone.
pub(super) fn of_the_stack(session: &CliSession<'_>, name: &str, remedy: &str) -> Result<(), Failure> {
    let stack = session.clients.settings.stack.as_ref();
    if stack.and_then(|stack| stack.window.as_deref()) != Some(name) {
        return Ok(());
    }
    Err(Failure::usage(format!("{name} is the stack's own window, and the next deployment would undo it"))
        .remedy(remedy))
}

/// The schedules of a window's extra dates.
pub(super) async fn extras(scheduler: &AwsScheduler, name: &str) -> Result<Vec<Window>, Failure> {
    let windows = scheduler.windows().await?.windows;
    Ok(windows.into_iter().filter(|window| window.is_extra_of(name)).collect())
}

pub(super) fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is no window {name}")).remedy("spillway prewarm list shows them")
}

/// Prints what became of a window.
pub(super) fn print(context: &Context, what: &str, name: &str, output: &Output) {
    if output.json {
        output::json(&json!({"schema": 1, "platform": context.platform, "window": name, "now": what}));
    } else {
        output::text(&format!("{}: {what}\n", clean(name)));
    }
}
