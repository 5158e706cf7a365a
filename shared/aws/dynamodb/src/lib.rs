//! The ledger in DynamoDB: one table per stack, everything a cycle remembers in one partition, history beside it.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `STATE` | `CYCLE` | lease and digest |
//! | `STATE` | `NODE#<instance-id>` | what is remembered of one instance |
//! | `STATE` | `NAT#<instance-id>` | what the reconciler remembers of one instance |
//! | `STATE` | `HOLD#<id>`, `REQUEST#<id>` | demand floors and operators' commands |
//! | `FORECAST` | `DAY#<date>#<location>`, `PROFILE#<location>` | closed days, and what was learned from them |
//! | `EVENT#<yyyy-mm>` | `<utc>#<id>` | history |
//! | `LOAD#<yyyy-mm-dd>` | `<utc minute>` | free and greatest HD capacity per location |
//!
//! The record's own fields are the item's attributes, in DynamoDB's native types. An operator who opens the table
//! in the console sees columns he can sort and filter by (`kind`, `location`, `reason`, `back_off_until`), and the
//! conditions of the writes name them directly. A JSON string would be one column of escaped quotes.
//!
//! What it refuses to do: decide who should have the lease (the cycle does), overwrite history, and read items
//! that a newer Spillway wrote: it stops at them, except at holds and the platform's, which are left out with a warning.

mod events;
mod fault;
mod forecast;
mod group;
mod item;
mod keys;
mod lease;
mod ledger;
mod nat;
mod nodes;
mod state;
mod table;
mod values;

pub use ledger::{DynamoLedger, LedgerSettings};
