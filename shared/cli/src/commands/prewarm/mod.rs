//! `spillway prewarm`: the windows in EventBridge Scheduler, when they fire, and changes of them.

mod dates;
mod edit;
mod extra;
mod list;
mod preview;
mod shown;
mod skip;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Ended;
use crate::output::Output;

/// `spillway prewarm`.
#[derive(Debug, Subcommand)]
pub(crate) enum Prewarm {
    /// The windows
    List,
    /// When each window fires, and what it would start on the platform as it is now
    Preview(preview::Options),
    /// Add a window
    Add(edit::Add),
    /// Remove a window
    Remove(edit::Remove),
    /// Dates on which a window does nothing
    Skip(skip::Skip),
    /// More dates on which a window fires
    Extra(extra::Extra),
}

pub(crate) async fn run(context: &Context, command: &Prewarm, output: &Output) -> Ended {
    match command {
        Prewarm::List => list::list(context, output).await,
        Prewarm::Preview(options) => preview::show(context, options, output).await,
        Prewarm::Add(options) => Box::pin(edit::add(context, options, output)).await,
        Prewarm::Remove(options) => Box::pin(edit::remove(context, options, output)).await,
        Prewarm::Skip(options) => Box::pin(skip::skip(context, options, output)).await,
        Prewarm::Extra(options) => Box::pin(extra::run(context, options, output)).await,
    }
}
