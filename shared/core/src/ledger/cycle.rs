//! The `CYCLE` item: who has the lease, and how the last cycle ended.

use super::outcome::Outcome;
use crate::outlook::{Forecasts, RecentDemand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `CYCLE` item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CycleRecord {
    /// Number of times the lease was taken. Every write under the lease carries it.
    pub token: u64,
    /// Who holds the lease; `None` when it was given back.
    pub owner: Option<String>,
    /// When it was taken, by its owner's clock; for people.
    pub taken_at: Option<Timestamp>,
    /// What the last finished cycle found.
    pub digest: Option<Digest>,
}

/// A few facts from the last finished cycle that the next one needs, and what a status page shows first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// When the cycle ended.
    pub at: Timestamp,
    /// How it ended; `None` where that is not known.
    #[serde(default, deserialize_with = "super::outcome::known")]
    pub outcome: Option<Outcome>,
    /// One sentence.
    pub summary: String,
    /// When a cycle last read everything.
    #[serde(default)]
    pub last_good: Option<Timestamp>,
    /// The Management Node's address that answered last.
    #[serde(default)]
    pub address: String,
    /// When that address last changed: no stops for ten minutes after it.
    #[serde(default)]
    pub address_changed_at: Option<Timestamp>,
    /// What `bursting_enabled` was, and when it was read: a hold is met blindly only on a mode at most 24 h old.
    #[serde(default)]
    pub bursting_enabled: Option<(bool, Timestamp)>,
    /// What was refused last: by EC2, or a whole cycle. An operator asks for it before anything else, and it must not
    /// cost a search through the history.
    #[serde(default)]
    pub last_refusal: Option<LastRefusal>,
    /// Since when an upgrade is seen in progress: it stops nothing for longer than the vendor's upgrade can last.
    #[serde(default)]
    pub upgrade_since: Option<Timestamp>,
    /// Demand of the last half hour, by principal location: what the forecast starts from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recent: RecentDemand,
    /// What is expected, by principal location, for whoever has not learned it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected: Forecasts,
    /// When that was reckoned.
    #[serde(default)]
    pub expected_at: Option<Timestamp>,
}

impl Digest {
    /// A digest that knows nothing yet.
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            outcome: None,
            summary: String::new(),
            last_good: None,
            address: String::new(),
            address_changed_at: None,
            bursting_enabled: None,
            last_refusal: None,
            upgrade_since: None,
            recent: RecentDemand::new(),
            expected: Forecasts::new(),
            expected_at: None,
        }
    }
}

/// A refusal, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRefusal {
    /// When.
    pub at: Timestamp,
    /// What and why, one sentence.
    pub what: String,
}
