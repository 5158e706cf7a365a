//! The first line, which the page shows too, and the last one.

use spillway_core::ids::HdCalls;
use spillway_core::policy::Mode;

use super::View;
use crate::status::{FirstLine, LocationRoom, Status};
use crate::time::{age, local, moment, span};

/// The first line: what matters at 08:58.
pub fn first_line(status: &Status, view: &View) -> String {
    let FirstLine {
        room_now,
        room_in_5_minutes,
        worst,
        held,
        licences_left,
        licences_total: _,
        oldest_report_s,
        last_cycle: _,
        last_good_cycle: _,
        ledger_read,
        last_refusal,
    } = &status.first;
    let mut parts = Vec::new();
    if status.is_without_cycles() {
        parts.push("NO CYCLE RUNS".to_owned());
    }
    parts.push(match (room_now, room_in_5_minutes) {
        (Some(now), Some(soon)) => room(worst.as_ref(), *now, *soon),
        _ => "room not known".to_owned(),
    });
    let unread = !ledger_read || room_now.is_none() && status.holds.iter().any(|hold| hold.current);
    if held.asked == 0 && unread {
        parts.push("held nodes not known".to_owned());
    } else if held.asked == 0 {
        parts.push("nothing held".to_owned());
    } else {
        let mut words = vec![format!("{} ready", held.ready)];
        let more = [(held.booting, "booting"), (held.late, "late"), (held.failed, "failed")];
        words.extend(
            more.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")),
        );
        parts.push(format!("held {}: {}", held.asked, words.join(", ")));
    }
    parts.push(licences_left.map_or("licences not known".to_owned(), |left| format!("{left} licences left")));
    parts.push(match oldest_report_s {
        Some(seconds) => format!("data {} old", span(jiff::SignedDuration::from_secs(*seconds))),
        None => "no data".to_owned(),
    });
    if last_refusal.is_none() && *ledger_read {
        parts.push("EC2 refused nothing".to_owned());
    }
    let at = status.at.to_zoned(view.zone.clone()).strftime("%H:%M");
    format!("{at} {}: {}", status.platform, parts.join(" | "))
}

/// The room of the callers who have the least: room elsewhere is of no use to them.
fn room(worst: Option<&LocationRoom>, all_now: HdCalls, all_soon: HdCalls) -> String {
    let Some(worst) = worst.filter(|worst| worst.now() != all_now || worst.now() == HdCalls(0)) else {
        return format!("room for {all_now} HD calls now, {all_soon} in 5 min");
    };
    let LocationRoom { location, free, overflow, nodes_booting, ready_in_s, .. } = worst;
    let mut coming = String::new();
    if let Some(seconds) = ready_in_s {
        let nodes = if *nodes_booting == 1 { "node" } else { "nodes" };
        coming = format!("; {nodes_booting} {nodes} ready in {} min", (seconds + 59) / 60);
    }
    let now = worst.now();
    if now == HdCalls(0) {
        return format!("{location}: NO ROOM ({free}, overflow {overflow}{coming})");
    }
    format!(
        "{location}: room for {now} HD calls ({free}, overflow {overflow}{coming}), {all_now} in all locations"
    )
}

/// The last line: when it was read, and how the last cycle ended.
pub(super) fn foot(status: &Status, view: &View) -> String {
    let mode = match (status.mode, status.dry_run) {
        (_, true) => "dry run: nothing is started or stopped",
        (Mode::Control, false) => "mode control",
        (Mode::Assist, false) => "mode assist: Pexip's own bursting decides",
    };
    let cycle = match &status.first.last_cycle {
        Some(cycle) => {
            format!(
                "last cycle {} ago: {}{}",
                age(cycle.at, view.now),
                cycle.word().map(|outcome| format!("{outcome}, ")).unwrap_or_default(),
                local(&cycle.summary, view.now, &view.zone)
            )
        }
        None if status.first.ledger_read => "no cycle has run yet".to_owned(),
        None => "last cycle not known".to_owned(),
    };
    format!("{} | {mode} | {cycle}", moment(status.at, &view.zone))
}
