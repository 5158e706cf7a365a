//! What is known of a platform, made ready to be looked at: one renderer for the command line, the page and the tests.
//!
//! [`status()`] makes a [`Status`] of what a cycle reads and of the plan that the rules make of it: a value with a
//! version, for `--json` and for the page. [`render`] makes text of it. Nothing is decided here: what a node's state is,
//! and why it is left alone, is the core's to say.
//!
//! Names come from outside; [`clean()`] takes from them what a terminal or a browser would obey.

mod clean;
mod compare;
mod cost;
mod history;
mod issues;
mod make;
mod plan_text;
mod runs;
mod status;
pub mod table;
mod text;
pub mod time;
mod words;

pub use clean::{clean, clip, is_unseen};
pub use compare::{Comparison, ComparisonLine, PlatformEvent, Sum, compare, render_comparison};
pub use cost::{Cost, CostLine, cost, render_cost};
pub use history::{Filter, KINDS, kind, render_history};
pub use issues::issues;
pub use make::{Read, status};
pub use plan_text::{PlanView, render_plan};
pub use runs::{NodeRun, Present, node_runs};
pub use status::{
    EdgeLocation, FirstLine, HoldLine, IssueLine, LastCycle, NodeState, OverflowLocation, OverflowNode,
    PrincipalLocation, SCHEMA, Status, Trouble,
};
pub use text::{Paint, Tone, View, first_line, render};
pub use words::{action, place, scope};
