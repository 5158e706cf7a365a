//! `spillway prewarm add` and `remove`: changes of windows in EventBridge Scheduler. What a window would refuse when it fires
//! is refused here, before it is stored.

use clap::Args;
use spillway_core::ids::{HdCalls, LocationName};
use spillway_core::ledger::HoldAmount;
use spillway_core::prewarm::WindowSpec;
use spillway_scheduler::{Target, Window};

use super::dates::{extras, of_the_stack, print, unknown};
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::session::CliSession;

/// `spillway prewarm add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The window's name
    #[arg(value_name = "NAME")]
    name: String,
    /// When it fires, as Scheduler writes it: "cron(50 8 ? * MON-FRI *)"
    #[arg(long, value_name = "EXPRESSION")]
    schedule: String,
    /// The IANA time zone: Europe/Oslo
    #[arg(long, value_name = "ZONE")]
    zone: String,
    /// Only in this overflow location
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Capacity for this many HD calls (all nodes unless said)
    #[arg(long, value_name = "N", conflicts_with = "nodes")]
    hd_calls: Option<u32>,
    /// This many overflow nodes (all nodes unless said)
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// Minutes from firing to the spike
    #[arg(long, value_name = "MINUTES")]
    lead: Option<u32>,
    /// Minutes from firing to the end of the hold
    #[arg(long, value_name = "MINUTES")]
    hold: Option<u32>,
    #[command(flatten)]
    acting: Acting,
}

/// `spillway prewarm remove`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The window's name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn add(context: &Context, options: &Add, output: &Output) -> Ended {
    let session = CliSession::open(context, &options.acting).await?;
    let mut spec = WindowSpec::with_defaults(options.name.clone(), options.zone.clone());
    spec.location = options.location.clone().map(LocationName::new);
    spec.amount = match (options.hd_calls, options.nodes) {
        (Some(calls), _) => HoldAmount::HdCalls(HdCalls(calls)),
        (None, Some(nodes)) => HoldAmount::Nodes(nodes),
        (None, None) => HoldAmount::AllNodes,
    };
    spec.lead_minutes = options.lead.unwrap_or(spec.lead_minutes);
    spec.hold_minutes = options.hold.unwrap_or(spec.hold_minutes);
    spec.reason = options.acting.reason.clone().unwrap_or_default();
    let window = Window::new(spec, &options.schedule, target(&session)?)
        .map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(location) = &window.spec.location {
        session.read().await?.overflow_location(session.policy(), location.as_str())?;
    }
    let scheduler = context.scheduler().await?;
    if scheduler.get(&window.name).await?.is_some() {
        return Err(Failure::usage(format!("there is already a window {}", window.name))
            .remedy("choose another name, or remove that one first"));
    }
    if !output.json {
        output::note(&format!(
            "{}: {}, {} in {}, held for {} minutes",
            window.name, window.spec.amount, options.schedule, options.zone, window.spec.hold_minutes
        ));
    }
    confirm(&options.acting, &session.place, "Add this window?")?;
    scheduler.create(&window).await?;
    session.asked(&format!("pre-warm window {} added", window.name), None).await?;
    print(context, "added", &window.name, output);
    Ok(Exit::Done)
}

pub(crate) async fn remove(context: &Context, options: &Remove, output: &Output) -> Ended {
    let session = CliSession::open(context, &options.acting).await?;
    of_the_stack(&session, &options.name, "sam deploy --parameter-overrides WindowState=DISABLED")?;
    let scheduler = context.scheduler().await?;
    let extras = extras(&scheduler, &options.name).await?;
    let dates: Vec<String> =
        extras.iter().filter_map(Window::only_date).map(|date| date.to_string()).collect();
    let also =
        if dates.is_empty() { String::new() } else { format!(" and its extra dates {}", dates.join(", ")) };
    confirm(&options.acting, &session.place, &format!("Remove the window {}{also}?", options.name))?;
    let mut removed = scheduler.delete(&options.name).await?;
    for extra in &extras {
        removed |= scheduler.delete(&extra.name).await?;
    }
    if !removed {
        return Err(unknown(&options.name));
    }
    session.asked(&format!("pre-warm window {} removed{also}", options.name), None).await?;
    print(context, "removed", &options.name, output);
    Ok(Exit::Done)
}

/// Whom a new window invokes: what the stack wrote down.
fn target(session: &CliSession<'_>) -> Result<Target, Failure> {
    let context = session.context;
    let missing = || {
        Failure::usage(format!("the pre-warm function of platform {} is not known", context.platform))
            .remedy(context.deploy())
    };
    let stack = session.clients.settings.stack.as_ref().ok_or_else(missing)?;
    Ok(Target {
        function_arn: stack.prewarm_function.clone().ok_or_else(missing)?,
        role_arn: stack.scheduler_role.clone().ok_or_else(missing)?,
        dead_letter_arn: stack.dead_letter_queue.clone(),
        ..Target::default()
    })
}
