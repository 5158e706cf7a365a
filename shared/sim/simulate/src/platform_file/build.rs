//! The world that a platform file describes.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_world::callers::Callers;
use spillway_world::load_model::LoadModel;
use spillway_world::trace::{Trace, TraceOptions};
use spillway_world::weekday::Weekday;
use spillway_world::{CallSpec, NodeSpec, SharedWorld, WorldBuilder, lock};

use super::keys::{LoadSpec, NodeGroup, NodeKind, PlatformFile};

fn seconds(value: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(value).unwrap_or(SignedDuration::ZERO)
}

fn span((from, to): (f64, f64)) -> (SignedDuration, SignedDuration) {
    (seconds(from), seconds(to.max(from)))
}

impl PlatformFile {
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
