//! `spillway history`: what happened, when, why, by whom (guide: *Viewing historic events*).

use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};
use spillway_core::ledger::{Event, EventKind};
use spillway_core::report::actor;
use spillway_engine::ports::LedgerRead;
use spillway_view::{Filter, KINDS, clean, kind, render_history};

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Terminal};
use crate::period::Period;

/// What an operator asks about in the morning.
const USUAL: SignedDuration = SignedDuration::from_hours(24);

/// `spillway history`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    period: Period,
    /// Only this node, by its name or instance id
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Only this location
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Only this kind, such as start, ready, stop, "start refused"; may be repeated
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Comma-separated values, with a head
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(crate) async fn run(context: &Context, options: &Options, output: &Output) -> Ended {
    let now = context.now();
    let (from, until) = options.period.ends(USUAL, &output.zone, now)?;
    let kinds = options.kind.iter().map(|word| kind_of(word)).collect::<Result<_, _>>()?;
    let filter = Filter { node: options.node.clone(), location: options.location.clone(), kinds };
    let settings = context.settings().await?;
    let events = context.connector.ledger(&settings)?.read_events(from, until).await?;
    let events: Vec<&Event> = events.iter().filter(|event| filter.takes(event)).collect();
    if output.json {
        let events: Vec<Value> = events.iter().map(|event| json_of(event)).collect();
        output::json(&json!({
            "schema": 1, "platform": context.platform, "from": from, "until": until, "events": events,
        }));
    } else if options.csv {
        output::text(&csv_of(&events)?);
    } else if events.is_empty() {
        output::note("no events in this period");
    } else {
        output::text(&render_history(&events, now, &output.zone, &Terminal));
    }
    Ok(Exit::Done)
}

fn kind_of(word: &str) -> Result<EventKind, Failure> {
    let plain = |text: &str| text.replace(['_', '-'], " ").to_lowercase();
    KINDS.iter().copied().find(|each| kind(*each) == plain(word)).ok_or_else(|| {
        let all: Vec<&str> = KINDS.iter().map(|each| kind(*each)).collect();
        Failure::usage(format!("{word:?} is not a kind of event"))
            .remedy(format!("kinds are: {}", all.join(", ")))
    })
}

fn json_of(event: &Event) -> Value {
    let Event { id, at, kind, instance, node, location, by, reason } = event;
    json!({
        "id": id, "at": at, "kind": kind, "instance": instance, "node": node, "location": location, "by": by,
        "reason": reason,
    })
}

fn csv_of(events: &[&Event]) -> Result<String, Failure> {
    let failed = |error: csv::Error| Failure::failed(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["at", "kind", "node", "instance", "location", "by", "reason"]).map_err(failed)?;
    for event in events {
        let text = |name: Option<&str>| cell(name.unwrap_or_default());
        writer
            .write_record([
                event.at.to_string(),
                kind(event.kind).to_owned(),
                text(event.node.as_ref().map(spillway_core::ids::NodeName::as_str)),
                text(event.instance.as_ref().map(spillway_core::ids::InstanceId::as_str)),
                text(event.location.as_ref().map(spillway_core::ids::LocationName::as_str)),
                cell(actor(&event.by)),
                cell(&event.reason),
            ])
            .map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A name that begins like a formula is one to a spreadsheet, also after spaces and with the wide forms of the signs; an
/// apostrophe makes it text.
fn cell(text: &str) -> String {
    let text = clean(text);
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::ledger::Actor;

    #[test]
    fn a_kind_is_found_however_it_is_written_and_else_all_are_named() {
        for word in ["start refused", "start_refused", "Start-Refused"] {
            assert_eq!(kind_of(word).unwrap(), EventKind::StartRefused);
        }
        assert!(kind_of("begin").unwrap_err().remedy.contains("start refused"));
    }

    #[test]
    fn no_way_to_begin_a_formula_is_left() {
        for text in
            ["=1", "+1", "-1", "@A1", "\t=1", "\r\n=1", "  =1", "\u{200b}=1", "\u{1b}[m=1", "＝1", "＠A1"]
        {
            assert!(cell(text).starts_with('\''), "{text:?}: {:?}", cell(text));
        }
        assert_eq!(cell("aws-burst-1"), "aws-burst-1");
    }

    #[test]
    fn a_name_is_no_formula_and_no_escape_sequence_in_a_spreadsheet() {
        let event = Event {
            id: "1".to_owned(),
            at: "2026-03-02T07:50:00Z".parse().unwrap(),
            kind: EventKind::Start,
            instance: Some("i-1".into()),
            node: Some("=cmd|' /C calc'!A0".into()),
            location: Some("AWS \u{1b}[31mburst, \"two\"".into()),
            by: Actor::Person("anna".to_owned()),
            reason: "needed\nnow".to_owned(),
        };
        let csv = csv_of(&[&event]).unwrap();
        let wanted = "at,kind,node,instance,location,by,reason\n\
                      2026-03-02T07:50:00Z,start,'=cmd|' /C calc'!A0,i-1,\"AWS burst, \"\"two\"\"\",anna,needed now\n";
        assert_eq!(csv, wanted);
    }
}
