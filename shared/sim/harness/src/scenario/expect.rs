//! What a script expects: of the world as it really is, of the last cycle, and of the history.

use std::ops::RangeInclusive;

use spillway_core::ledger::EventKind;

use super::words::{ScriptError, Words};

/// One expectation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expectation {
    /// What the node really does: `stopped`, `stopping`, `booting`, `ready`, `maintenance`.
    Node { node: String, states: Vec<String> },
    /// Where Spillway has the node in its life.
    Phase { node: String, words: Vec<String> },
    /// Overflow instances of a location that are started.
    Up { location: String, nodes: RangeInclusive<usize> },
    /// Starts by Spillway so far.
    Starts(RangeInclusive<u64>),
    /// Stops by Spillway so far.
    Stops(RangeInclusive<u64>),
    /// How the last cycle ended.
    Outcome(String),
    /// A reason, an action or the summary of the last cycle contains this.
    Says { text: String, not: bool },
    /// Some cycle so far said this, or none did.
    Said { text: String, not: bool },
    /// Lines of history of a kind, of one node or all.
    Events { kind: EventKind, node: Option<String>, times: RangeInclusive<usize> },
    /// Who did what the lines of history of a kind tell of a node: `spillway`, `pexip` or `unknown`.
    Told { kind: EventKind, node: String, by: String },
    /// Configured maintenance mode: `off`, `ours`, or a person's reason.
    Maintenance { node: String, what: String },
    /// HD calls whose media is on a node.
    Calls { node: String, calls: RangeInclusive<u32> },
    /// Static NAT address as configured: `right` (the instance's), `wrong`, `none`, or the name of an Elastic IP.
    Nat { node: String, what: String },
    /// Free HD calls of a location, as Spillway saw them.
    Free { location: String, calls: RangeInclusive<u32> },
    /// Callers at a location who found no room so far.
    Refused(RangeInclusive<usize>),
}

fn range<T: std::str::FromStr + Copy>(words: &mut Words) -> Result<RangeInclusive<T>, ScriptError> {
    let word = words.word("a number or a range such as 1..3")?;
    let (from, to) = word.split_once("..").unwrap_or((&word, &word));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) => Ok(from..=to),
        _ => words.error(format!("{word:?} is neither a number nor a range such as 1..3")),
    }
}

impl Expectation {
    pub(super) fn parse(words: &mut Words) -> Result<Self, ScriptError> {
        let split = |text: String| text.split('|').map(str::to_owned).collect::<Vec<_>>();
        let expectation = match words.word("what is expected")?.as_str() {
            "node" => Self::Node { node: words.word("the node")?, states: split(words.word("its state")?) },
            "phase" => Self::Phase { node: words.word("the node")?, words: split(words.word("its phase")?) },
            "up" => Self::Up { location: words.word("the location")?, nodes: range(words)? },
            "starts" => Self::Starts(range(words)?),
            "stops" => Self::Stops(range(words)?),
            "outcome" => Self::Outcome(words.word("the outcome")?),
            "says" => Self::Says { text: words.word("the text")?, not: false },
            "says-not" => Self::Says { text: words.word("the text")?, not: true },
            "said" => Self::Said { text: words.word("the text")?, not: false },
            "never-said" => Self::Said { text: words.word("the text")?, not: true },
            "events" => {
                let word = words.word("the kind of event")?;
                let Ok(kind) = serde_json::from_value(word.clone().into()) else {
                    return words.error(format!("{word:?} is no kind of event, such as drain_cancelled"));
                };
                let node = words.option("node");
                Self::Events { kind, node, times: range(words)? }
            }
            "told" => {
                let word = words.word("the kind of event")?;
                let Ok(kind) = serde_json::from_value(word.clone().into()) else {
                    return words.error(format!("{word:?} is no kind of event, such as start_seen"));
                };
                Self::Told { kind, node: words.word("the node")?, by: words.word("by whom")? }
            }
            "maintenance" => Self::Maintenance {
                node: words.word("the node")?,
                what: words.word("off, ours or a reason")?,
            },
            "calls" => Self::Calls { node: words.word("the node")?, calls: range(words)? },
            "free" => Self::Free { location: words.word("the location")?, calls: range(words)? },
            "nat" => Self::Nat {
                node: words.word("the node")?,
                what: words.word("right, wrong, none or an Elastic IP")?,
            },
            "refused" => Self::Refused(range(words)?),
            other => return words.error(format!("{other:?} is nothing that can be expected")),
        };
        Ok(expectation)
    }
}
