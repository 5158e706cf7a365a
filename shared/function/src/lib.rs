//! What the functions share: the [`Environment`] that the stack gives them, the clients that a warm [`Function`] keeps,
//! the [`log`] and the [`metrics`]. It decides nothing: what a function does is in its own handler, and why in the core.

mod environment;
mod function;
pub mod log;
pub mod metrics;

pub use environment::Environment;
pub use function::{Clients, Function};
