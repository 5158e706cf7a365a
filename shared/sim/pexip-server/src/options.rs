//! How a simulated Management Node is set up. Where the vendor's behaviour is not known (status of a command, 401 or
//! 403 for a missing right, form of the private key, the audience), the choice is an option with the likelier default.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::fault::Faults;

/// What an account or a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    /// Everything.
    #[default]
    ReadWrite,
    /// Reading.
    ReadOnly,
    /// Nothing: known, but neither an administrator nor allowed to use the API.
    None,
}

/// A web administrator, for basic authentication.
#[derive(Debug, Clone)]
pub struct Account {
    /// User name.
    pub name: String,
    /// Password.
    pub password: SecretString,
    /// What it may do.
    pub rights: Rights,
}

/// Which `aud` a client assertion must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The token endpoint's URL by one of the node's own names.
    #[default]
    TokenUrl,
    /// That, or a bare name.
    TokenUrlOrName,
}

/// The form of `private_key_jwt` in the reply to the creation of an OAuth2 client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// PKCS#8 PEM, which every JWT library takes as it is. (The field's name is that of the authentication method, not
    /// of a format.)
    #[default]
    Pem,
    /// A JSON Web Key.
    Jwk,
}

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether to speak HTTPS, with a certificate for `names` by a CA made at start.
    pub https: bool,
    /// Host names and addresses that the Management Node knows itself by, beside the one it listens on.
    pub names: Vec<String>,
    /// Where to write the CA's certificate.
    pub ca_out: Option<PathBuf>,
    /// Accounts for basic authentication.
    pub accounts: Vec<Account>,
    /// Rows in a list when nobody says.
    pub default_limit: u64,
    /// Most rows in a list.
    pub max_limit: u64,
    /// Most requests in 60 s of the model's clock; none for no limit.
    pub rate_limit: Option<usize>,
    /// Status of a command that succeeded: 202, or 200 as some documents have it.
    pub command_status: u16,
    /// Status when a right is missing: 403, or 401 as the framework has it.
    pub forbidden_status: u16,
    /// Content type of the provisioning document.
    pub document_type: Cow<'static, str>,
    /// Audience rule.
    pub audience: Audience,
    /// Private key form.
    pub key_form: KeyForm,
    /// How long the rest of a request may take once its first byte is there: its head, then its body.
    pub read_timeout: Duration,
    /// Faults from the start; keep a clone to change them while the server runs.
    pub faults: Faults,
}

impl Default for ServeOptions {
    /// Loopback, a free port, plain HTTP, the account `admin` with the password `admin`.
    fn default() -> Self {
        let admin = Account {
            name: "admin".into(),
            password: SecretString::from("admin"),
            rights: Rights::ReadWrite,
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            https: false,
            names: vec!["localhost".into(), "127.0.0.1".into()],
            ca_out: None,
            accounts: vec![admin],
            default_limit: 20,
            max_limit: 10_000,
            rate_limit: Some(1000),
            command_status: 202,
            forbidden_status: 403,
            document_type: "text/xml; charset=utf-8".into(),
            audience: Audience::default(),
            key_form: KeyForm::default(),
            read_timeout: Duration::from_mins(1),
            faults: Faults::default(),
        }
    }
}
