//! `spillway completions bash|zsh|fish|…`: written by the same declaration as the command line itself.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::exit::{Ended, Exit};

/// `spillway completions`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> Ended {
    let mut script = Vec::new();
    generate(options.shell, &mut crate::options::Options::command(), "spillway", &mut script);
    // Not through the terminal's filter: a script is taken as it is.
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(Exit::Done)
}
