//! Every number of the simulated world that is not the caller's or the platform's, with its default and where
//! the default comes from. "Guess" means that the vendor does not document it.

use jiff::SignedDuration;

use crate::capacity::Load;

/// Numbers of the world.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldSettings {
    /// How long nodes take to come up.
    pub boot: BootSettings,
    /// How changes travel and how old a status may be.
    pub reporting: ReportingSettings,
    /// How calls are placed.
    pub placement: PlacementSettings,
    /// EC2.
    pub ec2: Ec2Settings,
    /// Pexip's own bursting.
    pub controller: ControllerSettings,
    /// What the Management Node keeps.
    pub history: HistorySettings,
    /// Upgrades.
    pub upgrade: UpgradeSettings,
    /// Share of callers who come from the internet and so need the right static NAT address.
    pub internet_share: f64,
    /// How often a [`Sample`](crate::Sample) is taken; `None` for never.
    pub sample_every: Option<SignedDuration>,
}

/// From an ordered start to a node that takes calls.
#[derive(Debug, Clone, PartialEq)]
pub struct BootSettings {
    /// EC2 `pending`, about 20 s (guess).
    pub pending: (SignedDuration, SignedDuration),
    /// From the start until Pexip is ready: 3 to 8 minutes; the guide says about 5.
    pub ready: (SignedDuration, SignedDuration),
    /// How long before it is ready the node first reports, without a measured capacity (guess).
    pub first_contact: SignedDuration,
    /// Share of starts after which the node never reports (guess).
    pub never_ready: f64,
    /// EC2 `stopping` (guess).
    pub stopping: (SignedDuration, SignedDuration),
}

/// How the Management Node hears and is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportingSettings {
    /// Time between two reports of a node, from and to.
    pub every: (SignedDuration, SignedDuration),
    /// A changed setting reaches nodes after about a minute (vendor documentation).
    pub replication: SignedDuration,
    /// Longer above this many nodes (vendor documentation; how much longer is a guess).
    pub replication_slower_above: usize,
    /// By this much for each node above.
    pub replication_per_node_above: SignedDuration,
    /// A node not heard of for this long is `UNREACHABLE` (guess).
    pub unreachable_after: SignedDuration,
    /// Media tokens per HD call; `None` for a release without them.
    pub tokens_per_hd: Option<u64>,
    /// Whether the `cloud_*` lists are filled while Pexip's bursting is off (not documented; off by default).
    pub cloud_lists_when_off: bool,
}

/// How calls are placed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementSettings {
    /// Media nodes per location and conference (vendor documentation).
    pub nodes_per_conference: usize,
    /// What a part of a spread conference costs its node.
    pub backplane: Load,
    /// Calls a proxying node signals at most.
    pub proxy_connections: u32,
}

/// EC2's behaviour.
#[derive(Debug, Clone, PartialEq)]
pub struct Ec2Settings {
    /// How long a describe may show the state before a start or stop.
    pub consistency: (SignedDuration, SignedDuration),
    /// Requests that change instances: tokens at most.
    pub request_tokens: f64,
    /// Tokens per second.
    pub request_refill: f64,
    /// Instances per request the adapters send.
    pub batch: usize,
    /// Instances that may run at once in the account; `None` for no limit.
    pub quota: Option<usize>,
    /// State-change events: delay, from and to.
    pub event_delay: (SignedDuration, SignedDuration),
    /// What goes wrong with state-change events.
    pub event_faults: EventFaults,
}

/// What goes wrong with state-change events, as shares of the events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventFaults {
    /// Lost.
    pub dropped: f64,
    /// Delivered twice.
    pub doubled: f64,
    /// Delivered late.
    pub late: f64,
    /// How late at most. An event that is late arrives after younger ones: this is how order is lost.
    pub late_by: SignedDuration,
}

impl EventFaults {
    /// Every event, once, in order.
    pub const NONE: Self =
        Self { dropped: 0.0, doubled: 0.0, late: 0.0, late_by: SignedDuration::from_mins(10) };
}

/// Pexip's built-in controller.
#[derive(Debug, Clone, PartialEq)]
pub struct ControllerSettings {
    /// Whether there is one at all. It acts only while `bursting_enabled` is true.
    pub present: bool,
    /// Time between two looks: the status page refreshes every 15 s (guide); the rest is a guess.
    pub tick: SignedDuration,
    /// A node that is not ready after this long does not count as pending any more (guess).
    pub gives_up_after: SignedDuration,
    /// A node that EC2 refused to start is not tried again for this long (guess).
    pub retries_after: SignedDuration,
}

/// What the Management Node keeps, oldest out first.
#[derive(Debug, Clone, PartialEq)]
pub struct HistorySettings {
    /// Conferences (vendor documentation: 10,000); participants go with theirs.
    pub conferences: usize,
    /// Node status events (guess).
    pub events: usize,
    /// Lowered alarms (guess).
    pub alarms: usize,
}

/// Upgrades, by groups.
#[derive(Debug, Clone, PartialEq)]
pub struct UpgradeSettings {
    /// Nodes at once (vendor documentation).
    pub group: usize,
    /// The Management Node itself, with its restart (guess).
    pub management: SignedDuration,
    /// One node, once its calls have cleared (vendor documentation: about two minutes).
    pub node: SignedDuration,
    /// A node that is not clear of calls after this long goes to the end of the queue (vendor documentation).
    pub patience: SignedDuration,
    /// The whole upgrade ends after this long (vendor documentation).
    pub limit: SignedDuration,
}

impl Default for WorldSettings {
    fn default() -> Self {
        let secs = SignedDuration::from_secs;
        let mins = SignedDuration::from_mins;
        Self {
            boot: BootSettings {
                pending: (secs(16), secs(24)),
                ready: (mins(3), mins(8)),
                first_contact: secs(30),
                never_ready: 0.01,
                stopping: (secs(20), secs(45)),
            },
            reporting: ReportingSettings {
                every: (secs(15), secs(60)),
                replication: secs(60),
                replication_slower_above: 60,
                replication_per_node_above: secs(1),
                unreachable_after: secs(150),
                tokens_per_hd: Some(12),
                cloud_lists_when_off: false,
            },
            placement: PlacementSettings {
                nodes_per_conference: 3,
                backplane: Load::HD,
                proxy_connections: 400,
            },
            ec2: Ec2Settings {
                consistency: (secs(0), secs(4)),
                request_tokens: 5.0,
                request_refill: 2.0,
                batch: 50,
                quota: None,
                event_delay: (secs(1), secs(3)),
                event_faults: EventFaults::NONE,
            },
            controller: ControllerSettings {
                present: true,
                tick: secs(15),
                gives_up_after: mins(15),
                retries_after: mins(5),
            },
            history: HistorySettings { conferences: 10_000, events: 10_000, alarms: 1_000 },
            upgrade: UpgradeSettings {
                group: 10,
                management: mins(5),
                node: mins(2),
                patience: mins(60),
                limit: SignedDuration::from_hours(24),
            },
            internet_share: 0.0,
            sample_every: Some(mins(1)),
        }
    }
}
