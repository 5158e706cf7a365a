//! The ports of the core over the simulated world: the same cycle that runs on AWS runs here, in virtual time.

mod addresses;
mod clock;
mod fleet;
mod ledger;
mod management;
mod operator;

#[cfg(test)]
pub(crate) mod tests;

pub use self::clock::SimClock;
pub use self::fleet::SimFleet;
pub use self::ledger::MemoryLedger;
pub use self::management::SimManagement;
pub use self::operator::SimOperator;
