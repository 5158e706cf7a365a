//! `spillway status`: the platform as it is now. Reads only.

use std::time::Duration;

use clap::Args;
use spillway_engine::collect;
use spillway_view::{Status, View, build_status, render};

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Terminal};

/// As often as the Management Node's own page (guide: *Viewing current status*).
const REFRESH: Duration = Duration::from_secs(15);

/// `spillway status`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Again every 15 seconds, until it is interrupted
    #[arg(long, short = 'w')]
    watch: bool,
    /// Also stopped nodes
    #[arg(long, short = 'a')]
    all: bool,
}

pub(crate) async fn run(contexts: &[Context], options: &Options, output: &Output) -> Ended {
    let page = if options.watch {
        watch(contexts, options, output).await?
    } else {
        once(contexts, options, output).await
    };
    output::text(&page.text);
    page.ended
}

/// What is to be printed, and how it ended.
struct Page {
    text: String,
    ended: Ended,
}

/// Every platform; one that cannot be read does not hide the others.
async fn once(contexts: &[Context], options: &Options, output: &Output) -> Page {
    let mut page = Page { text: String::new(), ended: Ok(Exit::Done) };
    for (number, context) in contexts.iter().enumerate() {
        match Box::pin(read(context)).await {
            Ok(status) => {
                if number > 0 && !output.json {
                    page.text.push('\n');
                }
                page.text.push_str(&show(&status, context, options, output));
                if page.ended == Ok(Exit::Done) && !status.is_read() {
                    page.ended = Ok(Exit::Failed);
                }
            }
            Err(failure) if contexts.len() == 1 => page.ended = Err(failure),
            Err(failure) => {
                let message = format!("{}: {}", context.platform, failure.message);
                output::error(&Failure { message, ..failure }, &output.zone);
                page.ended = Ok(Exit::Partly);
            }
        }
    }
    page
}

/// Draws over what is there, so that it does not flicker; what is left of a longer picture is wiped.
async fn watch(contexts: &[Context], options: &Options, output: &Output) -> Result<Page, Failure> {
    let redraw = output.terminal && !output.json;
    // One listener for the whole time: what is pressed while a picture is drawn must not be lost.
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let page = tokio::select! {
            page = once(contexts, options, output) => page,
            _ = &mut interrupted => break,
        };
        // What is wrong with the settings does not get better by reading again.
        if matches!(&page.ended, Err(failure) if failure.exit == Exit::Usage) {
            return Ok(page);
        }
        let text = match &page.ended {
            Err(failure) => format!("{failure}\n"),
            Ok(_) => page.text,
        };
        if redraw {
            output::screen(&text);
        } else {
            output::text(&text);
        }
        tokio::select! {
            () = tokio::time::sleep(REFRESH) => {}
            _ = &mut interrupted => break,
        }
    }
    Ok(Page { text: String::new(), ended: Ok(Exit::Done) })
}

async fn read(context: &Context) -> Result<Status, Failure> {
    let clients = context.clients().await?;
    let policy = &clients.settings.policy;
    let snapshot = Box::pin(collect(clients.ports(), policy)).await;
    Ok(build_status(&context.platform, policy, &snapshot, context.now()))
}

fn show(status: &Status, context: &Context, options: &Options, output: &Output) -> String {
    if output.json {
        return output::json_line(status);
    }
    let view =
        View { zone: output.zone.clone(), now: context.now(), all: options.all, width: output.width() };
    render(status, &view, &Terminal)
}
