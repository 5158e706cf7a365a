//! Scenarios: a platform, what happens to it minute by minute, and what is expected, in a language that somebody
//! who knows Pexip reads without an introduction. The real cycle runs over the simulated world in virtual time;
//! the play is written down, and compared with what it was the last time somebody looked.
//!
//! A [`Stage`] is the same without a script: for sweeps and property tests.

mod calls;
mod expect;
mod hook;
mod play;
mod reconciling;
mod script;
mod setup;
mod stage;
mod step;
mod transcript;
mod watch;
mod words;

pub use self::hook::HookedManagement;
pub use self::play::{Play, play};
pub use self::script::Script;
pub use self::stage::{QUIET_CYCLES, Stage, TICK, finish};
pub use self::watch::WatchedFleet;
pub use self::words::ScriptError;
