//! The status page: what `spillway dashboard` serves for a platform and `cargo demo --serve` for a simulated one.
//!
//! It must not answer anybody but this machine's own browser, change anything by GET, have a way of its own to start or
//! stop a node (a start is a hold and a stop is a request, both met by the functions' own cycle), or let a name that comes
//! from outside become markup: the script knows text nodes only.
//!
//! Begin with [`serve`]: the routes, and with `guard` who is let in. [`PageSource`] is what stands behind it; [`read_page`]
//! and [`PageActions`] do its work through the engine's ports, so that the page of the demo and the page of a platform
//! differ in their adapters alone. [`wire`] makes the one small JSON value that each refresh fetches, and the files in
//! `assets/page` are the script that shows it.

mod action;
mod actions;
mod guard;
mod memory;
mod pending;
mod refresh;
mod server;
mod source;
pub mod wire;

pub use action::{Answer, PageAction, Preview};
pub use actions::PageActions;
pub use memory::Memory;
pub use refresh::read_page;
pub use server::{ServeSettings, Served, serve};
pub use source::{PageData, PageSource, Window, WindowLine};
