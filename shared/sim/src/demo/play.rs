//! Plays the day under one policy: time goes on by the minute, and what there is to see is seen then. Spillway's
//! cycle runs on the minute, as the schedule would start it; Pexip's controller is part of the world.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{InstanceId, NodeName};

use super::day::Day;
use super::moment::{self, Moment};
use super::policy::Policy;
use super::stage::Stage;
use super::watch::{Life, Watch};
use crate::world::{NodeHours, Sample, SharedWorld, Tally, World, lock};

/// A day under one policy.
#[derive(Debug, Clone)]
pub(super) struct Played {
    pub(super) policy: Policy,
    pub(super) tally: Tally,
    pub(super) hours: NodeHours,
    /// One a minute, the first at midnight.
    pub(super) samples: Vec<Sample>,
    pub(super) moments: Vec<Moment>,
    pub(super) lives: Vec<Life>,
}

impl Played {
    fn of(policy: Policy, mut world: World, watch: Watch, moments: Vec<Moment>) -> Self {
        let mut moments = moments;
        if policy == Policy::PexipBuiltIn {
            moments.extend(moment::of_history(&mut world));
        }
        moments.sort_by_key(|moment| (moment.at, moment.what));
        Self {
            policy,
            tally: world.tally().clone(),
            hours: world.node_hours(),
            samples: world.samples().to_vec(),
            lives: watch.lives(&moments),
            moments,
        }
    }

    /// Calls dropped by whoever this policy lets stop nodes.
    pub(super) fn dropped(&self) -> u64 {
        self.tally.dropped.total()
    }
}

/// Who is told what happens, as it happens.
pub(super) trait Audience {
    /// A minute has passed, and this is how things stand.
    fn minute(&mut self, at: Timestamp, world: &World) -> Result<()>;
    /// Something happened.
    fn moment(&mut self, moment: &Moment) -> Result<()>;
}

/// Plays the day with the evaluator.
pub(super) async fn play_spillway(
    day: &Day,
    speed: Option<f64>,
    audience: &mut dyn Audience,
) -> Result<Played> {
    let world = day.platform(Policy::Spillway).build_shared()?;
    let mut stage = Stage::set(Arc::clone(&world)).await?;
    let names = Names::of(&world);
    let mut watch = Watch::default();
    let mut moments: Vec<Moment> = Vec::new();
    let began = Instant::now();
    for minute in 0..=day.minutes() {
        if let Some(speed) = speed {
            let due = Duration::try_from_secs_f64(minute as f64 * 60.0 / speed).unwrap_or(Duration::MAX);
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
        let at = day.start + SignedDuration::from_mins(i64::try_from(minute)?);
        let ready = {
            let mut world = lock(stage.world());
            world.advance_to(at);
            let ready = watch.look(&world);
            audience.minute(at, &world)?;
            ready
        };
        // At the end of the day there is nothing left to see what a cycle would do.
        let report = if minute < day.minutes() { Some(stage.evaluate().await) } else { None };
        let done = report.iter().flat_map(|report| moment::of_cycle(report, &|id| names.of_instance(id)));
        for moment in ready.into_iter().chain(done) {
            audience.moment(&moment)?;
            moments.push(moment);
        }
    }
    stage.clear().await;
    let world = lock(&world).clone();
    Ok(Played::of(Policy::Spillway, world, watch, moments))
}

/// Plays the day with what the platform does by itself.
pub(super) fn play_alone(day: &Day, policy: Policy) -> Result<Played> {
    let mut world = day.platform(policy).build()?;
    let mut watch = Watch::default();
    let mut moments = Vec::new();
    for minute in 0..=day.minutes() {
        world.advance_to(day.start + SignedDuration::from_mins(i64::try_from(minute)?));
        moments.extend(watch.look(&world));
    }
    Ok(Played::of(policy, world, watch, moments))
}

/// Node names by instance, for lines that people read.
struct Names(std::collections::BTreeMap<InstanceId, NodeName>);

impl Names {
    fn of(world: &SharedWorld) -> Self {
        let nodes = lock(world).nodes();
        Self(nodes.into_iter().filter_map(|node| Some((node.instance?, node.name))).collect())
    }

    fn of_instance(&self, id: &InstanceId) -> NodeName {
        self.0.get(id).cloned().unwrap_or_else(|| NodeName::new(id.as_str()))
    }
}
