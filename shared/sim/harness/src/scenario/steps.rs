//! What a step of a script does: to the world, to what fails, and in the ledger as an operator's request.

use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{HoldId, InstanceId, LocationName};
use spillway_core::ledger::{Actor, Hold, HoldScope, OperatorCommand, Request};
use spillway_core::prewarm::{PrewarmEnd, Tick};
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::ports::{LedgerRead, LedgerWrite};
use spillway_world::BootFailure;

use super::fault_step::{FaultStep, is_for_all, refusal};
use super::play::Play;
use super::script::{Timed, at_clock, parse_clock};
use super::step::{Scheduled, Step};
use super::words::ScriptError;
use crate::finish;
use crate::intercept::CallFaults;

impl Play {
    pub(super) fn happen(&mut self, step: &Step, timed: &Timed) -> Result<(), ScriptError> {
        let unknown = |message: String| Err(ScriptError { line: timed.line, message });
        if let Some(name) = step.node()
            && self.harness.world().node(name).is_none()
        {
            return unknown(format!("there is no node {name:?}"));
        }
        match step {
            Step::Callers { location, calls } => {
                let refused = self.calls().set_at(&mut self.harness.world(), location, *calls);
                if refused > 0 {
                    self.refused += refused;
                    self.write(timed.at, &format!("{refused} callers find no room"));
                }
            }
            Step::CallsOn { node, calls } => self.calls().set_on(&mut self.harness.world(), node, *calls),
            Step::NobodyOn(node) => self.calls().leave_node(&mut self.harness.world(), node),
            Step::EverybodyLeaves => self.calls().leave(&mut self.harness.world()),
            Step::Room { kind, zone, room } => self.harness.world().set_capacity(kind, zone, *room),
            Step::Quota(quota) => self.harness.world().set_quota(*quota),
            Step::Fault(step) => self.go_wrong(step),
            Step::StopProtected { node, on } => self.harness.world().protect_from_stop(node, *on),
            Step::Unlisted { node, time } => self.harness.world().unlist_for(node, *time),
            Step::FleetFails(kind) => self.harness.fleet().inner().set_fault(fault(System::Ec2, *kind)),
            Step::NeverReady(node) => self.harness.world().fail_next_boot(node, BootFailure::NeverReady),
            Step::StopsAgain { node, after } => {
                self.harness.world().fail_next_boot(node, BootFailure::StopsAgain(*after));
            }
            Step::Silent { whom, silent } => self.silence(whom, *silent),
            Step::LoadHidden { node, hidden } => self.harness.world().hide_media_load(node, *hidden),
            Step::PersonMaintains { node, reason } => {
                let text = reason.as_deref().unwrap_or_default();
                self.watch.person_maintains(node, self.harness.now());
                self.harness.world().person_sets_maintenance(node, reason.is_some(), text);
            }
            Step::PersonStarts(node) => self.harness.world().outside_starts(node),
            Step::PersonStops(node) => self.harness.world().outside_stops(node),
            Step::PersonTerminates(node) => self.harness.world().outside_terminates(node),
            Step::Tag { node, value } => self.harness.world().set_tag(node, "pexip-cloud", value.as_deref()),
            Step::Bursting(on) => self.harness.world().set_bursting(*on),
            Step::Upgrade(version) => self.harness.world().begin_upgrade(version),
            Step::ManagementFails(kind) => {
                self.harness.world().set_management_fault(fault(System::ManagementNode, *kind));
            }
            Step::ManagementLosesEc2(lost) => self.harness.world().set_ec2_reachable_for_pexip(!lost),
            Step::FailsOver(takes) => self.harness.world().fail_over(*takes),
            Step::LedgerFails(kind) => self.harness.ledger().set_fault(fault(System::Ledger, *kind)),
            Step::LedgerForgets => self.harness.ledger().forget(),
            Step::Licences(total) => self.harness.world().set_licences(*total),
            Step::Prewarm { tick, scheduled } => self.prewarm(tick, scheduled, timed)?,
            Step::Evaluators(count) => self.others = vec![LeaseMemory::default(); count.saturating_sub(1)],
            Step::Duplicate => self.duplicate = true,
            Step::Dies(point) => self.dies = Some(*point),
            Step::AtReading { node, nth, after, step } => {
                if let Step::PersonMaintains { node, .. } = &**step {
                    self.watch.person_maintains(node, self.harness.now());
                }
                self.lay(node, *nth, *after, step);
            }
            Step::Hold { .. }
            | Step::ReleaseHold(_)
            | Step::RequestStop { .. }
            | Step::RequestRelease(_)
            | Step::Pause { .. }
            | Step::Resume => return self.ask(step, timed),
            Step::Address(step) => return self.change_address(step, timed.line),
            Step::Mode(mode) => self.harness.set_mode(*mode),
            Step::Wait => {}
        }
        Ok(())
    }

