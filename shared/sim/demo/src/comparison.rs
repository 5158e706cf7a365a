//! The days side by side: numbers, a few sentences that say what they mean, and the same numbers as JSON.
//! The sentences are made from the numbers, whichever way they fall.

use std::fmt::Write as _;

use serde::Serialize;

use super::day::Day;
use super::play::Played;
use super::policy::Policy;

/// One policy's line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Line {
    name: &'static str,
    offered: u64,
    /// Callers who gave up after all their redials.
    pub(super) refused: u64,
    /// Of them, those from the internet whom a stale static NAT address kept out.
    refused_stale_address: u64,
    /// Callers whose call ended with a node that was stopped.
    pub(super) dropped: u64,
    node_hours: f64,
    starts: u64,
    pub(super) cost_usd: f64,
    #[serde(skip)]
    pub(super) policy: Policy,
    #[serde(skip)]
    offered_hd: f64,
    #[serde(skip)]
    refused_hd: f64,
    #[serde(skip)]
    overflow_hours: f64,
}

/// The whole result, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Comparison {
    schema: u32,
    trace: String,
    days: u32,
    seed: u64,
    pub(super) policies: Vec<Line>,
}

impl Comparison {
    pub(super) fn new(day: &Day, played: &[Played], price: f64) -> Self {
        let policies = played
            .iter()
            .map(|played| {
                let hours = rounded(played.hours.total(), 1_000.0);
                Line {
                    name: played.policy.name(),
                    offered: played.stats.offered,
                    refused: played.stats.refused,
                    refused_stale_address: played.stats.refused_for_address,
                    dropped: played.dropped(),
                    node_hours: hours,
                    starts: played.stats.starts_total(),
                    cost_usd: rounded(played.hours.total() * price, 100.0),
                    policy: played.policy,
                    offered_hd: played.stats.offered_load.hd(),
                    refused_hd: played.stats.refused_load.hd(),
                    overflow_hours: played.hours.overflow,
                }
            })
            .collect();
        Self { schema: 1, trace: day.source.clone(), days: day.days, seed: day.seed, policies }
    }

    /// Column titles and rows, as text.
    pub(super) fn cells(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let titles = vec![
            "",
            "callers",
            "refused",
            "refused HD",
            "no media (stale NAT)",
            "dropped by us",
            "starts",
            "node-hours",
            "of them overflow",
            "cost USD",
        ];
        let rows = self
            .policies
            .iter()
            .map(|line| {
                let share = 100.0 * line.refused as f64 / line.offered.max(1) as f64;
                vec![
                    line.policy.title().to_owned(),
                    grouped(line.offered),
                    format!("{} ({share:.1} %)", grouped(line.refused)),
                    format!("{:.0} of {:.0}", line.refused_hd, line.offered_hd),
                    grouped(line.refused_stale_address),
                    grouped(line.dropped),
                    grouped(line.starts),
                    format!("{:.1}", line.node_hours),
                    format!("{:.1}", line.overflow_hours),
                    format!("{:.2}", line.cost_usd),
                ]
            })
            .collect();
        (titles, rows)
    }

