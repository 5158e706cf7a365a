//! What commands that change something have in common: the plan is shown first, a person is asked, and a script says
//! `--yes`. Without a terminal and without `--yes` nothing is changed.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use spillway_view::clean;

use crate::exit::Failure;
use crate::identity::Place;
use crate::output;

/// Options of every command that changes something.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Acting {
    /// Do it without asking
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Why; it is kept in the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

impl Acting {
    /// The reason for the history.
    pub(crate) fn reason_or_none(&self) -> &str {
        self.reason.as_deref().filter(|reason| !reason.trim().is_empty()).unwrap_or("no reason given")
    }
}

/// Says where this is, the last line of every plan, and asks, on standard error, so that standard output holds only the result.
/// Anything but yes is no.
pub(crate) fn confirm(acting: &Acting, place: &Place, question: &str) -> Result<(), Failure> {
    output::note(&place.to_string());
    if acting.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::refused("nothing was changed: there is no terminal to confirm on")
            .remedy("check what is shown above, then repeat the command with --yes"));
    }
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{} [y/N] ", clean(question));
    let _ = stderr.flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::refused("nothing was changed"))
    }
}
