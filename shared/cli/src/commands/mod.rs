//! One file per command, or a folder where it is several ideas. Each takes its own options and gives back how it ended.

mod apply;
mod compare;
mod completions;
mod cost;
mod dashboard;
mod doctor;
mod history;
mod hold;
mod node;
mod past;
mod pause;
mod plan;
mod policy;
mod prewarm;
mod settings;
mod settings_history;
mod status;
mod stop;
mod whoami;

use clap::Subcommand;

use crate::acting::Acting;
use crate::context::Context;
use crate::exit::{Ended, Failure};
use crate::global::Global;
use crate::output::Output;
use crate::period::Period;

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Free capacity, which nodes are up and why, and what is wrong
    Status(status::Options),
    /// The status page, for this machine's own browser; with buttons to start and stop nodes
    Dashboard(dashboard::Options),
    /// What happened, when, why and by whom
    History(history::Options),
    /// Node-hours and money by location and by what started the nodes, at the policy's prices
    Cost(Period),
    /// What Pexip's own bursting did, beside what Spillway did or would have done
    Compare(Period),
    /// Check that everything can be reached and fits together; each finding says what to do
    Doctor,
    /// What the next cycle would do, and why. Changes nothing and needs no right to change anything
    Plan(plan::Options),
    /// Run one cycle now, after showing what it would do
    Apply(Acting),
    /// Start and stop nothing until a given time; the functions obey too
    Pause(pause::Pause),
    /// End a pause
    Resume(Acting),
    /// Start overflow nodes, and hold them
    Start(hold::Start),
    /// Drain overflow nodes and stop them when their calls have ended
    Stop(stop::Stop),
    /// Start and keep up this much capacity, whatever the load: from a time on, or ready by one
    Hold(hold::HoldOptions),
    /// Release a hold, or end the drain or retirement of a node
    Release(hold::Release),
    /// The guide's tasks on one node: convert, retire, reinstate, remove, change its instance, address, upgrade
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// The policy: what an operator decides
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Pre-warm windows: nodes that are up before a known spike
    #[command(subcommand)]
    Prewarm(prewarm::Prewarm),
    /// The Management Node's address, Spillway's credentials, and the certificate authority
    #[command(subcommand)]
    Settings(settings::Settings),
    /// Print a completion script for a shell
    Completions(completions::Options),
    /// Who you are on AWS: what the history will call you
    Whoami,
}

/// Runs the command. Those that need neither AWS nor a runtime come first, so that they cost nothing. `cli` gives the whole
/// command line, for completions.
pub(crate) fn run(command: &Command, global: &Global, cli: fn() -> clap::Command, output: &Output) -> Ended {
    match command {
        Command::Completions(options) => completions::run(options, cli()),
        Command::Policy(policy::Policy::Validate(file)) => policy::validate(file, output),
        needs_aws => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::failed(format!("the async runtime does not start: {error}")))?
            .block_on(run_online(needs_aws, global, cli, output)),
    }
}

async fn run_online(
    command: &Command,
    global: &Global,
    cli: fn() -> clap::Command,
    output: &Output,
) -> Ended {
    // Connects where it is awaited.
    let one = Context::connect(global);
    match command {
        Command::Completions(options) => completions::run(options, cli()),
        Command::Apply(acting) => Box::pin(apply::run(&one.await?, acting, output)).await,
        Command::Node(command) => Box::pin(node::run(&one.await?, command, output)).await,
        Command::Pause(options) => pause::pause(&one.await?, options, output).await,
        Command::Resume(acting) => pause::resume(&one.await?, acting, output).await,
        Command::Start(options) => Box::pin(hold::start(&one.await?, options, output)).await,
        Command::Stop(options) => Box::pin(stop::run(&one.await?, options, output)).await,
        Command::Hold(options) => Box::pin(hold::hold(&one.await?, options, output)).await,
        Command::Release(options) => Box::pin(hold::release(&one.await?, options, output)).await,
        Command::Dashboard(options) => dashboard::run(one.await?, options, global.utc, output).await,
        Command::History(options) => history::run(&one.await?, options, output).await,
        Command::Cost(period) => cost::run(&one.await?, period, output).await,
        Command::Compare(period) => Box::pin(compare::run(&one.await?, period, output)).await,
        Command::Doctor => Box::pin(doctor::run(&one.await?, output)).await,
        Command::Prewarm(command) => Box::pin(prewarm::run(&one.await?, command, output)).await,
        Command::Settings(command) => settings::run(&one.await?, command, output).await,
        Command::Plan(options) => plan::run(&one.await?, options, output).await,
        Command::Policy(command) => policy::run(&one.await?, command, output).await,
        Command::Status(options) => status::run(&Context::connect_all(global).await?, options, output).await,
        Command::Whoami => whoami::run(&one.await?, output).await,
    }
}
