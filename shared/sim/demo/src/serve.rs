//! `cargo demo --serve`: the status page of the simulated platform, the same that `spillway dashboard` serves for a real
//! one. Whoever watches is an operator: the buttons hold and drain through the functions' own cycle, beside those of
//! the day.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ledger::{Actor, Event};
use spillway_core::policy::Policy;
use spillway_core::prewarm::Tick;
use spillway_dashboard::{
    Answer, Memory, PageAction, PageActions, PageData, PageSource, Preview, ServeSettings, Served,
    WindowLine, read_page, serve,
};
use spillway_dynamodb::DynamoLedger;
use spillway_engine::ports::Ports;
use spillway_engine::ports::{Clock, LedgerRead};
use spillway_pexip::HttpManagement;
use tokio::sync::Mutex;

use super::day::Day;
use super::environment::Environment;
use spillway_harness::ports::{SimClock, SimFleet};

/// A minute a second, unless something else is asked: the spike at nine takes a while to be watched, not to be waited for.
pub(super) const SPEED: f64 = 60.0;

/// The empty night is played at once.
pub(super) const BEFORE_THE_FIRST_CALL: SignedDuration = SignedDuration::from_mins(10);

/// A simulated minute or two for each refresh.
const EVERY: Duration = Duration::from_secs(2);

/// The platform behind the page. It reads and acts without the time that calls take in the day: looking at a platform
/// must not move its clock.
struct Watched {
    fleet: SimFleet,
    management: HttpManagement,
    ledger: DynamoLedger,
    clock: PageClock,
    policy: Policy,
    memory: Mutex<Memory>,
    windows: Vec<WindowLine>,
    zone: TimeZone,
}

/// The world's time; but a deadline is on the real clock, since the world goes on in leaps of a minute.
struct PageClock {
    world: SimClock,
    began: Instant,
}

impl Clock for PageClock {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Serves the page of a environment.
pub(super) async fn start(environment: &Environment, day: &Day, port: u16) -> Result<Served> {
    let (fleet, management, ledger, clock) = environment.outside();
    let source = Watched {
        fleet,
        management,
        ledger,
        clock: PageClock { world: clock, began: Instant::now() },
        policy: environment.policy().clone(),
        memory: Mutex::default(),
        windows: windows(day),
        zone: TimeZone::UTC,
    };
    let settings = ServeSettings { port, every: EVERY, zone: Some("UTC".to_owned()) };
    serve(source, settings).await.with_context(|| {
        format!("cannot listen on port {port} of 127.0.0.1: choose another port with --serve PORT")
    })
}

/// What is said of it.
pub(super) fn introduce(page: &Served) -> String {
    format!("Page      {}\n", page.url)
}

/// Every time that the window fires in the days that are played.
fn windows(day: &Day) -> Vec<WindowLine> {
    let minutes = i64::try_from(day.minutes()).unwrap_or(0);
    (0..minutes)
        .filter_map(|minute| line(&day.prewarm_due(day.start + SignedDuration::from_mins(minute))?))
        .collect()
}

fn line(tick: &Tick) -> Option<WindowLine> {
    let at = tick.scheduled_at?;
    let spec = &tick.spec;
    Some(WindowLine {
        name: spec.window.clone(),
        what: spec.amount.to_string(),
        at,
        spike_at: at + spec.lead(),
        until: at + spec.hold(),
        skipped: false,
    })
}

type WatchedPorts<'a> = Ports<'a, (SimFleet, HttpManagement, DynamoLedger, PageClock)>;

impl Watched {
    fn ports(&self) -> WatchedPorts<'_> {
        let Self { fleet, management, ledger, clock, .. } = self;
        Ports::of(fleet, management, ledger, clock)
    }

    fn actions(&self) -> PageActions<'_, (SimFleet, HttpManagement, DynamoLedger, PageClock)> {
        PageActions { ports: self.ports(), policy: &self.policy, by: Actor::Person("you".to_owned()) }
    }
}

impl PageSource for Watched {
    async fn read(&self) -> Result<PageData, Fault> {
        let now = self.clock.now();
        let ahead = now + SignedDuration::from_hours(24);
        let windows = self.windows.iter().filter(|window| window.at > now && window.at < ahead).cloned();
        let windows = windows.collect();
        let mut memory = self.memory.lock().await;
        let page = read_page(self.ports(), &self.policy, "demo", &self.zone, &mut memory, windows);
        Ok(Box::pin(page).await)
    }

    async fn history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Fault> {
        self.ledger.read_events(from, until).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn preview(&self, action: &PageAction) -> Result<Preview, Fault> {
        self.actions().preview(action).await
    }

    async fn act(&self, action: &PageAction) -> Result<Answer, Fault> {
        Box::pin(self.actions().act(action)).await
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Options;
    use crate::history::Learned;
    use crate::policy::Policy as Played;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_page_shows_the_platform_and_the_window_to_come_and_moves_no_clock() {
        let day = Day::new(&Options::parse_from(["demo", "--serve"])).unwrap();
        let environment = Environment::of(&day, Played::SpillwayPrewarm, Learned::default()).await.unwrap();
        let (fleet, management, ledger, clock) = environment.outside();
        let source = Watched {
            fleet,
            management,
            ledger,
            clock: PageClock { world: clock, began: Instant::now() },
            policy: environment.policy().clone(),
            memory: Mutex::default(),
            windows: windows(&day),
            zone: TimeZone::UTC,
        };
        let before = source.now();
        let data = source.read().await.unwrap();
        assert_eq!(source.now(), before, "looking takes no time");
        let first = &data.status.first;
        assert!(first.room_now.is_some() && first.ledger_read, "{:?}", data.status.trouble);
        assert!(data.status.is_without_cycles(), "the day has not begun");
        assert_eq!(data.status.nodes.len(), day.overflow);
        assert_eq!(data.windows.len(), 1);
        assert_eq!(data.windows[0].spike_at, day.start + SignedDuration::from_hours(9));
        let served = start(&environment, &day, 0).await.unwrap();
        assert!(served.url.starts_with("http://127.0.0.1:"), "{}", served.url);
        served.stop();
        environment.clear().await;
    }

    #[test]
    fn json_is_for_whoever_does_not_watch() {
        let refused = Options::try_parse_from(["demo", "--serve", "--json"]).unwrap_err();
        assert!(refused.to_string().contains("--json"));
        assert_eq!(Options::parse_from(["demo", "--serve"]).serve, Some(0));
        assert_eq!(Options::parse_from(["demo", "--serve", "8400"]).serve, Some(8400));
        assert_eq!(Options::parse_from(["demo"]).serve, None);
    }
}
