//! The word for how a cycle ended: what a cycle returns, and what is remembered of it.

use std::fmt;

use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

/// One word for how a cycle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything read, nothing to do.
    #[serde(alias = "quiet")]
    NoOp,
    /// Something was done; see the results.
    Acted,
    /// Something would have been done: dry run, or the platform's own bursting decides.
    Withheld,
    /// Another cycle has the lease. Nothing was done.
    #[serde(alias = "stale")]
    LeaseBusy,
    /// The world could not be read, or most of it does not report. Only holds are met.
    Outage,
    /// The ledger is down. At most one start per location.
    LedgerDown,
    /// The cycle must not act: mode mismatch, a pause, or a plan that failed the safety check.
    Refused,
}

impl Outcome {
    /// Whether everything was read and the rules had their say.
    pub fn is_good(self) -> bool {
        matches!(self, Self::NoOp | Self::Acted | Self::Withheld)
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoOp => "no_op",
            Self::Acted => "acted",
            Self::Withheld => "withheld",
            Self::LeaseBusy => "lease_busy",
            Self::Outage => "outage",
            Self::LedgerDown => "ledger_down",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that was stored. One that this version does not know, of an older or a newer one, makes nothing unreadable.
pub(super) fn known<'de, D: Deserializer<'de>>(stored: D) -> Result<Option<Outcome>, D::Error> {
    let word = Option::<String>::deserialize(stored)?.unwrap_or_default();
    let word: StrDeserializer<'_, Error> = word.as_str().into_deserializer();
    Ok(Outcome::deserialize(word).ok())
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Digest, Outcome};

    #[test]
    fn a_stored_word_is_read_and_one_that_is_not_known_is_no_fault() {
        let stored = |outcome: &str| {
            let json = format!(r#"{{"at": "2026-03-02T07:58:00Z", {outcome} "summary": "nothing to do"}}"#);
            serde_json::from_str::<Digest>(&json).unwrap()
        };
        assert_eq!(stored(r#""outcome": "ledger_down","#).outcome, Some(Outcome::LedgerDown));
        for unknown in [r#""outcome": "done","#, r#""outcome": "","#, r#""outcome": null,"#, ""] {
            assert_eq!(stored(unknown).outcome, None, "{unknown}");
        }
        // The word of an older version.
        let digest = stored(r#""outcome": "quiet","#);
        assert!(serde_json::to_string(&digest).unwrap().contains(r#""outcome":"no_op""#));
    }
}
