//! Lives of overflow nodes, put together from the history: from the start to the stop.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::ids::{InstanceId, LocationName, NodeName};
use spillway_core::ledger::{Actor, Event, EventKind, Ledger};

/// One life, cut to the time that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastLife {
    /// Instance.
    pub instance: InstanceId,
    /// Node, where known.
    pub node: Option<NodeName>,
    /// Location, where known.
    pub location: Option<LocationName>,
    /// When it began; the beginning of what was read, where the start lies before it.
    pub from: Timestamp,
    /// When it ended; none while it goes on.
    pub until: Option<Timestamp>,
    /// Who started it.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

impl PastLife {
    /// How much of it lies between two instants.
    pub fn within(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let (begin, end) = (self.from.max(from), self.until.unwrap_or(until).min(until));
        end.duration_since(begin).max(SignedDuration::ZERO)
    }
}

/// The lives that a history tells of, and those that go on by the ledger. `read_from` is where the history begins: a stop
/// without a start belongs to a life that began before it.
pub fn lives(events: &[Event], ledger: Option<&Ledger>, read_from: Timestamp) -> Vec<PastLife> {
    let mut open: BTreeMap<&InstanceId, PastLife> = BTreeMap::new();
    // When something was last told of each.
    let mut last: BTreeMap<&InstanceId, Timestamp> = BTreeMap::new();
    let mut ends: BTreeSet<&InstanceId> = BTreeSet::new();
    let mut ended = Vec::new();
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| event.at);
    for event in sorted {
        let Some(instance) = &event.instance else { continue };
        match event.kind {
            EventKind::Start | EventKind::StartSeen => {
                // A life whose end nobody saw ended before the next one began.
                if let Some(mut before) = open.remove(instance) {
                    if event.kind == EventKind::StartSeen && before.by == Actor::Spillway {
                        // Our own start, seen running.
                        open.insert(instance, before);
                        last.insert(instance, event.at);
                        continue;
                    }
                    before.until = Some(before.until.unwrap_or(event.at));
                    ended.push(before);
                }
                open.insert(instance, begun(event, instance, event.at));
            }
            EventKind::Stop | EventKind::Stopped => {
                let life = open.remove(instance);
                // `Stopped` after `Stop` tells of the same end.
                if life.is_none() && ends.contains(instance) {
                    continue;
                }
                let mut life = life.unwrap_or_else(|| PastLife {
                    by: Actor::Unknown,
                    reason: String::new(),
                    ..begun(event, instance, read_from)
                });
                life.until = Some(event.at);
                ends.insert(instance);
                ended.push(life);
            }
            _ => {}
        }
        last.insert(instance, event.at);
    }
    // What runs now is in the ledger, whenever it began; and what does not run has ended, when nobody saw the end.
    if let Some(ledger) = ledger {
        for (instance, life) in &mut open {
            let runs = ledger.nodes.get(*instance).is_none_or(|record| record.life.is_some());
            if !runs {
                life.until = last.get(instance).copied();
            }
        }
    }
    let running = ledger.into_iter().flat_map(|ledger| &ledger.nodes).filter_map(|(instance, record)| {
        let life = record.life.as_ref().filter(|_| !last.contains_key(instance))?;
        Some(PastLife {
            instance: instance.clone(),
            node: record.name.clone(),
            location: record.location.as_ref().map(|(_, name)| name.clone()),
            from: life.started_at,
            until: None,
            by: life.by.clone(),
            reason: life.reason.clone(),
        })
    });
    ended.extend(running.collect::<Vec<_>>());
    ended.extend(open.into_values());
    ended.sort_by(|a, b| (a.from, &a.instance).cmp(&(b.from, &b.instance)));
    ended
}

fn begun(event: &Event, instance: &InstanceId, from: Timestamp) -> PastLife {
    PastLife {
        instance: instance.clone(),
        node: event.node.clone(),
        location: event.location.clone(),
        from,
        until: None,
        by: event.by.clone(),
        reason: event.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::ledger::{Life, NodeRecord};

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn event(minute: i64, kind: EventKind, instance: &str) -> Event {
        Event {
            id: format!("{minute}"),
            at: at(minute),
            kind,
            instance: Some(instance.into()),
            node: None,
            location: None,
            by: Actor::Spillway,
            reason: "needed".to_owned(),
        }
    }

    type Minutes = Vec<(i64, Option<i64>)>;

    fn minutes(events: &[Event], ledger: Option<&Ledger>) -> Minutes {
        let minute = |at: Timestamp| at.as_second() / 60;
        lives(events, ledger, at(0)).iter().map(|life| (minute(life.from), life.until.map(minute))).collect()
    }

    #[test]
    fn a_life_lasts_from_the_start_to_the_stop_and_what_is_told_twice_counts_once() {
        use EventKind::{Ready, Start, StartFailed, StartSeen, Stop, Stopped};
        let table: [(&str, Vec<Event>, Minutes); 6] = [
            (
                "a whole life",
                vec![
                    event(1, Start, "i-1"),
                    event(2, StartSeen, "i-1"),
                    event(6, Ready, "i-1"),
                    event(60, Stop, "i-1"),
                    event(62, Stopped, "i-1"),
                ],
                vec![(1, Some(60))],
            ),
            ("a life that goes on", vec![event(1, Start, "i-1")], vec![(1, None)]),
            (
                "a life that began before",
                vec![event(9, Stop, "i-1"), event(10, Stopped, "i-1")],
                vec![(0, Some(9))],
            ),
            (
                "a start that failed, and the next one",
                vec![event(1, Start, "i-1"), event(11, StartFailed, "i-1"), event(30, Start, "i-1")],
                vec![(1, Some(30)), (30, None)],
            ),
            (
                "two lives",
                vec![
                    event(1, Start, "i-1"),
                    event(5, Stop, "i-1"),
                    event(8, Start, "i-1"),
                    event(9, Stop, "i-1"),
                    event(10, Stopped, "i-1"),
                ],
                vec![(1, Some(5)), (8, Some(9))],
            ),
            ("nothing", vec![], vec![]),
        ];
        for (what, events, wanted) in table {
            assert_eq!(minutes(&events, None), wanted, "{what}");
        }
    }

    #[test]
    fn the_ledger_knows_what_runs_and_what_does_not() {
        let mut ledger = Ledger::default();
        let life = Life {
            started_at: at(-500),
            by: Actor::Pexip,
            reason: String::new(),
            launched_at: None,
            ready_at: None,
            failed: false,
        };
        let running = NodeRecord { life: Some(life), ..NodeRecord::default() };
        ledger.nodes.insert("i-old".into(), running);
        ledger.nodes.insert("i-1".into(), NodeRecord::default());
        let events = [event(1, EventKind::Start, "i-1"), event(11, EventKind::StartFailed, "i-1")];
        assert_eq!(minutes(&events, Some(&ledger)), [(-500, None), (1, Some(11))]);
    }

    #[test]
    fn a_life_is_cut_to_what_was_asked() {
        let life =
            lives(&[event(1, EventKind::Start, "i-1"), event(61, EventKind::Stop, "i-1")], None, at(0))
                .remove(0);
        let within = |from, until| life.within(at(from), at(until)).as_mins();
        assert_eq!((within(0, 100), within(31, 100), within(0, 31), within(70, 90)), (60, 30, 30, 0));
    }
}
