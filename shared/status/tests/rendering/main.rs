//! The status of platforms written down by hand, as an operator sees it.

#![expect(clippy::unwrap_used, reason = "a scene that is written down wrong fails its test")]

mod pictures;
mod scene;
mod value;
