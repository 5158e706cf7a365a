//! A script: a title, a platform, and what happens when. Parsed whole before anything is played.

use jiff::{SignedDuration, Timestamp};
use spillway_core::policy::Policy;

use super::expect::Expectation;
use super::setup::Setup;
use super::step::Step;
use super::words::{ScriptError, Words};
use spillway_world::World;

/// One line of the second part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    Step(Step),
    Expect(Expectation),
}

/// A line with its time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timed {
    pub(super) at: Timestamp,
    pub(super) line: usize,
    /// As written, without the time.
    pub(super) text: String,
    pub(super) deed: Deed,
}

/// A parsed script.
#[derive(Debug, Clone)]
pub struct Script {
    pub(super) title: String,
    pub(super) setup: Setup,
    pub(super) deeds: Vec<Timed>,
    lines: usize,
}

impl Script {
    /// Parses a script.
    ///
    /// # Errors
    /// The line that is not understood, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut setup = Setup::new();
        let mut title = String::new();
        let mut deeds: Vec<Timed> = Vec::new();
        let mut day = SignedDuration::ZERO;
        let mut lines = 0;
        for (number, text) in text.lines().enumerate() {
            lines = number + 1;
            let mut words = Words::of(lines, text)?;
            if words.is_empty() {
                continue;
            }
            let first = words.peek().unwrap_or_default();
            let Some(clock) = parse_clock(first) else {
                if !deeds.is_empty() {
                    return words.error("a time such as 08:50 is expected: the platform was described above");
                }
                if first == "scenario" {
                    words.maybe();
                    title = words.word("the title")?;
                    words.end()?;
                } else {
                    setup.take(words)?;
                }
                continue;
            };
            words.maybe();
            let at = at_clock(setup.start, clock, &mut day, deeds.last().map(|deed| deed.at));
            let written =
                text.trim_start().split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim());
            let deed = if words.peek() == Some("expect") {
                words.maybe();
                Deed::Expect(Expectation::parse(&mut words)?)
            } else {
                Deed::Step(Step::parse(&mut words)?)
            };
            words.end()?;
            deeds.push(Timed { at, line: words.line(), text: written.to_owned(), deed });
        }
        Ok(Self { title, setup, deeds, lines })
    }

    /// What the scenario is about, one sentence.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The platform as the script describes it, and its policy: for whoever wants to serve it or play on it.
    ///
    /// # Errors
    /// What is wrong with the description or the policy.
    pub fn build(&self) -> Result<(World, Policy), ScriptError> {
        self.setup.build(self.lines)
    }
}

/// `08:50` or `08:50:30`, as time since midnight.
pub(super) fn parse_clock(word: &str) -> Option<SignedDuration> {
    let mut parts = word.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: i64 = parts.next().map_or(Ok(0), str::parse).ok()?;
    let fits = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    fits.then(|| SignedDuration::from_secs(hours * 3_600 + minutes * 60 + seconds))
}

/// The instant of a clock time: a time that is earlier than the one before it is on the next day.
pub(super) fn at_clock(
    start: Timestamp,
    clock: SignedDuration,
    day: &mut SignedDuration,
    before: Option<Timestamp>,
) -> Timestamp {
    let of_day = start.as_second().rem_euclid(86_400);
    let midnight = spillway_world::later(start, SignedDuration::from_secs(-of_day));
    let mut at = spillway_world::later(midnight, *day + clock);
    while before.is_some_and(|before| at < before) {
        *day += SignedDuration::from_hours(24);
        at = spillway_world::later(midnight, *day + clock);
    }
    at
}
