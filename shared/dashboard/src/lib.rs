//! The status page: what `spillway dashboard` serves for a platform and `cargo demo --serve` for a simulated one.
//!
//! [`serve`] is the server: routes, and who is let in. [`PageSource`] is what stands behind it; [`read_page`] and [`Desk`]
//! do its work through the core's ports, so that the page of the demo and the page of a platform differ in their
//! adapters alone. [`wire`] makes the one small JSON value that each refresh fetches.
//!
//! What it refuses to do: answer anybody but this machine's own browser, change anything by GET, have a way of its own
//! to start or stop a node (a start is a hold and a stop is a request, both met by the functions' own cycle), and let
//! a name that comes from outside become markup: the script knows text nodes only.

mod act;
mod collect;
mod guard;
mod live;
mod memory;
mod pending;
mod server;
mod source;
pub mod wire;

pub use act::{Answer, Desk, Preview};
pub use collect::{Looked, look};
pub use live::read_page;
pub use memory::Memory;
pub use server::{ServeSettings, Served, serve};
pub use source::{PageData, PageSource, Window, WindowLine, Wish};
