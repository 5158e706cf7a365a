//! The first part of a script: the platform. Each line adds to a world that is built when the first step comes.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_core::policy::Policy;

use super::words::{ScriptError, Words};
use crate::QUIET_CYCLES;
use spillway_world::load_model::LoadModel;
use spillway_world::weekday::Weekday;
use spillway_world::{NodeSpec, World, WorldBuilder};

/// Words that begin a line of the first part.
const VERBS: &str = "starts, platform, world, policy, location, always-on, overflow, proxying";

/// A platform, as far as it has been described.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    builder: WorldBuilder,
    pub(super) start: Timestamp,
    tag: String,
    policy: serde_json::Map<String, serde_json::Value>,
    chosen: bool,
    /// Cycles in a row that do nothing before the play ends.
    pub(super) quiet_cycles: u32,
}

impl Setup {
    /// 2 March 2026, 08:00 UTC: a Monday. Nodes are ready four minutes after a start and report every twenty
    /// seconds, so that a script reads like a clock; both can be changed.
    pub(super) fn new() -> Self {
        let start = Timestamp::from_second(1_772_438_400).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            builder: usual(start),
            start,
            tag: "manager".to_owned(),
            policy: serde_json::Map::new(),
            chosen: false,
            quiet_cycles: QUIET_CYCLES,
        }
    }

    pub(super) fn take(&mut self, mut words: Words) -> Result<(), ScriptError> {
        match words.word("what to set up")?.as_str() {
            "starts" => self.starts(&mut words)?,
            "platform" => self.platform(&mut words)?,
            "world" => self.world(&mut words)?,
            "policy" => {
                for (key, value) in words.options() {
                    set(&mut self.policy, &key, &value);
                }
            }
            "location" => self.location(&mut words)?,
            "always-on" => self.nodes(&mut words, NodeSpec::always_on)?,
            "overflow" => self.nodes(&mut words, NodeSpec::overflow)?,
            "proxying" => self.nodes(&mut words, NodeSpec::proxying)?,
            other => {
                return words.error(format!("{other:?} is not understood; possible are {VERBS}, or a time"));
            }
        }
        words.end()
    }

    fn change(&mut self, change: impl FnOnce(WorldBuilder) -> WorldBuilder) {
        self.chosen = true;
        self.builder = change(self.builder.clone());
    }

    fn starts(&mut self, words: &mut Words) -> Result<(), ScriptError> {
        if self.chosen {
            return words.error("`starts` comes before everything else");
        }
        let text = format!("{}T{}", words.word("the date")?, words.word("the time")?);
        let parsed = text.parse::<DateTime>().ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
        let Some(at) = parsed else {
            return words.error(format!("{text:?} is not a date and a time, such as 2026-03-02 08:00"));
        };
        self.start = at.timestamp();
        self.builder = usual(self.start);
        Ok(())
    }

    fn platform(&mut self, words: &mut Words) -> Result<(), ScriptError> {
        if let Some(tag) = words.option("tag") {
            self.change(|builder| builder.tag_value(&tag));
            self.tag = tag;
        }
        if let Some(threshold) = words.option_number("threshold")? {
            self.change(|builder| builder.threshold(threshold));
        }
        if let Some(life) = words.option_duration("minimum-lifetime")? {
            let minutes = u32::try_from(life.as_mins()).unwrap_or(0);
            self.change(|builder| builder.min_lifetime(minutes));
        }
        if let Some(version) = words.option("version") {
            self.change(|builder| builder.version(&version));
        }
        if let Some(on) = words.option("bursting") {
            self.change(|builder| builder.bursting(on == "on"));
        }
        if words.option("standby").is_some() {
            self.change(WorldBuilder::with_standby);
        }
        Ok(())
    }

    fn world(&mut self, words: &mut Words) -> Result<(), ScriptError> {
        if let Some(boot) = words.option_duration("boot")? {
            self.change(|builder| builder.boots_in(boot));
        }
        if let Some(every) = words.option_duration("reports")? {
            self.change(|builder| builder.settings(|settings| settings.reporting.every = (every, every)));
        }
        if let Some(cycles) = words.option_number("quiet-cycles")? {
            self.quiet_cycles = cycles;
        }
        if let Some(seed) = words.option_number("seed")? {
            self.change(|builder| builder.seed(seed));
        }
        if let Some(time) = words.option_duration("replication")? {
            self.change(|builder| builder.settings(|settings| settings.reporting.replication = time));
        }
        if let Some(lag) = words.option_duration("ec2-lag")? {
            self.change(|builder| builder.settings(|settings| settings.ec2.consistency = (lag, lag)));
        }
        if let Some(peak) = words.option_number("weekday")? {
            let date = self.start.to_zoned(TimeZone::UTC).date();
            let callers = Weekday::with_peak(date, peak).callers(&LoadModel::default(), u64::from(peak));
            let callers = Arc::new(callers);
            self.change(|builder| builder.callers(callers));
        }
        if let Some(tokens) = words.option("media-tokens") {
            self.change(|builder| {
                builder.settings(|settings| settings.reporting.tokens_per_hd = tokens.parse().ok())
            });
        }
        Ok(())
    }

    fn location(&mut self, words: &mut Words) -> Result<(), ScriptError> {
        let name = words.word("the location's name")?;
        let (overflow, secondary, transcoding) =
            (words.option("overflow"), words.option("secondary"), words.option("transcoding"));
        self.change(|builder| {
            let mut builder = builder.location(&name);
            if let Some(to) = overflow {
                builder = builder.overflow(&name, &to);
            }
            if let Some(to) = secondary {
                builder = builder.secondary_overflow(&name, &to);
            }
            if let Some(to) = transcoding {
                builder = builder.transcoding(&name, &to);
            }
            builder
        });
        Ok(())
    }

    fn nodes(&mut self, words: &mut Words, kind: fn(&str) -> NodeSpec) -> Result<(), ScriptError> {
        let location = words.word("the location")?;
        let mut spec = kind(&location).count(words.option_number("nodes")?.unwrap_or(1));
        if let Some(calls) = words.option_number("calls")? {
            spec = spec.hd_calls(calls);
        }
        if let Some(text) = words.option("type") {
            spec = spec.instance_type(&text);
        }
        if let Some(text) = words.option("zone") {
            spec = spec.zone(&text);
        }
        if let Some(text) = words.option("vpc") {
            spec = spec.vpc(&text);
        }
        if let Some(text) = words.option("region") {
            spec = spec.region(&text);
        }
        if let Some(text) = words.option("names") {
            spec = spec.named(&text);
        }
        if let Some(text) = words.option("version") {
            spec = spec.version(&text);
        }
        if let Some(text) = words.option("tag") {
            spec = spec.tag((text != "none").then_some(text.as_str()));
        }
        while let Some(word) = words.maybe() {
            spec = match word.as_str() {
                "running" => spec.running(true),
                "never-contacted" => spec.never_contacted(),
                "elsewhere" => spec.elsewhere(),
                "public" => spec.public(),
                _ => return words.error(format!("{word:?} is not understood here")),
            };
        }
        self.change(|builder| builder.with(spec));
        Ok(())
    }

    /// Builds the world and the policy.
    pub(super) fn build(&self, line: usize) -> Result<(World, Policy), ScriptError> {
        let world = self.builder.clone().build();
        let world = world.map_err(|error| ScriptError { line, message: error.to_string() })?;
        let mut policy = self.policy.clone();
        policy.entry("tag_value").or_insert_with(|| self.tag.clone().into());
        // A scenario shows one rule at a time: load that jumps in a script is no forecast's business unless the script says so.
        policy.entry("forecast").or_insert_with(|| serde_json::json!({"enabled": false}));
        let policy = Policy::parse(&serde_json::Value::Object(policy).to_string())
            .map_err(|error| ScriptError { line, message: error.to_string() })?;
        Ok((world, policy))
    }
}

fn usual(start: Timestamp) -> WorldBuilder {
    WorldBuilder::new(start).boots_in(SignedDuration::from_mins(4)).settings(|settings| {
        let every = SignedDuration::from_secs(20);
        settings.reporting.every = (every, every);
    })
}

/// `a.b=1` becomes `{"a": {"b": 1}}`; what is not JSON is text.
fn set(object: &mut serde_json::Map<String, serde_json::Value>, key: &str, value: &str) {
    let value = || match key {
        // A list is written with commas.
        "vpcs" | "regions" | "nat.private_only" => {
            value.split(',').map(str::to_owned).collect::<Vec<_>>().into()
        }
        _ => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
    };
    match key.split_once('.') {
        None => {
            object.insert(key.to_owned(), value());
        }
        Some((key, inner)) => {
            let entry = object.entry(key).or_insert_with(|| serde_json::Map::new().into());
            if let Some(object) = entry.as_object_mut() {
                object.insert(inner.to_owned(), value());
            }
        }
    }
}
