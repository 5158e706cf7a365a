use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::NodeName;
use spillway_core::ledger::{Actor, CurrentRun, Drain, DrainKind, Event, EventKind, Ledger, NodeRecord};

use super::{NodeRun, Present, node_runs};

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

fn event(minute: i64, kind: EventKind, instance: &str) -> Event {
    told(minute, kind, instance, "needed")
}

fn told(minute: i64, kind: EventKind, instance: &str, reason: &str) -> Event {
    Event {
        id: format!("{minute}-{kind:?}-{instance}"),
        at: at(minute),
        kind,
        instance: Some(instance.into()),
        node: Some(NodeName::new(format!("node-{instance}"))),
        location: None,
        by: Actor::Spillway,
        reason: reason.to_owned(),
    }
}

type Minutes = Vec<(Option<i64>, Option<i64>)>;

fn minutes(events: &[Event], present: &Present) -> Minutes {
    let minute = |at: Timestamp| at.as_second() / 60;
    node_runs(events, present).iter().map(|run| (run.from.map(minute), run.until.map(minute))).collect()
}

fn history(events: &[Event]) -> Vec<NodeRun> {
    node_runs(events, &Present::default())
}

fn life(minute: i64) -> CurrentRun {
    CurrentRun {
        started_at: at(minute),
        by: Actor::Pexip,
        reason: "starting, overflow".to_owned(),
        launched_at: None,
        ready_at: None,
        failed: false,
        forecast: false,
    }
}

fn remembered(instance: &str, run: Option<CurrentRun>) -> Present {
    let mut ledger = Ledger::default();
    ledger.nodes.insert(instance.into(), NodeRecord { run, ..NodeRecord::default() });
    Present::of_ledger(&ledger)
}

#[test]
fn a_run_lasts_from_the_start_to_the_stop_and_what_is_told_twice_counts_once() {
    use EventKind::{Ready, Start, StartFailed, StartSeen, Stop, Stopped};
    let table: [(&str, Vec<Event>, Minutes); 6] = [
        (
            "a whole run",
            vec![
                event(1, Start, "i-1"),
                event(2, StartSeen, "i-1"),
                event(6, Ready, "i-1"),
                event(60, Stop, "i-1"),
                event(62, Stopped, "i-1"),
            ],
            vec![(Some(1), Some(60))],
        ),
        ("a run that goes on", vec![event(1, Start, "i-1")], vec![(Some(1), None)]),
        (
            "a run that began before",
            vec![event(9, Stop, "i-1"), event(10, Stopped, "i-1")],
            vec![(None, Some(9))],
        ),
        (
            "a start that failed, and the next one",
            vec![event(1, Start, "i-1"), event(11, StartFailed, "i-1"), event(30, Start, "i-1")],
            vec![(Some(1), Some(30)), (Some(30), None)],
        ),
        (
            "two runs",
            vec![
                event(1, Start, "i-1"),
                event(5, Stop, "i-1"),
                event(8, Start, "i-1"),
                event(9, Stop, "i-1"),
                event(10, Stopped, "i-1"),
            ],
            vec![(Some(1), Some(5)), (Some(8), Some(9))],
        ),
        ("nothing", vec![], vec![]),
    ];
    for (what, events, wanted) in table {
        assert_eq!(minutes(&events, &Present::default()), wanted, "{what}");
    }
}

#[test]
fn a_run_has_the_reasons_of_its_start_and_of_its_stop() {
    use EventKind::{DrainBegan, Ready, Start, Stop, Stopped};
    let runs = history(&[
        told(0, Start, "i-1", "needed"),
        told(5, Ready, "i-1", ""),
        told(60, DrainBegan, "i-1", "idle"),
        told(63, Stop, "i-1", "idle, read twice"),
        told(65, Stopped, "i-1", ""),
    ]);
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    assert_eq!((run.from, run.ready, run.drain), (Some(at(0)), Some(at(5)), Some(at(60))));
    assert_eq!(run.until, Some(at(63)));
    assert_eq!(
        (run.began().as_str(), run.ended.as_str()),
        ("Spillway: needed", "Spillway: idle, read twice")
    );
}

