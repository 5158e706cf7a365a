//! The API server's own store for the configuration that the world does not hold: DNS servers, roles, certificates, the
//! singletons with their defaults. It keeps rows and numbers them; it checks nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema;
use spillway_pexip_model::{Change, ChangeError, Family, Row};

/// The rights that roles are made of. The vendor's codenames are not public; the first two are the words that OAuth2
/// scopes use, the rest are ours.
pub(super) const PERMISSIONS: &[(&str, &str)] = &[
    ("is_admin", "Is an administrator"),
    ("use_api", "May use the API"),
    ("view_status", "May view status"),
    ("view_history", "May view history"),
    ("view_configuration", "May view configuration"),
    ("change_configuration", "May change configuration"),
    ("change_authentication", "May change authentication settings"),
    ("run_commands", "May run platform and conference commands"),
];

/// How many of `PERMISSIONS` the built-in read-only role has.
const READ_ONLY: usize = 5;

#[derive(Debug, Clone, Default)]
struct Table {
    rows: BTreeMap<u64, Row>,
    last: u64,
}

/// Rows of configuration resources by name and number.
#[derive(Debug, Clone)]
pub struct ConfigTables {
    tables: BTreeMap<String, Table>,
}

impl Default for ConfigTables {
    fn default() -> Self {
        let mut made = Self { tables: BTreeMap::new() };
        for resource in schema::resources(Family::Configuration).filter(|resource| resource.singleton) {
            made.insert(resource.name, Row::new());
        }
        for (codename, name) in PERMISSIONS {
            made.insert("permission", row([("codename", json!(codename)), ("name", json!(name))]));
        }
        let uris = |count: usize| -> Vec<Value> {
            (1..=count).map(|id| json!(format!("/api/admin/configuration/v1/permission/{id}/"))).collect()
        };
        let all = uris(PERMISSIONS.len());
        made.insert("role", row([("name", json!("Read-write")), ("permissions", json!(all))]));
        made.insert("role", row([("name", json!("Read-only")), ("permissions", json!(uris(READ_ONLY)))]));
        let manager = [("name", "manager"), ("hostname", "manager"), ("domain", "example.com")];
        let network = [("address", "10.44.0.10"), ("netmask", "255.255.255.0"), ("gateway", "10.44.0.1")];
        made.insert("management_vm", row(manager.into_iter().chain(network).map(|(k, v)| (k, json!(v)))));
        made
    }
}

fn row<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Row {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl ConfigTables {
    /// Adds a row; gives its number: the one that it brings, if that is free, else the next.
    pub fn insert(&mut self, resource: &str, mut row: Row) -> u64 {
        let table = self.tables.entry(resource.to_owned()).or_default();
        let free = |id: &u64| *id > 0 && !table.rows.contains_key(id);
        let id = row.get("id").and_then(Value::as_u64).filter(free).unwrap_or(table.last + 1);
        table.last = table.last.max(id);
        row.insert("id".into(), json!(id));
        table.rows.insert(id, row);
        id
    }

    /// All rows of a resource, oldest first.
    pub fn rows(&self, resource: &str) -> Vec<Row> {
        self.tables.get(resource).map(|table| table.rows.values().cloned().collect()).unwrap_or_default()
    }

    /// One row.
    pub fn row(&self, resource: &str, id: u64) -> Option<&Row> {
        self.tables.get(resource)?.rows.get(&id)
    }

    /// Carries out a change that was already validated.
    pub fn change(&mut self, change: Change) -> Result<u64, ChangeError> {
        match change {
            Change::Create { resource, row } => Ok(self.insert(&resource, row)),
            Change::Update { resource, id, fields } => {
                let table = self.tables.get_mut(&resource).ok_or(ChangeError::NotFound)?;
                table.rows.get_mut(&id).ok_or(ChangeError::NotFound)?.extend(fields);
                Ok(id)
            }
            Change::Delete { resource, id } => {
                let table = self.tables.get_mut(&resource).ok_or(ChangeError::NotFound)?;
                table.rows.remove(&id).map(|_| id).ok_or(ChangeError::NotFound)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_never_given_twice() {
        let mut tables = ConfigTables::default();
        let first = tables.insert("dns_server", Row::new());
        tables.change(Change::Delete { resource: "dns_server".into(), id: first }).unwrap();
        assert_eq!(tables.insert("dns_server", Row::new()), first + 1);
        let gone = tables.change(Change::Delete { resource: "dns_server".into(), id: first });
        assert_eq!(gone, Err(ChangeError::NotFound));
    }

    #[test]
    fn singletons_and_built_in_roles_are_there_from_the_start() {
        let tables = ConfigTables::default();
        assert!(tables.row("global", 1).is_some() && tables.row("authentication", 1).is_some());
        assert_eq!(tables.rows("role").len(), 2);
        assert_eq!(tables.rows("permission").len(), PERMISSIONS.len());
    }
}
