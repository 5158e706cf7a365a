//! The demo as somebody runs it: small days, the same output twice, the JSON's shape, nothing dropped, and a clear
//! refusal of bad input.

#![expect(clippy::expect_used, reason = "what a test sets up must be there")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Parser;
use serde_json::Value;
use spillway_demo::{Options, run};

/// An hour with a burst: enough for nodes to be started, used, drained and stopped when their lifetime is short.
fn trace(folder: &Path) -> PathBuf {
    let file = folder.join("burst.csv");
    let mut text = "start,calls\n".to_owned();
    for minute in (0..60).step_by(5) {
        let calls = if (5..15).contains(&minute) { 20 } else { 1 };
        let _ = writeln!(text, "2026-05-04T00:{minute:02}:00,{calls}");
    }
    std::fs::write(&file, text).expect("a trace");
    file
}

fn options(trace: &Path, more: &[&str]) -> Options {
    let usual = [
        "demo",
        "--from",
        "00:00",
        "--hours",
        "1",
        "--mean-call-minutes",
        "8",
        "--min-lifetime",
        "12",
        "--always-on",
        "1",
    ];
    let trace = ["--trace", trace.to_str().expect("UTF-8"), "--overflow", "3"];
    Options::try_parse_from(usual.iter().chain(&trace).chain(more)).expect("valid options")
}

async fn play(options: &Options) -> String {
    let mut out = Vec::new();
    run(options, &mut out).await.expect("a day");
    String::from_utf8(out).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_one_object_of_the_agreed_shape_and_the_same_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(&trace(folder.path()), &["--json", "--no-report", "--seed", "7"]);
    let (first, second) = (play(&options).await, play(&options).await);
    assert_eq!(first, second, "same seed, same output");
    assert_eq!(first.lines().count(), 1);

    let result: Value = serde_json::from_str(&first).expect("JSON");
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().expect("object").keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&result), ["days", "policies", "schema", "seed", "trace"]);
    assert_eq!((&result["schema"], &result["days"], &result["seed"]), (&1.into(), &1.into(), &7.into()));
    let policies = result["policies"].as_array().expect("policies");
    let names: Vec<&str> = policies.iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(names, ["spillway", "vendor_rule", "spillway_prewarm", "pexip_built_in", "always_on"]);
    for policy in policies {
        let wanted = [
            "cost_usd",
            "dropped",
            "name",
            "node_hours",
            "offered",
            "refused",
            "refused_stale_address",
            "starts",
        ];
        assert_eq!(keys(policy), wanted);
        assert_eq!(policy["dropped"], 0, "{policy}");
        assert_eq!(policy["offered"], policies[0]["offered"], "the same callers");
        let (hours, cost) = (policy["node_hours"].as_f64(), policy["cost_usd"].as_f64());
        assert!((hours.expect("hours") * 0.34 - cost.expect("cost")).abs() < 0.01, "{policy}");
    }
    assert!(policies[0]["starts"].as_u64() > Some(0), "the burst needs nodes: {result}");
    assert_eq!(policies[4]["starts"], 0);
    let hours = |n: usize| policies[n]["node_hours"].as_f64().expect("hours");
    assert!(hours(0) < hours(4), "bursting runs fewer hours than always on");
    assert!((hours(4) - 4.0).abs() < 0.01, "four nodes for an hour: {}", hours(4));
}

async fn policy(options: &Options, name: &str) -> Value {
    let result: Value = serde_json::from_str(&play(options).await).expect("JSON");
    let policies = result["policies"].as_array().expect("policies").clone();
    policies.into_iter().find(|policy| policy["name"] == name).expect("the policy")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pre_warm_has_its_nodes_up_before_the_burst_and_refuses_fewer() {
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        options(&trace(folder.path()), &["--json", "--no-report", "--prewarm", "00:00", "--hold", "30"]);
    let (reactive, warm) =
        (policy(&options, "vendor_rule").await, policy(&options, "spillway_prewarm").await);
    let refused = |policy: &Value| policy["refused"].as_u64().expect("a number");
    assert!(refused(&warm) < refused(&reactive), "{warm} against {reactive}");
    assert_eq!(warm["dropped"], 0);
    assert_eq!(warm["starts"], 3, "all overflow nodes, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_reconciler_callers_from_the_internet_are_refused_for_the_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let usual = ["--json", "--no-report", "--internet-share", "0.5"];
    let trace = trace(folder.path());
    let stale = |policy: &Value| policy["refused_stale_address"].as_u64().expect("a number");
    let kept = policy(&options(&trace, &usual), "spillway").await;
    assert_eq!(stale(&kept), 0, "{kept}");
    let left = policy(&options(&trace, &[&usual[..], &["--no-reconciler"]].concat()), "spillway").await;
    assert!(stale(&left) > 0, "{left}");
    assert!(left["refused"].as_u64() > kept["refused"].as_u64(), "{left} against {kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_gives_each_action_with_its_reason_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("made/for/report.html");
    let options = options(&trace(folder.path()), &["--report", report.to_str().expect("UTF-8")]);
    let first = play(&options).await;
    let page = std::fs::read_to_string(&report).expect("a report");
    assert_eq!(first, play(&options).await, "same seed, same story");
    assert_eq!(page, std::fs::read_to_string(&report).expect("a report"), "same seed, same page");

    for part in [
        "start aws-burst-1: load is rising ",
        "ready aws-burst-1",
        "drain aws-burst-",
        "stop aws-burst-",
        "the on-demand price of a c5.2xlarge in us-east-1",
        "With the same callers, Spillway refused",
        &format!("Report: {}", report.display()),
    ] {
        assert!(first.contains(part), "{part:?} is not in\n{first}");
    }
    for part in ["<svg", "prefers-color-scheme: dark", "<title>aws-burst-1\n", "width=device-width"] {
        assert!(page.contains(part), "{part:?} is not in the page");
    }
    for outside in ["http:", "https:", "<script", "NaN", "inf"] {
        let found = page.find(outside).map(|at| &page[at.saturating_sub(40)..(at + 40).min(page.len())]);
        assert_eq!(found, None, "the page stands alone");
    }
}

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_demo")).args(arguments).output().expect("the demo")
}

#[test]
fn bad_input_is_refused_with_what_is_wrong_and_nothing_on_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
    };
    let bad_row = write("row.csv", "start,calls\n2026-05-04T09:00:00,3\n2026-05-04T09:05:00,many\n");
    let header = write("header.csv", "time,count\n");
    let nobody = write("nobody.csv", "start,calls\n2026-05-04T09:00:00,0\n2026-05-04T09:05:00,0\n");
    for (arguments, message) in [
        (vec!["--trace", "/nowhere/calls.csv"], "cannot read the trace /nowhere/calls.csv"),
        (vec!["--trace", &bad_row], "row.csv:3: calls is \"many\"; expected a whole number"),
        (vec!["--trace", &header], "header.csv:1: the header is \"time,count\""),
        (vec!["--trace", &nobody], "no callers on 2026-05-04"),
        (vec!["--trace", &nobody, "--date", "2026-05-05"], "no data on 2026-05-05"),
        (vec!["--scale", "-1"], "--scale"),
        (vec!["--days", "0"], "--days"),
        (vec!["--threshold", "many"], "--threshold"),
        (vec!["--always-on", "0"], "--always-on"),
        (vec!["--sped", "3"], "--sped"),
    ] {
        let mut all = arguments.clone();
        all.extend(["--json", "--no-report"]);
        let output = demo(&all);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}
