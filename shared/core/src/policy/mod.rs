//! What an operator decides, as one JSON value. Unknown keys are refused and every number has a range: a
//! misspelt key that is silently ignored would be found out by a refused call or a bill.

mod forecast;
mod regions;
mod validate;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::ids::{HdCalls, InstanceType, LocationName};
use crate::json::JsonError;
use crate::observation::BurstingSettings;
pub use forecast::{ForecastPolicy, OneIn};

/// The policy of one platform. See infra/SETTINGS.md for the keys; [`Policy::parse`] for what is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who controls the instances.
    #[serde(default)]
    pub mode: Mode,
    /// Plan and report, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Value of the tag `pexip-cloud`: the Management Node's hostname, or `unknown` (guide: *Tag name and Tag
    /// value*).
    pub tag_value: String,
    /// AWS regions; empty: the function's own.
    #[serde(default)]
    pub regions: Vec<String>,
    /// VPC ids; empty: any. Required when the tag value is `unknown`, which two platforms may share.
    #[serde(default)]
    pub vpcs: Vec<String>,
    /// Bursting threshold for every location; none: the Management Node's own.
    #[serde(default)]
    pub threshold: Option<HdCalls>,
    /// Bursting threshold per location.
    #[serde(default)]
    pub thresholds: BTreeMap<LocationName, HdCalls>,
    /// A node is drained only if the start rule without it, at threshold plus this, starts nothing.
    #[serde(default = "default_stop_margin")]
    pub stop_margin: HdCalls,
    /// Least time a started node stays on; none: the Management Node's own.
    #[serde(default)]
    pub min_lifetime: Option<SignedDuration>,
    /// From when the minimum lifetime counts.
    #[serde(default)]
    pub lifetime_from: LifetimeFrom,
    /// A start that is not ready by then has failed. The guide says about 5 minutes to ready; twice that.
    #[serde(default = "minutes::<10>")]
    pub boot_limit: SignedDuration,
    /// A node that has not reported for longer is not capacity and not idle.
    #[serde(default = "minutes::<3>")]
    pub staleness: SignedDuration,
    /// Time a configuration change takes to reach a node of a platform of up to 60 nodes (guide: *Initial
    /// platform configuration*: about once per minute, longer above 60).
    #[serde(default = "minutes::<1>")]
    pub replication: SignedDuration,
    /// How long an instance that failed to start is left alone.
    #[serde(default)]
    pub back_off: BackOff,
    /// Drains in progress at the same time.
    #[serde(default = "default_drains_at_once")]
    pub drains_at_once: u32,
    /// Starts ordered in one cycle.
    #[serde(default = "default_starts_per_cycle")]
    pub starts_per_cycle: u32,
    /// Most overflow nodes up at once, per overflow location.
    #[serde(default)]
    pub max_nodes: BTreeMap<LocationName, u32>,
    /// Where to start instead when an overflow location has nothing left to start.
    #[serde(default)]
    pub fallback: BTreeMap<LocationName, LocationName>,
    /// HD calls of an instance type, for nodes that have never reported.
    #[serde(default)]
    pub hd_calls: BTreeMap<InstanceType, HdCalls>,
    /// Price of an instance type per hour, in the operator's currency.
    #[serde(default)]
    pub price_per_hour: BTreeMap<InstanceType, f64>,
    /// Static NAT addresses.
    #[serde(default)]
    pub nat: Nat,
    /// Starting before the threshold, from the platform's own days.
    #[serde(default)]
    pub forecast: ForecastPolicy,
    /// How long history and load are kept.
    #[serde(default = "default_history_days")]
    pub history_days: u32,
}

/// Who controls the instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Pexip's own bursting is off; Spillway starts and stops.
    #[default]
    Control,
    /// Pexip's own bursting is on and decides; Spillway watches, and says what it would have done.
    Assist,
}

/// From when the minimum lifetime counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifetimeFrom {
    /// From launch, like Pexip.
    #[default]
    Launch,
    /// From when the node was first ready.
    Ready,
}

/// Back-off after a failed start: doubles from the first to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackOff {
    /// After the first failure.
    pub first: SignedDuration,
    /// At most.
    pub longest: SignedDuration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { first: SignedDuration::from_mins(5), longest: SignedDuration::from_hours(1) }
    }
}

impl BackOff {
    /// The pause after this many failures in a row (1: the first).
    pub fn after(&self, failures: u32) -> SignedDuration {
        let doublings = failures.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// Static NAT addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nat {
    /// Whose address is kept right.
    pub nodes: NatNodes,
    /// Locations whose nodes have private addresses only (guide: *Private cloud*): never given one.
    pub private_only: Vec<LocationName>,
    /// Clear a dynamic address when its instance stops.
    pub clear_on_stop: bool,
}

/// Whose static NAT address is kept right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatNodes {
    /// Overflow nodes.
    #[default]
    Overflow,
    /// Every node that is an instance with the tag, or always-on in the policy's VPCs, which must be named then. An
    /// always-on node never gets an Elastic IP: without the tag there is no right to associate one.
    All,
}

