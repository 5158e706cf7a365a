//! What a port answers, for whoever changes it on its way back: a Management Node that lies, or a fault of ours that is put back.

use spillway_core::ledger::Ledger;
use spillway_core::observation::{Fleet, NodeActivity, Platform};
use spillway_engine::ports::OrderResults;

/// An answer, to be changed.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is named as what is read or ordered")]
pub enum Answer<'a> {
    Fleet(&'a mut Fleet),
    Starts(&'a mut OrderResults),
    Stops(&'a mut OrderResults),
    Platform(&'a mut Platform),
    Activity(&'a mut NodeActivity),
    Ledger(&'a mut Ledger),
}
