//! One field of a resource, as the schema tables write it down. The builder functions are `const` and short so that
//! a table reads like the vendor's own field lists; nothing here looks at data.

use serde_json::{Value, json};

use spillway_pexip_model::Family;

/// The largest number that a row can have.
const LAST_NUMBER: i64 = 2_147_483_647;

/// Where a related field points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Family of the other resource.
    pub family: Family,
    /// Its name.
    pub resource: &'static str,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most `Field::max` characters.
    Text,
    /// An IPv4 address, text on the wire.
    Ipv4,
    /// An IPv6 address, text on the wire.
    Ipv6,
    /// A boolean.
    Bool,
    /// A whole number, within `Field::range`.
    Int,
    /// A floating point number.
    Float,
    /// A naive UTC date and time.
    DateTime,
    /// A list of anything.
    List,
    /// An object of anything.
    Dict,
    /// A reference to one row of another resource.
    ToOne(Target),
    /// References to rows of another resource.
    ToMany(Target),
}

/// What a field is when nobody said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// There is no default.
    None,
    /// A text.
    Text(&'static str),
    /// A whole number.
    Int(i64),
    /// A boolean.
    Bool(bool),
}

/// A field of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name on the wire.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// What `schema/` says about it; empty means "made from the name".
    pub help: &'static str,
    /// May be null.
    pub null: bool,
    /// May be left out or empty.
    pub blank: bool,
    /// The server sets it; what a client sends is ignored.
    pub readonly: bool,
    /// No two rows may share a value.
    pub unique: bool,
    /// The default.
    pub preset: Preset,
    /// Longest text, 0 for no limit.
    pub max: usize,
    /// Smallest and largest whole number (or shortest and longest text for secrets).
    pub range: Option<(i64, i64)>,
    /// The only values allowed, when there are any.
    pub choices: &'static [&'static str],
    /// May stand in a query.
    pub filter: bool,
    /// Accepted, never returned.
    pub write_only: bool,
    /// Accepted, never kept: it comes back as its default.
    pub forgotten: bool,
    /// Returned as an opaque text.
    pub secret: bool,
    /// A to-many field whose items come back as objects.
    pub nested: bool,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        help: "",
        null: false,
        blank: false,
        readonly: false,
        unique: false,
        preset: Preset::None,
        max: 0,
        range: None,
        choices: &[],
        filter: false,
        write_only: false,
        forgotten: false,
        secret: false,
        nested: false,
    }
}

/// Text of at most `max` characters (0: no limit).
pub(super) const fn text(name: &'static str, max: usize) -> Field {
    Field { max, ..field(name, Kind::Text) }
}

/// Text of at most `max` characters that is empty unless given.
pub(super) const fn note(name: &'static str, max: usize) -> Field {
    text(name, max).or("")
}

/// An IPv4 address.
pub(super) const fn ipv4(name: &'static str) -> Field {
    field(name, Kind::Ipv4)
}

/// An IPv6 address.
pub(super) const fn ipv6(name: &'static str) -> Field {
    field(name, Kind::Ipv6)
}

/// A boolean with its default.
pub(super) const fn flag(name: &'static str, default: bool) -> Field {
    Field { preset: Preset::Bool(default), ..field(name, Kind::Bool) }
}

/// A whole number with its default.
pub(super) const fn int(name: &'static str, default: i64) -> Field {
    Field { preset: Preset::Int(default), ..field(name, Kind::Int) }
}

/// A whole number without a default.
pub(super) const fn number(name: &'static str) -> Field {
    field(name, Kind::Int)
}

/// A floating point number, null unless known.
pub(super) const fn float(name: &'static str) -> Field {
    field(name, Kind::Float).null()
}

/// A date and time, null unless known.
pub(super) const fn time(name: &'static str) -> Field {
    field(name, Kind::DateTime).null()
}

/// A list.
pub(super) const fn list(name: &'static str) -> Field {
    field(name, Kind::List).null()
}

/// An object.
pub(super) const fn dict(name: &'static str) -> Field {
    field(name, Kind::Dict).null()
}

/// A reference to one row, null unless given.
pub(super) const fn one(name: &'static str, family: Family, resource: &'static str) -> Field {
    field(name, Kind::ToOne(Target { family, resource })).null()
}

/// References to many rows, none unless given.
pub(super) const fn many(name: &'static str, family: Family, resource: &'static str) -> Field {
    let mut made = field(name, Kind::ToMany(Target { family, resource })).null();
    made.blank = true;
    made
}

/// The row's number: a client may bring it when it makes the row, and cannot change it.
pub(super) const fn id() -> Field {
    let mut made = field("id", Kind::Int).or("").within(1, LAST_NUMBER).help("The primary key.");
    made.unique = true;
    made
}

/// The row's UUID.
pub(super) const fn uuid() -> Field {
    let mut made = field("id", Kind::Text).ro().help("The identifier of this object, a UUID.");
    made.unique = true;
    made
}

/// The address of the row.
pub(super) const fn uri() -> Field {
    field("resource_uri", Kind::Text).ro().help("The address of this object.")
}

impl Field {
    pub(super) const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }
    pub(super) const fn null(mut self) -> Self {
        self.null = true;
        self
    }
    /// Required although a reference.
    pub(super) const fn must(mut self) -> Self {
        self.null = false;
        self
    }
    pub(super) const fn ro(mut self) -> Self {
        self.readonly = true;
        self
    }
    pub(super) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }
    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.preset = Preset::Text(default);
        self.blank = default.is_empty();
        self
    }
    pub(super) const fn within(mut self, low: i64, high: i64) -> Self {
        self.range = Some((low, high));
        self
    }
    pub(super) const fn of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
    pub(super) const fn f(mut self) -> Self {
        self.filter = true;
        self
    }
    pub(super) const fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }
    pub(super) const fn forgotten(mut self) -> Self {
        self.forgotten = true;
        self
    }
    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
    pub(super) const fn nested(mut self) -> Self {
        self.nested = true;
        self
    }

    /// The default as JSON, if there is one.
    pub fn default_value(&self) -> Option<Value> {
        match self.preset {
            Preset::None => None,
            Preset::Text(text) => Some(json!(text)),
            Preset::Int(number) => Some(json!(number)),
            Preset::Bool(flag) => Some(json!(flag)),
        }
    }

    /// What stands in a row that does not say: the default, an empty list, else null.
    pub fn absent_value(&self) -> Value {
        match self.kind {
            Kind::ToMany(_) | Kind::List => json!([]),
            _ => self.default_value().unwrap_or(Value::Null),
        }
    }

    /// Whether a creation without this field is refused.
    pub fn required(&self) -> bool {
        !self.null && !self.blank && !self.readonly && self.preset == Preset::None
    }

    /// Whether rows can be put in its order: plain stored values only.
    pub fn sortable(&self) -> bool {
        let plain = !matches!(self.kind, Kind::List | Kind::Dict | Kind::ToMany(_));
        plain && !self.secret && !self.write_only && !self.forgotten && self.name != "resource_uri"
    }

    /// The word `schema/` uses for the type.
    pub fn type_word(&self) -> &'static str {
        match self.kind {
            Kind::Text | Kind::Ipv4 | Kind::Ipv6 => "string",
            Kind::Bool => "boolean",
            Kind::Int => "integer",
            Kind::Float => "float",
            Kind::DateTime => "datetime",
            Kind::List => "list",
            Kind::Dict => "dict",
            Kind::ToOne(_) | Kind::ToMany(_) => "related",
        }
    }
}
