//! The two buttons. A start is a hold of the node and a stop is a request, under the same ids and with the same lines of
//! history as the command line's, so that whoever asks twice asks once; then one cycle of the functions' own kind
//! runs, and if another one is faster, that one or the next meets what was asked. Nothing here reaches EC2.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::assess::{Assessment, OverflowNode, is_our_maintenance};
use spillway_core::cycle::{Cycle, LeaseMemory, Ports, read_world};
use spillway_core::fault::Fault;
use spillway_core::ids::{HoldId, InstanceId, LocationName, NodeName};
use spillway_core::ledger::{
    Actor, CycleRecord, Event, EventKind, Hold, HoldAmount, HoldScope, Ledger, Request, Wish as LedgerWish,
};
use spillway_core::observation::Platform;
use spillway_core::outcome::{ActionEnd, CycleReport, Outcome};
use spillway_core::policy::{Mode, Policy};
use spillway_core::ports::{
    Clock, FleetRead, FleetWrite, LedgerRead, LedgerWrite, ManagementRead, ManagementWrite, OverflowStart,
};
use spillway_core::report::actor;

use super::source::Wish;
use crate::words::action;

/// How long the cycle may take: what a function has.
const CYCLE: Duration = Duration::from_secs(45);

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

/// A node by its name and its location's.
type Named = (NodeName, LocationName);

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

impl<F: FleetRead, M: ManagementRead, L: LedgerRead, C: Clock> Desk<'_, F, M, L, C> {
    /// What would be done: what is stored, and what the next cycle would do then.
    ///
    /// # Errors
    /// Something could not be read: nothing is promised on half a picture.
    pub async fn preview(&self, wish: &Wish) -> Result<Preview, Fault> {
        Ok(self.look(wish).await?.0)
    }

    /// The same, with the node's own names for the history.
    async fn look(&self, wish: &Wish) -> Result<(Preview, Option<Named>), Fault> {
        let (observation, ledger) = read_world(self.ports).await;
        let ledger = ledger?;
        let (platform, fleet) = (observation.platform.clone()?, observation.fleet.clone()?);
        let now = self.ports.clock.now();
        let view = Assessment::new(self.policy, &platform, &fleet, Some(&ledger), now);
        let Some(node) = view.nodes.iter().find(|node| node.instance.id == *wish.instance()) else {
            let why = format!("{} is not an overflow node of this platform", wish.instance());
            return Ok((refused(why), None));
        };
        let named = Some((node.node.name.clone(), view.location_name(node.node.location)));
        if let Some(why) = self.obstacle(wish, node, &ledger, now) {
            return Ok((refused(why), named));
        }
        let mut plan = self.describe(wish, &platform, node, now);
        if self.policy.mode == Mode::Assist {
            return Ok((Preview { plan, refused: None }, named));
        }
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
        Ok((Preview { plan, refused: None }, named))
    }

    /// What keeps it from being done at all.
    fn obstacle(
        &self,
        wish: &Wish,
        node: &OverflowNode<'_>,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Option<String> {
        let name = &node.node.name;
        if let Some(pause) = ledger.pause(now) {
            let (by, reason) = (actor(pause.by), pause.reason);
            return Some(format!(
                "Spillway is paused until {} by {by}: {reason}. End the pause first",
                pause.until
            ));
        }
        if self.policy.dry_run {
            return Some("the policy says dry_run: no cycle changes anything".to_owned());
        }
        if self.policy.mode == Mode::Assist && matches!(wish, Wish::Stop { .. }) {
            return Some(
                "the policy's mode is assist: Pexip's own bursting stops nodes, Spillway does not".to_owned(),
            );
        }
        if node.node.maintenance_mode && !is_our_maintenance(node.node) {
            return Some(format!(
                "{name} is in maintenance mode that somebody else set: {}. Clear it under Platform > Conferencing Nodes \
                 first",
                node.node.maintenance_mode_reason
            ));
        }
        let retired = node.record.is_some_and(|record| record.retired);
        match wish {
            Wish::Start { .. } if retired => {
                Some(format!("{name} is retired. Take it back into service: spillway node reinstate {name}"))
            }
            Wish::Stop { .. } if !node.is_running() => Some(format!("{name} does not run")),
            Wish::Start { .. } | Wish::Stop { .. } => None,
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
        match wish {
            Wish::Start { .. } => {
                if let Some(hold) = self.hold(wish, now) {
                    ledger.holds.retain(|each| each.id != hold.id);
                    ledger.holds.push(hold);
                }
            }
            Wish::Stop { instance, .. } => {
                ledger.holds.retain(|hold| hold.scope != HoldScope::Node(instance.clone()));
                ledger.requests.push(self.request(wish, now));
            }
        }
        ledger
    }

    /// The node's own hold. Its id is the node's, so that asking again moves its end.
    fn hold(&self, wish: &Wish, now: Timestamp) -> Option<Hold> {
        let Wish::Start { instance, hold_minutes, reason } = wish else { return None };
        Some(Hold {
            id: HoldId::new(format!("node-{instance}")),
            scope: HoldScope::Node(instance.clone()),
            amount: HoldAmount::AllNodes,
            from: now,
            until: now + SignedDuration::from_mins(i64::from(*hold_minutes)),
            by: self.by.clone(),
            reason: given(reason),
            spike_at: None,
            asked: None,
        })
    }

    fn request(&self, wish: &Wish, now: Timestamp) -> Request {
        let instance = wish.instance();
        Request {
            id: format!("stop-{instance}"),
            by: self.by.clone(),
            at: now,
            reason: given(wish.reason()),
            wish: LedgerWish::Stop(instance.clone()),
        }
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
        let (preview, named) = self.look(wish).await?;
        if let Some(why) = preview.refused {
            return Ok(Answer { done: false, lines: vec![format!("Nothing was changed: {why}")] });
        }
        let Ports { ledger, clock, management, .. } = self.ports;
        let now = clock.now();
        if self.policy.mode == Mode::Assist {
            management.start_overflow_node(wish.instance()).await?;
            self.asked("start through Pexip", wish, named, now).await?;
            return Ok(Answer {
                done: true,
                lines: vec!["The Management Node was asked to start it".to_owned()],
            });
        }
        let mut lines = Vec::new();
        match wish {
            Wish::Start { instance, hold_minutes, .. } => {
                if let Some(hold) = self.hold(wish, now) {
                    ledger.put_hold(&hold).await?;
                    self.asked(&format!("start and hold for {hold_minutes} minutes"), wish, named, now)
                        .await?;
                    lines.push(format!("{instance} is held for {hold_minutes} minutes"));
                }
            }
            Wish::Stop { instance, .. } => {
                // A hold of the node itself would start it again at once.
                let known = ledger.read_ledger(now).await?;
                for hold in known.holds.iter().filter(|hold| hold.scope == HoldScope::Node(instance.clone()))
                {
                    ledger.remove_hold(&hold.id).await?;
                    lines.push(format!("Hold {} is released", hold.id));
                }
                ledger.put_request(&self.request(wish, now)).await?;
                self.asked("drain and stop", wish, named, now).await?;
                lines.push(format!("The drain of {instance} is asked for"));
            }
        }
        let owner = format!("{} at the status page, {now}", actor(&self.by));
        let deadline = clock.monotonic() + CYCLE;
        let cycle = Cycle { ports: self.ports, policy: self.policy, owner, deadline };
        let report = Box::pin(cycle.run(&mut LeaseMemory::default())).await;
        if report.outcome == Outcome::Stale {
            // What was asked is stored: whoever has the lease, or comes next, meets it.
            let winner = self.winner().await;
            lines.push(format!("{winner}; it or the next cycle meets what was asked"));
        }
        let failed = tell(&report, wish.instance(), &mut lines);
        Ok(Answer { done: !failed, lines })
    }

    /// Who has the lease, or had it a moment ago: what the loser of a race is told.
    async fn winner(&self) -> String {
        match self.ports.ledger.read_ledger(self.ports.clock.now()).await {
            Ok(Ledger { cycle: CycleRecord { owner: Some(owner), .. }, .. }) => {
                format!("{owner} has the lease")
            }
            Ok(_) | Err(_) => "Another cycle was faster".to_owned(),
        }
    }

    async fn asked(&self, what: &str, wish: &Wish, named: Option<Named>, at: Timestamp) -> Result<(), Fault> {
        let instance = wish.instance();
        let (node, location) = named.unzip();
        let event = Event {
            id: format!("{at}-{instance}-asked"),
            at,
            kind: EventKind::Asked,
            instance: Some(instance.clone()),
            node,
            location,
            by: self.by.clone(),
            reason: format!("{what}: {}", given(wish.reason())),
        };
        self.ports.ledger.append_events(&[event]).await
    }
}

