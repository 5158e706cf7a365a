//! A drain's steps: maintenance mode, idle, stop; and what is done where something runs on the node after all.

use super::Apply;
use super::start::unanswered;
use crate::cycle::CycleSystems;
use crate::ports::ManagementRead;
use crate::ports::{FleetWrite, ManagementWrite};
use spillway_core::assess::{MAINTENANCE_MARK, RETIRED_MARK};
use spillway_core::ledger::{Actor, DrainKind, EventKind, NodeRecord};
use spillway_core::observation::NodeActivity;
use spillway_core::outcome::ActionEnd;
use spillway_core::plan::{NodeRef, Override};

impl<S: CycleSystems> Apply<'_, '_, S> {
    pub(super) async fn begin_drain(&mut self, node: &NodeRef, kind: DrainKind, reason: &str) -> ActionEnd {
        let id = &node.instance;
        if kind == DrainKind::Auto {
            match self.cycle.ports.management.read_activity(node.address).await {
                Ok(activity) if activity.is_idle() => {}
                Ok(_) => {
                    let before = self.record_before(id).drain;
                    self.change(id, |record| {
                        record.drain = before;
                        record.idle_since = None;
                    });
                    return ActionEnd::Busy { drain_cancelled: false };
                }
                Err(fault) => {
                    let before = self.record_before(id).drain;
                    self.change(id, |record| record.drain = before);
                    return ActionEnd::Failed(fault);
                }
            }
        }
        let mark = if self.record(id).retired {
            RETIRED_MARK.to_owned()
        } else {
            format!("{MAINTENANCE_MARK}: draining")
        };
        let text: String = format!("{mark}: {reason}").chars().take(250).collect();
        match self.cycle.ports.management.set_maintenance(node.id, true, &text).await {
            Ok(()) => {
                let now = self.now();
                self.change(id, |record| {
                    // That it is set is known when it is read: a failover may lose the write.
                    if let Some(drain) = &mut record.drain {
                        drain.began_at = now;
                    }
                });
                let by = self.record(id).drain.map_or(Actor::Spillway, |drain| drain.by);
                self.event(EventKind::DrainBegan, node, by, reason.to_owned());
                ActionEnd::Done
            }
            // It may have been stored all the same: the intent stays, and the next cycle sees which.
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    pub(super) async fn retire(&mut self, node: &NodeRef, reason: &str) -> ActionEnd {
        let text: String = format!("{RETIRED_MARK}: {reason}").chars().take(250).collect();
        match self.cycle.ports.management.set_maintenance(node.id, true, &text).await {
            Ok(()) => {
                self.event(EventKind::Retired, node, Actor::Spillway, reason.to_owned());
                ActionEnd::Done
            }
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    pub(super) async fn clear_maintenance(&mut self, node: &NodeRef) -> ActionEnd {
        match self.cycle.ports.management.set_maintenance(node.id, false, "").await {
            Ok(()) => ActionEnd::Done,
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    /// Something runs on a draining node.
    async fn busy(&mut self, node: &NodeRef, cancel: bool) -> ActionEnd {
        let id = &node.instance;
        if !cancel {
            self.change(id, |record| {
                if let Some(drain) = &mut record.drain {
                    drain.idle_at = None;
                    drain.stop_ordered_at = None;
                }
            });
            return ActionEnd::Busy { drain_cancelled: false };
        }
        self.change(id, |record| {
            record.drain = None;
            record.idle_since = None;
        });
        match self.clear_maintenance(node).await {
            ActionEnd::Done => {
                let why = "a call arrived while it was checked".to_owned();
                self.event(EventKind::DrainCancelled, node, Actor::Spillway, why);
                ActionEnd::Busy { drain_cancelled: true }
            }
            end => end,
        }
    }

    pub(super) async fn confirm_idle(&mut self, node: &NodeRef, cancel_if_busy: bool) -> ActionEnd {
        match self.cycle.ports.management.read_activity(node.address).await {
            Ok(activity) if activity.is_idle() => {
                let now = self.now();
                self.change(&node.instance, |record| {
                    if let Some(drain) = &mut record.drain {
                        drain.idle_at = Some(now);
                    }
                });
                ActionEnd::Done
            }
            Ok(_) => self.busy(node, cancel_if_busy).await,
            Err(fault) => ActionEnd::Failed(fault),
        }
    }

    pub(super) async fn stop(
        &mut self,
        node: &NodeRef,
        cancel_if_busy: bool,
        reason: &str,
        overridden: Option<&Override>,
    ) -> ActionEnd {
        let id = &node.instance;
        let idle = self.cycle.ports.management.read_activity(node.address).await;
        let not_ordered = |record: &mut NodeRecord| {
            if let Some(drain) = &mut record.drain {
                drain.stop_ordered_at = None;
            }
        };
        match idle {
            Ok(activity) if activity.is_idle() => {}
            // An operator said so, and is answered for what runs there by name.
            Ok(activity) if overridden.is_some_and(|each| each.calls) => {
                let NodeActivity { shards, participants, backplanes: _ } = activity;
                self.overrule(
                    node,
                    overridden,
                    &format!("{participants} participants in {shards} conferences dropped"),
                );
            }
            Err(fault) if overridden.is_some_and(|each| each.calls) => {
                self.overrule(node, overridden, &format!("what ran on it could not be read ({fault})"));
            }
            Ok(_) => return self.busy(node, cancel_if_busy).await,
            Err(fault) => {
                self.change(id, not_ordered);
                return ActionEnd::Failed(fault);
            }
        }
        let by = self.record(id).drain.map_or(Actor::Spillway, |drain| drain.by);
        let order = self.order(id);
        let results = match order {
            Some(order) => self.cycle.ports.fleet.stop_instances(&[order]).await,
            None => Vec::new(),
        };
        match results.into_iter().find(|(instance, _)| instance == id) {
            Some((_, Ok(()))) => {
                if overridden.is_some_and(|each| each.lifetime && !each.calls) {
                    self.overrule(node, overridden, "stopped before its minimum lifetime");
                }
                self.event(EventKind::Stop, node, by, reason.to_owned());
                ActionEnd::Done
            }
            Some((_, Err(refusal))) => {
                let said = refusal.to_string();
                let known = self.record(id).drain.and_then(|drain| drain.refusal);
                let counts = !refusal.kind.is_passing();
                self.change(id, |record| {
                    if let Some(drain) = record.drain.as_mut() {
                        drain.stop_ordered_at = None;
                        drain.refused_stops = drain.refused_stops.saturating_add(u32::from(counts));
                        drain.refusal = Some(said.clone());
                    }
                });
                // The same answer once a minute is one line of history.
                if known.as_ref() != Some(&said) {
                    self.event(EventKind::StopRefused, node, Actor::Spillway, said);
                }
                ActionEnd::Refused(refusal)
            }
            None => {
                self.change(id, not_ordered);
                ActionEnd::Refused(unanswered())
            }
        }
    }

    /// A rule set aside is a line of history of its own, under the operator's name.
    fn overrule(&mut self, node: &NodeRef, overridden: Option<&Override>, what: &str) {
        if let Some(Override { by, reason, .. }) = overridden {
            self.event(EventKind::Overridden, node, by.clone(), format!("{what}: {reason}"));
        }
    }
}
