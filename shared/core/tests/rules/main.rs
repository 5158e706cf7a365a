//! The rules of the planner, as tables and properties over observations written down by hand.

mod common;
mod holds;
mod properties;
mod start;
mod stop;
