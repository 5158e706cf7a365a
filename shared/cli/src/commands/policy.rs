//! `spillway policy get|set|validate|diff`. A policy that a function would refuse is refused here, before it is stored.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use spillway_audit::{examine_policy, render_checks};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::observation::{Fleet, Platform, PlatformScope, Reading};
use spillway_core::policy::Policy as Parsed;
use spillway_engine::ports::{FleetRead, ManagementRead};
use spillway_view::clean;

use super::settings_history::record;
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::text_file;

/// `spillway policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Print the policy as it is stored
    Get,
    /// Check a policy file, without AWS
    Validate(File),
    /// What storing a policy file would change
    Diff(File),
    /// Store a policy file, after showing what changes
    Set(Set),
}

/// A file that holds a policy.
#[derive(Debug, Args)]
pub(crate) struct File {
    /// JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// `spillway policy set`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    acting: Acting,
}

impl File {
    fn parse(&self) -> Result<(String, Parsed), Failure> {
        let text = text_file::read(&self.file)?;
        let policy = Parsed::parse(&text).map_err(|error| Failure::usage(error.to_string()))?;
        Ok((text, policy))
    }
}

pub(crate) fn validate(file: &File, output: &Output) -> Ended {
    let (_, policy) = file.parse()?;
    if output.json {
        output::json(&json!({"schema": 1, "valid": true, "policy": policy}));
    } else {
        output::text("the policy is valid\n");
    }
    Ok(Exit::Done)
}

pub(crate) async fn run(context: &Context, command: &Policy, output: &Output) -> Ended {
    match command {
        Policy::Validate(file) => validate(file, output),
        Policy::Get => get(context, output).await,
        Policy::Diff(file) => {
            let (_, wanted) = file.parse()?;
            let changes = changes(context, &wanted).await?;
            show(&changes, output);
            Ok(Exit::Done)
        }
        Policy::Set(options) => set(context, options, output).await,
    }
}

async fn get(context: &Context, output: &Output) -> Ended {
    let text = stored(context).await?.ok_or_else(|| {
        Failure::usage(format!("platform {} has no policy", context.platform))
            .remedy("store one: spillway policy set policy.json")
    })?;
    if output.json {
        // Also one that is wrong: whoever reads it wants to see what is there.
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        output::json(&json!({"schema": 1, "platform": context.platform, "policy": value}));
    } else {
        output::text(&format!("{}\n", text.trim_end()));
    }
    Ok(Exit::Done)
}

async fn set(context: &Context, options: &Set, output: &Output) -> Ended {
    let (text, wanted) = options.file.parse()?;
    let changes = changes(context, &wanted).await?;
    show(&changes, output);
    if changes.is_empty() {
        return Ok(Exit::Done);
    }
    if changes.iter().any(|change| change.key == "dry_run") && wanted.dry_run {
        output::note(
            "dry_run leaves nodes that drain in maintenance mode, where they take no calls: run spillway pause first, which ends the drains",
        );
    }
    for line in misfits(context, &wanted).await {
        output::note(&line);
    }
    confirm(
        &options.acting,
        &context.place().await,
        &format!("Store this as the policy of platform {}?", context.platform),
    )?;
    context.connector.store().put_policy(&text).await?;
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    let what = format!("policy: {} changed", keys.join(", "));
    if let Err(failure) = record(context, &options.acting, &what).await {
        output::note(&format!("the history has no line about this: {failure}"));
    }
    output::note("stored; the functions read it within five minutes");
    Ok(Exit::Done)
}

/// What of the policy has no counterpart: a tag that no instance has, a location that is not on the platform. Each is named before
/// the question; a policy may be stored before what it is for is there.
async fn misfits(context: &Context, policy: &Parsed) -> Vec<String> {
    let fleet = async { context.connector.fleet(policy)?.read_fleet().await };
    let (fleet, platform) = tokio::join!(fleet, platform(context));
    lines(policy, &fleet, &platform, context.now())
}

