//! `spillway prewarm list`: the windows as EventBridge Scheduler has them.

use serde_json::{Value, json};
use spillway_scheduler::Window;
use spillway_view::table::{Align, Columns};

use super::shown::{exit_of, lines, note_bad, place};
use crate::context::Context;
use crate::exit::Ended;
use crate::output::{self, Output};

pub(super) async fn list(context: &Context, output: &Output) -> Ended {
    let windows = context.scheduler().await?.windows().await?;
    if output.json {
        let values: Vec<Value> = windows.windows.iter().map(value).collect();
        let bad: Vec<Value> =
            windows.bad.iter().map(|bad| json!({"name": bad.name, "error": bad.error.to_string()})).collect();
        output::json(&json!({"schema": 1, "platform": context.platform, "windows": values, "bad": bad}));
        return Ok(exit_of(&windows));
    }
    let mut columns = Columns::new(&[
        ("window", Align::Left),
        ("when", Align::Left),
        ("zone", Align::Left),
        ("where", Align::Left),
        ("how much", Align::Left),
        ("lead", Align::Right),
        ("held", Align::Right),
        ("", Align::Left),
    ]);
    for window in &windows.windows {
        let spec = &window.spec;
        let mut remarks = Vec::new();
        if window.is_extra() {
            remarks.push(format!("extra date of {}", spec.window));
        }
        if !window.enabled {
            remarks.push("disabled".to_owned());
        }
        if !spec.skip.is_empty() {
            let dates: Vec<String> = spec.skip.iter().map(ToString::to_string).collect();
            remarks.push(format!("skips {}", dates.join(", ")));
        }
        if spec.ignore_licences {
            remarks.push("ignores licences".to_owned());
        }
        if !spec.reason.is_empty() {
            remarks.push(spec.reason.clone());
        }
        columns.row([
            window.name.clone(),
            window.expression.as_str().to_owned(),
            spec.time_zone.clone(),
            place(window),
            spec.amount.to_string(),
            format!("{} min", spec.lead_minutes),
            format!("{} min", spec.hold_minutes),
            remarks.join("; "),
        ]);
    }
    if columns.is_empty() {
        output::note("there are no pre-warm windows");
    } else {
        output::text(&lines(&columns));
    }
    note_bad(&windows);
    Ok(exit_of(&windows))
}

fn value(window: &Window) -> Value {
    json!({
        "name": window.name, "enabled": window.enabled, "expression": window.expression.as_str(),
        "flexible_minutes": window.flexible_minutes, "spec": window.spec,
        "extra_of": window.is_extra().then_some(&window.spec.window),
    })
}
