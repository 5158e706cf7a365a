//! What resources there are, and what their fields, methods and filters are: tables, one file per family, from which
//! paths are resolved, bodies validated, rows rendered and `schema/` written. Facts about the vendor's API live here
//! and nowhere else.

mod command;
mod configuration;
mod document;
mod field;
mod history;
mod platform;
mod services;
mod status;

pub use document::{resource_schema, root};
pub use field::{Field, Kind, Preset, Target};

use spillway_pexip_model::Family;

/// The methods the API knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create, or run a command.
    Post,
    /// Replace.
    Put,
    /// Delete.
    Delete,
    /// Change some fields.
    Patch,
}

impl Method {
    /// As it stands in a request line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
        }
    }
}

use Method::{Delete, Get, Patch, Post, Put};

const GET: &[Method] = &[Get];
const NONE: &[Method] = &[];
const ALL: &[Method] = &[Get, Post, Put, Delete, Patch];

/// What identifies a row in its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The `id` field, a whole number.
    Id,
    /// The `id` field, a UUID.
    Uuid,
    /// Another field of the row, which has no `id`.
    Named(&'static str),
    /// A number that is not a field.
    Hidden,
}

/// A resource that holds rows, or the action of a command.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Name in the address.
    pub name: &'static str,
    /// Methods on the list.
    pub list: &'static [Method],
    /// Methods on one row.
    pub detail: &'static [Method],
    /// Fields, in the vendor's order.
    pub fields: &'static [Field],
    /// What stands in a row's address.
    pub key: Key,
    /// There is exactly one row, number 1, which can neither be made nor removed.
    pub singleton: bool,
    /// Names of addresses under one row.
    pub subs: &'static [&'static str],
    /// The words an error about a repeated value begins with.
    pub label: &'static str,
}

impl Resource {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

const fn readable(name: &'static str, key: Key, fields: &'static [Field]) -> Resource {
    Resource { name, list: GET, detail: GET, fields, key, singleton: false, subs: &[], label: name }
}

const fn editable(name: &'static str, label: &'static str, fields: &'static [Field]) -> Resource {
    Resource { list: ALL, detail: ALL, label, ..readable(name, Key::Id, fields) }
}

const fn single(name: &'static str, fields: &'static [Field]) -> Resource {
    Resource { detail: &[Get, Patch], singleton: true, ..readable(name, Key::Id, fields) }
}

/// A group of commands.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Name in the address.
    pub name: &'static str,
    /// Its actions.
    pub actions: &'static [Resource],
}

/// All resources of a family.
pub fn resources(family: Family) -> impl Iterator<Item = &'static Resource> {
    let (first, second, third): (&[Resource], &[Resource], &[Resource]) = match family {
        Family::Status => (status::RESOURCES, &[], &[]),
        Family::History => (history::RESOURCES, &[], &[]),
        Family::Configuration => (configuration::RESOURCES, platform::RESOURCES, services::RESOURCES),
    };
    first.iter().chain(second).chain(third)
}

/// A resource by name.
pub fn resource(family: Family, name: &str) -> Option<&'static Resource> {
    resources(family).find(|resource| resource.name == name)
}

/// The groups of commands.
pub fn groups() -> &'static [Group] {
    command::GROUPS
}

/// The word for a family in an address.
pub fn family_word(family: Family) -> &'static str {
    match family {
        Family::Status => "status",
        Family::Configuration => "configuration",
        Family::History => "history",
    }
}

/// The address of a resource's list.
pub fn list_uri(family: Family, name: &str) -> String {
    format!("/api/admin/{}/v1/{name}/", family_word(family))
}
