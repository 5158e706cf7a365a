//! The two buttons. A start is a hold of the node and a stop is a request, under the same ids and with the same lines of
//! history as the command line's, so that whoever asks twice asks once; then one cycle of the functions' own kind
//! runs, and if another one is faster, that one or the next meets what was asked. Nothing here reaches EC2.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::assess::{Assessment, OverflowNode};
use spillway_core::cycle::{LeaseMemory, Ports, read_world};
use spillway_core::desk::{self, About, may_act, may_start, may_stop};
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{Actor, HoldScope, Ledger};
use spillway_core::observation::Platform;
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::policy::{Mode, Policy};
use spillway_core::ports::{
    Clock, FleetRead, FleetWrite, LedgerRead, LedgerWrite, ManagementRead, ManagementWrite, OverflowStart,
};
use spillway_core::report::actor;

use spillway_view::action;

use crate::source::Wish;

/// What would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Sentences, in order.
    pub plan: Vec<String>,
    /// Why it cannot be done now; nothing can be confirmed then.
    pub refused: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether what was asked is stored and no part of it failed.
    pub done: bool,
    /// Sentences, in order.
    pub lines: Vec<String>,
}

/// An operator at work.
#[derive(Debug)]
pub struct Desk<'a, F, M, L, C> {
    /// The outside world.
    pub ports: Ports<'a, F, M, L, C>,
    /// The policy.
    pub policy: &'a Policy,
    /// Who acts.
    pub by: Actor,
}

impl<'a, F, M, L, C> Desk<'a, F, M, L, C> {
    /// What the page and the command line do in the same way.
    fn work(&self, wish: &Wish) -> desk::Desk<'a, F, M, L, C> {
        let (ports, policy, by) = (self.ports, self.policy, self.by.clone());
        desk::Desk { ports, policy, by, reason: given(wish.reason()), place: "at the status page" }
    }
}

impl<F: FleetRead, M: ManagementRead, L: LedgerRead, C: Clock> Desk<'_, F, M, L, C> {
    /// What would be done: what is stored, and what the next cycle would do then.
    ///
    /// # Errors
    /// Something could not be read: nothing is promised on half a picture.
    pub async fn preview(&self, wish: &Wish) -> Result<Preview, Fault> {
        Ok(self.look(wish).await?.0)
    }

    /// The same, with the node's own names for the history.
    async fn look(&self, wish: &Wish) -> Result<(Preview, Option<About>), Fault> {
        let (observation, ledger) = read_world(self.ports).await;
        let ledger = ledger?;
        let (platform, fleet) = (observation.platform.clone()?, observation.fleet.clone()?);
        let now = self.ports.clock.now();
        let view = Assessment::new(self.policy, &platform, &fleet, Some(&ledger), now);
        let Some(node) = view.nodes.iter().find(|node| node.instance.id == *wish.instance()) else {
            let why = format!("{} is not an overflow node of this platform", wish.instance());
            return Ok((refused(why), None));
        };
        let about = Some(About {
            instance: node.instance.id.clone(),
            node: node.node.name.clone(),
            location: view.location_name(node.node.location),
        });
        if let Some(why) = self.obstacle(wish, node, &ledger, now) {
            return Ok((refused(why), about));
        }
        let mut plan = self.describe(wish, &platform, node, now);
        let before = spillway_core::plan(self.policy, &observation, &Ok(ledger.clone()), now);
        let after = spillway_core::plan(self.policy, &observation, &Ok(self.with(wish, ledger, now)), now);
        let more: Vec<String> = after
            .actions
            .iter()
            .filter(|action| !before.actions.contains(action))
            .map(|each| format!("The next cycle: {}", action(each)))
            .collect();
        if more.is_empty() {
            let why = after.report.nodes.iter().find(|report| report.instance == *wish.instance());
            let why = why.map(|report| report.reasons.iter().map(ToString::to_string).collect::<Vec<_>>());
            plan.push(match why.filter(|reasons| !reasons.is_empty()) {
                Some(reasons) => format!("The next cycle does nothing for it yet: {}", reasons.join("; ")),
                None => "The next cycle does nothing for it yet".to_owned(),
            });
        }
        plan.extend(more);
        Ok((Preview { plan, refused: None }, about))
    }

    /// What keeps it from being done at all.
    fn obstacle(
        &self,
        wish: &Wish,
        node: &OverflowNode<'_>,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Option<String> {
        let possible = may_act(self.policy, ledger, now).and_then(|()| match wish {
            Wish::Start { .. } => may_start(node.node, node.record),
            Wish::Stop { .. } => may_stop(self.policy, node.node),
        });
        match possible {
            Err(hindrance) => Some(format!("{hindrance}; {}", hindrance.remedy())),
            Ok(()) if matches!(wish, Wish::Stop { .. }) && !node.is_running() => {
                Some(format!("{} does not run", node.node.name))
            }
            Ok(()) => None,
        }
    }

    fn describe(
        &self,
        wish: &Wish,
        platform: &Platform,
        node: &OverflowNode<'_>,
        now: Timestamp,
    ) -> Vec<String> {
        let (name, id) = (&node.node.name, &node.instance.id);
        let by = actor(&self.by);
        match wish {
            // The guide's own button: what Pexip starts, Pexip stops.
            Wish::Start { .. } if self.policy.mode == Mode::Assist => vec![
                format!("Ask the Management Node to start {name} ({id}), for {by}"),
                format!(
                    "Pexip's own bursting decides here: it stops the node again when it is idle and its minimum lifetime of \
                     {:#} is over; no hold of ours keeps it",
                    self.policy.min_lifetime_of(&platform.bursting)
                ),
            ],
            Wish::Start { hold_minutes, .. } => {
                let mut lines = vec![format!(
                    "Start {name} ({id}, {}, {} HD calls) and hold it for {hold_minutes} minutes, for {by}",
                    node.instance.instance_type, node.capacity
                )];
                if node.is_running() {
                    lines.push(format!("{name} runs already: it is held"));
                }
                lines.push(
                    "After that it is drained and stopped as soon as nobody needs it, and not before its minimum lifetime"
                        .to_owned(),
                );
                lines
            }
            Wish::Stop { .. } => {
                let calls = if node.hosts {
                    "calls run on it: it takes no new ones and is stopped when they have ended"
                } else {
                    "no call is seen on it: it is stopped when two readings agree"
                };
                let mut lines = vec![
                    format!("Put {name} ({id}) into maintenance mode, for {by}"),
                    format!("Wait: {calls}"),
                    "Stop the instance, then clear maintenance mode. No call is dropped".to_owned(),
                ];
                let lifetime = self.policy.min_lifetime_of(&platform.bursting);
                if node.started_at().is_some_and(|started| now.duration_since(started) < lifetime) {
                    lines.push(format!("It stays on for the minimum lifetime of {lifetime:#}"));
                }
                lines
            }
        }
    }

    /// The ledger as it would be.
    fn with(&self, wish: &Wish, mut ledger: Ledger, now: Timestamp) -> Ledger {
        let work = self.work(wish);
        match wish {
            Wish::Start { instance, hold_minutes, .. } => {
                let hold = work.node_hold(instance, now, end(now, *hold_minutes));
                ledger.holds.retain(|each| each.id != hold.id);
                ledger.holds.push(hold);
            }
            Wish::Stop { instance, .. } => {
                ledger.holds.retain(|hold| hold.scope != HoldScope::Node(instance.clone()));
                ledger.requests.push(work.stop_request(instance, now));
            }
        }
        ledger
    }
}

