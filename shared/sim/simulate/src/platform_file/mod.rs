//! The file that says which platform a stand-alone simulated Management Node serves: locations, nodes, callers,
//! clock, accounts, faults. JSON, every key optional, unknown keys refused by name. It only describes; the world's
//! rules are the world's.

mod check;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use spillway_pexip_server::Fault;
use spillway_pexip_server::{Audience, KeyForm, Rights};
use spillway_world::callers::Callers;
use spillway_world::load_model::LoadModel;
use spillway_world::trace::{Trace, TraceOptions};
use spillway_world::weekday::Weekday;
use spillway_world::{CallSpec, NodeSpec, SharedWorld, WorldBuilder, lock};

/// A scenario as read from its file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// When the world's clock starts; now if absent.
    pub start: Option<Timestamp>,
    /// Seconds of the world per real second; 1 if absent.
    pub speed: Option<f64>,
    /// Seed of everything that is drawn; 1 if absent.
    pub seed: Option<u64>,
    /// Locations; the built-in platform if there are none.
    pub locations: Vec<LocationSpec>,
    /// Groups of nodes.
    pub nodes: Vec<NodeGroup>,
    /// Pexip's own bursting.
    pub bursting: BurstingSpec,
    /// Callers that come and go.
    pub load: Option<LoadSpec>,
    /// Calls that are up from the start and stay.
    pub calls: Vec<CallsSpec>,
    /// Delays and odds.
    pub timing: TimingSpec,
    /// Value of the tag `pexip-cloud`.
    pub tag_value: Option<String>,
    /// Software version.
    pub version: Option<String>,
    /// Whether there is a standby Management Node.
    pub standby: bool,
    /// Conferences that the history keeps.
    pub history_conferences: Option<usize>,
    /// Whether the `cloud_*` lists are filled while Pexip's bursting is off.
    pub cloud_lists_when_off: bool,
    /// OAuth2 clients.
    pub oauth2_clients: Vec<ClientSpec>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Limits and choices of the API.
    pub api: ApiSpec,
}

/// A location.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationSpec {
    name: String,
    /// Primary overflow location.
    overflow: Option<String>,
    /// Secondary overflow location.
    secondary_overflow: Option<String>,
    /// Transcoding location.
    transcoding: Option<String>,
    /// Share of the callers who come in here.
    share: Option<f64>,
}

/// What a group of nodes is for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Running, without the tag.
    AlwaysOn,
    /// Stopped, with the tag.
    Overflow,
    /// Running, proxying.
    Proxying,
}

/// A group of like nodes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    location: String,
    kind: NodeKind,
    #[serde(default = "one")]
    count: usize,
    prefix: Option<String>,
    instance_type: Option<String>,
    hd_calls: Option<u32>,
    zone: Option<String>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    elastic: bool,
    #[serde(default)]
    never_contacted: bool,
    running: Option<bool>,
}

fn one() -> usize {
    1
}

/// Pexip's own bursting.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BurstingSpec {
    /// Whether it is on.
    pub enabled: bool,
    threshold: Option<u32>,
    min_lifetime_minutes: Option<u32>,
}

/// Callers.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadSpec {
    /// The built-in weekday, from the start's date on.
    Weekday {
        /// HD calls at the top of the spike.
        peak: u32,
        /// How many days.
        #[serde(default = "one_day")]
        days: u32,
    },
    /// A trace, its first day played on the start's date.
    Trace {
        /// CSV file.
        file: PathBuf,
        /// How many days.
        #[serde(default = "one_day")]
        days: u32,
        /// Thins or multiplies the calls.
        #[serde(default = "whole")]
        scale: f64,
    },
}

fn one_day() -> u32 {
    1
}

fn whole() -> f64 {
    1.0
}

/// HD calls that stay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallsSpec {
    location: String,
    count: u32,
    /// Calls with the same number are one conference; without it each has its own.
    conference: Option<u64>,
}

/// Delays and odds; seconds of the world.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimingSpec {
    /// EC2 `pending`, from and to.
    pending_s: Option<(f64, f64)>,
    /// Start to ready, from and to.
    ready_s: Option<(f64, f64)>,
    /// EC2 `stopping`, from and to.
    stopping_s: Option<(f64, f64)>,
    /// Share of starts after which a node never becomes ready.
    never_ready: Option<f64>,
    /// Between two reports of a node, from and to.
    report_s: Option<(f64, f64)>,
    /// From a change to its effect on the nodes.
    replication_s: Option<f64>,
    /// An upgrade of the Management Node, with its restart, and of one node.
    upgrade_s: Option<(f64, f64)>,
}

/// An OAuth2 client.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// Name.
    pub name: String,
    /// Identifier; drawn if absent.
    pub client_id: Option<String>,
    /// What it may do.
    #[serde(default)]
    pub rights: Rights,
    /// Where its private key is written.
    pub private_key_out: PathBuf,
}

