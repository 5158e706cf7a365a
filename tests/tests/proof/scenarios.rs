//! Every script in `tests/scenarios` is played and compared with its golden transcript. A changed transcript is a
//! changed behaviour: read the difference, then accept it with `UPDATE_GOLDEN=1 cargo nextest run -p spillway-tests`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use spillway_sim::scenario::{Script, play};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn hold(name: &str) {
    let text = std::fs::read_to_string(folder().join(format!("{name}.scenario"))).expect("the script");
    let script = Script::parse(&text).unwrap_or_else(|error| panic!("{name}.scenario: {error}"));
    let played = play(&script).unwrap_or_else(|error| panic!("{name}.scenario: {error}"));
    let transcript = format!("{}\n\n{}", script.title(), played.transcript());
    let golden = folder().join("golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &transcript).expect("the golden transcript is written");
    }
    let failures = played.failures().join("\n  ");
    assert!(failures.is_empty(), "{name}.scenario does not hold:\n  {failures}\n\n{transcript}");
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(expected == transcript, "{name}: another transcript than the golden one\n{}", difference(&expected, &transcript));
}

/// The first lines that differ, with what comes before.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let show = |lines: &[&str], sign: char| {
        let some: Vec<String> = lines.iter().skip(same).take(12).map(|line| format!("{sign} {line}")).collect();
        some.join("\n")
    };
    let before = old.get(same.saturating_sub(3)..same).unwrap_or_default().join("\n  ");
    format!("  {before}\n{}\n{}", show(&old, '-'), show(&new, '+'))
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { hold(stringify!($name)); })*

        #[test]
        fn every_script_is_played() {
            let played: BTreeSet<String> = [$(stringify!($name).to_owned()),*].into();
            let entries = std::fs::read_dir(folder()).expect("the folder of scripts");
            let written: BTreeSet<String> = entries
                .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
                .filter_map(|name| name.strip_suffix(".scenario").map(str::to_owned))
                .collect();
            assert_eq!(played, written);
        }
    };
}

scenarios!(
    a_call_arrives_between_the_idle_check_and_the_stop,
    no_capacity_for_one_type_does_not_lose_the_start,
);
