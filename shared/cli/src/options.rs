//! The command line as a whole. What a command takes is declared in its own file, what all take in `global.rs`.

use clap::Parser;

use crate::commands::Command;
use crate::global::Global;

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