/// A start that is seen is dated by EC2's launch time. So long after our own order it is the launch of another run.
#[test]
fn a_start_of_ours_that_is_seen_is_one_run_and_one_that_is_seen_much_later_is_another() {
    use EventKind::{Start, StartSeen, Stop};
    let seen = [event(0, Start, "i-1"), event(1, StartSeen, "i-1")];
    assert_eq!(history(&seen).len(), 1);
    let again = [event(0, Start, "i-1"), event(90, StartSeen, "i-1"), event(120, Stop, "i-1")];
    let runs = history(&again);
    assert_eq!(runs.len(), 2, "{runs:?}");
    let hours = |run: &NodeRun| run.within(at(0), at(180)).as_mins();
    assert_eq!(runs.iter().map(hours).collect::<Vec<_>>(), [90, 30]);
}

#[test]
fn a_cancelled_drain_leaves_no_trace_and_a_run_without_a_beginning_is_kept() {
    use EventKind::{DrainBegan, DrainCancelled, Start, Stop};
    let runs = history(&[
        told(1, DrainBegan, "i-1", "idle"),
        told(2, DrainCancelled, "i-1", "a call arrived"),
        told(9, Stop, "i-2", "idle"),
        told(10, Start, "i-2", "needed"),
    ]);
    assert_eq!(runs.len(), 3);
    let of = |id: &str| runs.iter().filter(|run| run.instance.as_str() == id).collect::<Vec<_>>();
    assert_eq!((of("i-1")[0].from, of("i-1")[0].drain, of("i-1")[0].until), (None, None, None));
    assert_eq!(of("i-2").iter().map(|run| run.until).collect::<Vec<_>>(), [Some(at(9)), None]);
}

#[test]
fn the_ledger_knows_what_runs_and_what_does_not() {
    let mut ledger = Ledger::default();
    let running = NodeRecord { run: Some(life(-500)), ..NodeRecord::default() };
    ledger.nodes.insert("i-old".into(), running);
    ledger.nodes.insert("i-1".into(), NodeRecord::default());
    let events = [event(1, EventKind::Start, "i-1"), event(11, EventKind::StartFailed, "i-1")];
    assert_eq!(minutes(&events, &Present::of_ledger(&ledger)), [(Some(-500), None), (Some(1), Some(11))]);
}

#[test]
fn a_run_that_began_before_the_history_and_goes_on_is_counted_from_its_start() {
    let events = [event(1, EventKind::DrainBegan, "i-1"), event(2, EventKind::DrainCancelled, "i-1")];
    let runs = node_runs(&events, &remembered("i-1", Some(life(-500))));
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].from, runs[0].began().as_str()), (Some(at(-500)), "Pexip: starting, overflow"));
}

#[test]
fn what_runs_now_since_another_start_is_another_run() {
    use EventKind::{Start, Stop};
    // Nobody told of the second start: the ledger was lost, or no cycle ran.
    let unseen = minutes(&[event(1, Start, "i-1")], &remembered("i-1", Some(life(100))));
    assert_eq!(unseen, [(Some(1), Some(100)), (Some(100), None)]);
    let stopped = [event(1, Start, "i-1"), event(5, Stop, "i-1")];
    let again = minutes(&stopped, &remembered("i-1", Some(life(8))));
    assert_eq!(again, [(Some(1), Some(5)), (Some(8), None)]);
    // A stop that was ordered and not carried out ended nothing; one that is on its way did.
    assert_eq!(minutes(&stopped, &remembered("i-1", Some(life(1)))), [(Some(1), None)]);
    let mut ledger = Ledger::default();
    let drain =
        Drain { stop_ordered_at: Some(at(5)), ..Drain::new(DrainKind::Auto, Actor::Spillway, "idle", at(3)) };
    let record = NodeRecord { run: Some(life(1)), drain: Some(drain), ..NodeRecord::default() };
    ledger.nodes.insert("i-1".into(), record);
    assert_eq!(minutes(&stopped, &Present::of_ledger(&ledger)), [(Some(1), Some(5))]);
}

#[test]
fn a_run_is_cut_to_what_was_asked() {
    let run = history(&[event(1, EventKind::Start, "i-1"), event(61, EventKind::Stop, "i-1")]).remove(0);
    let within = |from, until| run.within(at(from), at(until)).as_mins();
    assert_eq!((within(0, 100), within(31, 100), within(0, 31), within(70, 90)), (60, 30, 30, 0));
    let before = NodeRun { from: None, ..run };
    assert_eq!(before.within(at(0), at(100)).as_mins(), 61);
}
