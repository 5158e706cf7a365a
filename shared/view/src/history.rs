//! The history as a table: what, when, why, by whom.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::report::actor;

use crate::paint::{Paint, Tone};
use crate::table::{Align, Columns};
use crate::time::local;

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// A node's name or an instance id.
    pub node: Option<String>,
    /// A location's name.
    pub location: Option<String>,
    /// These kinds; none: all.
    pub kinds: Vec<EventKind>,
}

impl Filter {
    /// Whether a line is one of them.
    pub fn takes(&self, event: &Event) -> bool {
        let Self { node, location, kinds } = self;
        let is_node = |wanted: &String| {
            event.node.as_ref().is_some_and(|node| node.as_str() == wanted)
                || event.instance.as_ref().is_some_and(|instance| instance.as_str() == wanted)
        };
        node.as_ref().is_none_or(is_node)
            && location
                .as_ref()
                .is_none_or(|wanted| event.location.as_ref().is_some_and(|at| at.as_str() == wanted))
            && (kinds.is_empty() || kinds.contains(&event.kind))
    }
}

/// The kind in words.
pub fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Start => "start",
        EventKind::StartRefused => "start refused",
        EventKind::Ready => "ready",
        EventKind::StartFailed => "start failed",
        EventKind::StartSeen => "start seen",
        EventKind::DrainBegan => "drain",
        EventKind::DrainCancelled => "drain cancelled",
        EventKind::DrainVetoed => "drain vetoed",
        EventKind::Stop => "stop",
        EventKind::StopRefused => "stop refused",
        EventKind::Stopped => "stopped",
        EventKind::MaintenanceCleared => "maintenance cleared",
        EventKind::AddressChanged => "address changed",
        EventKind::CycleRefused => "cycle refused",
        EventKind::RequestDone => "request done",
        EventKind::Asked => "asked",
        EventKind::Operated => "operated",
        EventKind::Overridden => "overridden",
        EventKind::Retired => "retired",
        EventKind::Withheld => "withheld",
    }
}

/// Every kind, for whoever names one.
pub const KINDS: [EventKind; 20] = [
    EventKind::Start,
    EventKind::StartRefused,
    EventKind::Ready,
    EventKind::StartFailed,
    EventKind::StartSeen,
    EventKind::DrainBegan,
    EventKind::DrainCancelled,
    EventKind::DrainVetoed,
    EventKind::Stop,
    EventKind::StopRefused,
    EventKind::Stopped,
    EventKind::MaintenanceCleared,
    EventKind::AddressChanged,
    EventKind::CycleRefused,
    EventKind::RequestDone,
    EventKind::Asked,
    EventKind::Operated,
    EventKind::Overridden,
    EventKind::Retired,
    EventKind::Withheld,
];

/// Lines as a table, oldest first.
pub fn render_history(events: &[&Event], now: Timestamp, zone: &TimeZone, paint: &impl Paint) -> String {
    let mut columns = Columns::new(&[
        ("when", Align::Left),
        ("what", Align::Left),
        ("node", Align::Left),
        ("location", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
    ]);
    for event in events {
        columns.row([
            event.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            kind(event.kind).to_owned(),
            event
                .node
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| event.instance.as_ref().map(ToString::to_string))
                .unwrap_or_default(),
            event.location.as_ref().map(ToString::to_string).unwrap_or_default(),
            actor(&event.by).to_owned(),
            local(&event.reason, now, zone),
        ]);
    }
    let tones = std::iter::once(Tone::Head).chain(events.iter().map(|event| tone(event)));
    let lines = columns.lines();
    let painted = lines.iter().zip(tones).map(|(line, tone)| format!("{}\n", paint.paint(tone, line)));
    painted.collect()
}

fn tone(event: &Event) -> Tone {
    match event.kind {
        EventKind::StartRefused | EventKind::StartFailed | EventKind::CycleRefused => Tone::Bad,
        EventKind::StopRefused | EventKind::DrainVetoed | EventKind::Overridden => Tone::Warn,
        _ if matches!(event.by, Actor::Person(_)) => Tone::Warn,
        _ => Tone::Plain,
    }
}
