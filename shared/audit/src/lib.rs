//! What `spillway doctor` checks: does everything fit together. Pure; what was read is given.

mod checks;

pub use checks::{Check, Examined, Verdict, examine, render_checks};