    /// Something goes wrong with the next cycle, or from now on.
    fn go_wrong(&mut self, step: &FaultStep) {
        let instance = step.node().and_then(|node| self.harness.world().node(node)?.instance);
        match step {
            FaultStep::Slow(reply) => self.trouble.reply = reply.unsigned_abs(),
            FaultStep::HidesShards(hidden) => self.harness.management().inner().hide_shards(*hidden),
            FaultStep::CutOff { node, cut_off } => self.harness.world().cut_off(node, *cut_off),
            FaultStep::OurClock(ahead) => self.harness.clock().set_ahead(ahead.as_secs()),
            FaultStep::ManagementClock(ahead) => self.harness.management().inner().set_ahead(*ahead),
            FaultStep::CallFails { nth, strike } => {
                self.trouble.faults = Some(CallFaults::nth(*nth, *strike));
            }
            FaultStep::Rival(turns) => self.trouble.rival_after = Some(*turns),
            FaultStep::RefusesStarts { code, kind, times, .. }
            | FaultStep::RefusesStops { code, kind, times, .. }
                if is_for_all(code, *kind) =>
            {
                self.harness.world().refuse_orders_as(*times, refusal(code, *kind));
            }
            FaultStep::RefusesStarts { code, kind, times, .. } => {
                let Some(instance) = instance else { return };
                self.harness.world().refuse_starts_as(&instance, *times, refusal(code, *kind));
            }
            FaultStep::RefusesStops { code, kind, times, .. } => {
                let Some(instance) = instance else { return };
                self.harness.world().refuse_stops_as(&instance, *times, refusal(code, *kind));
            }
        }
    }

    /// A pre-warm window fires.
    fn prewarm(&mut self, tick: &Tick, scheduled: &Scheduled, timed: &Timed) -> Result<(), ScriptError> {
        let scheduled_at = match scheduled {
            Scheduled::Now => Some(timed.at),
            Scheduled::At(clock) => Some(clock_at(clock, timed)?),
            Scheduled::ByHand => None,
        };
        self.harness.invariants().expect_holds(tick.spec.location.as_ref().map(LocationName::as_str));
        let usual = self.usual();
        let tick = Tick { scheduled_at, ..tick.clone() };
        let Some(fired) = self.harness.prewarm_through(&usual, &tick) else { return Ok(()) };
        self.note(&fired.summary());
        self.said.push(fired.summary());
        if let PrewarmEnd::Held(held) = fired.end {
            self.keep(held.cycle);
        }
        Ok(())
    }

