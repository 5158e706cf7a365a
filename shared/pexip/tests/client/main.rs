//! The client against small servers: real HTTP and HTTPS over loopback.

#[path = "../support/mod.rs"]
mod support;

mod auth;
mod lists;
mod platform;
mod primary;
mod repeats;
mod secrets;
mod surface;
mod trust;
