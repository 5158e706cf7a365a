//! What is planned, by time. Equal times keep the order in which they were planned: this is part of "same seed,
//! same run".

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Happening;

#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    planned: BTreeMap<(Timestamp, u64), Happening>,
    count: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Timestamp, happening: Happening) {
        self.count += 1;
        self.planned.insert((at, self.count), happening);
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.planned.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Happening> {
        self.planned.pop_first().map(|(_, happening)| happening)
    }
}
