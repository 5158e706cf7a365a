//! `spillway completions bash|zsh|fish|…`: written by the same declaration as the command line itself.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::exit::{Ended, Exit};

/// `spillway completions`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// `cli`: the whole command line.
pub(crate) fn run(options: &Options, mut cli: Command) -> Ended {
    let mut script = Vec::new();
    generate(options.shell, &mut cli, "spillway", &mut script);
    // Not through the terminal's filter: a script is taken as it is.
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(Exit::Done)
}
