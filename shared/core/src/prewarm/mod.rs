//! The pre-warm: nodes are up before a known spike (guide: *Manually starting an overflow node*). A window fires, and
//! what it asks for is written as a hold; the cycle does the rest.
//!
//! [`spec`] is what an operator writes; it says nothing of when a window fires, which is EventBridge Scheduler's.

pub mod spec;

pub use spec::{SpecError, Tick, WindowSpec};
