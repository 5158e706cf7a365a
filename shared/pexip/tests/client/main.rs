//! The client against small servers: real HTTP and HTTPS over loopback.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod auth;
mod configure;
mod lists;
mod nodes;
mod parameters;
mod platform;
mod primary;
mod repeats;
mod secrets;
mod support;
mod surface;
mod trust;
