//! The contract between the simulated Management API and the platform behind it: rows, changes, and one trait. The API
//! server knows the API (addresses, paging, filters, errors, authentication); the model knows what is so. Neither depends on
//! the other, which is why this is a crate of its own: the world stays free of HTTP, and the server serves anything.
//!
//! It must not grow behaviour: types and the trait are all there is.
//!
//! Begin with [`Model`].

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A row as the API shows it: every field of the resource's schema, values as in JSON, foreign keys of
/// configuration resources as URIs, times as naive UTC strings.
pub type Row = Map<String, Value>;

/// The families of resources that hold rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `status/v1`.
    Status,
    /// `configuration/v1`.
    Configuration,
    /// `history/v1`.
    History,
}

/// What a client asked to change in the configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new row, validated against the schema, defaults filled in, without `resource_uri`; with an `id` if the client brought
    /// one, or if the row is put back.
    Create {
        /// Resource name, such as `worker_vm`.
        resource: String,
        /// The fields.
        row: Row,
    },
    /// Some fields of an existing row.
    Update {
        /// Resource name.
        resource: String,
        /// Row id.
        id: u64,
        /// The fields that change, validated.
        fields: Row,
    },
    /// Removal.
    Delete {
        /// Resource name.
        resource: String,
        /// Row id.
        id: u64,
    },
}

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeError {
    /// There is no such row: 404.
    NotFound,
    /// Field messages: 400 `{"<resource>": {"<field>": ["message"]}}`.
    Invalid(Vec<(String, String)>),
    /// Anything else: 400 `{"error": "…"}`.
    Refused(String),
}

/// What the served Management API needs from the world behind it. The API server calls it under a lock, one
/// request at a time; a model that runs in real time advances itself when `now` is called.
pub trait Model: Send + 'static {
    /// The Management Node's clock: what `Date` headers, token expiry and naive timestamps are made of.
    fn now(&mut self) -> Timestamp;

    /// Whether the model holds this resource itself. Resources it does not hold are kept by the API server, which
    /// starts them empty or with the schema's defaults (the `…/1/` singletons).
    fn holds(&self, family: Family, resource: &str) -> bool;

    /// All rows of a resource that it holds, in storage order.
    fn rows(&mut self, family: Family, resource: &str) -> Vec<Row>;

    /// One row of the configuration by its id. A model that can find it without making all of them should.
    fn row(&mut self, resource: &str, id: u64) -> Option<Row> {
        let rows = self.rows(Family::Configuration, resource);
        rows.into_iter().find(|row| row.get("id").and_then(Value::as_u64) == Some(id))
    }

    /// Changes the configuration of a resource that it holds; gives the row's id.
    fn change(&mut self, change: Change) -> Result<u64, ChangeError>;

    /// A command, `group` and `action` as in the address; gives `data` of the reply.
    fn command(&mut self, group: &str, action: &str, body: &Row) -> Result<Value, ChangeError>;

    /// Told when the Management Node loses or finds its way to EC2: while it is lost, cloud states are `unknown`. A
    /// model without a cloud ignores it.
    fn set_ec2_reachable(&mut self, _reachable: bool) {}
}
