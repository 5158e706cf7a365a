//! Proof across the crates over HTTP: the same world seen in process and through the real client, the requests of a cycle
//! counted where they arrive, the buttons of the status page.
//!
//! It must not test what virtual time can: that is in `tests/proof`, which compiles in a tenth of the time.
//!
//! Begin with `serve` below, then `counted.rs`.

#![cfg(test)]

mod assist;
mod counted;
mod database;
mod reconciling;
mod status_page;
mod views;

use jiff::{SignedDuration, Timestamp};
use spillway_pexip::{Auth, HttpManagement, ManagementSettings, Tls};
use spillway_pexip_server::{ManagementServer, Running, ServeOptions, SharedModel};
use spillway_world::SharedWorld;

/// Serves a world over HTTP, and gives the client that talks to it.
async fn serve(world: &SharedWorld) -> (Running, HttpManagement) {
    let model: SharedModel = world.clone();
    let options = ServeOptions { rate_limit: None, ..ServeOptions::default() };
    let server = ManagementServer::start(model, options).await.expect("it listens");
    let auth = Auth::Basic { username: "admin".into(), password: "admin".into() };
    let settings = ManagementSettings::new(&[&server.base_url], auth, Tls::PublicCas).expect("settings");
    let client = HttpManagement::new(settings).expect("a client");
    (server, client)
}

/// Without what is finer than the API shows.
fn whole_second(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_nanos(i64::from(at.subsec_nanosecond()))
}