    /// The table for a terminal.
    pub(super) fn table(&self) -> String {
        let (titles, rows) = self.cells();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            let title = titles.get(column).map_or(0, |title| title.chars().count());
            cells.max().unwrap_or(0).max(title)
        };
        let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&rows) {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = width(column);
                let _ = match column {
                    0 => write!(line, "{cell:<width$}"),
                    _ => write!(line, "   {cell:>width$}"),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn line(&self, policy: Policy) -> Option<&Line> {
        self.policies.iter().find(|line| line.policy == policy)
    }

    /// What the numbers say.
    pub(super) fn sentences(&self) -> Vec<String> {
        let (Some(ours), Some(pexip), Some(all)) =
            (self.line(Policy::Spillway), self.line(Policy::PexipBuiltIn), self.line(Policy::AlwaysOn))
        else {
            return Vec::new();
        };
        let mut sentences = vec![
            format!(
                "With the same callers, Spillway refused {}, for {}.",
                than(ours.refused, pexip.refused, "callers", "Pexip's built-in bursting"),
                money(ours.cost_usd, pexip.cost_usd, "")
            ),
            format!(
                "Keeping everything on would have refused {} and cost {:.2} USD, {}.",
                callers(all.refused),
                all.cost_usd,
                percent(all.cost_usd, ours.cost_usd, "Spillway")
            ),
        ];
        let others = [
            (Policy::VendorRule, "The vendor's rule alone, without the forecast,"),
            (Policy::SpillwayPrewarm, "The vendor's rule with all overflow nodes started before nine"),
        ];
        for (at, (policy, words)) in others.into_iter().enumerate() {
            if let Some(other) = self.line(policy) {
                let cost = money(other.cost_usd, ours.cost_usd, "");
                sentences.insert(
                    1 + at,
                    format!("{words} would have refused {}, for {cost}.", callers(other.refused)),
                );
            }
        }
        sentences
    }

    /// Calls that we dropped: the one number that must be 0.
    pub(super) fn dropped_by_us(&self) -> u64 {
        let ours = [Policy::Spillway, Policy::VendorRule, Policy::SpillwayPrewarm];
        ours.iter().filter_map(|policy| self.line(*policy)).map(|line| line.dropped).sum()
    }
}

fn rounded(value: f64, to: f64) -> f64 {
    (value * to).round() / to
}

fn callers(count: u64) -> String {
    match count {
        0 => "nobody".to_owned(),
        1 => "one caller".to_owned(),
        _ => format!("{} callers", grouped(count)),
    }
}

fn than(ours: u64, theirs: u64, things: &str, whom: &str) -> String {
    match ours.cmp(&theirs) {
        std::cmp::Ordering::Less => {
            format!(
                "{} fewer {things} than {whom} ({} against {})",
                grouped(theirs - ours),
                grouped(ours),
                grouped(theirs)
            )
        }
        std::cmp::Ordering::Equal => format!("as many {things} as {whom} ({})", grouped(ours)),
        std::cmp::Ordering::Greater => {
            format!(
                "{} more {things} than {whom} ({} against {})",
                grouped(ours - theirs),
                grouped(ours),
                grouped(theirs)
            )
        }
    }
}

fn money(ours: f64, theirs: f64, whom: &str) -> String {
    let gap = if whom.is_empty() { String::new() } else { format!(" than {whom}") };
    if (ours - theirs).abs() < 0.005 {
        "the same cost".to_owned()
    } else if ours < theirs {
        format!("{:.2} USD less{gap}", theirs - ours)
    } else {
        format!("{:.2} USD more{gap}", ours - theirs)
    }
}

fn percent(this: f64, other: f64, whom: &str) -> String {
    if other <= 0.0 || (this - other).abs() < 0.005 {
        return format!("as much as {whom}");
    }
    let percent = 100.0 * (this - other).abs() / other;
    format!("{percent:.0} % {} than {whom}", if this > other { "more" } else { "less" })
}

/// 12,345.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(policy: Policy, refused: u64, cost_usd: f64) -> Line {
        Line {
            name: policy.name(),
            offered: 1_000,
            refused,
            refused_stale_address: 0,
            dropped: 0,
            node_hours: 100.0,
            starts: 3,
            cost_usd,
            policy,
            offered_hd: 500.0,
            refused_hd: 1.0,
            overflow_hours: 40.0,
        }
    }

    fn comparison(ours: (u64, f64), pexip: (u64, f64), all: (u64, f64)) -> Comparison {
        let policies = [(Policy::Spillway, ours), (Policy::PexipBuiltIn, pexip), (Policy::AlwaysOn, all)];
        let policies = policies.into_iter().map(|(policy, (r, c))| line(policy, r, c)).collect();
        Comparison { schema: 1, trace: "t".to_owned(), days: 1, seed: 1, policies }
    }

    #[test]
    fn the_sentences_say_which_way_the_numbers_fall() {
        let better = comparison((10, 40.0), (30, 41.5), (0, 80.0)).sentences();
        assert_eq!(
            better,
            [
                "With the same callers, Spillway refused 20 fewer callers than Pexip's built-in bursting (10 against \
                 30), for 1.50 USD less.",
                "Keeping everything on would have refused nobody and cost 80.00 USD, 100 % more than Spillway."
            ]
        );
        let worse = comparison((30, 42.0), (10, 40.0), (1, 21.0)).sentences();
        assert!(
            worse[0].contains("20 more callers") && worse[0].ends_with("for 2.00 USD more."),
            "{worse:?}"
        );
        assert!(
            worse[1].contains("one caller") && worse[1].ends_with("50 % less than Spillway."),
            "{worse:?}"
        );
        let same = comparison((5, 40.0), (5, 40.0), (5, 40.0)).sentences();
        assert!(same[0].contains("as many callers") && same[0].contains("the same cost"), "{same:?}");
    }

    #[test]
    fn thousands_are_grouped() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn columns_of_the_table_line_up() {
        let table = comparison((10, 40.0), (3_000, 41.5), (0, 80.0)).table();
        let ends: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
    }
}