/// What the cycle did, in words; whether something failed for the node that was asked for.
fn tell(report: &CycleReport, asked: &InstanceId, lines: &mut Vec<String>) -> bool {
    let mut failed = false;
    for result in &report.results {
        let end = match &result.end {
            ActionEnd::Done => "done".to_owned(),
            ActionEnd::Busy { drain_cancelled: true } => {
                "something runs on it; its drain is cancelled".to_owned()
            }
            ActionEnd::Busy { drain_cancelled: false } => "waits, something runs on it".to_owned(),
            ActionEnd::Refused(refusal) => format!("refused by EC2: {refusal}"),
            ActionEnd::Failed(fault) => format!("failed: {fault}"),
            ActionEnd::OutOfTime => "not begun, no time was left".to_owned(),
        };
        let bad = matches!(result.end, ActionEnd::Refused(_) | ActionEnd::Failed(_) | ActionEnd::OutOfTime);
        failed |= bad && result.action.instance() == asked;
        lines.push(format!("{}: {end}", action(&result.action)));
    }
    match report.outcome {
        Outcome::Stale => {}
        Outcome::Quiet | Outcome::Acted => {
            let why = report.plan.report.nodes.iter().find(|node| node.instance == *asked);
            let done = report.results.iter().any(|result| result.action.instance() == asked);
            if let (false, Some(node)) = (done, why) {
                let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
                lines.push(format!("{}: {}", node.node, reasons.join("; ")));
            }
        }
        Outcome::Withheld | Outcome::Outage | Outcome::LedgerDown | Outcome::Refused => {
            failed = true;
            lines.push(format!("The cycle ended as {}: {}", report.outcome, report.summary()));
        }
    }
    failed
}

fn refused(why: String) -> Preview {
    Preview { plan: Vec::new(), refused: Some(why) }
}

fn given(reason: &str) -> String {
    let reason = reason.trim();
    if reason.is_empty() { "no reason given".to_owned() } else { reason.to_owned() }
}
