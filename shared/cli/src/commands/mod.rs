//! One file per command. Each takes its own options and gives back how it ended.

pub(crate) mod apply;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod dashboard;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod hold;
pub(crate) mod node;
pub(crate) mod node_upgrade;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod prewarm;
pub(crate) mod prewarm_edit;
pub(crate) mod prewarm_extra;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod whoami;

use crate::context::Context;
use crate::exit::{Ended, Failure};
use crate::options::{Command, Options};
use crate::output::Output;

/// Runs the command. Those that need neither AWS nor a runtime come first, so that they cost nothing.
pub(crate) fn run(options: &Options, output: &Output) -> Ended {
    match &options.command {
        Command::Completions(options) => completions::run(options),
        Command::Policy(policy::Policy::Validate(file)) => policy::validate(file, output),
        needs_aws => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::failed(format!("no runtime: {error}")))?
            .block_on(run_online(needs_aws, &options.global, output)),
    }
}

async fn run_online(command: &Command, global: &crate::options::Global, output: &Output) -> Ended {
    match command {
        Command::Completions(options) => completions::run(options),
        Command::Apply(acting) => {
            Box::pin(apply::run(&Context::connect(global).await?, acting, output)).await
        }
        Command::Node(command) => {
            Box::pin(node::run(&Context::connect(global).await?, command, output)).await
        }
        Command::Pause(options) => pause::pause(&Context::connect(global).await?, options, output).await,
        Command::Resume(acting) => pause::resume(&Context::connect(global).await?, acting, output).await,
        Command::Start(options) => {
            Box::pin(hold::start(&Context::connect(global).await?, options, output)).await
        }
        Command::Stop(options) => {
            Box::pin(stop::run(&Context::connect(global).await?, options, output)).await
        }
        Command::Hold(options) => {
            Box::pin(hold::hold(&Context::connect(global).await?, options, output)).await
        }
        Command::Release(options) => {
            Box::pin(hold::release(&Context::connect(global).await?, options, output)).await
        }
        Command::Dashboard(options) => {
            dashboard::run(Context::connect(global).await?, options, global.utc, output).await
        }
        Command::History(options) => history::run(&Context::connect(global).await?, options, output).await,
        Command::Cost(period) => cost::run(&Context::connect(global).await?, period, output).await,
        Command::Compare(period) => {
            Box::pin(compare::run(&Context::connect(global).await?, period, output)).await
        }
        Command::Doctor => Box::pin(doctor::run(&Context::connect(global).await?, output)).await,
        Command::Prewarm(command) => {
            Box::pin(prewarm::run(&Context::connect(global).await?, command, output)).await
        }
        Command::Settings(command) => settings::run(&Context::connect(global).await?, command, output).await,
        Command::Plan(options) => plan::run(&Context::connect(global).await?, options, output).await,
        Command::Policy(command) => policy::run(&Context::connect(global).await?, command, output).await,
        Command::Status(options) => status::run(&Context::connect_all(global).await?, options, output).await,
        Command::Whoami => whoami::run(&Context::connect(global).await?, output).await,
    }
}
