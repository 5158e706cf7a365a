//! The ways to run the same platform. A further one is one more variant here and one more arm where days are played.

/// How overflow nodes are started and stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Spillway as it is installed: the evaluator, once a minute, with the forecast, and the reconciler.
    Spillway,
    /// The same without the forecast: the vendor's rule alone.
    VendorRule,
    /// The vendor's rule, and the pre-warm before the morning.
    SpillwayPrewarm,
    /// The Management Node's own bursting.
    PexipBuiltIn,
    /// Every node runs all the time.
    AlwaysOn,
}

impl Policy {
    /// All, in the order of the tables.
    pub const ALL: [Self; 5] =
        [Self::Spillway, Self::VendorRule, Self::SpillwayPrewarm, Self::PexipBuiltIn, Self::AlwaysOn];

    /// In JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spillway => "spillway",
            Self::VendorRule => "vendor_rule",
            Self::SpillwayPrewarm => "spillway_prewarm",
            Self::PexipBuiltIn => "pexip_built_in",
            Self::AlwaysOn => "always_on",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Spillway => "Spillway",
            Self::VendorRule => "Vendor's rule",
            Self::SpillwayPrewarm => "Vendor's rule, pre-warmed",
            Self::PexipBuiltIn => "Pexip built-in",
            Self::AlwaysOn => "Everything always on",
        }
    }

    /// What it does, one sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Spillway => {
                "Spillway as it is installed: its evaluator looks once a minute and starts overflow nodes for what the days \
                 before lead it to expect; its reconciler keeps their static NAT addresses right."
            }
            Self::VendorRule => {
                "The same without the forecast: nodes are started when what is free is at or below the threshold."
            }
            Self::SpillwayPrewarm => {
                "The vendor's rule, and on weekdays all overflow nodes are started before the morning and held until it has \
                 passed."
            }
            Self::PexipBuiltIn => {
                "The Management Node's own bursting looks every 15 seconds and starts one node at a time; its nodes \
                 have Elastic IPs, since nothing would correct their static NAT addresses."
            }
            Self::AlwaysOn => "Every overflow node runs all the time; nothing is started or stopped.",
        }
    }
}
