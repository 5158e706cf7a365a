//! The pre-warm: nodes are up before a known spike (guide: *Manually starting an overflow node*). A window fires, and
//! what it asks for is written as a hold; the cycle does the rest, in this invocation or in the next minute's.
//!
//! [`spec`] is what an operator writes; it says nothing of when a window fires, which is EventBridge Scheduler's. [`Tick`] is
//! what Scheduler hands over when it does. [`preview()`] is what a window would start, [`Prewarmed`] what became of a firing,
//! which `spillway_engine::prewarm` runs.
//!
//! It never starts more than was asked, nor more than licences can use; how ready the nodes are in the last minutes
//! before the spike is in the report of every cycle ([`crate::report::HoldReport`]).

mod end;
mod licences;
mod preview;
pub mod spec;
mod tick;

pub use end::{Held, PrewarmEnd, PrewarmRefusal, Prewarmed};
pub use licences::{LicenceCheck, fit};
pub use preview::{Preview, preview};
pub use spec::{SpecError, WindowSpec};
pub use tick::{CONTEXT, Tick};