    /// What an operator writes into the ledger.
    fn ask(&mut self, step: &Step, timed: &Timed) -> Result<(), ScriptError> {
        let ledger = self.harness.ledger().clone();
        let command = match step {
            Step::Hold { id, location, amount, from, until, why } => {
                let hold = Hold {
                    id: HoldId::new(id.as_str()),
                    scope: location
                        .as_deref()
                        .map_or(HoldScope::All, |name| HoldScope::Location(name.into())),
                    amount: *amount,
                    from: from.as_deref().map_or(Ok(timed.at), |clock| clock_at(clock, timed))?,
                    until: clock_at(until, timed)?,
                    by: Actor::Person("operator".to_owned()),
                    reason: why.clone(),
                    spike_at: None,
                    asked: None,
                };
                self.harness.invariants().expect_holds(location.as_deref());
                finish(ledger.put_hold(&hold));
                return Ok(());
            }
            Step::ReleaseHold(id) => {
                finish(ledger.remove_hold(&HoldId::new(id.as_str())));
                return Ok(());
            }
            Step::RequestStop { node, .. } => OperatorCommand::Stop(self.instance_of(node, timed)?),
            Step::RequestRelease(node) => OperatorCommand::Release(self.instance_of(node, timed)?),
            Step::Pause { until } => OperatorCommand::Pause { until: clock_at(until, timed)? },
            _ => {
                let read = finish(ledger.read_ledger(timed.at)).and_then(Result::ok);
                let asked = read.map(|read| read.requests).unwrap_or_default();
                for pause in
                    asked.iter().filter(|request| matches!(request.command, OperatorCommand::Pause { .. }))
                {
                    finish(ledger.remove_request(&pause.id));
                }
                return Ok(());
            }
        };
        self.requests += 1;
        let reason = match step {
            Step::RequestStop { why, .. } => why.clone(),
            _ => "asked in a scenario".to_owned(),
        };
        let request = Request {
            id: format!("{:04}", self.requests),
            by: Actor::Person("operator".to_owned()),
            at: timed.at,
            reason,
            command,
        };
        let stored = finish(ledger.put_request(&request)).is_some_and(|result| result.is_ok());
        match step {
            Step::RequestStop { node, .. } if stored => self.watch.operator_stops(node, true),
            Step::RequestRelease(node) if stored => self.watch.operator_stops(node, false),
            _ => {}
        }
        Ok(())
    }

    fn instance_of(&self, node: &str, timed: &Timed) -> Result<InstanceId, ScriptError> {
        self.harness
            .world()
            .node(node)
            .and_then(|view| view.instance)
            .ok_or_else(|| ScriptError { line: timed.line, message: format!("{node:?} is on no instance") })
    }

    /// Lays a surprise for a reading of a node's activity.
    fn lay(&self, node: &str, nth: u32, after: bool, step: &Step) {
        let Some(address) = self.harness.world().node(node).map(|view| view.address) else { return };
        let (calls, step) = (Arc::clone(&self.calls), step.clone());
        self.harness.surprises().at_reading(address, nth, after, move |world| {
            let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
            match &step {
                Step::Callers { location, calls: count } => {
                    calls.set_at(world, location, *count);
                }
                Step::CallsOn { node, calls: count } => calls.set_on(world, node, *count),
                Step::PersonMaintains { node, reason } => {
                    world.person_sets_maintenance(
                        node,
                        reason.is_some(),
                        reason.as_deref().unwrap_or_default(),
                    );
                }
                _ => {}
            }
        });
    }

    fn silence(&self, whom: &str, silent: bool) {
        let mut world = self.harness.world();
        let names: Vec<String> = world
            .nodes()
            .iter()
            .filter(|node| node.name.as_str() == whom || node.location.as_str() == whom)
            .map(|node| node.name.to_string())
            .collect();
        for name in names {
            world.silence(&name, silent);
        }
    }
}

impl Step {
    /// The node it is about.
    fn node(&self) -> Option<&str> {
        match self {
            Self::CallsOn { node, .. }
            | Self::NobodyOn(node)
            | Self::Unlisted { node, .. }
            | Self::NeverReady(node)
            | Self::StopsAgain { node, .. }
            | Self::LoadHidden { node, .. }
            | Self::PersonMaintains { node, .. }
            | Self::PersonStarts(node)
            | Self::PersonStops(node)
            | Self::PersonTerminates(node)
            | Self::Tag { node, .. }
            | Self::RequestStop { node, .. }
            | Self::RequestRelease(node)
            | Self::AtReading { node, .. } => Some(node),
            Self::Fault(step) => step.node(),
            _ => None,
        }
    }
}

fn clock_at(word: &str, timed: &Timed) -> Result<Timestamp, ScriptError> {
    let Some(clock) = parse_clock(word) else {
        let message = format!("{word:?} is not a time such as 09:30");
        return Err(ScriptError { line: timed.line, message });
    };
    let mut today = SignedDuration::ZERO;
    Ok(at_clock(timed.at, clock, &mut today, None))
}

fn fault(system: System, kind: Option<FaultKind>) -> Option<Fault> {
    kind.map(|kind| Fault::new(system, kind, "the scenario lets it fail"))
}