/// Why a policy was refused: what an operator has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, an unknown key, or a value of the wrong type.
    #[error("policy: {path}: {message}")]
    Shape {
        /// Where.
        path: String,
        /// What.
        message: String,
    },
    /// A value outside its range.
    #[error("policy: `{key}` is {value}; it must be {range}")]
    Range {
        /// Key.
        key: String,
        /// Value found.
        value: String,
        /// What is allowed.
        range: String,
    },
}

const fn default_stop_margin() -> HdCalls {
    HdCalls(2)
}

const fn default_drains_at_once() -> u32 {
    3
}

const fn default_starts_per_cycle() -> u32 {
    100
}

const fn default_history_days() -> u32 {
    400
}

const fn minutes<const N: i64>() -> SignedDuration {
    SignedDuration::from_mins(N)
}

impl Policy {
    /// A policy with this tag value and every default.
    pub fn with_defaults(tag_value: impl Into<String>) -> Self {
        Self {
            mode: Mode::default(),
            dry_run: false,
            tag_value: tag_value.into(),
            regions: Vec::new(),
            vpcs: Vec::new(),
            threshold: None,
            thresholds: BTreeMap::new(),
            stop_margin: default_stop_margin(),
            min_lifetime: None,
            lifetime_from: LifetimeFrom::default(),
            boot_limit: minutes::<10>(),
            staleness: minutes::<3>(),
            replication: minutes::<1>(),
            back_off: BackOff::default(),
            drains_at_once: default_drains_at_once(),
            starts_per_cycle: default_starts_per_cycle(),
            max_nodes: BTreeMap::new(),
            fallback: BTreeMap::new(),
            hd_calls: BTreeMap::new(),
            price_per_hour: BTreeMap::new(),
            nat: Nat::default(),
            forecast: ForecastPolicy::default(),
            history_days: default_history_days(),
        }
    }

