//! The simulated Management API over HTTP(S). It knows the API — addresses, paging, filters, validation, errors,
//! authentication, speed limits — and serves whatever stands behind [`model::Model`]. It is built from what the API is known
//! to do, not from what any client sends. Where the vendor leaves a choice, `README.md` says what was chosen.
//!
//! It must not know Spillway or the simulated world, and it decides nothing about calls or nodes: what a row says is the
//! model's business.
//!
//! Begin with [`ManagementServer::start`]; one request is followed in `api_server.rs`, a resource's fields in [`schema`].
//!
//! ```no_run
//! # async fn example(world: spillway_pexip_server::SharedModel) -> anyhow::Result<()> {
//! use spillway_pexip_server::{Fault, FaultKind, ManagementServer, ServeOptions};
//!
//! let server = ManagementServer::start(world, ServeOptions::default()).await?;
//! println!("point a client at {} as admin/admin", server.base_url);
//! server.faults.add(Fault::always(FaultKind::Unavailable).times(3));
//! assert!(server.log.requests().iter().all(|request| !request.is_list_delete()));
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod accept;
mod address;
mod api_server;
mod auth;
mod certificate;
mod clean;
mod connection;
mod fault;
mod index;
mod log;
mod lookup;
mod oauth;
mod options;
mod page;
mod provision;
mod query;
mod reply;
mod request;
mod resources;
mod route;
mod row_store;
pub mod schema;
mod serve;
mod streams;
mod tables;
mod text;
mod tls;
mod write;

pub use api_server::SharedModel;
pub use fault::{Fault, FaultKind, Faults};
pub use log::{LoggedRequest, RequestLog};
pub use options::{Account, Audience, KeyForm, Rights, ServeOptions};
pub use serve::{IssuedClient, ManagementServer, Running};
pub use tables::ConfigTables;

/// The contract with the platform behind the server.
pub use spillway_pexip_model as model;
