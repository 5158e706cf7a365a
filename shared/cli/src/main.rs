//! `spillway`: what an operator types. Reads what the functions read, shows what they know, and acts through the same
//! cycle. It decides nothing itself, and there is no other way from here to start or stop a node: what thinks is in
//! `spillway-core`, what is shown is made in `spillway-view`.
//!
//! Begin with `commands/mod.rs`. A new command is a file under `commands/`, and a variant and a line in `commands/mod.rs`.
//! One that changes something works in a `CliSession` (`session.rs`) and takes its question and its `--yes` from
//! `acting.rs`.

mod acting;
mod clock;
mod commands;
mod context;
mod cycle_result;
mod exit;
mod foreseen;
mod global;
mod identity;
mod known;
#[cfg(test)]
mod listed;
mod options;
mod output;
mod period;
mod progress;
mod session;
#[cfg(test)]
mod staged;
mod text_file;
mod when;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

fn main() -> ExitCode {
    let options = match options::Options::try_parse() {
        Ok(options) => options,
        Err(error) => return output::unparsed(&error),
    };
    let output = output::Output::new(&options.global);
    let ended = commands::run(&options.command, &options.global, options::Options::command, &output);
    output::finish(ended, &output)
}
