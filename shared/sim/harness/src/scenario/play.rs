//! Plays a script: a cycle each minute, the steps before the cycle of their minute, the expectations after it. At
//! the end everything must have come to rest, and nothing that must never happen may have happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::policy::Mode;
use spillway_engine::cycle::LeaseMemory;

use super::calls::Calls;
use super::sayings::sayings;
use super::script::{Deed, Script, Timed};
use super::step::Step;
use super::transcript::Transcript;
use super::words::ScriptError;
use crate::intercept::{CallFaults, Death, Disturbance, Requests, Tamper};
use crate::rule::{Broken, Rule};
use crate::watch::{Minute, Watch};
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
    failures: Vec<Broken>,
    texts: Vec<String>,
    next_tick: Timestamp,
    pub(super) others: Vec<LeaseMemory>,
    pub(super) duplicate: bool,
    pub(super) dies: Option<u64>,
    pub(super) requests: u64,
    quiet_cycles: u32,
    pub(super) reconciling: Reconciling,
    pub(super) trouble: Trouble,
    pub(super) watch: Watch,
    options: PlayOptions,
    cycles: u64,
}

/// How a script is played.
#[derive(Clone)]
pub struct PlayOptions {
    /// Whether what happens is written down.
    pub transcript: bool,
    /// Changes what the ports answer: a fault that is put back, to see that it is found.
    pub tamper: Option<Tamper>,
    /// No work of a cycle is given up for lack of time.
    pub patient: bool,
    /// The play ends with the first rule that is broken.
    pub until_broken: bool,
}

impl Default for PlayOptions {
    fn default() -> Self {
        Self { transcript: true, tamper: None, patient: false, until_broken: false }
    }
}

/// What goes wrong with cycles.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// How long the Management Node takes for a reply.
    pub(super) reply: Duration,
    /// A call of the next cycle fails.
    pub(super) faults: Option<CallFaults>,
    /// After so many turns of the next cycle another evaluator runs one.
    pub(super) rival_after: Option<u64>,
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
        &self.texts
    }

    /// The same, each with its rule.
    pub fn broken(&self) -> &[Broken] {
        &self.failures
    }

    /// Cycles that were run, those that did not end included.
    pub fn cycles(&self) -> u64 {
        self.cycles
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
    play_with(script, &PlayOptions::default())
}

/// The same with options.
///
/// # Errors
/// As for [`play`].
pub fn play_with(script: &Script, options: &PlayOptions) -> Result<Play, ScriptError> {
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
        texts: Vec::new(),
        next_tick: start,
        others: Vec::new(),
        duplicate: false,
        dies: None,
        requests: 0,
        quiet_cycles: script.setup.quiet_cycles,
        reconciling: Reconciling::default(),
        trouble: Trouble::default(),
        watch: Watch::default(),
        options: options.clone(),
        cycles: 0,
    };
    if options.patient {
        play.harness.clock().never_gives_up();
    }
    let mut deeds: VecDeque<&Timed> = script.deeds.iter().collect();
    while let Some(timed) = deeds.pop_front().filter(|_| !play.is_over()) {
        play.cycles_before(timed.at);
        match &timed.deed {
            Deed::Step(step) => {
                play.pass_time(timed.at);
                if *step != Step::Wait {
                    play.write(timed.at, &timed.text);
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
                    let what = format!("line {}: {at} {}: but {but}", timed.line, timed.text);
                    play.failures.push(Broken { rule: Rule::Expectation, what });
                }
            }
        }
    }
    play.come_to_rest();
    play.texts = play.failures.iter().map(ToString::to_string).collect();
    Ok(play)
}

impl Play {
    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the play ends here.
    fn is_over(&self) -> bool {
        let broken = || !self.watch.broken().is_empty() || !self.harness.broken_rules().is_empty();
        self.options.until_broken && broken()
    }

    fn cycles_before(&mut self, at: Timestamp) {
        while self.next_tick < at && !self.is_over() {
            self.cycle();
        }
    }

    /// A cycle to which what is to happen to the next one happens.
    fn disturbance(&mut self) -> Disturbance {
        let death = self.dies.take().map_or_else(Death::never, Death::at);
        let faults = self.trouble.faults.take().unwrap_or_else(CallFaults::none);
        self.usual().dies(death).fails(faults)
    }

    /// What happens to every cycle.
    pub(super) fn usual(&self) -> Disturbance {
        let none = Disturbance::none(self.harness.shared_world());
        none.answers_after(self.trouble.reply).tampered(self.options.tamper.clone())
    }

