//! Scenarios: a platform, what happens to it minute by minute, and what is expected, in a language that somebody
//! who knows Pexip reads without an introduction. The real cycle runs over the simulated world in virtual time;
//! the play is written down, and compared with what it was the last time somebody looked.
//!
//! A [`Harness`](crate::Harness) is the same without a script: for sweeps and property tests.

mod address_step;
mod calls;
mod check;
mod expect;
mod fault_step;
mod play;
mod reconciling;
mod sayings;
mod script;
mod setup;
mod step;
mod steps;
mod transcript;
mod words;

pub use self::fault_step::refusal_codes;
pub use self::play::{Play, PlayOptions, play, play_with};
pub use self::script::Script;
pub use self::words::ScriptError;
