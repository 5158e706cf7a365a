//! Starts: all at once, then substitutes for what EC2 refuses.

use super::Apply;
use crate::cycle::CycleSystems;

use std::collections::{BTreeMap, BTreeSet};

use crate::cycle::Cycle;
use crate::cycle::assist::start_through_pexip;
use crate::ports::{FleetWrite, InstanceOrder};
use spillway_core::fault::{Refusal, RefusalKind};
use spillway_core::ids::{InstanceId, InstanceType, LocationName};
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::outcome::ActionEnd;
use spillway_core::plan::{Action, Start};
use spillway_core::planner::remember_start;
use spillway_core::policy::Mode;

/// Rounds of substitutes: each can only be refused for a reason of its own.
const ROUNDS: usize = 8;

/// Instances of one cycle that the role may not start, each for a reason of its own (a condition on its tags, a policy of the
/// organisation). More of them mean that it may start none.
const DENIED_ONE_BY_ONE: usize = 3;

impl<S: CycleSystems> Apply<'_, '_, S> {
    pub(super) fn order(&self, id: &InstanceId) -> Option<InstanceOrder> {
        let instance = self.instances.get(id)?;
        Some(InstanceOrder {
            instance: id.clone(),
            region: instance.region.clone(),
            zone: instance.zone.clone(),
            instance_type: instance.instance_type.clone(),
        })
    }

    /// All starts at once; then, for each that EC2 refuses, the next substitute that its location names.
    pub(super) async fn start_all(&mut self) {
        let mut wanted: Vec<(Start, LocationName, Option<InstanceId>)> = self
            .plan
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Start(start) => Some((start.clone(), start.location.clone(), None)),
                _ => None,
            })
            .collect();
        let mut next: BTreeMap<&LocationName, usize> = BTreeMap::new();
        let mut sold_out: BTreeSet<(InstanceType, String)> = BTreeSet::new();
        let mut denied = 0;
        for round in 0..=ROUNDS {
            if wanted.is_empty() {
                return;
            }
            if self.out_of_time() {
                for (start, _, in_place_of) in wanted {
                    self.forget_start(&start);
                    self.ended(Action::Start(start), in_place_of, ActionEnd::OutOfTime);
                }
                return;
            }
            if round > 0 {
                self.intend(&wanted).await;
            }
            let refused = self.start_round(wanted).await;
            wanted = Vec::new();
            denied +=
                refused.iter().filter(|(_, _, refusal)| refusal.kind == RefusalKind::Unauthorized).count();
            for (start, for_location, refusal) in refused {
                if refusal.kind == RefusalKind::InstanceCapacity
                    && let Some(instance) = self.instances.get(&start.instance)
                {
                    sold_out.insert((instance.instance_type.clone(), instance.zone.clone()));
                }
                let hopeless = match refusal.kind {
                    // A quota is the account's: nothing else would start either.
                    RefusalKind::Quota => true,
                    RefusalKind::Unauthorized => denied > DENIED_ONE_BY_ONE,
                    kind => !kind.is_the_instances(),
                };
                if start.by_name || hopeless {
                    continue;
                }
                let Some((key, named)) = self.plan.substitutes.get_key_value(&for_location) else { continue };
                let from = next.entry(key).or_default();
                while let Some(substitute) = named.get(*from) {
                    *from += 1;
                    let sold = self.instances.get(&substitute.instance).is_some_and(|instance| {
                        sold_out.contains(&(instance.instance_type.clone(), instance.zone.clone()))
                    });
                    if !sold {
                        wanted.push((substitute.clone(), for_location.clone(), Some(start.instance.clone())));
                        break;
                    }
                }
            }
        }
    }

    /// A substitute's intent is recorded before it is started, like any other.
    async fn intend(&mut self, wanted: &[(Start, LocationName, Option<InstanceId>)]) {
        let now = self.now();
        let mut records = Vec::new();
        for (start, ..) in wanted {
            let mut record = self.record(&start.instance);
            remember_start(&mut record, Actor::Spillway, start.reason.clone(), now);
            self.changed.insert(start.instance.clone(), record.clone());
            records.push((start.instance.clone(), record));
        }
        self.put(records).await;
    }

    async fn start_round(
        &mut self,
        wanted: Vec<(Start, LocationName, Option<InstanceId>)>,
    ) -> Vec<(Start, LocationName, Refusal)> {
        let orders: Vec<InstanceOrder> =
            wanted.iter().filter_map(|(start, ..)| self.order(&start.instance)).collect();
        let answers = match self.cycle.policy.mode {
            Mode::Control => self.cycle.ports.fleet.start_instances(&orders).await,
            Mode::Assist => {
                let Cycle { ports, deadline, .. } = self.cycle;
                start_through_pexip(ports.management, ports.clock, *deadline, &orders, &mut self.listed).await
            }
        };
        let mut results: BTreeMap<InstanceId, Result<(), Refusal>> = answers.into_iter().collect();
        let mut refused = Vec::new();
        for (start, for_location, in_place_of) in wanted {
            let result = results.remove(&start.instance).unwrap_or_else(|| Err(unanswered()));
            let (kind, reason, end) = match result {
                Ok(()) => (EventKind::Start, start.reason.clone(), ActionEnd::Done),
                Err(refusal) => {
                    self.refuse_start(&start, &refusal);
                    refused.push((start.clone(), for_location, refusal.clone()));
                    (EventKind::StartRefused, refusal.to_string(), ActionEnd::Refused(refusal))
                }
            };
            let word = if kind == EventKind::Start { "start" } else { "start_refused" };
            // Whoever asked for it by name; what EC2 refused is nobody's deed.
            let asked = self.record(&start.instance).run.map(|run| run.by);
            let event = Event {
                id: format!("{}-{}-{word}", self.plan.observed_at, start.instance),
                at: self.now(),
                kind,
                instance: Some(start.instance.clone()),
                node: start.node.clone(),
                location: Some(start.location.clone()),
                by: asked.filter(|_| kind == EventKind::Start).unwrap_or(Actor::Spillway),
                reason,
            };
            self.done.events.push(event);
            self.ended(Action::Start(start), in_place_of, end);
        }
        refused
    }

    fn forget_start(&mut self, start: &Start) {
        let before = self.record_before(&start.instance);
        self.change(&start.instance, |record| record.run = before.run);
    }

    fn refuse_start(&mut self, start: &Start, refusal: &Refusal) {
        let now = self.now();
        let back_off = self.cycle.policy.back_off;
        let before = self.record_before(&start.instance);
        let its_own = refusal.kind.is_the_instances();
        self.change(&start.instance, |record| {
            record.run = before.run;
            if its_own {
                record.failed_starts = record.failed_starts.saturating_add(1);
                record.back_off_until = Some(now + back_off.after(record.failed_starts));
            }
        });
    }
}
pub(super) fn unanswered() -> Refusal {
    Refusal {
        kind: RefusalKind::NotAttempted,
        code: "NotAttempted".to_owned(),
        message: "the order was not carried out".to_owned(),
    }
}
