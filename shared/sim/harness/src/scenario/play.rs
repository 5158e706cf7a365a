//! Plays a script: a cycle each minute, the steps before the cycle of their minute, the expectations after it. At
//! the end everything must have come to rest, and nothing that must never happen may have happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_engine::cycle::LeaseMemory;

use super::calls::Calls;
use super::sayings::sayings;
use super::script::{Deed, Script, Timed};
use super::step::Step;
use super::transcript::Transcript;
use super::words::ScriptError;
use crate::intercept::Death;
use crate::{Harness, TICK};
use spillway_world::later;

/// How long after its last line a scenario may take to come to rest.
const REST_WITHIN_MINUTES: u32 = 8 * 60;

/// A script being played, or played.
pub struct Play {
    pub(super) harness: Harness,
    pub(super) last: Option<CycleReport>,
    /// Everything that any cycle said.
    pub(super) said: Vec<String>,
    pub(super) refused: usize,
    pub(super) calls: Arc<Mutex<Calls>>,
    pub(super) transcript: Transcript,
    failures: Vec<String>,
    next_tick: Timestamp,
    pub(super) others: Vec<LeaseMemory>,
    pub(super) duplicate: bool,
    pub(super) dies: Option<u64>,
    pub(super) requests: u64,
    quiet_cycles: u32,
    pub(super) reconciling: Reconciling,
}

/// The reconciler of a play, if there is one.
#[derive(Debug, Default)]
pub(super) struct Reconciling {
    pub(super) on: bool,
    pub(super) next_sweep: Option<Timestamp>,
    pub(super) again: Vec<(Timestamp, InstanceId)>,
    pub(super) elastic: BTreeMap<String, AllocationId>,
    /// Issues that were written down.
    pub(super) told: BTreeSet<String>,
    pub(super) outcome: Option<Outcome>,
}

impl Play {
    /// What happened, in words.
    pub fn transcript(&self) -> String {
        self.transcript.text()
    }

    /// Expectations that did not hold, and what should never have happened; empty for a scenario that holds.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The harness, to look at.
    pub fn harness(&self) -> &Harness {
        &self.harness
    }
}

/// Plays a script to its end and to rest.
///
/// # Errors
/// A line that cannot be carried out: a name that is not there, a time that makes no sense.
pub fn play(script: &Script) -> Result<Play, ScriptError> {
    let (world, policy) = script.build()?;
    let start = script.setup.start;
    let mut play = Play {
        harness: Harness::new(world, policy),
        last: None,
        said: Vec::new(),
        refused: 0,
        calls: Arc::default(),
        transcript: Transcript::default(),
        failures: Vec::new(),
        next_tick: start,
        others: Vec::new(),
        duplicate: false,
        dies: None,
        requests: 0,
        quiet_cycles: script.setup.quiet_cycles,
        reconciling: Reconciling::default(),
    };
    let mut deeds: VecDeque<&Timed> = script.deeds.iter().collect();
    while let Some(timed) = deeds.pop_front() {
        play.cycles_before(timed.at);
        match &timed.deed {
            Deed::Step(step) => {
                play.pass_time(timed.at);
                if *step != Step::Wait {
                    play.transcript.note(timed.at, &timed.text);
                }
                play.happen(step, timed)?;
            }
            Deed::Expect(expectation) => {
                if play.next_tick <= timed.at {
                    play.cycle();
                }
                play.pass_time(timed.at);
                if let Some(but) = expectation.fails(&play) {
                    let at = timed.at.strftime("%H:%M:%S");
                    play.failures.push(format!("line {}: {at} {}: but {but}", timed.line, timed.text));
                }
            }
        }
    }
    play.come_to_rest();
    Ok(play)
}

impl Play {
    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cycles_before(&mut self, at: Timestamp) {
        while self.next_tick < at {
            self.cycle();
        }
    }

    /// The cycle of the next minute, or several.
    fn cycle(&mut self) -> bool {
        self.pass_time(self.next_tick);
        self.next_tick = later(self.next_tick, TICK);
        if let Some(point) = self.dies.take() {
            let died = self.harness.cycle_dies(&Death::at(point));
            let text = if died { "the evaluator dies in its cycle" } else { "the evaluator ends in time" };
            self.transcript.note(self.harness.now(), text);
            return false;
        }
        let report = self.harness.cycle();
        let mut at_rest = self.keep(report);
        if std::mem::take(&mut self.duplicate) {
            let report = self.harness.cycle();
            at_rest &= self.keep(report);
        }
        let mut others = std::mem::take(&mut self.others);
        for memory in &mut others {
            let report = self.harness.cycle_of(memory);
            at_rest &= self.keep(report);
        }
        self.others = others;
        at_rest
    }

    /// A line of the transcript.
    pub(super) fn note(&mut self, text: &str) {
        self.transcript.note(self.harness.now(), text);
    }

    /// Writes a cycle down; whether it did nothing.
    pub(super) fn keep(&mut self, report: CycleReport) -> bool {
        self.transcript.cycle(&report);
        self.said.extend(sayings(&report));
        let at_rest = report.plan.is_no_op() && report.results.is_empty();
        self.last = Some(report);
        at_rest
    }

    fn come_to_rest(&mut self) {
        let (mut quiet, mut minutes) = (0, 0);
        while quiet < self.quiet_cycles && minutes < REST_WITHIN_MINUTES {
            quiet = if self.cycle() { quiet + 1 } else { 0 };
            minutes += 1;
        }
        let planned = self.harness.plan().map_or(usize::MAX, |plan| plan.actions.len());
        if quiet < self.quiet_cycles || planned > 0 {
            let what =
                format!("at rest within {REST_WITHIN_MINUTES} minutes: but {planned} actions are planned");
            self.failures.push(what);
        }
        let mut broken = self.harness.broken();
        broken.extend(self.wrong_addresses());
        broken.extend(self.harness.invariants().excess());
        let ending =
            if broken.is_empty() { "nothing forbidden happened" } else { "SOMETHING FORBIDDEN HAPPENED" };
        self.failures.extend(broken);
        let (starts, stops) = self.harness.starts_and_stops();
        let refused = self.refused;
        let text = format!("end: {starts} starts, {stops} stops, {refused} callers found no room, {ending}");
        self.transcript.note(self.harness.now(), &text);
    }
}