fn lines(
    policy: &Parsed,
    fleet: &Reading<Fleet>,
    platform: &Reading<Platform>,
    now: Timestamp,
) -> Vec<String> {
    let text = render_checks(&examine_policy(policy, fleet, platform), now, &TimeZone::UTC, &());
    text.lines().map(str::to_owned).collect()
}

/// By what is stored of the Management Node: the stored policy may be missing or wrong.
async fn platform(context: &Context) -> Reading<Platform> {
    let settings = context.connector.store().read_management(None).await?.ok_or_else(|| {
        let detail = "the locations are not checked: how the Management Node is reached is not stored yet";
        Fault::new(System::Settings, FaultKind::Setting, detail)
    })?;
    context.connector.management_at(settings)?.read_platform(PlatformScope { shards: false }).await
}

async fn stored(context: &Context) -> Result<Option<String>, Failure> {
    Ok(context.connector.store().read_policy_text().await?)
}

/// One key that differs.
struct Change {
    key: String,
    from: Value,
    to: Value,
}

/// What differs between the stored policy and this one, defaults filled in: leaving a key out and writing its default is the
/// same.
async fn changes(context: &Context, wanted: &Parsed) -> Result<Vec<Change>, Failure> {
    let before = match stored(context).await? {
        // One that is wrong is compared as it is written.
        Some(text) => Parsed::parse(&text)
            .map_or_else(|_| serde_json::from_str(&text).unwrap_or_default(), |policy| flat(&policy)),
        None => Map::new(),
    };
    let after = flat(wanted);
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |of: &Map<String, Value>, key: &String| of.get(key).cloned().unwrap_or(Value::Null);
    Ok(keys
        .into_iter()
        .map(|key| Change { key: key.clone(), from: value(&before, key), to: value(&after, key) })
        .filter(|change| change.from != change.to)
        .collect())
}

fn flat(policy: &Parsed) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn show(changes: &[Change], output: &Output) {
    if output.json {
        let changes: Vec<Value> = changes
            .iter()
            .map(|Change { key, from, to }| json!({"key": key, "from": from, "to": to}))
            .collect();
        output::json(&json!({"schema": 1, "changes": changes}));
        return;
    }
    if changes.is_empty() {
        output::text("no difference\n");
    }
    for Change { key, from, to } in changes {
        output::text(&format!(
            "{}: {} -> {}\n",
            clean(key),
            clean(&from.to_string()),
            clean(&to.to_string())
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staged;

    #[test]
    fn a_tag_that_no_instance_has_and_a_location_that_is_not_there_are_named() {
        let known = staged::known(&staged::harness(1));
        let mut policy = Parsed::with_defaults("nobody");
        policy.max_nodes.insert("Bursd".into(), 3);
        // What EC2 gives for a tag that no instance has.
        let shown = lines(&policy, &Ok(Fleet::default()), &Ok(known.platform.clone()), known.now);
        assert!(shown[0].contains("0 instances match: none has the tag pexip-cloud = nobody"), "{shown:?}");
        assert!(shown[2].contains("max_nodes names the location Bursd"), "{shown:?}");
        policy.max_nodes.clear();
        let fitting = lines(&policy, &Ok(known.fleet), &Ok(known.platform), known.now);
        assert!(fitting.len() == 1 && fitting[0].contains("3 instances with the tag"), "{fitting:?}");
    }

    #[test]
    fn what_could_not_be_read_is_said_and_does_not_keep_a_policy_from_being_stored() {
        let unread = Fault::new(System::Settings, FaultKind::Setting, "not stored yet");
        let shown =
            lines(&Parsed::with_defaults("mgr"), &Ok(Fleet::default()), &Err(unread), Timestamp::UNIX_EPOCH);
        assert!(
            shown.iter().any(|line| line.contains("WARN") && line.contains("not stored yet")),
            "{shown:?}"
        );
    }
}
