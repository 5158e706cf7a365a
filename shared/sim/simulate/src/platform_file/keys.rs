//! The keys of a platform file. Unknown ones are refused by name, at every depth.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use spillway_pexip_server::{Audience, Fault, KeyForm, Rights};

/// A platform as its file describes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformFile {
    /// When the world's clock starts; now if absent.
    pub start: Option<Timestamp>,
    /// Seconds of the world per real second; 1 if absent.
    pub speed: Option<f64>,
    /// Seed of everything that is drawn; 1 if absent.
    pub seed: Option<u64>,
    /// Locations; the built-in platform if there are none.
    pub locations: Vec<LocationSpec>,
    /// Groups of nodes.
    pub nodes: Vec<NodeGroup>,
    /// Pexip's own bursting.
    pub bursting: BurstingSpec,
    /// Callers that come and go.
    pub load: Option<LoadSpec>,
    /// Calls that are up from the start and stay.
    pub calls: Vec<CallsSpec>,
    /// Delays and odds.
    pub timing: TimingSpec,
    /// Value of the tag `pexip-cloud`.
    pub tag_value: Option<String>,
    /// Software version.
    pub version: Option<String>,
    /// Whether there is a standby Management Node.
    pub standby: bool,
    /// Conferences that the history keeps.
    pub history_conferences: Option<usize>,
    /// Whether the `cloud_*` lists are filled while Pexip's bursting is off.
    pub cloud_lists_when_off: bool,
    /// OAuth2 clients.
    pub oauth2_clients: Vec<ClientSpec>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Limits and choices of the API.
    pub api: ApiSpec,
}

/// A location.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationSpec {
    pub(super) name: String,
    /// Primary overflow location.
    pub(super) overflow: Option<String>,
    /// Secondary overflow location.
    pub(super) secondary_overflow: Option<String>,
    /// Transcoding location.
    pub(super) transcoding: Option<String>,
    /// Share of the callers who come in here.
    pub(super) share: Option<f64>,
}

/// What a group of nodes is for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Running, without the tag.
    AlwaysOn,
    /// Stopped, with the tag.
    Overflow,
    /// Running, proxying.
    Proxying,
}

/// A group of like nodes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    pub(super) location: String,
    pub(super) kind: NodeKind,
    #[serde(default = "one")]
    pub(super) count: usize,
    pub(super) prefix: Option<String>,
    pub(super) instance_type: Option<String>,
    pub(super) hd_calls: Option<u32>,
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) public: bool,
    #[serde(default)]
    pub(super) elastic: bool,
    #[serde(default)]
    pub(super) never_contacted: bool,
    pub(super) running: Option<bool>,
}

fn one() -> usize {
    1
}

/// Pexip's own bursting.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BurstingSpec {
    /// Whether it is on.
    pub enabled: bool,
    pub(super) threshold: Option<u32>,
    pub(super) min_lifetime_minutes: Option<u32>,
}

/// Callers.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadSpec {
    /// The built-in weekday, from the start's date on.
    Weekday {
        /// HD calls at the top of the spike.
        peak: u32,
        /// How many days.
        #[serde(default = "one_day")]
        days: u32,
    },
    /// A trace, its first day played on the start's date.
    Trace {
        /// CSV file.
        file: PathBuf,
        /// How many days.
        #[serde(default = "one_day")]
        days: u32,
        /// Thins or multiplies the calls.
        #[serde(default = "whole")]
        scale: f64,
    },
}

fn one_day() -> u32 {
    1
}

fn whole() -> f64 {
    1.0
}

/// HD calls that stay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallsSpec {
    pub(super) location: String,
    pub(super) count: u32,
    /// Calls with the same number are one conference; without it each has its own.
    pub(super) conference: Option<u64>,
}

/// Delays and odds; seconds of the world.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimingSpec {
    /// EC2 `pending`, from and to.
    pub(super) pending_s: Option<(f64, f64)>,
    /// Start to ready, from and to.
    pub(super) ready_s: Option<(f64, f64)>,
    /// EC2 `stopping`, from and to.
    pub(super) stopping_s: Option<(f64, f64)>,
    /// Share of starts after which a node never becomes ready.
    pub(super) never_ready: Option<f64>,
    /// Between two reports of a node, from and to.
    pub(super) report_s: Option<(f64, f64)>,
    /// From a change to its effect on the nodes.
    pub(super) replication_s: Option<f64>,
    /// An upgrade of the Management Node, with its restart, and of one node.
    pub(super) upgrade_s: Option<(f64, f64)>,
}

/// An OAuth2 client.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// Name.
    pub name: String,
    /// Identifier; drawn if absent.
    pub client_id: Option<String>,
    /// What it may do.
    #[serde(default)]
    pub rights: Rights,
    /// Where its private key is written.
    pub private_key_out: PathBuf,
}

/// Limits and choices of the API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSpec {
    /// Most rows in a list.
    pub max_limit: Option<u64>,
    /// Most requests in 60 s; 0 for no limit.
    pub rate_limit: Option<usize>,
    /// Status of a command that succeeded.
    pub command_status: Option<u16>,
    /// Status when a right is missing.
    pub forbidden_status: Option<u16>,
    /// Turns basic authentication off.
    pub disable_basic: bool,
    /// Seconds that an access token is valid.
    pub token_lifetime_s: Option<u64>,
    /// Which audience an assertion must carry.
    pub audience: Option<Audience>,
    /// In which form a new OAuth2 client gets its private key.
    pub private_key: Option<KeyForm>,
    /// Content type of the provisioning document.
    pub document_type: Option<String>,
    /// Seconds that the rest of a request may take once it has begun.
    pub read_timeout_s: Option<u64>,
}
