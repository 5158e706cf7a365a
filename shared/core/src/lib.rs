//! What Spillway knows and decides. (The loop in prose follows below.)

pub mod fault;
pub mod ids;
pub mod ledger;
pub mod observation;
pub mod policy;
pub mod ports;