/// Limits and choices of the API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSpec {
    /// Most rows in a list.
    pub max_limit: Option<u64>,
    /// Most requests in 60 s; 0 for no limit.
    pub rate_limit: Option<usize>,
    /// Status of a command that succeeded.
    pub command_status: Option<u16>,
    /// Status when a right is missing.
    pub forbidden_status: Option<u16>,
    /// Turns basic authentication off.
    pub disable_basic: bool,
    /// Seconds that an access token is valid.
    pub token_lifetime_s: Option<u64>,
    /// Which audience an assertion must carry.
    pub audience: Option<Audience>,
    /// In which form a new OAuth2 client gets its private key.
    pub private_key: Option<KeyForm>,
    /// Content type of the provisioning document.
    pub document_type: Option<String>,
}

fn seconds(value: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(value).unwrap_or(SignedDuration::ZERO)
}

fn span((from, to): (f64, f64)) -> (SignedDuration, SignedDuration) {
    (seconds(from), seconds(to.max(from)))
}

impl Scenario {
    /// Reads a file; what is wrong is said with line and column.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the scenario {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("the scenario {} is not usable", path.display()))
    }

    /// The world it describes. `now` stands for the start where the file gives none.
    pub fn world(&self, now: Timestamp) -> anyhow::Result<SharedWorld> {
        self.check()?;
        let start = self.start.unwrap_or(now);
        let seed = self.seed.unwrap_or(1);
        let mut builder = WorldBuilder::new(start).seed(seed).callers(Arc::new(self.callers(start, seed)?));
        if self.locations.is_empty() {
            builder = builder
                .location("London")
                .location("AWS burst")
                .overflow("London", "AWS burst")
                .always_on("London", 3)
                .with(NodeSpec::overflow("AWS burst").count(7).public())
                .calls_to("London", 1.0);
        }
        for location in &self.locations {
            builder = builder.location(&location.name);
        }
        for location in &self.locations {
            let name = &location.name;
            if let Some(to) = &location.overflow {
                builder = builder.overflow(name, to);
            }
            if let Some(to) = &location.secondary_overflow {
                builder = builder.secondary_overflow(name, to);
            }
            if let Some(to) = &location.transcoding {
                builder = builder.transcoding(name, to);
            }
            if let Some(share) = location.share {
                builder = builder.calls_to(name, share);
            }
        }
        for group in &self.nodes {
            builder = builder.with(group.spec());
        }
        builder = builder.bursting(self.bursting.enabled);
        if let Some(threshold) = self.bursting.threshold {
            builder = builder.threshold(threshold);
        }
        if let Some(minutes) = self.bursting.min_lifetime_minutes {
            builder = builder.min_lifetime(minutes);
        }
        if let Some(value) = &self.tag_value {
            builder = builder.tag_value(value);
        }
        if let Some(version) = &self.version {
            builder = builder.version(version);
        }
        if self.standby {
            builder = builder.with_standby();
        }
        let world = self.timed(builder).build_shared()?;
        for calls in &self.calls {
            let spec = CallSpec { conference: calls.conference, ..CallSpec::HD };
            let placed = lock(&world).call_many(&calls.location, calls.count, spec).len();
            if placed < calls.count as usize {
                let (location, count) = (&calls.location, calls.count);
                anyhow::bail!(
                    "only {placed} of {count} calls fit into {location:?}: add nodes or take fewer calls"
                );
            }
        }
        Ok(world)
    }

    fn timed(&self, builder: WorldBuilder) -> WorldBuilder {
        let timing = self.timing.clone();
        let (conferences, lists) = (self.history_conferences, self.cloud_lists_when_off);
        builder.settings(move |settings| {
            let set = |to: &mut (SignedDuration, SignedDuration), from: Option<(f64, f64)>| {
                if let Some(given) = from {
                    *to = span(given);
                }
            };
            set(&mut settings.boot.pending, timing.pending_s);
            set(&mut settings.boot.ready, timing.ready_s);
            set(&mut settings.boot.stopping, timing.stopping_s);
            set(&mut settings.reporting.every, timing.report_s);
            if let Some(share) = timing.never_ready {
                settings.boot.never_ready = share;
            }
            if let Some((management, node)) = timing.upgrade_s {
                settings.upgrade.management = seconds(management);
                settings.upgrade.node = seconds(node);
            }
            if let Some(delay) = timing.replication_s {
                settings.reporting.replication = seconds(delay);
            }
            if let Some(conferences) = conferences {
                settings.history.conferences = conferences;
            }
            settings.reporting.cloud_lists_when_off |= lists;
            // A served world may run for weeks; nobody reads its samples.
            settings.sample_every = None;
        })
    }

    fn callers(&self, start: Timestamp, seed: u64) -> anyhow::Result<Callers> {
        let date = start.to_zoned(TimeZone::UTC).date();
        let model = LoadModel::default();
        let mut callers = match &self.load {
            None => Callers::default(),
            Some(LoadSpec::Weekday { peak, days }) => {
                let mut weekday = Weekday::with_peak(date, *peak);
                weekday.days = *days;
                weekday.callers(&model, seed)
            }
            Some(LoadSpec::Trace { file, days, scale }) => {
                let options = TraceOptions {
                    days: *days,
                    scale: *scale,
                    onto: Some(date),
                    seed,
                    ..TraceOptions::default()
                };
                Callers::from_arrivals(Trace::read(file)?.arrivals(&options)?, &model, seed)
            }
        };
        // Whoever called before the world began is not in it; else they would all come at once.
        callers.list.retain(|caller| caller.at >= start);
        Ok(callers)
    }
}

