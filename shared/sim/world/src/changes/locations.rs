//! System locations in the configuration.

use serde_json::Value;
use spillway_core::ids::LocationName;

use spillway_pexip_model::{ChangeError, Row};

use crate::state::World;
use crate::state::location::{Location, LocationIx};

impl World {
    pub(crate) fn location_by_id(&self, id: u64) -> Option<LocationIx> {
        let ix = self.location_numbers.position(id)?;
        self.locations.get(ix).filter(|location| !location.deleted).map(|_| ix)
    }

    pub(super) fn create_location(&mut self, row: Row) -> Result<u64, ChangeError> {
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.location_named(&name).is_some() {
            let message = "System location with this Name already exists.".to_owned();
            return Err(ChangeError::Invalid(vec![("name".to_owned(), message)]));
        }
        let location = Location::new(LocationName::new(name));
        // A number that a removed location had is free again: a bulk change that failed puts it back.
        let wanted = row.get("id").and_then(Value::as_u64);
        let slot = wanted.and_then(|id| self.location_numbers.position(id));
        let id = match slot.and_then(|ix| self.locations.get_mut(ix)) {
            Some(slot) if !slot.deleted => {
                let message = "System location with this Id already exists.".to_owned();
                return Err(ChangeError::Invalid(vec![("id".to_owned(), message)]));
            }
            Some(slot) => {
                *slot = location;
                wanted.unwrap_or(0)
            }
            None => {
                self.locations.push(location);
                self.location_numbers.add(wanted)
            }
        };
        self.update_location(id, row)
    }

    pub(super) fn update_location(&mut self, id: u64, fields: Row) -> Result<u64, ChangeError> {
        let ix = self.location_by_id(id).ok_or(ChangeError::NotFound)?;
        for (field, value) in fields {
            let referred = match field.as_str() {
                "overflow_location1" | "overflow_location2" | "transcoding_location" => {
                    self.referred_location(Some(&value))?
                }
                _ => None,
            };
            let Some(location) = self.locations.get_mut(ix) else { continue };
            match (field.as_str(), &value) {
                ("id" | "resource_uri", _) => {}
                ("name", Value::String(name)) => location.name = LocationName::new(name),
                ("overflow_location1", _) => location.overflow1 = referred,
                ("overflow_location2", _) => location.overflow2 = referred,
                ("transcoding_location", _) => location.transcoding = referred,
                _ => {
                    location.other.insert(field, value);
                }
            }
        }
        Ok(id)
    }

    pub(super) fn delete_location(&mut self, id: u64) -> Result<u64, ChangeError> {
        let ix = self.location_by_id(id).ok_or(ChangeError::NotFound)?;
        if self.nodes.iter().any(|node| node.location == ix && !node.deleted) {
            return Err(ChangeError::Refused("The system location still has Conferencing Nodes".to_owned()));
        }
        for (other, location) in self.locations.iter_mut().enumerate() {
            for reference in [&mut location.overflow1, &mut location.overflow2, &mut location.transcoding] {
                if *reference == Some(ix) {
                    *reference = None;
                }
            }
            if other == ix {
                location.deleted = true;
                location.share = 0.0;
            }
        }
        Ok(id)
    }

    /// The location that a URI names; `None` for null.
    pub(super) fn referred_location(
        &self,
        reference: Option<&Value>,
    ) -> Result<Option<LocationIx>, ChangeError> {
        let Some(uri) = reference.and_then(Value::as_str) else { return Ok(None) };
        let id = uri
            .split_once("/configuration/v1/system_location/")
            .and_then(|(_, rest)| rest.trim_end_matches('/').parse().ok());
        match id.and_then(|id| self.location_by_id(id)) {
            Some(ix) => Ok(Some(ix)),
            None => Err(ChangeError::Refused(format!(
                "Could not find the provided system_location object via resource URI '{uri}'."
            ))),
        }
    }
}
