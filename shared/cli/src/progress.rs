//! Waiting, with progress on a terminal and a line for each change elsewhere. Interrupting is safe everywhere: what was
//! asked stays asked, and the same command goes on from there.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use spillway_view::clean;

use crate::exit::Failure;
use crate::output::{self, Output};

/// How often a waiting command reads: the Management Node is not to be asked more often than every 15 to 30 seconds, and a
/// drain takes minutes.
const EVERY: Duration = Duration::from_secs(20);

/// How often to read. A simulated platform whose clock runs faster is read more often.
pub(crate) fn every() -> Duration {
    std::env::var("SPILLWAY_POLL_SECONDS")
        .ok()
        .and_then(|text| text.parse::<u64>().ok())
        .filter(|seconds| (1..=300).contains(seconds))
        .map_or(EVERY, Duration::from_secs)
}

/// What is said while waiting.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last: String,
    silent: bool,
}

impl Progress {
    pub(crate) fn new(output: &Output) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let bar = (terminal && !output.json).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, last: String::new(), silent: output.json }
    }

    /// What is waited for now.
    pub(crate) fn waits(&mut self, text: &str) {
        let text = clean(text);
        if let Some(bar) = &self.bar {
            bar.set_message(text.clone());
        } else if !self.silent && self.last != text {
            output::note(&text);
        }
        self.last = text;
    }

    /// Something that happened and stays on the screen.
    pub(crate) fn says(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None if self.silent => {}
            None => output::note(text),
        }
    }

    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Sleeps until it is time to read again; whoever interrupts is told what stays.
pub(crate) async fn pause(stays: &str) -> Result<(), Failure> {
    tokio::select! {
        () = tokio::time::sleep(every()) => Ok(()),
        _ = tokio::signal::ctrl_c() => Err(Failure::failed("interrupted").remedy(stays.to_owned())),
    }
}