    /// Parses and validates a policy.
    ///
    /// # Errors
    /// Names the key, the value and what is allowed.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let policy: Self = crate::json::read(json)
            .map_err(|JsonError { path, message, .. }| PolicyError::Shape { path, message })?;
        policy.validate()?;
        Ok(policy)
    }

    /// The threshold of a location: the policy's for it, else the policy's, else the Management Node's.
    pub fn threshold_of(&self, location: &LocationName, own: &BurstingSettings) -> HdCalls {
        self.thresholds.get(location).copied().or(self.threshold).unwrap_or(own.threshold)
    }

    /// The minimum lifetime: the policy's, else the Management Node's.
    pub fn min_lifetime_of(&self, own: &BurstingSettings) -> SignedDuration {
        self.min_lifetime.unwrap_or_else(|| SignedDuration::from_mins(i64::from(own.min_lifetime_minutes)))
    }

    /// What a node of this type carries when it has never reported.
    pub fn hd_calls_of(&self, kind: &InstanceType) -> HdCalls {
        self.hd_calls.get(kind).copied().unwrap_or(HdCalls::RECOMMENDED_NODE)
    }

    /// How long a configuration change may take to reach the nodes of a platform of this size: the interval
    /// is extended above 60 nodes (guide); by how much is not documented, so once more per started 60.
    pub fn replication_of(&self, nodes: usize) -> SignedDuration {
        let sixties = i32::try_from(nodes.div_ceil(60).max(1)).unwrap_or(i32::MAX);
        self.replication.saturating_mul(sixties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        Policy::parse(json).expect_err("a refusal").to_string()
    }

    #[test]
    fn an_empty_policy_lacks_only_the_tag_value() {
        assert!(refusal("{}").contains("missing field `tag_value`"));
        let policy = Policy::parse(r#"{"tag_value":"mgr"}"#).expect("valid");
        assert_eq!(policy, Policy::with_defaults("mgr"));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_and_a_byte_order_mark_is_not() {
        let said = refusal(r#"{"tag_value":"m","thresholds":{"Oslo":5,"Oslo":50}}"#);
        assert!(said.contains("`thresholds`: the key \"Oslo\" stands twice"), "{said}");
        assert!(refusal(r#"{"tag_value":"m","tag_value":"n"}"#).contains("\"tag_value\" stands twice"));
        assert!(Policy::parse("\u{feff}{\"tag_value\":\"mgr\"}").is_ok());
    }

    #[test]
    fn every_refusal_names_the_key_and_what_is_allowed() {
        let table = [
            (r#"{"tag_value":"m","treshold":5}"#, "unknown field `treshold`"),
            (r#"{"tag_value":"m","nat":{"node":"all"}}"#, "`nat.node`: unknown field `node`"),
            (r#"{"tag_value":"m","threshold":0}"#, "`threshold` is 0; it must be 1 to 10000"),
            (r#"{"tag_value":"m","thresholds":{"Oslo":0}}"#, "`thresholds.Oslo` is 0"),
            (r#"{"tag_value":"m","threshold":"5"}"#, "`threshold`: invalid type"),
            (r#"{"tag_value":"m","threshold":-1}"#, "`threshold`: invalid value"),
            (r#"{"tag_value":"m","boot_limit":"2h"}"#, "`boot_limit` is 2h; it must be 1s to 1h"),
            (r#"{"tag_value":"m","boot_limit":"soon"}"#, "`boot_limit`"),
            (r#"{"tag_value":"m","min_lifetime":"0s"}"#, "`min_lifetime` is 0s"),
            (r#"{"tag_value":"m","back_off":{"first":"20m","longest":"10m"}}"#, "`back_off.longest`"),
            (r#"{"tag_value":"m","drains_at_once":0}"#, "`drains_at_once` is 0; it must be 1 to 100"),
            (r#"{"tag_value":"unknown"}"#, "`vpcs` is empty; it must be at least one VPC id"),
            (r#"{"tag_value":" "}"#, "`tag_value`"),
            (
                r#"{"tag_value":"m","nat":{"nodes":"all"}}"#,
                "`vpcs` is empty; it must be at least one VPC id when",
            ),
            (r#"{"tag_value":"m","vpcs":["net"]}"#, "`vpcs[0]`"),
            (r#"{"tag_value":"m","regions":["cn-north-1"]}"#, "do not support AWS deployments in China"),
            (
                r#"{"tag_value":"m","regions":["eu-west-1","eu-west-1a"]}"#,
                "eu-west-1a is a zone; write eu-west-1",
            ),
            (
                r#"{"tag_value":"m","regions":["Ireland"]}"#,
                "`regions[0]` is \"Ireland\"; it must be an AWS region",
            ),
            (
                r#"{"tag_value":"m","regions":["eu-west-1","eu-west-1"]}"#,
                "`regions[1]` is \"eu-west-1\"; it must be named once",
            ),
            (
                r#"{"tag_value":"m","regions":["eu-west-1","us-gov-west-1"]}"#,
                "in the partition aws, like regions[0]",
            ),
            (r#"{"tag_value":"m","fallback":{"A":"A"}}"#, "`fallback.A`"),
            (r#"{"tag_value":"m","price_per_hour":{"c5.2xlarge":-1}}"#, "`price_per_hour.c5.2xlarge`"),
            (r#"{"tag_value":"m","mode":"both"}"#, "`mode`: unknown variant `both`"),
            (r#"{"tag_value":"m"} x"#, "after the JSON value"),
            ("mgr", "expected value"),
        ];
        for (json, says) in table {
            let error = refusal(json);
            assert!(error.contains(says), "{json}\n  said: {error}\n  want: {says}");
        }
    }

    #[test]
    fn durations_are_written_the_way_people_write_them() {
        let policy =
            Policy::parse(r#"{"tag_value":"m","min_lifetime":"50 min","boot_limit":"PT8M"}"#).expect("valid");
        assert_eq!(policy.min_lifetime, Some(SignedDuration::from_mins(50)));
        assert_eq!(policy.boot_limit, SignedDuration::from_mins(8));
    }

    #[test]
    fn back_off_doubles_up_to_the_longest() {
        let minutes: Vec<i64> = (1..=6).map(|n| BackOff::default().after(n).as_mins()).collect();
        assert_eq!(minutes, [5, 10, 20, 40, 60, 60]);
        assert_eq!(BackOff::default().after(u32::MAX).as_mins(), 60);
    }

    #[test]
    fn replication_takes_longer_above_sixty_nodes() {
        let policy = Policy::with_defaults("m");
        let seconds: Vec<i64> =
            [0, 1, 60, 61, 120, 121].iter().map(|n| policy.replication_of(*n).as_secs()).collect();
        assert_eq!(seconds, [60, 60, 60, 120, 120, 180]);
    }

    #[test]
    fn a_policy_survives_its_own_serialisation() {
        let mut policy = Policy::with_defaults("m");
        policy.threshold = Some(HdCalls(12));
        policy.price_per_hour.insert("c5.2xlarge".into(), 0.34);
        let json = serde_json::to_string(&policy).expect("json");
        assert_eq!(Policy::parse(&json).expect("valid"), policy);
    }
}
