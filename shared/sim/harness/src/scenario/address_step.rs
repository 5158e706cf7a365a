//! Steps about addresses and the reconciler.

use spillway_world::EventFaults;

use super::words::{ScriptError, Words};

/// What a script lets happen to addresses and to the reconciler.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AddressStep {
    /// There is a reconciler from now on, or none.
    Reconciler(bool),
    /// State-change events from now on.
    Events(EventFaults),
    /// Somebody allocates an Elastic IP, under a name for the script.
    Allocate { name: String, tag: Option<String> },
    /// An instance asks for it by its tag, or for anything else that is written there; `None`: for nothing.
    Ask { node: String, name: Option<String> },
    /// A person takes it for an instance, from whoever has it.
    PersonTakes { name: String, node: String },
    /// A person takes it off whatever has it.
    PersonFrees(String),
    /// A person writes an address into the node's configuration, or none.
    PersonSets { node: String, address: Option<std::net::Ipv4Addr> },
}

impl AddressStep {
    /// After `reconciler`, `events`, `elastic` or `nat`.
    pub(super) fn parse(word: &str, words: &mut Words) -> Result<Self, ScriptError> {
        Ok(match word {
            "reconciler" => {
                Self::Reconciler(words.one_of("the reconciler", &[("on", true), ("off", false)])?)
            }
            "events" => Self::parse_events(words)?,
            "nat" => Self::PersonSets {
                node: words.word("the node")?,
                address: match words.word("the address, or none")?.as_str() {
                    "none" => None,
                    text => match text.parse() {
                        Ok(address) => Some(address),
                        Err(_) => return words.error(format!("{text:?} is no address, such as 203.0.113.9")),
                    },
                },
            },
            _ => {
                let name = words.word("a name for the Elastic IP")?;
                match words.word("what becomes of it")?.as_str() {
                    "allocated" => Self::Allocate { name, tag: words.option("tag") },
                    "asked-by" => Self::Ask { node: words.word("the node")?, name: Some(name) },
                    "not-asked-by" => Self::Ask { node: words.word("the node")?, name: None },
                    "taken-for" => Self::PersonTakes { name, node: words.word("the node")? },
                    "freed" => Self::PersonFrees(name),
                    other => {
                        let possible = "allocated, asked-by, not-asked-by, taken-for, freed";
                        return words.error(format!("{other:?}: possible are {possible}"));
                    }
                }
            }
        })
    }

    fn parse_events(words: &mut Words) -> Result<Self, ScriptError> {
        let all = EventFaults::NONE;
        Ok(Self::Events(match words.word("what becomes of them")?.as_str() {
            "lost" => EventFaults { dropped: 1.0, ..all },
            "doubled" => EventFaults { doubled: 1.0, ..all },
            "late" => {
                EventFaults { doubled: 0.5, late: 0.7, late_by: words.duration("how late at most")?, ..all }
            }
            "in-time" => all,
            other => {
                return words.error(format!("{other:?}: possible are lost, doubled, late, in-time"));
            }
        }))
    }
}
