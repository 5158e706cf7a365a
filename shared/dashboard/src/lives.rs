//! The lives of overflow nodes in a stretch of time, put together from the history: each is a bar with the reason at
//! its beginning and the reason at its end. Lines of history can be missing (kept for so long, or lost with a ledger):
//! a life whose beginning is not known begins where the chart does, and what runs now is told by the status.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ids::{InstanceId, NodeName};
use spillway_core::ledger::{Event, EventKind};
use spillway_core::report::actor;

use spillway_view::{NodeState, OverflowNode};

/// A start is seen by the next cycle or sweep at the latest.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// From a start to the stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Instance.
    pub instance: InstanceId,
    /// Node, or the instance where no name is known.
    pub node: NodeName,
    /// When it was started; `None`: before the chart begins.
    pub from: Option<Timestamp>,
    /// When it was ready.
    pub ready: Option<Timestamp>,
    /// When it began to drain, for good.
    pub drain: Option<Timestamp>,
    /// When it was stopped; `None`: it runs.
    pub until: Option<Timestamp>,
    /// Whether it never became ready.
    pub failed: bool,
    /// Who started it and why.
    pub began: String,
    /// Why it was stopped, or failed.
    pub ended: String,
}

impl Life {
    fn unknown(event: &Event) -> Self {
        let node = event.node.clone();
        let instance = event.instance.clone().unwrap_or_else(|| InstanceId::new(""));
        Self {
            node: node.unwrap_or_else(|| NodeName::new(instance.as_str())),
            instance,
            from: None,
            ready: None,
            drain: None,
            until: None,
            failed: false,
            began: String::new(),
            ended: String::new(),
        }
    }
}

/// The lives that the events tell of, and those of the nodes that run now; the latest first.
pub fn lives(events: &[Event], nodes: &[OverflowNode]) -> Vec<Life> {
    let mut open: BTreeMap<&InstanceId, Life> = BTreeMap::new();
    let mut over: Vec<Life> = Vec::new();
    for event in events {
        let Some(id) = &event.instance else { continue };
        match event.kind {
            // Our own start, seen running by the reconciler.
            EventKind::StartSeen if open.get(id).is_some_and(|life| is_its_start(life, event.at)) => {}
            EventKind::Start | EventKind::StartSeen => {
                if let Some(before) = open.remove(id) {
                    // Nobody saw it stop: it was down when it was started again.
                    over.push(Life { until: before.until.or(Some(event.at)), ..before });
                }
                let began = format!("{}: {}", actor(&event.by), event.reason);
                open.insert(id, Life { from: Some(event.at), began, ..Life::unknown(event) });
            }
            EventKind::Ready => {
                let life = open.entry(id).or_insert_with(|| Life::unknown(event));
                life.ready = life.ready.or(Some(event.at));
            }
            EventKind::StartFailed => {
                let life = open.entry(id).or_insert_with(|| Life::unknown(event));
                life.failed = true;
                life.ended = event.reason.clone();
            }
            EventKind::DrainBegan => {
                let life = open.entry(id).or_insert_with(|| Life::unknown(event));
                life.ready = life.ready.or(life.from);
                life.drain = Some(event.at);
            }
            EventKind::DrainCancelled | EventKind::DrainVetoed => {
                if let Some(life) = open.get_mut(id) {
                    life.drain = None;
                }
            }
            EventKind::Stop => {
                let life = open.entry(id).or_insert_with(|| Life::unknown(event));
                life.ended = format!("{}: {}", actor(&event.by), event.reason);
                life.until = Some(event.at);
            }
            EventKind::Stopped => {
                if let Some(mut life) = open.remove(id) {
                    life.until = life.until.or(Some(event.at));
                    if life.ended.is_empty() {
                        life.ended = event.reason.clone();
                    }
                    over.push(life);
                }
            }
            EventKind::StartRefused
            | EventKind::StopRefused
            | EventKind::MaintenanceCleared
            | EventKind::AddressChanged
            | EventKind::CycleRefused
            | EventKind::RequestDone
            | EventKind::Asked
            | EventKind::Operated
            | EventKind::Overridden
            | EventKind::Retired
            | EventKind::Withheld => {}
        }
    }
    for node in nodes {
        match (runs(node.state), open.remove(&node.instance)) {
            // What runs now has not ended, whatever the history says.
            (true, Some(life)) => over.push(Life { until: None, node: node.name.clone(), ..life }),
            (true, None) => over.push(of_now(node)),
            (false, Some(life)) => over.push(Life { node: node.name.clone(), ..life }),
            (false, None) => {}
        }
    }
    over.extend(open.into_values());
    over.sort_by(|a, b| (b.from, &a.node).cmp(&(a.from, &b.node)));
    over
}

