//! Holds `shared/cli/README.md` to the command line: what clap takes is in its tables.

use clap::{Command, CommandFactory};

use crate::exit::Exit;

const README: &str = include_str!("../README.md");

/// Options that a row names by a word, which is explained below the table.
const ACTING: [&str; 2] = ["yes", "reason"];
const OPERATION: [&str; 2] = ["instance", "ignore-lifetime"];

/// Commands without a command under them, by their words.
fn leaves(command: &Command, words: &str, into: &mut Vec<(String, Command)>) {
    for each in command.get_subcommands().filter(|each| each.get_name() != "help") {
        let words = format!("{words} {}", each.get_name()).trim().to_owned();
        if each.has_subcommands() {
            leaves(each, &words, into);
        } else {
            into.push((words, each.clone()));
        }
    }
}

fn row(words: &str) -> &'static str {
    README.lines().find(|line| line.starts_with(&format!("| `{words}` |"))).unwrap_or_default()
}

#[test]
fn every_command_and_every_option_is_in_the_readme() {
    let mut all = Vec::new();
    leaves(&crate::options::Options::command(), "", &mut all);
    assert!(all.len() > 30, "{}", all.len());
    let mut missing = Vec::new();
    for (words, command) in &all {
        let row = row(words);
        let base = if words == "hold" { format!("{row} {}", self::row("start")) } else { row.to_owned() };
        let operation = base.contains("*operation*");
        let acting = operation || base.contains("*acting*");
        if row.is_empty() {
            missing.push(words.clone());
        }
        for option in command.get_arguments().filter(|each| !each.is_global_set()) {
            let Some(long) = option.get_long().filter(|long| !["help", "version"].contains(long)) else {
                continue;
            };
            let named = acting && ACTING.contains(&long) || operation && OPERATION.contains(&long);
            let listed = base.contains(&format!("`--{long}`")) || base.contains(&format!("`--{long} "));
            if !named && !listed {
                missing.push(format!("{words} --{long}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in shared/cli/README.md: {missing:?}");
}

#[test]
fn every_option_of_every_command_and_every_exit_code_is_in_the_readme() {
    for option in crate::options::Options::command().get_arguments().filter(|each| each.is_global_set()) {
        let long = option.get_long().unwrap();
        assert!(README.contains(&format!("| `--{long}")), "--{long}");
        if let Some(variable) = option.get_env() {
            assert!(README.contains(variable.to_str().unwrap()), "{variable:?}");
        }
    }
    for exit in [Exit::Done, Exit::Failed, Exit::Usage, Exit::Refused, Exit::Partly] {
        assert!(README.contains(&format!("\n| {} | ", exit as u8)), "{exit:?}");
    }
}

/// Parts of `status`, the shape that scripts and screens are written for.
#[test]
fn every_field_of_the_first_line_of_holds_and_of_issues_is_in_the_readme() {
    use spillway_view::{HoldLine, IssueLine, LastCycle};
    let keys = |value: serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().map(ToString::to_string).collect()
    };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let hold = HoldLine {
        id: spillway_core::ids::HoldId::new("h"),
        scope: spillway_core::ledger::HoldScope::All,
        amount: spillway_core::ledger::HoldAmount::AllNodes,
        from: at,
        until: at,
        spike_at: None,
        current: true,
        by: spillway_core::ledger::Actor::Unknown,
        reason: String::new(),
    };
    let cycle = LastCycle { at, outcome: None, summary: String::new() };
    let issue = IssueLine { about: String::new(), what: String::new(), remedy: String::new() };
    let all = [
        serde_json::to_value(hold).unwrap(),
        serde_json::to_value(cycle).unwrap(),
        serde_json::to_value(issue).unwrap(),
        serde_json::to_value(spillway_core::report::HoldStatus::default()).unwrap(),
        serde_json::to_value(spillway_view::FirstLine::default()).unwrap(),
    ];
    for key in all.into_iter().flat_map(keys) {
        assert!(README.contains(&format!("`{key}`")), "{key}");
    }
}
