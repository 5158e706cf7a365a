//! Who is asking, and what they may do. Basic authentication against the accounts, bearer tokens against the grants;
//! the `authentication` settings decide what counts. Credentials are compared and forgotten, never logged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::address::key_of;
use super::oauth::Grants;
use super::options::{Account, Rights};
use super::reply::Reply;
use super::row_store::RowStore;
use super::schema::{self, Method, Target};
use super::tables::PERMISSIONS;
use spillway_pexip_model::Family;

/// Somebody known.
#[derive(Debug)]
pub(super) struct Principal {
    codenames: Vec<String>,
    oauth2: bool,
}

impl Principal {
    fn may(&self, codename: &str) -> bool {
        self.codenames.iter().any(|held| held == codename)
    }

    /// Whether a request is within the rights; `family` is none for commands.
    pub(super) fn allows(
        &self,
        family: Option<Family>,
        resource: &str,
        method: Method,
        all_perms: bool,
    ) -> bool {
        if !(self.may("is_admin") && self.may("use_api")) {
            return false;
        }
        match (family, method) {
            (None, Method::Get) => true,
            (None, _) => self.may("run_commands"),
            (Some(Family::Status), _) => self.may("view_status"),
            (Some(Family::History), Method::Get) => self.may("view_history"),
            (Some(Family::Configuration), Method::Get) => self.may("view_configuration"),
            (Some(Family::Configuration), _)
                if matches!(resource, "authentication" | "role" | "oauth2_client") =>
            {
                // An OAuth2 client may not widen its own rights unless told that it may.
                self.may("change_authentication") && (!self.oauth2 || all_perms)
            }
            (Some(Family::Configuration | Family::History), _) => self.may("change_configuration"),
        }
    }
}

/// A boolean of the `authentication` settings.
pub(super) fn setting(store: &mut RowStore<'_>, name: &str) -> Value {
    let Some(resource) = schema::resource(Family::Configuration, "authentication") else {
        return Value::Null;
    };
    let row = store.find(Family::Configuration, resource, "1");
    let stored = row.and_then(|row| row.get(name).cloned());
    stored.or_else(|| resource.field(name).map(schema::Field::absent_value)).unwrap_or(Value::Null)
}

/// Finds out who is asking, from the `Authorization` header.
pub(super) fn identify(
    store: &mut RowStore<'_>,
    accounts: &[Account],
    grants: &Grants,
    header: Option<&str>,
    tokens_expired: bool,
) -> Result<Principal, Reply> {
    let basic_off = setting(store, "api_oauth2_disable_basic") == true;
    let challenge =
        if basic_off { "Bearer realm=\"Management API\"" } else { "Basic realm=\"Management API\"" };
    let refused = || Reply::empty(401).with("www-authenticate", challenge);
    let (scheme, credentials) = header.and_then(|header| header.split_once(' ')).ok_or_else(refused)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        let refused = || {
            let words = "Bearer realm=\"Management API\", error=\"invalid_token\"";
            Reply::empty(401).with("www-authenticate", words)
        };
        let now = store.model.now();
        let client =
            grants.client_of(credentials.trim(), now).filter(|_| !tokens_expired).ok_or_else(refused)?;
        let codenames = client_rights(store, &client).ok_or_else(refused)?;
        return Ok(Principal { codenames, oauth2: true });
    }
    if !scheme.eq_ignore_ascii_case("basic") || basic_off {
        return Err(refused());
    }
    let decoded = STANDARD.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let known = decoded.as_deref().and_then(|pair| pair.split_once(':')).and_then(|(name, password)| {
        accounts.iter().find(|account| account.name == name && account.password.expose_secret() == password)
    });
    let account = known.ok_or_else(refused)?;
    Ok(Principal { codenames: codenames(account.rights), oauth2: false })
}

fn codenames(rights: Rights) -> Vec<String> {
    let reading = |name: &&str| !name.starts_with("change_") && !name.starts_with("run_");
    let all = PERMISSIONS.iter().map(|(codename, _)| *codename);
    match rights {
        Rights::ReadWrite => all.map(str::to_owned).collect(),
        Rights::ReadOnly => all.filter(reading).map(str::to_owned).collect(),
        Rights::None => Vec::new(),
    }
}

/// The codenames that a client's role has now; none when the client is gone.
fn client_rights(store: &mut RowStore<'_>, client: &str) -> Option<Vec<String>> {
    let configuration = Family::Configuration;
    let clients = schema::resource(configuration, "oauth2_client")?;
    let permissions = schema::resource(configuration, "permission")?;
    let rows = store.rows(configuration, clients);
    let row = rows.iter().find(|row| row.get("client_id").and_then(Value::as_str) == Some(client))?;
    let role = store.follow(Target { family: configuration, resource: "role" }, row.get("role")?)?;
    let held = role.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    let target = Target { family: configuration, resource: "permission" };
    let keys: Vec<String> =
        held.iter().filter_map(|item| super::address::reference_key(target, item)).collect();
    let rows = store.rows(configuration, permissions);
    let named = rows.iter().filter(|row| keys.contains(&key_of(permissions, row)));
    Some(named.filter_map(|row| row.get("codename").and_then(Value::as_str)).map(str::to_owned).collect())
}
