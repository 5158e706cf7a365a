//! What a client needs to know: where, who, and whom to trust. Built by code, or from the parameters by
//! [`crate::parameters`]. There is no way to switch the verification of certificates off.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use spillway_core::fault::{Fault, FaultKind, System};

use crate::address::{Address, AddressError};
use crate::key::ClientKey;
use crate::retry::RetryPolicy;

/// Everything a [`crate::HttpManagement`] is built from.
#[derive(Debug, Clone)]
pub struct ManagementSettings {
    pub(crate) addresses: Vec<Address>,
    /// How to sign in.
    pub auth: Auth,
    /// Which certificates to trust.
    pub tls: Tls,
    /// How long to wait.
    pub timing: Timing,
    /// How often to repeat.
    pub retry: RetryPolicy,
    /// The largest answer that is read, bytes. A page of 500 rows is well below a megabyte.
    pub max_answer: usize,
    /// Requests in flight at the same time, to all addresses together. More than two would be felt: heavy use locks the
    /// Management Node's database and loads its CPU, for the whole deployment. Where a function runs twice at once, one.
    pub in_flight: usize,
}

impl ManagementSettings {
    /// Checks the addresses, in the order in which they are tried. Plain HTTP is accepted for loopback only.
    pub fn new<A: AsRef<str>>(addresses: &[A], auth: Auth, tls: Tls) -> Result<Self, SettingError> {
        Self::checked(addresses, auth, tls, false)
    }

    /// The same, accepting plain HTTP for any host: for a simulated Management Node in a network of its own. The
    /// credentials travel in the clear.
    pub fn allowing_plain_http<A: AsRef<str>>(
        addresses: &[A],
        auth: Auth,
        tls: Tls,
    ) -> Result<Self, SettingError> {
        Self::checked(addresses, auth, tls, true)
    }

    fn checked<A: AsRef<str>>(
        addresses: &[A],
        auth: Auth,
        tls: Tls,
        allow_plain_http: bool,
    ) -> Result<Self, SettingError> {
        if addresses.is_empty() {
            return Err(SettingError::new(
                MANAGEMENT,
                "addresses",
                "is empty",
                "write at least one address, such as [\"https://mgr.example.com\"]",
            ));
        }
        let addresses = addresses
            .iter()
            .enumerate()
            .map(|(n, text)| {
                Address::parse(text.as_ref(), allow_plain_http).map_err(|error| refused_address(n, &error))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            addresses,
            auth,
            tls,
            timing: Timing::default(),
            retry: RetryPolicy::default(),
            max_answer: 16 << 20,
            in_flight: 2,
        })
    }

    /// The addresses, in order, as they are shown.
    pub fn addresses(&self) -> Vec<String> {
        self.addresses.iter().map(ToString::to_string).collect()
    }
}

/// How to sign in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A web administrator's name and password. With LDAP every request makes the Management Node ask the
    /// directory; a dedicated account or OAuth2 is better.
    Basic {
        /// Account name.
        username: String,
        /// Its password.
        password: SecretString,
    },
    /// OAuth2 client credentials with a signed assertion (ES256).
    OAuth2 {
        /// The client id that the Management Node gave.
        client_id: String,
        /// Its private key, which the Management Node showed once.
        key: ClientKey,
        /// What the assertion names as its audience, where it is not the token endpoint's URL: it has to match the
        /// name the Management Node knows itself by, and an alias fails.
        audience: Option<String>,
    },
}

/// Which certificates to trust.
#[derive(Debug, Clone)]
pub enum Tls {
    /// Those of the public certificate authorities that the system trusts.
    PublicCas,
    /// Those of one's own certificate authority, and no others.
    PrivateCa {
        /// One or more certificates, PEM.
        pem: String,
    },
    /// Exactly these certificates, whoever issued them: what a new Management Node with its self-signed
    /// certificate needs. One pin for each address where they differ.
    Pinned {
        /// SHA-256 of the leaf certificate.
        sha256: Vec<Pin>,
    },
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// For a connection.
    pub connect: Duration,
    /// For one request and its whole answer.
    pub request: Duration,
    /// For one operation (such as reading the platform) with all its requests, pages, repeats and addresses.
    pub operation: Duration,
    /// Between two changes of static NAT addresses, after the first twenty: a storm of starts must not use up the
    /// Management Node's requests.
    pub between_changes: Duration,
}

impl Default for Timing {
    /// Fits into a function that has 45 s: an operation is over, one way or the other, after 20 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(8),
            operation: Duration::from_secs(20),
            between_changes: Duration::from_millis(200),
        }
    }
}

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub(crate) [u8; 32]);

impl FromStr for Pin {
    type Err = String;

    /// 64 hexadecimal digits, with or without colons, as `openssl x509 -fingerprint -sha256` prints them.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
        let wrong = || "is not 64 hexadecimal digits, with or without colons".to_owned();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let mut pin = [0; 32];
        for (byte, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(pin))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(crate) const MANAGEMENT: &str = "management";
pub(crate) const CREDENTIALS: &str = "credentials";
pub(crate) const CA: &str = "ca";

/// A setting that is missing or wrong: an operator's mistake, with what to write. Never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{parameter}`{}: {problem}", in_key(key))]
pub struct SettingError {
    /// Which parameter: `management`, `credentials` or `ca`.
    pub parameter: &'static str,
    /// Which key in it; empty for the whole.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to write.
    pub remedy: String,
}

fn in_key(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(", key `{key}`") }
}

impl SettingError {
    pub(crate) fn new(
        parameter: &'static str,
        key: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { parameter, key: key.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

impl From<SettingError> for Fault {
    fn from(error: SettingError) -> Self {
        Fault::new(System::Settings, FaultKind::Setting, error.to_string()).with_remedy(error.remedy)
    }
}

fn refused_address(n: usize, error: &AddressError) -> SettingError {
    let remedy = match error {
        AddressError::Credentials => {
            "write the address alone, and the user name and password into the parameter `credentials`"
        }
        AddressError::PlainHttp => "write https://; plain HTTP is accepted for loopback only",
        AddressError::MoreThanAnOrigin | AddressError::NotAnAddress | AddressError::Scheme(_) => {
            "write it as https://mgr.example.com, with nothing after the host and port"
        }
    };
    SettingError::new(MANAGEMENT, format!("addresses[{n}]"), error.to_string(), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_hex_with_or_without_colons() {
        let plain = "00ff".repeat(16);
        let pin: Pin = plain.parse().unwrap();
        assert_eq!(pin.to_string(), plain);
        let colons = "00:FF:".repeat(16);
        assert_eq!(colons.trim_end_matches(':').parse::<Pin>(), Ok(pin));
        for wrong in ["", "00", &"0g".repeat(32), &"00".repeat(33), &"é".repeat(32), &"+1".repeat(32)] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let auth = Auth::Basic { username: "admin".into(), password: "x".into() };
        let error = ManagementSettings::new(&["https://admin:s3cret@mgr.example.com"], auth, Tls::PublicCas)
            .unwrap_err();
        assert_eq!(error.key, "addresses[0]");
        let fault = Fault::from(error.clone());
        for shown in [format!("{error:?}"), error.to_string(), format!("{fault:?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        assert!(fault.remedy.contains("credentials"));
    }
}
