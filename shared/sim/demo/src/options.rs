//! What can be asked of the demo. Ranges are refused here, where the option's name is still known; what needs the
//! trace to be judged (a day that is not in it, no caller left) is refused when the day is made.

use std::path::PathBuf;

use clap::Parser;
use jiff::civil::{Date, Time};

/// On-demand price of a c5.2xlarge with Linux in us-east-1, USD per hour. Other regions and savings plans differ,
/// which is why it is an option.
pub const C5_2XLARGE_PRICE: f64 = 0.34;

/// A simulated weekday of bursting, on this machine, without an account.
///
/// The same callers call five platforms: three that Spillway controls, as installed, by the vendor's rule alone, and by that with
/// a pre-warm (the real cycle of its functions, over HTTP against a simulated Management Node, with their ledger in an
/// embedded DynamoDB), one with Pexip's built-in bursting, and one with every node always on. Before the first day the platform
/// has run for two weeks, which Spillway has recorded.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "demo", bin_name = "cargo demo", version, allow_negative_numbers = true)]
pub struct Options {
    /// Load trace: CSV with `start,calls` (counts per interval) or `start,duration_s` (single calls). Without one,
    /// the built-in weekday: the guide's own example, a spike at nine and 20 % of it for the rest of the day
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// First day to play, such as 2003-03-03 [default: the trace's first day]
    #[arg(long, value_name = "DATE")]
    pub date: Option<Date>,

    /// Days to play
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=31))]
    pub days: u32,

    /// Days before the first played one that the platform has recorded: what the forecast learns from [default: 14, or
    /// what the trace has]
    #[arg(long, value_name = "N", default_value_t = 14, hide_default_value = true, value_parser = clap::value_parser!(u32).range(0..=56))]
    pub history_days: u32,

    /// When the first day begins [default: midnight; with --hours, the full hour before the pre-warm, which is where
    /// something happens]
    #[arg(long, value_name = "TIME")]
    pub from: Option<Time>,

    /// Play only so many hours [default: to the end of the last day]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=744))]
    pub hours: Option<u32>,

    /// Thins the callers (below 1: each is kept with this probability) or multiplies them (above 1)
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = scale)]
    pub scale: f64,

    /// Mean length of a call where the trace has none
    #[arg(long, value_name = "M", default_value_t = 40.0, value_parser = minutes)]
    pub mean_call_minutes: f64,

    /// Seed of everything drawn: same seed, same output
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Bursting threshold, HD calls [default: 15 % of the always-on capacity; the guide says 10 to 20 %]
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub threshold: Option<u32>,

    /// Minimum lifetime of an overflow node, minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    pub min_lifetime: u32,

    /// Always-on nodes [default: 30 % of the nodes that the load needs, as in the guide]
    #[arg(long, value_name = "N", value_parser = node_count)]
    pub always_on: Option<usize>,

    /// Overflow nodes [default: 70 % of the nodes that the load needs, as in the guide]
    #[arg(long, value_name = "N", value_parser = node_count)]
    pub overflow: Option<usize>,

    /// Price of a node per hour, USD [default: 0.34, a c5.2xlarge on demand in us-east-1]
    #[arg(long, value_name = "USD", default_value_t = C5_2XLARGE_PRICE, hide_default_value = true, value_parser = price)]
    pub price: f64,

    /// Share of the callers who come from the internet: they need a node whose static NAT address is right
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = share)]
    pub internet_share: f64,

    /// When the pre-warm starts all overflow nodes on weekdays, to be held for --hold minutes
    #[arg(long, value_name = "TIME", default_value = "08:50")]
    pub prewarm: Time,

    /// How long the pre-warm holds them, minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 70, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    pub hold: u32,

    /// Leave the static NAT addresses alone, to see what the reconciler is for
    #[arg(long)]
    pub no_reconciler: bool,

    /// Simulated seconds per second [default: as fast as it goes]
    #[arg(long, value_name = "X", value_parser = speed)]
    pub speed: Option<f64>,

    /// Serve the status page on this port of 127.0.0.1 [default: any that is free] while the day is played, at 60
    /// simulated seconds per second unless --speed says otherwise
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "0", conflicts_with = "json")]
    pub serve: Option<u16>,

    /// One JSON object on standard output, and nothing else
    #[arg(long)]
    pub json: bool,

    /// Where to write the HTML report [default: demo-report.html in the build's target directory]
    #[arg(long, value_name = "FILE", conflicts_with = "no_report")]
    pub report: Option<PathBuf>,

    /// Write no HTML report
    #[arg(long)]
    pub no_report: bool,
}

impl Options {
    /// Time of the first day at which playing begins.
    pub fn begins(&self) -> Time {
        match (self.from, self.hours) {
            (Some(from), _) => from,
            (None, Some(_)) => Time::constant(self.prewarm.hour(), 0, 0, 0),
            (None, None) => Time::midnight(),
        }
    }
}

fn number(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let (least, most) = (range.start(), range.end());
    match text.parse::<f64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("expected a number from {least} to {most}")),
    }
}

fn scale(text: &str) -> Result<f64, String> {
    number(text, 0.000_1..=1_000.0)
}

fn share(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0)
}

fn minutes(text: &str) -> Result<f64, String> {
    number(text, 0.1..=240.0)
}

fn price(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1_000.0)
}

fn speed(text: &str) -> Result<f64, String> {
    number(text, 0.001..=1_000_000.0)
}

fn node_count(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(count) if (1..=5_000).contains(&count) => Ok(count),
        _ => Err("expected 1 to 5000 nodes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let all = std::iter::once("demo").chain(arguments.iter().copied());
        Options::try_parse_from(all).expect_err("a refusal").to_string()
    }

    #[test]
    fn impossible_options_are_refused_by_name() {
        for (arguments, name) in [
            (["--scale", "0"], "--scale"),
            (["--scale", "NaN"], "--scale"),
            (["--days", "0"], "--days"),
            (["--threshold", "0"], "--threshold"),
            (["--min-lifetime", "0"], "--min-lifetime"),
            (["--always-on", "0"], "--always-on"),
            (["--overflow", "0"], "--overflow"),
            (["--price", "inf"], "--price"),
            (["--speed", "0"], "--speed"),
            (["--mean-call-minutes", "0"], "--mean-call-minutes"),
            (["--date", "2003-02-30"], "--date"),
        ] {
            assert!(refusal(&arguments).contains(name), "{arguments:?}");
        }
        assert!(refusal(&["--report", "x.html", "--no-report"]).contains("--no-report"));
        assert!(refusal(&["--price", "-1"]).contains("--price"));
    }

    #[test]
    fn some_hours_begin_where_something_happens() {
        let begins = |arguments: &[&str]| {
            let all = std::iter::once("demo").chain(arguments.iter().copied());
            Options::try_parse_from(all).expect("valid").begins().to_string()
        };
        assert_eq!(begins(&[]), "00:00:00");
        assert_eq!(begins(&["--hours", "3"]), "08:00:00", "the guide's spike is at nine");
        assert_eq!(begins(&["--hours", "3", "--prewarm", "07:05"]), "07:00:00");
        assert_eq!(begins(&["--hours", "3", "--from", "16:30"]), "16:30:00");
        assert_eq!(begins(&["--from", "16:30"]), "16:30:00");
    }

    #[test]
    fn the_defaults_are_valid() {
        let options = Options::try_parse_from(["demo"]).expect("valid");
        assert_eq!((options.days, options.seed, options.min_lifetime), (1, 1, 50));
        assert!((options.price - C5_2XLARGE_PRICE).abs() < f64::EPSILON);
    }
}