impl<F, M, L, C> Desk<'_, F, M, L, C>
where
    F: FleetWrite,
    M: ManagementWrite + OverflowStart,
    L: LedgerWrite,
    C: Clock,
{
    /// Does it: stores what is asked, writes down who asked, and runs one cycle.
    ///
    /// # Errors
    /// Something could not be read, or what is asked could not be stored.
    pub async fn act(&self, wish: &Wish) -> Result<Answer, Fault> {
        // The world may be another one than when the plan was shown.
        let (preview, about) = self.look(wish).await?;
        let about = match (preview.refused, about) {
            (None, Some(about)) => about,
            (why, _) => {
                let why = why.unwrap_or_default();
                return Ok(Answer { done: false, lines: vec![format!("Nothing was changed: {why}")] });
            }
        };
        let work = self.work(wish);
        let Ports { ledger, clock, .. } = self.ports;
        let now = clock.now();
        let mut lines = Vec::new();
        match wish {
            Wish::Start { instance, hold_minutes, .. } => {
                let hold = work.node_hold(instance, now, end(now, *hold_minutes));
                let what = format!("start and hold for {hold_minutes} minutes");
                work.put_hold(&hold, &what, Some(&about)).await?;
                lines.push(format!("{instance} is held for {hold_minutes} minutes"));
            }
            Wish::Stop { instance, .. } => {
                let known = ledger.read_ledger(now).await?;
                let released = work.release_own_holds(instance, &known).await?;
                lines.extend(released.iter().map(|id| format!("Hold {id} is released")));
                work.ask_stop(&about).await?;
                lines.push(format!("The drain of {instance} is asked for"));
            }
        }
        let report = Box::pin(work.cycle(&mut LeaseMemory::default(), &[])).await;
        if report.outcome == Outcome::Stale {
            // What was asked is stored: whoever has the lease, or comes next, meets it.
            let winner = work.winner().await;
            lines.push(format!("{winner}; it or the next cycle meets what was asked"));
        }
        let failed = tell(&report, wish.instance(), &mut lines);
        Ok(Answer { done: !failed, lines })
    }
}

/// What the cycle did, in words; whether something failed for the node that was asked for.
fn tell(report: &CycleReport, asked: &InstanceId, lines: &mut Vec<String>) -> bool {
    let mut failed = false;
    for result in &report.results {
        failed |= result.end.is_failure() && result.action.instance() == asked;
        lines.push(format!("{}: {}", action(&result.action), result.end));
    }
    match report.outcome {
        Outcome::Stale => {}
        // In `assist` mode what nobody asked for is withheld; what was asked for is not.
        Outcome::Quiet | Outcome::Acted | Outcome::Withheld => {
            let why = report.plan.report.nodes.iter().find(|node| node.instance == *asked);
            let done = report.results.iter().any(|result| result.action.instance() == asked);
            if let (false, Some(node)) = (done, why) {
                let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
                lines.push(format!("{}: {}", node.node, reasons.join("; ")));
            }
        }
        Outcome::Outage | Outcome::LedgerDown | Outcome::Refused => {
            failed = true;
            lines.push(format!("The cycle ended as {}: {}", report.outcome, report.summary()));
        }
    }
    failed
}

fn end(now: Timestamp, hold_minutes: u32) -> Timestamp {
    now + SignedDuration::from_mins(i64::from(hold_minutes))
}

fn refused(why: String) -> Preview {
    Preview { plan: Vec::new(), refused: Some(why) }
}

fn given(reason: &str) -> String {
    let reason = reason.trim();
    if reason.is_empty() { "no reason given".to_owned() } else { reason.to_owned() }
}
