//! The ports of the core over the simulated world: the same cycle that runs on AWS runs here, in virtual time.

mod clock;
mod fleet;
mod management;

pub use self::clock::SimClock;
pub use self::fleet::SimFleet;
pub use self::management::SimManagement;
