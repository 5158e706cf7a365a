//! Waiting, with progress on a terminal and a line for each change elsewhere. Interrupting is safe everywhere: what was
//! asked stays asked, and the same command goes on from there.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use spillway_core::cycle::LeaseMemory;
use spillway_core::ids::HoldId;
use spillway_core::outcome::CycleReport;
use spillway_core::ports::Clock;
use spillway_view::clean;

use crate::desk::{Desk, cycle_json};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};

/// How often a waiting command looks: the Management Node is not to be asked more often than every 15 to 30 seconds, and a
/// drain takes minutes.
const EVERY: Duration = Duration::from_secs(20);

/// How often to look. A simulated platform whose clock runs faster is looked at more often.
pub(crate) fn every() -> Duration {
    std::env::var("SPILLWAY_LOOK_EVERY_SECONDS")
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
    quiet: bool,
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
        Self { bar, last: String::new(), quiet: output.json }
    }

    /// What is waited for now.
    pub(crate) fn waits(&mut self, text: &str) {
        let text = clean(text);
        if let Some(bar) = &self.bar {
            bar.set_message(text.clone());
        } else if !self.quiet && self.last != text {
            output::note(&text);
        }
        self.last = text;
    }

    /// Something that happened and stays on the screen.
    pub(crate) fn says(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None if self.quiet => {}
            None => output::note(text),
        }
    }

    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Sleeps until the next look; a person who interrupts is told what stays.
pub(crate) async fn pause(stays: &str) -> Result<(), Failure> {
    tokio::select! {
        () = tokio::time::sleep(every()) => Ok(()),
        _ = tokio::signal::ctrl_c() => Err(Failure::failed("interrupted").remedy(stays.to_owned())),
    }
}

/// Waits until everything that these holds ask for is ready. Each look is a cycle: it meets the holds by itself where no
/// function does.
pub(crate) async fn until_held(
    desk: &Desk<'_>,
    ids: &[&HoldId],
    memory: &mut LeaseMemory,
    output: &Output,
) -> Ended {
    let mut progress = Progress::new(output);
    let limit = Duration::try_from(desk.policy().boot_limit).unwrap_or_default() + Duration::from_mins(2);
    let until = desk.context.clock.monotonic() + limit;
    let stays = "the hold stays; the nodes go on starting: spillway status shows them";
    loop {
        let report = desk.cycle(memory, &[]).await;
        let state = Held::of(&report, ids);
        if let Some(Held { ready, missing, booting, failed }) = &state {
            progress.waits(&format!(
                "{ready} ready, {booting} booting, {failed} failed, {missing} missing of what is held"
            ));
            let late = desk.context.clock.monotonic() >= until;
            if (*booting == 0 && *missing == 0) || late {
                progress.end();
                let exit = match (*failed + *missing + *booting, *ready) {
                    (0, _) => Exit::Done,
                    (_, 0) => Exit::Failed,
                    _ => Exit::Partly,
                };
                if output.json {
                    output::json(&json!({
                        "schema": 1, "platform": desk.context.platform, "ready": ready, "missing": missing,
                        "booting": booting, "failed": failed, "cycle": cycle_json(&report),
                    }));
                } else {
                    output::text(&format!("{ready} ready, {} not\n", failed + missing + booting));
                }
                return Ok(exit);
            }
        }
        pause(stays).await?;
    }
}

/// How far what is held has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    ready: usize,
    missing: usize,
    booting: usize,
    failed: usize,
}

impl Held {
    /// `None` for a cycle that says nothing: stale, or an outage.
    fn of(report: &CycleReport, ids: &[&HoldId]) -> Option<Self> {
        let plan = &report.plan.report;
        let holds: Vec<_> = plan.holds.iter().filter(|hold| ids.contains(&&hold.id)).collect();
        if holds.len() < ids.len() {
            return None;
        }
        let in_phase = |word: &str| {
            let covered = |node: &&spillway_core::report::NodeReport| {
                ids.iter().any(|id| id.as_str() == format!("node-{}", node.instance))
                    || ids.iter().any(|id| !id.as_str().starts_with("node-"))
            };
            plan.nodes.iter().filter(covered).filter(|node| node.phase.word() == word).count()
        };
        let missing = holds.iter().map(|hold| hold.missing as usize).sum();
        // A node started in this very cycle is still stopped in what was read.
        let started: usize = holds.iter().map(|hold| hold.added as usize).sum();
        Some(Self {
            ready: in_phase("ready"),
            missing,
            booting: in_phase("booting") + started,
            failed: in_phase("failed start"),
        })
    }
}
