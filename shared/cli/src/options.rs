//! The command line. What a command takes is declared in its own file; here is what they share.

use clap::{Args, Parser, Subcommand};

use crate::acting::Acting;
use crate::commands;
use crate::period::Period;

/// Dynamic cloud bursting for a Pexip Infinity platform: what happens, why, and what it costs.
#[derive(Debug, Parser)]
#[command(name = "spillway", version, propagate_version = true, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 refused for safety, 4 partly done."
)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The platform: its settings are under `/spillway/<platform>/`. Repeat it to see several
    #[arg(
        long = "platform",
        env = "SPILLWAY_PLATFORM",
        value_name = "NAME",
        global = true,
        value_delimiter = ','
    )]
    pub(crate) platforms: Vec<String>,
    /// A profile of the AWS configuration, as the AWS CLI has it (`AWS_PROFILE`)
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// The region of the stack (`AWS_REGION`)
    #[arg(long, value_name = "REGION", global = true)]
    pub(crate) region: Option<String>,
    /// The ledger's table; else what the stack wrote under `/spillway/<platform>/stack`
    #[arg(long, env = "SPILLWAY_TABLE", value_name = "NAME", global = true)]
    pub(crate) table: Option<String>,
    /// One JSON value instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Times in UTC instead of this machine's zone
    #[arg(long, global = true)]
    pub(crate) utc: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who has room, which nodes are up and why, what is wrong
    Status(commands::status::Options),
    /// The status page, for this machine's own browser; with buttons to start and stop nodes
    Dashboard(commands::dashboard::Options),
    /// What happened, when, why and by whom
    History(commands::history::Options),
    /// Node-hours and money by location and by what started the nodes, at the policy's prices
    Cost(Period),
    /// What Pexip's own bursting did beside what Spillway did, or would have done
    Compare(Period),
    /// Whether everything can be reached, read and fits together; each finding with its remedy
    Doctor,
    /// What the next cycle would do, and why. Changes nothing and needs no right to change anything
    Plan(crate::commands::plan::Options),
    /// One cycle now, after showing what it would do
    Apply(Acting),
    /// Start and stop nothing until an end; every function obeys
    Pause(commands::pause::Pause),
    /// End a pause
    Resume(Acting),
    /// Start overflow nodes, and hold them
    Start(commands::hold::Start),
    /// Drain overflow nodes and stop them when their calls have ended
    Stop(commands::stop::Stop),
    /// Keep this much capacity up between two instants, whatever the load says
    Hold(commands::hold::HoldOptions),
    /// Give up a hold, or end the drain of a node
    Release(commands::hold::Release),
    /// The guide's tasks on one node: convert, retire, reinstate, remove, change its instance, address, upgrade
    #[command(subcommand)]
    Node(commands::node::NodeCommand),
    /// The policy: what an operator decides
    #[command(subcommand)]
    Policy(commands::policy::Policy),
    /// Pre-warm windows: nodes that are up before a known spike
    #[command(subcommand)]
    Prewarm(commands::prewarm::Prewarm),
    /// Where the Management Node is, and what it knows us by
    #[command(subcommand)]
    Settings(commands::settings::Settings),
    /// Print a completion script for a shell
    Completions(commands::completions::Options),
    /// Who you are on AWS: what the history will call you
    Whoami,
}
