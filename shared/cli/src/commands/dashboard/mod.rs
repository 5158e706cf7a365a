//! `spillway dashboard`: the status page, served by this machine to its own browser, with the operator's own AWS identity.
//! There is no public endpoint to attack, and nothing to deploy.

mod windows;

use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use spillway_core::fault::Fault;
use spillway_core::ledger::{Actor, Event};
use spillway_dashboard::{
    Answer, Memory, PageAction, PageActions, PageData, PageSource, Preview, ServeSettings, read_page, serve,
};
use spillway_engine::ports::LedgerRead;
use spillway_runtime::AwsSystems;
use spillway_runtime::Clients;
use tokio::sync::Mutex;

use crate::clock;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use windows::{Ahead, WindowsAhead};

/// `spillway dashboard`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1 [default: any that is free]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
}

/// `utc`: times in UTC instead of the browser's zone.
pub(crate) async fn run(context: Context, options: &Options, utc: bool, output: &Output) -> Ended {
    // What is wrong with settings or credentials is said here, where somebody reads it, and not on a page.
    context.clients().await?;
    let caller = context.caller().await?;
    let by = caller.by.clone();
    if let Some(ahead) = caller.clock_ahead.filter(clock::is_wrong) {
        let wrong = clock::said(ahead, "AWS's");
        output::note(&format!("{wrong}: set it before you start or stop nodes from the page"));
    }
    let settings =
        ServeSettings { port: options.port, zone: utc.then(|| "UTC".to_owned()), ..ServeSettings::default() };
    let (platform, who) = (context.platform.clone(), spillway_core::report::actor(&by).to_owned());
    let source = Platform {
        context,
        by,
        zone: output.zone.clone(),
        memory: Mutex::default(),
        windows: WindowsAhead::default(),
    };
    let served = serve(source, settings).await.map_err(|error| {
        Failure::usage(format!("cannot listen on port {} of 127.0.0.1: {error}", options.port))
            .remedy("choose another --port, or none")
    })?;
    // The address is not opened from here: other users of this machine can read the arguments of a process, and the
    // token is in it.
    if output.json {
        output::json(&serde_json::json!({"schema": 1, "platform": platform, "url": served.url}));
    } else {
        output::text(&format!("The status page of {platform}, as {who}:\n\n  {}\n\n", served.url));
        output::text(
            "Keep the address to yourself: it can start and stop nodes in your name. Ctrl-C stops the page.\n",
        );
    }
    tokio::select! {
        ended = served.ended() => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Exit::Done)
}

/// The platform behind the page.
struct Platform {
    context: Context,
    by: Actor,
    zone: jiff::tz::TimeZone,
    memory: Mutex<Memory>,
    windows: WindowsAhead,
}

impl Platform {
    async fn clients(&self) -> Result<Arc<Clients>, Fault> {
        Ok(self.context.connector.clients().await?)
    }

    fn actions<'a>(&self, clients: &'a Clients) -> PageActions<'a, AwsSystems> {
        PageActions { ports: clients.ports(), policy: &clients.settings.policy, by: self.by.clone() }
    }
}

impl PageSource for Platform {
    async fn read(&self) -> Result<PageData, Fault> {
        let clients = self.clients().await?;
        let Ahead { windows, issues } = self.windows.read(&self.context, &clients.settings, self.now()).await;
        let mut memory = self.memory.lock().await;
        let policy = &clients.settings.policy;
        let page =
            read_page(clients.ports(), policy, &self.context.platform, &self.zone, &mut memory, windows);
        let mut data = Box::pin(page).await;
        data.status.issues.extend(issues);
        Ok(data)
    }

    async fn history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        self.clients().await?.ledger.read_events(from, until).await
    }

    fn now(&self) -> Timestamp {
        self.context.now()
    }

    async fn preview(&self, action: &PageAction) -> Result<Preview, Fault> {
        let clients = self.clients().await?;
        self.actions(&clients).preview(action).await
    }

    async fn act(&self, action: &PageAction) -> Result<Answer, Fault> {
        let clients = self.clients().await?;
        Box::pin(self.actions(&clients).act(action)).await
    }
}
