//! The phase of an overflow node in one word, as a report and a metric have it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an overflow node is between its start and its stop, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodePhase {
    /// Stopped, and not on its way.
    Stopped,
    /// Started, not yet ready.
    Booting,
    /// Takes calls.
    Ready,
    /// Was ready and does not report.
    Degraded,
    /// Did not become ready in time, or stopped before it was.
    #[serde(rename = "failed start")]
    FailedStart,
    /// In maintenance mode.
    Maintenance,
    /// On its way down.
    Stopping,
    /// Terminated, or about to be.
    Gone,
}

impl NodePhase {
    /// All of them, in the order of a node's life.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Booting,
        Self::Ready,
        Self::Degraded,
        Self::FailedStart,
        Self::Maintenance,
        Self::Stopping,
        Self::Gone,
    ];

    /// The word for people, as used in logs and tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Booting => "booting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::FailedStart => "failed start",
            Self::Maintenance => "maintenance",
            Self::Stopping => "stopping",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for NodePhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::NodePhase;

    #[test]
    fn the_word_in_json_is_the_word_for_people() {
        for phase in NodePhase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.word());
        }
    }
}
