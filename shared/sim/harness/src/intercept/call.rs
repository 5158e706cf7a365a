//! A call of a port, by name, with as much of what was asked as an interceptor needs.

use std::net::Ipv4Addr;

use spillway_core::fault::System;
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_engine::ports::InstanceOrder;

/// One call.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each is named as the port's method")]
pub enum Call<'a> {
    ReadFleet,
    StartInstances(&'a [InstanceOrder]),
    StopInstances(&'a [InstanceOrder]),
    ReadInstances,
    ReadAddresses,
    AssociateAddress { instance: &'a InstanceId, allocation: &'a AllocationId },
    ReadPlatform,
    ReadActivity(Ipv4Addr),
    SetMaintenance,
    SetStaticNat,
    ReadLicences,
    ReadCloudInstances,
    StartOverflowNode,
    ReadNodesAt,
    ReadLocations,
    ReadNodeEvents,
    ReadLedger,
    ReadEvents,
    TakeLease,
    PutNodes,
    Finish,
    CloseIdle,
    AppendEvents,
    PutLoad,
    PutPlatform,
    PutHold,
    RemoveHold,
    PutRequest,
    RemoveRequest,
    ReadNat,
    WriteNat,
}

impl Call<'_> {
    /// Whom it asks.
    pub fn system(&self) -> System {
        match self {
            Self::ReadFleet
            | Self::StartInstances(_)
            | Self::StopInstances(_)
            | Self::ReadInstances
            | Self::ReadAddresses
            | Self::AssociateAddress { .. } => System::Ec2,
            Self::ReadPlatform
            | Self::ReadActivity(_)
            | Self::SetMaintenance
            | Self::SetStaticNat
            | Self::ReadLicences
            | Self::ReadCloudInstances
            | Self::StartOverflowNode
            | Self::ReadNodesAt
            | Self::ReadLocations
            | Self::ReadNodeEvents => System::ManagementNode,
            Self::ReadLedger
            | Self::ReadEvents
            | Self::TakeLease
            | Self::PutNodes
            | Self::Finish
            | Self::CloseIdle
            | Self::AppendEvents
            | Self::PutLoad
            | Self::PutPlatform
            | Self::PutHold
            | Self::RemoveHold
            | Self::PutRequest
            | Self::RemoveRequest
            | Self::ReadNat
            | Self::WriteNat => System::Ledger,
        }
    }
}
