//! Names of things, kept apart by type so that an instance id is never taken for a node id.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// An EC2 instance id, `i-…`.
    InstanceId
}
text_id! {
    /// The name of a Pexip system location. Status resources refer to locations by name.
    LocationName
}
text_id! {
    /// The name of a Conferencing Node, as the Management Node shows it.
    NodeName
}
text_id! {
    /// The id of a hold. The same schedule and time give the same id, so a repeat is the same hold.
    HoldId
}
text_id! {
    /// The allocation id of an Elastic IP, `eipalloc-…`.
    AllocationId
}
text_id! {
    /// An EC2 instance type, such as `c5.2xlarge`.
    InstanceType
}

/// The id of a configuration `worker_vm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a configuration `system_location`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocationId(pub u64);

impl fmt::Display for LocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a configuration `tls_certificate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateId(pub u64);

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Capacity in HD calls, the unit of the bursting threshold (guide: *Configuring the bursting threshold*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HdCalls(pub u32);

impl HdCalls {
    /// What a transcoding node of the recommended type carries when nothing better is known: 17 HD calls
    /// on a c5.2xlarge (guide: *Recommended instance types and call capacity guidelines*).
    pub const RECOMMENDED_NODE: Self = Self(17);

    /// The sum, saturating.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, never below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for HdCalls {
    fn sum<I: Iterator<Item = Self>>(calls: I) -> Self {
        calls.fold(Self(0), Self::plus)
    }
}

impl fmt::Display for HdCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
