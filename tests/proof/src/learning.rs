//! The nights after: days are closed from what cycles recorded, and what is learned is what the next day starts nodes for.

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::HdCalls;
use spillway_core::ledger::LocationLoad;
use spillway_core::policy::{ForecastPolicy, Policy};
use spillway_engine::learning::Memory;
use spillway_engine::ports::{ForecastWrite, LedgerRead, LedgerWrite};
use spillway_harness::{Harness, finish};
use spillway_world::WorldBuilder;

const MONDAY: &str = "2026-05-04T00:00:00Z";

fn monday() -> Timestamp {
    MONDAY.parse().unwrap()
}

/// A platform that stood empty for a while, and whose ledger has the minutes of the days before: 34 HD calls, of which 30 are
/// carried from nine to half past and 10 at any other time.
fn platform(days: i64, forecast: ForecastPolicy) -> Harness {
    let world = WorldBuilder::new(monday())
        .location("London")
        .location("AWS burst")
        .overflow("London", "AWS burst")
        .always_on("London", 2)
        .overflow_nodes("AWS burst", 3)
        .build()
        .unwrap();
    let mut harness = Harness::new(world, Policy { forecast, ..Policy::with_defaults("manager") });
    harness.cycle();
    for minute in -days * 24 * 60..0 {
        let at = monday() + SignedDuration::from_mins(minute);
        let of_day = minute.rem_euclid(24 * 60);
        let free = if (540..570).contains(&of_day) { 4 } else { 24 };
        let load = |location: &str, free, max| LocationLoad {
            location: location.into(),
            free: HdCalls(free),
            max: HdCalls(max),
        };
        let minute = [load("London", free, 34), load("AWS burst", 0, 0)];
        finish(harness.ledger().put_load(at, &minute)).unwrap().unwrap();
    }
    harness
}

/// Learns until nothing is left to be closed; how many times that took.
fn learn(harness: &Harness, memory: &mut Memory) -> usize {
    let (policy, ledger, now) = (harness.policy(), harness.ledger(), harness.now());
    let mut times = 0;
    while finish(memory.learn(policy, ledger, now)).unwrap().unwrap().is_some() {
        times += 1;
        assert!(times < 100, "it never ends");
    }
    times
}

#[test]
fn days_are_closed_two_at_a_time_and_learned_from_once_a_day() {
    let harness = platform(7, ForecastPolicy::default());
    let mut memory = Memory::default();
    finish(memory.recall(harness.policy(), harness.ledger())).unwrap().unwrap();
    assert!(memory.profiles().is_empty());
    assert_eq!(learn(&harness, &mut memory), 4, "seven days, two at a time");
    let first = harness.ledger();
    let days = finish(first.read_days(jiff::civil::date(2026, 1, 1))).unwrap().unwrap();
    assert_eq!(days[&"London".into()].len(), 7);
    let profile = memory.profiles()[&"London".into()].clone();
    let curves = profile.working.unwrap();
    // Four were free: callers may have been refused, so thirty were 39.
    assert!((curves.start[535] - 39.0).abs() < 0.1, "{}", curves.start[535]);
    assert!((curves.start[300] - 10.0).abs() < 0.1, "{}", curves.start[300]);
    // A cold start finds what was learned, and learns again that nothing is new.
    let mut cold = Memory::default();
    finish(cold.recall(harness.policy(), harness.ledger())).unwrap().unwrap();
    assert_eq!(cold.profiles(), memory.profiles());
    assert_eq!(learn(&harness, &mut cold), 1);
    // A day later, after local midnight, the day is closed.
    harness.advance(SignedDuration::from_hours(24));
    assert_eq!(learn(&harness, &mut memory), 1);
    assert_eq!(learn(&harness, &mut memory), 0, "once a day");
}

#[test]
fn what_was_learned_starts_nodes_before_the_threshold_is_reached_and_says_why() {
    let mut harness = platform(7, ForecastPolicy::default());
    let mut memory = Memory::default();
    learn(&harness, &mut memory);
    harness.set_profiles(memory.profiles().clone());
    harness.advance(SignedDuration::from_mins(8 * 60 + 52));
    let report = harness.cycle();
    let starts: Vec<&str> = report
        .results
        .iter()
        .filter_map(|result| match &result.action {
            spillway_core::plan::Action::Start(start) => Some(start.reason.as_str()),
            _ => None,
        })
        .collect();
    assert!(!starts.is_empty() && starts.iter().all(|why| why.starts_with("expected up to")), "{starts:?}");
    assert!(starts[0].contains("HD calls by 09:02 (7 working days"), "{starts:?}");
    // Switched off, nothing is: 34 are free.
    let mut off = platform(7, ForecastPolicy::off());
    let mut memory = Memory::default();
    assert_eq!(learn(&off, &mut memory), 0);
    off.set_profiles(memory.profiles().clone());
    off.advance(SignedDuration::from_mins(8 * 60 + 52));
    assert_eq!(off.cycle().count("start", true), 0);
}

#[test]
fn a_ledger_that_fails_costs_no_cycle_and_is_asked_again_in_ten_minutes() {
    let mut harness = platform(1, ForecastPolicy::default());
    let mut memory = Memory::default();
    let ask = |memory: &mut Memory, harness: &Harness| {
        finish(memory.learn(harness.policy(), harness.ledger(), harness.now())).unwrap()
    };
    harness.ledger().set_fault(Some(spillway_core::fault::Fault::new(
        spillway_core::fault::System::Ledger,
        spillway_core::fault::FaultKind::Timeout,
        "no answer in time",
    )));
    assert!(ask(&mut memory, &harness).is_err());
    assert_eq!(ask(&mut memory, &harness), Ok(None), "not every minute");
    harness.ledger().set_fault(None);
    harness.advance(SignedDuration::from_mins(11));
    assert!(ask(&mut memory, &harness).unwrap().is_some());
    assert!(harness.cycle().outcome.is_good());
}

#[test]
fn what_an_evaluation_expected_is_taken_over_by_others_and_does_not_outlive_it() {
    let mut harness = platform(7, ForecastPolicy::default());
    let mut memory = Memory::default();
    learn(&harness, &mut memory);
    harness.set_profiles(memory.profiles().clone());
    harness.advance(SignedDuration::from_mins(8 * 60 + 51));
    harness.cycle();
    let ledger = finish(harness.ledger().read_ledger(harness.now())).unwrap();
    let observation = harness.observe().unwrap();
    let starts = |now: Timestamp| {
        let plan = spillway_core::plan_ahead(harness.policy(), &observation, &ledger, None, now, &[]);
        assert_eq!(plan.expected, None, "only an evaluation reckons it");
        plan.actions.iter().filter(|action| action.word() == "start").count()
    };
    harness.advance(SignedDuration::from_mins(1));
    assert_eq!(starts(harness.now()), starts(harness.now()));
    let digest = ledger.as_ref().unwrap().cycle.digest.as_ref().unwrap();
    assert!(digest.expected_at.is_some() && digest.expected.contains_key(&"London".into()));
    harness.advance(SignedDuration::from_mins(5));
    assert_eq!(starts(harness.now()), 0, "nobody evaluates any more: it is not believed for long");
}