impl NodeGroup {
    fn spec(&self) -> NodeSpec {
        let mut spec = match self.kind {
            NodeKind::AlwaysOn => NodeSpec::always_on(&self.location),
            NodeKind::Overflow => NodeSpec::overflow(&self.location),
            NodeKind::Proxying => NodeSpec::proxying(&self.location),
        }
        .count(self.count);
        if let Some(prefix) = &self.prefix {
            spec = spec.named(prefix);
        }
        if let Some(kind) = &self.instance_type {
            spec = spec.instance_type(kind);
        }
        if let Some(calls) = self.hd_calls {
            spec = spec.hd_calls(calls);
        }
        if let Some(zone) = &self.zone {
            spec = spec.zone(zone);
        }
        if let Some(running) = self.running {
            spec = spec.running(running);
        }
        if self.public {
            spec = spec.public();
        }
        if self.elastic {
            spec = spec.elastic();
        }
        if self.never_contacted {
            spec = spec.never_contacted();
        }
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2026-05-04T08:30:00Z";

    #[test]
    fn a_scenario_becomes_a_world_with_its_calls() {
        let text = r#"{
            "start": "2026-05-04T08:30:00Z", "speed": 60,
            "locations": [{"name": "Oslo", "overflow": "Burst"}, {"name": "Burst"}],
            "nodes": [{"location": "Oslo", "kind": "always_on", "count": 2},
                      {"location": "Burst", "kind": "overflow", "count": 3, "public": true}],
            "bursting": {"enabled": true, "threshold": 4},
            "load": {"weekday": {"peak": 30}},
            "calls": [{"location": "Oslo", "count": 20}],
            "faults": [{"kind": "unavailable", "from_s": 60, "until_s": 90}]
        }"#;
        let scenario: Scenario = serde_json::from_str(text).unwrap();
        let world = scenario.world(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(lock(&world).now(), START.parse().unwrap());
        assert!(lock(&world).callers().list.iter().all(|caller| caller.at >= START.parse().unwrap()));
        assert_eq!(scenario.faults.len(), 1);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            (r#"{"speeed": 1}"#, "speeed"),
            (r#"{"nodes": [{"location": "Oslo", "kind": "always_on"}]}"#, "no locations"),
            (r#"{"locations": [{"name": "Oslo", "overflow": "Bergen"}]}"#, "Bergen"),
            (r#"{"calls": [{"location": "London", "count": 5000}]}"#, "calls fit"),
            (r#"{"calls": [{"location": "Paris", "count": 1}]}"#, "no location \"Paris\""),
            (
                r#"{"locations": [{"name": "A"}], "nodes": [{"location": "B", "kind": "overflow"}]}"#,
                "\"locations\"",
            ),
            (r#"{"locations": [{"name": "A", "share": -1}]}"#, "share"),
            (r#"{"load": {"weekday": {"peak": 3, "dayz": 3}}}"#, "dayz"),
            (r#"{"load": {"trace": {"file": "x.csv", "scales": 3}}}"#, "scales"),
            (r#"{"timing": {"ready_s": [300, 180]}}"#, "ready_s"),
            (r#"{"timing": {"replication_s": -1}}"#, "replication_s"),
            (r#"{"timing": {"never_ready": 3}}"#, "never_ready"),
            (r#"{"faults": [{"kind": "slow", "delay_ms": 5, "untill_s": 5}]}"#, "untill_s"),
            (r#"{"api": {"command_status": 700}}"#, "command_status"),
            (r#"{"api": {"forbidden_status": 200}}"#, "forbidden_status"),
            (r#"{"api": {"max_limit": 0}}"#, "max_limit"),
            (r#"{"api": {"token_lifetime_s": 0}}"#, "token_lifetime_s"),
            (r#"{"api": {"document_type": "text/xml\n"}}"#, "document_type"),
        ] {
            let message = match serde_json::from_str::<Scenario>(text) {
                Ok(scenario) => format!("{:#}", scenario.world(Timestamp::UNIX_EPOCH).unwrap_err()),
                Err(error) => error.to_string(),
            };
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