/// Whether a node that is seen running is the one whose start is known: nobody saw it stop in between.
fn is_its_start(life: &Life, seen: Timestamp) -> bool {
    life.until.is_none() && life.from.is_some_and(|from| seen.duration_since(from) < SEEN_WITHIN)
}

fn of_now(node: &OverflowNode) -> Life {
    let began = match (&node.started_by, &node.started_why) {
        (Some(by), Some(why)) => format!("{}: {why}", actor(by)),
        _ => String::new(),
    };
    let draining = node.state == NodeState::Draining;
    let from = node.since.filter(|_| !draining);
    Life {
        instance: node.instance.clone(),
        node: node.name.clone(),
        from,
        ready: if node.state == NodeState::Booting { None } else { from },
        drain: node.since.filter(|_| draining),
        until: None,
        failed: node.state == NodeState::FailedStart,
        began,
        ended: String::new(),
    }
}

/// Whether a node in this state is on.
pub(crate) fn runs(state: NodeState) -> bool {
    match state {
        NodeState::Degraded
        | NodeState::Booting
        | NodeState::Draining
        | NodeState::Maintenance
        | NodeState::Ready
        | NodeState::Stopping
        | NodeState::Running => true,
        NodeState::FailedStart
        | NodeState::Retired
        | NodeState::BackingOff
        | NodeState::Stopped
        | NodeState::Gone => false,
    }
}

#[cfg(test)]
mod tests {
    use spillway_core::ledger::Actor;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + 60 * minute).unwrap()
    }

    fn event(minute: i64, kind: EventKind, instance: &str, reason: &str) -> Event {
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

    #[test]
    fn a_life_goes_from_its_start_to_its_stop_with_both_reasons() {
        use EventKind::{DrainBegan, Ready, Start, Stop, Stopped};
        let events = [
            event(0, Start, "i-1", "needed"),
            event(5, Ready, "i-1", ""),
            event(60, DrainBegan, "i-1", "idle"),
            event(63, Stop, "i-1", "idle, read twice"),
            event(65, Stopped, "i-1", ""),
        ];
        let lives = lives(&events, &[]);
        assert_eq!(lives.len(), 1);
        let life = &lives[0];
        assert_eq!((life.from, life.ready, life.drain), (Some(at(0)), Some(at(5)), Some(at(60))));
        assert_eq!(life.until, Some(at(63)));
        assert_eq!(
            (life.began.as_str(), life.ended.as_str()),
            ("Spillway: needed", "Spillway: idle, read twice")
        );
    }

    #[test]
    fn a_start_of_ours_that_is_seen_running_is_one_life() {
        use EventKind::{Start, StartSeen};
        let seen = [event(0, Start, "i-1", "needed"), event(1, StartSeen, "i-1", "seen running")];
        assert_eq!(lives(&seen, &[]).len(), 1);
        let again = [event(0, Start, "i-1", "needed"), event(90, StartSeen, "i-1", "seen running")];
        assert_eq!(lives(&again, &[]).len(), 2);
    }

    #[test]
    fn a_cancelled_drain_leaves_no_trace_and_a_life_without_a_beginning_is_kept() {
        use EventKind::{DrainBegan, DrainCancelled, Start, Stop};
        let events = [
            event(1, DrainBegan, "i-1", "idle"),
            event(2, DrainCancelled, "i-1", "a call arrived"),
            event(9, Stop, "i-2", "idle"),
            event(10, Start, "i-2", "needed"),
        ];
        let lives = lives(&events, &[]);
        assert_eq!(lives.len(), 3);
        let of = |id: &str| lives.iter().filter(|life| life.instance.as_str() == id).collect::<Vec<_>>();
        assert_eq!((of("i-1")[0].from, of("i-1")[0].drain, of("i-1")[0].until), (None, None, None));
        assert_eq!(of("i-2").iter().map(|life| life.until).collect::<Vec<_>>(), [None, Some(at(9))]);
    }
}
