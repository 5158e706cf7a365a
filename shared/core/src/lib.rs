//! What Spillway knows and decides. (The loop in prose follows below.)

mod apply;
pub mod assess;
pub mod cycle;
pub mod fault;
pub mod ids;
pub mod ledger;
pub mod observation;
pub mod outcome;
pub mod plan;
pub mod planner;
pub mod policy;
pub mod ports;
pub mod report;
pub mod safety;

pub use planner::plan;
