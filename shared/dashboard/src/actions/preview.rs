//! What a button would do: what is stored, and what the next cycle would do then. Changes nothing.

use jiff::Timestamp;
use spillway_core::assess::{Assessment, OverflowNode};
use spillway_core::blocker::{may_act, may_start, may_stop};
use spillway_core::fault::Fault;
use spillway_core::ledger::{HoldScope, Ledger};
use spillway_core::observation::Platform;
use spillway_core::policy::Mode;
use spillway_core::report::actor;
use spillway_engine::cycle::read_world;
use spillway_engine::operator::About;
use spillway_engine::ports::{Clock, FleetRead, LedgerRead, ManagementRead, Systems};
use spillway_view::action;

use super::{PageActions, end};
use crate::action::{PageAction, Preview};

impl<S: Systems<Fleet: FleetRead, Management: ManagementRead, Ledger: LedgerRead>> PageActions<'_, S> {
    /// What would be done: what is stored, and what the next cycle would do then.
    ///
    /// # Errors
    /// Something could not be read: nothing is promised on half a picture.
    pub async fn preview(&self, asked: &PageAction) -> Result<Preview, Fault> {
        Ok(self.prepare(asked).await?.0)
    }

    /// The same, with the node's own names for the history.
    pub(super) async fn prepare(&self, asked: &PageAction) -> Result<(Preview, Option<About>), Fault> {
        let (observation, ledger) = read_world(self.ports).await;
        let ledger = ledger?;
        let (platform, fleet) = (observation.platform.clone()?, observation.fleet.clone()?);
        let now = self.ports.clock.now();
        let view = Assessment::new(self.policy, &platform, &fleet, Some(&ledger), now);
        let Some(node) = view.nodes.iter().find(|node| node.instance.id == *asked.instance()) else {
            let why = format!("{} is not an overflow node of this platform", asked.instance());
            return Ok((refused(why), None));
        };
        let about = Some(About {
            instance: node.instance.id.clone(),
            node: node.node.name.clone(),
            location: view.location_name(node.node.location),
        });
        if let Some(why) = self.blocker(asked, node, &ledger, now) {
            return Ok((refused(why), about));
        }
        let mut plan = self.describe(asked, &platform, node, now);
        let before = spillway_core::plan(self.policy, &observation, &Ok(ledger.clone()), now);
        let after = spillway_core::plan(self.policy, &observation, &Ok(self.with(asked, ledger, now)), now);
        let more: Vec<String> = after
            .actions
            .iter()
            .filter(|action| !before.actions.contains(action))
            .map(|each| format!("The next cycle: {}", action(each)))
            .collect();
        if more.is_empty() {
            let why = after.report.nodes.iter().find(|report| report.instance == *asked.instance());
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
    fn blocker(
        &self,
        asked: &PageAction,
        node: &OverflowNode<'_>,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Option<String> {
        let possible = may_act(self.policy, ledger, now).and_then(|()| match asked {
            PageAction::Start { .. } => may_start(node.node, node.record),
            PageAction::Stop { .. } => may_stop(self.policy, node.node),
        });
        match possible {
            Err(blocker) => Some(format!("{blocker}; {}", blocker.remedy())),
            Ok(()) if matches!(asked, PageAction::Stop { .. }) && !node.is_running() => {
                Some(format!("{} does not run", node.node.name))
            }
            Ok(()) => None,
        }
    }

    fn describe(
        &self,
        asked: &PageAction,
        platform: &Platform,
        node: &OverflowNode<'_>,
        now: Timestamp,
    ) -> Vec<String> {
        let (name, id) = (&node.node.name, &node.instance.id);
        let by = actor(&self.by);
        match asked {
            // The guide's own button: what Pexip starts, Pexip stops.
            PageAction::Start { .. } if self.policy.mode == Mode::Assist => vec![
                format!("Ask the Management Node to start {name} ({id}), for {by}"),
                format!(
                    "Pexip's own bursting decides here: it stops the node again when it is idle and its minimum lifetime of \
                     {:#} is over; no hold of ours keeps it",
                    self.policy.min_lifetime_of(&platform.bursting)
                ),
            ],
            PageAction::Start { hold_minutes, .. } => {
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
            PageAction::Stop { .. } => {
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
    fn with(&self, asked: &PageAction, mut ledger: Ledger, now: Timestamp) -> Ledger {
        let work = self.work(asked);
        match asked {
            PageAction::Start { instance, hold_minutes, .. } => {
                let hold = work.node_hold(instance, now, end(now, *hold_minutes));
                ledger.holds.retain(|each| each.id != hold.id);
                ledger.holds.push(hold);
            }
            PageAction::Stop { instance, .. } => {
                ledger.holds.retain(|hold| hold.scope != HoldScope::Node(instance.clone()));
                ledger.requests.push(work.stop_request(instance, now));
            }
        }
        ledger
    }
}

fn refused(why: String) -> Preview {
    Preview { plan: Vec::new(), refused: Some(why) }
}
