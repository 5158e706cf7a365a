//! `cargo demo`: a weekday of bursting on one machine, without an account. The same callers call the same platform
//! under five policies; Spillway's day is printed step by step, and at the end come a table, a few
//! sentences and a picture.
//!
//! What is real: the cycle, the pre-warm and the reconciler, the Management API's client and server over HTTP, the ledger
//! over HTTP on an embedded DynamoDB. What is simulated: calls, nodes, EC2 and time, all of it in [`spillway_world`].
//!
//! It must not tune anything for the comparison: threshold, minimum lifetime, boot times and callers are the same, and
//! where a policy does worse the sentences say so. It needs no account, and nothing in its output comes from the real clock.
//!
//! Begin with [`run`], then the environment (`environment.rs`) and how a day is played (`play.rs`).

mod comparison;
mod day;
mod environment;
mod history;
mod moment;
mod options;
mod page;
mod play;
mod policy;
mod progress;
mod serve;
mod story;
mod timeline;
mod travel;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use self::comparison::Comparison;
use self::day::Day;
use self::environment::Environment;
use self::history::Learned;
use self::play::{Pace, Played, play_alone, play_silently, play_spillway};
use self::progress::Progress;
use self::story::Story;

pub use self::options::{C5_2XLARGE_PRICE, Options};
pub use self::policy::Policy;

/// Plays the day, and writes to `out` what goes to standard output. Fails on bad input; gives exit code 1 when we
/// dropped a call.
pub async fn run<W: Write>(options: &Options, out: &mut W) -> Result<ExitCode> {
    let progress = Progress::building();
    let result = play(options, out, &progress).await;
    progress.end();
    result
}

async fn play<W: Write>(options: &Options, out: &mut W, progress: &Progress) -> Result<ExitCode> {
    let day = Day::new(options)?;
    let learned = {
        let day = day.clone();
        tokio::task::spawn_blocking(move || history::play(&day)).await??
    };
    progress.playing(day.minutes());
    let silent = [Policy::VendorRule, Policy::SpillwayPrewarm].map(|policy| {
        let day = day.clone();
        tokio::task::spawn_blocking(move || play_silently(&day, policy, Learned::default()))
    });
    let others = [Policy::PexipBuiltIn, Policy::AlwaysOn].map(|policy| {
        let day = day.clone();
        tokio::task::spawn_blocking(move || play_alone(&day, policy))
    });
    let mut story = Story::new(out, progress, options.json, day.end);
    let mut environment = Box::pin(Environment::of(&day, Policy::Spillway, learned)).await?;
    let page = match options.serve {
        Some(port) => Some(serve::start(&environment, &day, port).await?),
        None => None,
    };
    if let Some(page) = &page {
        story.tell(&serve::introduce(page))?;
    }
    story.introduce(&day)?;
    let pace = Pace::of(options, &day);
    let installed = play_spillway(&day, Policy::Spillway, &mut environment, pace, &mut story).await?;
    story.end()?;
    let mut played = vec![installed];
    for other in silent.into_iter().chain(others) {
        played.push(other.await??);
    }
    progress.end();

    let comparison = Comparison::new(&day, &played, options.price);
    let report = write_report(options, &day, &played, &comparison)?;
    if options.json {
        serde_json::to_writer(&mut *out, &comparison)?;
        writeln!(out)?;
    } else {
        conclude(options, &comparison, report.as_deref(), out)?;
    }
    if let Some(page) = page {
        writeln!(out, "\nThe status page shows the end of the day until Ctrl-C.")?;
        let _ = tokio::signal::ctrl_c().await;
        page.stop();
    }
    environment.clear().await;
    Ok(verdict(&comparison))
}

fn conclude<W: Write>(
    options: &Options,
    comparison: &Comparison,
    report: Option<&Path>,
    out: &mut W,
) -> Result<()> {
    write!(out, "{}", comparison.table())?;
    writeln!(out, "\nCost at {}.", price(options.price))?;
    for sentence in comparison.sentences() {
        writeln!(out, "{sentence}")?;
    }
    if let Some(report) = report {
        writeln!(out, "\nReport: {}", report.display())?;
    }
    Ok(())
}

/// The price, and where it comes from.
fn price(price: f64) -> String {
    if (price - C5_2XLARGE_PRICE).abs() < 1e-9 {
        format!("{price} USD per node-hour, the on-demand price of a c5.2xlarge in us-east-1 (--price)")
    } else {
        format!("{price} USD per node-hour, as asked")
    }
}

fn verdict(comparison: &Comparison) -> ExitCode {
    let dropped = comparison.dropped_by_us();
    if dropped == 0 {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(
        std::io::stderr(),
        "FAILED: Spillway stopped nodes that hosted calls: {dropped} calls were dropped by us. This must never happen."
    );
    ExitCode::FAILURE
}

fn write_report(
    options: &Options,
    day: &Day,
    played: &[Played],
    comparison: &Comparison,
) -> Result<Option<PathBuf>> {
    if options.no_report {
        return Ok(None);
    }
    let file = options.report.clone().unwrap_or_else(default_report);
    let page = page::render(day, played, comparison, &price(options.price));
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {} for the report", folder.display()))?;
    }
    std::fs::write(&file, page)
        .with_context(|| format!("cannot write the report to {}: choose another --report", file.display()))?;
    Ok(Some(file))
}

/// Beside the binary's profile folder in the build's target directory, which no checkout tracks.
fn default_report() -> PathBuf {
    let binary = std::env::current_exe().unwrap_or_default();
    let target = binary.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.map_or_else(std::env::temp_dir, Path::to_owned).join("demo-report.html")
}