    /// The cycle of the next minute, or several; whether nothing was done.
    fn cycle(&mut self) -> bool {
        self.pass_time(self.next_tick);
        self.next_tick = later(self.next_tick, TICK);
        let mut minute = CyclesOfAMinute::default();
        let (dies, rival) = (self.dies.is_some(), self.trouble.rival_after.take());
        let disturbance = self.disturbance();
        if let Some(turns) = rival {
            self.rivals(turns, disturbance, &mut minute);
        } else {
            let report = self.harness.cycle_disturbed(&disturbance);
            if dies {
                let text = if report.is_none() {
                    "the evaluator dies in its cycle"
                } else {
                    "the evaluator ends in time"
                };
                self.note(text);
            }
            minute.add(report, &disturbance);
        }
        if std::mem::take(&mut self.duplicate) {
            let disturbance = self.usual();
            let report = self.harness.cycle_disturbed(&disturbance);
            minute.add(report, &disturbance);
        }
        let mut others = std::mem::take(&mut self.others);
        for memory in &mut others {
            let disturbance = self.usual();
            let report = self.harness.cycle_disturbed_of(memory, &disturbance);
            minute.add(report, &disturbance);
        }
        self.others = others;
        self.keep_minute(minute, dies)
    }

    /// Another evaluator runs its cycle while ours is in the middle of one.
    fn rivals(&mut self, turns: u64, disturbance: Disturbance, minute: &mut CyclesOfAMinute) {
        let (ours, theirs) = (disturbance.takes_turns(), self.usual());
        let mut memory = LeaseMemory::default();
        let [first, second] = self.harness.cycles_at_once(turns, &ours, &theirs, &mut memory);
        minute.add(second, &theirs);
        minute.add(first, &ours);
    }

    fn keep_minute(&mut self, minute: CyclesOfAMinute, dies: bool) -> bool {
        let CyclesOfAMinute { reports, requests, disturbed, killed, cycles } = minute;
        self.cycles += cycles;
        let watched = Minute { reports: &reports, requests: &requests, disturbed, killed };
        self.watch.minute(&self.harness, &watched);
        let mut at_rest = !disturbed && !dies && !killed;
        for report in reports {
            at_rest &= self.keep(report);
        }
        at_rest
    }

    /// A line of the transcript.
    pub(super) fn note(&mut self, text: &str) {
        self.write(self.harness.now(), text);
    }

    /// A line of the transcript at an instant.
    pub(super) fn write(&mut self, at: Timestamp, text: &str) {
        if self.options.transcript {
            self.transcript.note(at, text);
        }
    }

    /// Writes a cycle down; whether it did nothing.
    pub(super) fn keep(&mut self, report: CycleReport) -> bool {
        if self.options.transcript {
            self.transcript.cycle(&report);
            self.said.extend(sayings(&report));
        }
        // In `assist` mode what is planned is not done, and goes on being planned.
        let withheld = report.outcome == Outcome::Withheld;
        let at_rest = (report.plan.is_no_op() || withheld) && report.results.is_empty();
        self.last = Some(report);
        at_rest
    }

    fn come_to_rest(&mut self) {
        let (mut quiet, mut minutes) = (0, 0);
        while quiet < self.quiet_cycles && minutes < REST_WITHIN_MINUTES && !self.is_over() {
            quiet = if self.cycle() { quiet + 1 } else { 0 };
            minutes += 1;
        }
        let assist = self.harness.policy().mode == Mode::Assist;
        let planned = self.harness.plan().map_or(usize::MAX, |plan| plan.actions.len());
        let planned = if assist { 0 } else { planned };
        if !self.is_over() && (quiet < self.quiet_cycles || planned > 0) {
            let what =
                format!("at rest within {REST_WITHIN_MINUTES} minutes: but {planned} actions are planned");
            self.failures.push(Broken { rule: Rule::NoRest, what });
        }
        let mut broken = self.harness.broken_rules();
        broken.extend(self.wrong_addresses().into_iter().map(|what| Broken { rule: Rule::Address, what }));
        let excess = self.harness.invariants().excess().into_iter();
        broken.extend(excess.map(|what| Broken { rule: Rule::Excess, what }));
        broken.extend(self.watch.broken().iter().cloned());
        let ending =
            if broken.is_empty() { "nothing forbidden happened" } else { "SOMETHING FORBIDDEN HAPPENED" };
        self.failures.extend(broken);
        let (starts, stops) = self.harness.starts_and_stops();
        let refused = self.refused;
        self.note(&format!("end: {starts} starts, {stops} stops, {refused} callers found no room, {ending}"));
    }
}

/// The cycles of one minute.
#[derive(Default)]
struct CyclesOfAMinute {
    reports: Vec<CycleReport>,
    requests: Vec<Requests>,
    disturbed: bool,
    /// A cycle whose time was over before it ended.
    killed: bool,
    cycles: u64,
}

impl CyclesOfAMinute {
    fn add(&mut self, report: Option<CycleReport>, disturbance: &Disturbance) {
        self.cycles += 1;
        self.disturbed |= disturbance.struck();
        self.killed |= report.is_none() && !disturbance.struck();
        if let Some(report) = report {
            self.reports.push(report);
            self.requests.push(disturbance.requests());
        }
    }
}
