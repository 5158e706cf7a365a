//! What was read of a platform, as values and as text: the status, a plan, the history, the cost, Pexip's bursting beside
//! ours. The command line, the page and the tests show the same.
//!
//! It must not read anything: no async, no HTTP, no clock (`now` is an argument). It must not decide anything either: what
//! a node's state is, and why it is left alone, is the core's to say. Names come from outside; [`clean()`] takes from
//! them what a terminal or a browser would obey.
//!
//! Begin with [`Snapshot`](spillway_core::snapshot::Snapshot), what was read; [`build_status`] makes a [`Status`] of it, a value
//! with a version, for `--json` and for the page; [`render`] makes text of that. Apart from these, [`node_runs`] makes runs of the
//! history, from start to stop, which [`cost()`], [`compare()`] and the page count.

mod clean;
mod compare;
mod cost;
mod history;
mod issues;
mod paint;
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
pub use paint::{Paint, Tone};
pub use plan_text::{PlanView, render_plan};
pub use runs::{NodeRun, Present, node_runs};
pub use status::{
    EdgeLocation, FirstLine, HoldLine, IssueLine, LastCycle, NodeState, OverflowLocation, OverflowNode,
    PrincipalLocation, SCHEMA, Status, Trouble, build_status,
};
pub use text::{View, first_line, render};
pub use words::{action, place, scope};
