//! `spillway node upgrade`: with Pexip's own bursting off, nobody starts stopped overflow nodes for their upgrade. They are
//! started and held, a batch at a time, until each runs the Management Node's version; then their holds are released.

use clap::Args;
use jiff::SignedDuration;
use serde_json::json;
use spillway_core::operation::{BATCH, Behind, UpgradeState, behind, hold_of, may_upgrade, state_of};
use spillway_core::policy::Mode;
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::ports::LedgerWrite;
use spillway_view::time::span;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::progress::{self, Progress};
use crate::session::CliSession;
use crate::when;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these nodes; all that are behind unless said
    #[arg(value_name = "NODE")]
    node: Vec<String>,
    /// How many at once
    #[arg(long, value_name = "N", default_value_t = BATCH, value_parser = parse_batch)]
    batch: usize,
    /// How long one node may take
    #[arg(long, value_name = "TIME", default_value = "2h")]
    patience: String,
    /// Have the nodes up before the upgrade, which you start on the Management Node when they are
    #[arg(long)]
    before_upgrade: bool,
    #[command(flatten)]
    acting: Acting,
}

fn parse_batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(batch @ 1..=100) => Ok(batch),
        _ => Err("1 to 100".to_owned()),
    }
}

pub(crate) async fn run(context: &Context, options: &Options, output: &Output) -> Ended {
    let patience = when::length(&options.patience, SignedDuration::from_hours(24))?;
    let session = CliSession::open(context, &options.acting).await?;
    let known = session.read().await?;
    session.may_act(&known)?;
    if session.policy().mode == Mode::Assist {
        return Err(Failure::refused(
            "the policy's mode is assist: Pexip starts overflow nodes for their upgrade itself",
        )
        .remedy("upgrade the platform as Pexip's guide describes"));
    }
    for name in &options.node {
        known.find(session.policy(), name)?;
    }
    let wanted = |each: &Behind| {
        options.node.is_empty()
            || options.node.iter().any(|name| name == each.node.as_str() || name == each.instance.as_str())
    };
    let all = behind(session.policy(), &known.platform, &known.fleet, &known.ledger, known.now);
    let (nodes, left_out): (Vec<Behind>, Vec<Behind>) =
        all.into_iter().filter(wanted).partition(|each| each.obstacle.is_none());
    if !output.json {
        for each in &nodes {
            let version = if each.version.is_empty() { "never reported" } else { &each.version };
            output::note(&format!("{}: version {version}, to become {}", each.node, known.platform.version));
        }
        for each in &left_out {
            output::note(&format!("{}: skipped: {}", each.node, each.obstacle.unwrap_or_default()));
        }
    }
    let (mut done, mut late) = (Vec::new(), Vec::new());
    if !nodes.is_empty() {
        if !options.before_upgrade {
            may_upgrade(session.policy(), &known.platform, &known.ledger, known.now)?;
        }
        let question = format!(
            "Start and hold {} nodes, {} at a time, until they are upgraded, each for {} at the longest?",
            nodes.len(),
            options.batch,
            span(patience)
        );
        confirm(&options.acting, &session.place, &question)?;
        let mut progress = Progress::new(output);
        for batch in nodes.chunks(options.batch) {
            let ended = Box::pin(one_batch(&session, batch, patience, &mut progress)).await;
            let (finished, unfinished) = ended.inspect_err(|_| progress.end())?;
            done.extend(finished);
            late.extend(unfinished);
        }
        progress.end();
    }
    if output.json {
        let left_out: Vec<&str> = left_out.iter().map(|each| each.node.as_str()).collect();
        output::json(&json!({
            "schema": 1, "platform": context.platform, "version": known.platform.version, "upgraded": done,
            "not_upgraded": late, "left_out": left_out,
        }));
    } else if nodes.is_empty() {
        output::text("every overflow node runs the Management Node's version, or is skipped\n");
    } else {
        output::text(&format!(
            "{} upgraded, {} not upgraded, {} skipped\n",
            done.len(),
            late.len(),
            left_out.len()
        ));
    }
    Ok(match (done.len(), late.len() + left_out.len()) {
        (_, 0) => Exit::Done,
        (0, _) if !late.is_empty() => Exit::Failed,
        _ => Exit::Partly,
    })
}

/// What is said to whoever interrupts the wait.
const GOES_ON: &str = "the holds end by themselves; run the same command again: it goes on from there";

/// What nodes that are up wait for, where nothing upgrades them.
const NO_UPGRADE: &str = "no upgrade runs; start it on the Management Node (Utilities > Upgrade)";

/// Holds a batch until each of its nodes is current, or its time is over; gives both by name.
async fn one_batch(
    session: &CliSession<'_>,
    batch: &[Behind],
    patience: SignedDuration,
    progress: &mut Progress,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let from = session.now();
    let until = from.checked_add(patience).map_err(|error| Failure::usage(error.to_string()))?;
    for each in batch {
        let why = format!("[upgrade] {}", session.reason);
        session.clients.ledger.put_hold(&hold_of(&each.instance, from, until, &session.by, &why)).await?;
        let found = session.read().await?.find(session.policy(), each.instance.as_str())?;
        session.asked("start and hold for its upgrade", Some(&found)).await?;
    }
    let mut memory = LeaseMemory::default();
    let mut left: Vec<&Behind> = batch.iter().collect();
    let mut done = Vec::new();
    // Said once, and again after an upgrade that ended without them.
    let mut asked_for_upgrade = false;
    while !left.is_empty() && session.now() < until {
        session.cycle(&mut memory, &[]).await;
        // The Management Node restarts for its own upgrade: that is waited for as well.
        let known = match session.read().await {
            Ok(known) => known,
            Err(failure) => {
                progress.waits(&failure.message);
                progress::pause(GOES_ON).await?;
                continue;
            }
        };
        let (policy, now) = (session.policy(), known.now);
        let mut waits = Vec::new();
        let mut still = Vec::new();
        let mut all_run = true;
        for each in left {
            match state_of(policy, &known.platform, &known.fleet, &known.ledger, now, &each.instance) {
                UpgradeState::Current => {
                    let hold = hold_of(&each.instance, from, until, &session.by, "");
                    session.clients.ledger.remove_hold(&hold.id).await?;
                    progress.says(&format!("{}: upgraded; its hold is released", each.node));
                    done.push(each.node.to_string());
                    continue;
                }
                UpgradeState::Waits => {
                    waits.push(format!("{} starts", each.node));
                    all_run = false;
                }
                UpgradeState::Runs(version) => waits.push(format!("{} runs {version}", each.node)),
            }
            still.push(each);
        }
        left = still;
        if !left.is_empty() {
            let upgrading = may_upgrade(policy, &known.platform, &known.ledger, now).is_ok();
            if !upgrading {
                waits.push(NO_UPGRADE.to_owned());
            }
            if !upgrading && all_run && !asked_for_upgrade {
                let names: Vec<&str> = left.iter().map(|each| each.node.as_str()).collect();
                progress.says(&format!("up: {}: {NO_UPGRADE}", names.join(", ")));
            }
            asked_for_upgrade = !upgrading && (all_run || asked_for_upgrade);
            progress.waits(&waits.join(", "));
            progress::pause(GOES_ON).await?;
        }
    }
    for each in &left {
        session.clients.ledger.remove_hold(&hold_of(&each.instance, from, until, &session.by, "").id).await?;
    }
    Ok((done, left.into_iter().map(|each| each.node.to_string()).collect()))
}
