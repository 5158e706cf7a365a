//! The rules of the planner, as tables and properties over observations written down by hand.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod addresses;
mod ahead;
mod clocks;
mod common;
mod guard;
mod holds;
mod operator;
mod outlook;
mod prewarm;
mod properties;
mod start;
mod stop;
mod without_end;
