//! What is known of a platform, made ready to be looked at: one renderer for the command line, the page and the tests.

mod clean;

pub use clean::clean;
