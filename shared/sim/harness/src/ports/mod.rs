//! The ports of the core over the simulated world: the same cycle that runs on AWS runs here, in virtual time; and
//! wrappers that make any port fail or never return.

mod addresses;
mod clock;
mod faults;
mod fleet;
mod gate;
mod ledger;
mod management;
mod operator;

#[cfg(test)]
mod tests;

pub use self::clock::SimClock;
pub use self::faults::{CallFaults, Death, Dying, Faulty, Strike, until_death};
pub use self::fleet::SimFleet;
pub use self::gate::{Gate, Gated};
pub use self::ledger::MemoryLedger;
pub use self::management::SimManagement;
pub use self::operator::SimOperator;
