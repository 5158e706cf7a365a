//! What `spillway doctor` checks: does everything that was read fit together. One check for each thing that an operator can
//! have got wrong, with what was found and what to do.
//!
//! It must not read or change anything: what was read is given, as a [`Snapshot`](spillway_core::snapshot::Snapshot), and `now` is an
//! argument. What needs a client of AWS (who am I, are the settings right) is the command line's to check; it makes a
//! [`Check`] of it too.
//!
//! Begin with [`examine()`], which names all checks in their order.

mod check;
mod cycles;
mod examine;
mod fleet;
mod platform;
mod render;

pub use check::{Check, Verdict};
pub use examine::{examine, examine_policy};
pub use render::render_checks;
