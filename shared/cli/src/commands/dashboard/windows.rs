//! The pre-warm windows to come. They change when somebody changes them, so they are read every few minutes and not with
//! each refresh.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ledger::HoldAmount;
use spillway_dashboard::WindowLine;
use spillway_scheduler::{Window, Windows};
use spillway_ssm::PlatformSettings;
use spillway_view::IssueLine;
use tokio::sync::Mutex;

use crate::context::Context;

/// How long what was read is good.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// How far ahead windows are shown: tomorrow morning's spike is seen tonight.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The windows, as read last.
#[derive(Debug, Default)]
pub(super) struct WindowsAhead {
    read: Mutex<Option<(Instant, Result<Windows, Fault>)>>,
}

/// What is to come, and what an operator has to put right.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    pub(super) windows: Vec<WindowLine>,
    pub(super) issues: Vec<IssueLine>,
}

impl WindowsAhead {
    /// What fires in the next day. A stack without a schedule group has no windows.
    pub(super) async fn read(&self, context: &Context, settings: &PlatformSettings, now: Timestamp) -> Ahead {
        let Some(scheduler) = context.scheduler_of(settings) else { return Ahead::default() };
        let mut read = self.read.lock().await;
        let old = read.as_ref().is_none_or(|(at, _)| at.elapsed() >= GOOD_FOR);
        if old {
            *read = Some((Instant::now(), scheduler.windows().await));
        }
        match read.as_ref() {
            Some((_, Ok(windows))) => ahead(windows, now),
            Some((_, Err(fault))) => Ahead { windows: Vec::new(), issues: vec![unread(fault)] },
            None => Ahead::default(),
        }
    }
}

fn unread(fault: &Fault) -> IssueLine {
    IssueLine {
        about: "pre-warm windows".to_owned(),
        what: format!("they could not be read, so none is shown: {fault}"),
        remedy: fault.remedy.clone(),
    }
}

fn ahead(windows: &Windows, now: Timestamp) -> Ahead {
    let until = now.saturating_add(AHEAD).unwrap_or(now);
    let mut lines: Vec<WindowLine> =
        windows.windows.iter().flat_map(|window| firings(window, now, until)).collect();
    lines.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    let issues = windows.bad.iter().map(|bad| IssueLine {
        about: format!("pre-warm window {}", bad.name),
        what: format!("it cannot be read: {}", bad.error),
        remedy: "correct the input of its schedule, or remove the window: spillway prewarm remove".to_owned(),
    });
    Ahead { windows: lines, issues: issues.collect() }
}

fn firings(window: &Window, now: Timestamp, until: Timestamp) -> Vec<WindowLine> {
    let place = window.spec.location.as_ref().map_or_else(String::new, |location| format!(" in {location}"));
    let amount: HoldAmount = window.spec.amount;
    window
        .firings(now, until)
        .into_iter()
        .map(|firing| WindowLine {
            name: window.name.clone(),
            what: format!("{amount}{place}"),
            at: firing.scheduled.timestamp(),
            spike_at: firing.spike_at,
            until: firing.held_until,
            skipped: firing.skipped,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use spillway_core::prewarm::WindowSpec;
    use spillway_scheduler::Target;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn tomorrow_mornings_window_is_seen_tonight_and_a_skipped_one_is_marked() {
        let spec = WindowSpec::parse(
            r#"{"window":"weekday-morning","time_zone":"Europe/Oslo","amount":{"nodes":3},"skip":["2026-03-03"]}"#,
        )
        .unwrap();
        let window = Window::new(spec, "cron(50 8 ? * MON-FRI *)", Target::default()).unwrap();
        let windows = Windows { windows: vec![window], bad: Vec::new() };
        let tonight = ahead(&windows, at("2026-03-02T21:00:00Z")).windows;
        assert_eq!(tonight.len(), 1);
        let [line] = tonight.as_slice() else { panic!("one") };
        assert_eq!((line.what.as_str(), line.skipped), ("3 nodes", true));
        assert_eq!((line.at, line.spike_at), (at("2026-03-03T07:50:00Z"), at("2026-03-03T08:00:00Z")));
        assert!(!ahead(&windows, at("2026-03-03T21:00:00Z")).windows[0].skipped);
    }
}
