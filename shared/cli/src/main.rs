//! `spillway`: what an operator types. Reads what the functions read, shows what they know, and acts through the same
//! cycle. Decides nothing itself: what thinks is in `spillway-core`, what is shown is made in `spillway-view`.
//!
//! A new command is a file under `commands/`, a variant in `options.rs` and a line in `commands/mod.rs`. One that
//! changes something takes its questions and its `--yes` from `acting.rs`, and its name from `identity.rs`.

mod acting;
mod commands;
mod context;
mod desk;
mod exit;
mod identity;
#[cfg(test)]
mod listed;
mod options;
mod output;
mod period;
mod wait;
mod when;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let options = match options::Options::try_parse() {
        Ok(options) => options,
        Err(error) => return exit::unparsed(&error),
    };
    let output = output::Output::new(&options.global);
    let ended = commands::run(&options, &output);
    exit::finish(ended, &output)
}
