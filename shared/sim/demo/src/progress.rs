//! How far the demo has come, on standard error, and only where a person watches. It is the one part that knows the
//! real time, which is why nothing of it goes to standard output.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that steps aside for lines on standard output.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Before it is known how much there is to do.
    pub(super) fn building() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_message("building the day: callers and conferences");
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// From now on minutes are counted.
    pub(super) fn playing(&self, minutes: u64) {
        self.bar.disable_steady_tick();
        self.bar.set_length(minutes);
        self.bar.set_message("playing the day");
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} % {elapsed:>4}") {
            self.bar.set_style(style);
        }
    }

    pub(super) fn minute(&self) {
        self.bar.inc(1);
    }

    /// Does something to the screen without the bar in the way.
    pub(super) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bar.suspend(work)
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
