//! Plays the day under one policy: time goes on by the minute, and what there is to see is seen then. Spillway's
//! cycle runs on the minute, as the schedule would start it; Pexip's controller is part of the world.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{InstanceId, NodeName};

use super::day::Day;
use super::environment::Environment;
use super::history::Learned;
use super::moment::{self, Moment};
use super::options::Options;
use super::policy::Policy;
use super::serve;
use super::timeline::{NodeRun, Timeline};
use spillway_world::{NodeHours, Sample, SharedWorld, Stats, World, lock};

/// How long the queue waits for more events before it invokes the reconciler, as in the template.
const BATCH_WINDOW: SignedDuration = SignedDuration::from_secs(10);

/// A day under one policy.
#[derive(Debug, Clone)]
pub(super) struct Played {
    pub(super) policy: Policy,
    pub(super) stats: Stats,
    pub(super) hours: NodeHours,
    /// One a minute, the first at midnight.
    pub(super) samples: Vec<Sample>,
    pub(super) moments: Vec<Moment>,
    pub(super) runs: Vec<NodeRun>,
}

impl Played {
    fn of(policy: Policy, mut world: World, timeline: Timeline, moments: Vec<Moment>) -> Self {
        let mut moments = moments;
        if policy == Policy::PexipBuiltIn {
            moments.extend(moment::of_history(&mut world));
        }
        moments.sort_by_key(|moment| (moment.at, moment.what));
        Self {
            policy,
            stats: world.stats().clone(),
            hours: world.node_hours(),
            samples: world.samples().to_vec(),
            runs: timeline.runs(&moments),
            moments,
        }
    }

    /// Calls dropped by whoever this policy lets stop nodes.
    pub(super) fn dropped(&self) -> u64 {
        self.stats.dropped.total()
    }
}

/// Who prints what happens, step by step.
pub(super) trait Audience {
    /// A minute has passed, and this is how things stand.
    fn minute(&mut self, at: Timestamp, world: &World) -> Result<()>;
    /// Something happened.
    fn moment(&mut self, moment: &Moment) -> Result<()>;
}

/// Plays the day with the functions, in a runtime of its own and without a word.
pub(super) fn play_silently(day: &Day, policy: Policy, learned: Learned) -> Result<Played> {
    struct Nobody;
    impl Audience for Nobody {
        fn minute(&mut self, _: Timestamp, _: &World) -> Result<()> {
            Ok(())
        }
        fn moment(&mut self, _: &Moment) -> Result<()> {
            Ok(())
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut environment = Box::pin(Environment::of(day, policy, learned)).await?;
        let played = play_spillway(day, policy, &mut environment, Pace::default(), &mut Nobody).await;
        environment.clear().await;
        played
    })
}

/// How fast the day passes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pace {
    /// Simulated seconds per second; none: as fast as it goes.
    speed: Option<f64>,
    /// Until then it is not slowed down: an empty night is nothing to watch.
    from: Option<Timestamp>,
}

impl Pace {
    pub(super) fn of(options: &Options, day: &Day) -> Self {
        let speed = options.speed.or_else(|| options.serve.map(|_| serve::SPEED));
        let first = day.callers.list.first().map(|caller| caller.at - serve::BEFORE_THE_FIRST_CALL);
        Self { speed, from: first.filter(|_| options.serve.is_some()) }
    }

    /// Waits until an instant of the day is due, counted from `began`, when the slow part of the day began.
    async fn wait(self, at: Timestamp, began: &mut Option<(Instant, Timestamp)>) {
        let Some(speed) = self.speed else { return };
        if self.from.is_some_and(|from| at < from) {
            return;
        }
        let (real, simulated) = *began.get_or_insert((Instant::now(), at));
        let seconds = at.duration_since(simulated).as_secs_f64() / speed;
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        tokio::time::sleep(due.saturating_sub(real.elapsed())).await;
    }
}

/// Plays the day with the functions, on a environment whose world is at its beginning.
pub(super) async fn play_spillway(
    day: &Day,
    policy: Policy,
    environment: &mut Environment,
    pace: Pace,
    audience: &mut dyn Audience,
) -> Result<Played> {
    let world = Arc::clone(environment.world());
    let names = Names::of(&world);
    let mut timeline = Timeline::default();
    let mut moments: Vec<Moment> = Vec::new();
    let mut began = None;
    for minute in 0..=day.minutes() {
        let at = day.start + SignedDuration::from_mins(i64::try_from(minute)?);
        pace.wait(at, &mut began).await;
        let ready = {
            let mut world = lock(environment.world());
            world.advance_to(at);
            let ready = timeline.look(&world);
            audience.minute(at, &world)?;
            ready
        };
        if minute > 0 && at.as_second().rem_euclid(86_400) == 0 {
            Box::pin(environment.learn()).await?;
        }
        let mut happened: Vec<Moment> = ready.into_iter().collect();
        // At the end of the day there is nothing left to see what a cycle would do.
        if minute < day.minutes() {
            let named = |id: &InstanceId| names.of_instance(id);
            if policy == Policy::SpillwayPrewarm
                && let Some(tick) = day.prewarm_due(at)
            {
                happened.extend(moment::of_prewarm(&environment.prewarm(&tick).await, &named));
            }
            happened.extend(moment::of_cycle(&environment.evaluate().await, &named));
            if day.reconciles {
                happened.extend(follow_events(environment, at + SignedDuration::from_mins(1), &named).await);
            }
        }
        for moment in happened {
            audience.moment(&moment)?;
            moments.push(moment);
        }
    }
    let world = lock(&world).clone();
    Ok(Played::of(policy, world, timeline, moments))
}

/// EC2's events until the next tick, as the queue hands them over: what arrives within the batch window at once.
async fn follow_events(
    environment: &Environment,
    until: Timestamp,
    named: &dyn Fn(&InstanceId) -> NodeName,
) -> Vec<Moment> {
    let mut moments = Vec::new();
    loop {
        let changed: Vec<InstanceId> = {
            let mut world = lock(environment.world());
            let due = world.next_state_change_at().map(|at| (at + BATCH_WINDOW).max(world.now()));
            let Some(due) = due.filter(|due| *due < until) else { return moments };
            world.advance_to(due);
            world.take_state_changes().into_iter().map(|change| change.instance).collect()
        };
        moments.extend(moment::of_reconcile(&environment.reconcile(&changed).await, named));
    }
}

/// Plays the day with what the platform does by itself.
pub(super) fn play_alone(day: &Day, policy: Policy) -> Result<Played> {
    let mut world = day.platform(policy).build()?;
    let mut timeline = Timeline::default();
    let mut moments = Vec::new();
    for minute in 0..=day.minutes() {
        world.advance_to(day.start + SignedDuration::from_mins(i64::try_from(minute)?));
        moments.extend(timeline.look(&world));
    }
    Ok(Played::of(policy, world, timeline, moments))
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
