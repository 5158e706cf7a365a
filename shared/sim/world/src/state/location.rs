//! A system location: where calls come in and where their media goes.

use serde_json::{Map, Value};
use spillway_core::ids::LocationName;

/// Position of a location in the world.
pub(crate) type LocationIx = usize;

#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) name: LocationName,
    pub(crate) overflow1: Option<LocationIx>,
    pub(crate) overflow2: Option<LocationIx>,
    pub(crate) transcoding: Option<LocationIx>,
    /// Share of the callers who come in here.
    pub(crate) share: f64,
    /// Fields that the world does not act on, as they were written.
    pub(crate) other: Map<String, Value>,
    pub(crate) deleted: bool,
}

impl Location {
    pub(crate) fn new(name: LocationName) -> Self {
        Self {
            name,
            overflow1: None,
            overflow2: None,
            transcoding: None,
            share: 0.0,
            other: Map::new(),
            deleted: false,
        }
    }

    /// Where media of calls signalled here may go, in order: the transcoding location if there is one, else the
    /// location itself; then the overflow locations of the location where the call came in.
    pub(crate) fn media_locations(&self, own: LocationIx) -> impl Iterator<Item = LocationIx> {
        [Some(self.transcoding.unwrap_or(own)), self.overflow1, self.overflow2].into_iter().flatten()
    }
}
